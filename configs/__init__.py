"""Configurations: `base.py`, and one short file a benchmark."""
