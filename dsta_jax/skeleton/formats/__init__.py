"""Formats of recordings, raw ones and those in which they are passed on, one file each."""
