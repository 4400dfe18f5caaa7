"""Data sets: joints, classes, protocols, raw recordings, one file each."""
