"""Readers of raw recordings, one file a format."""
