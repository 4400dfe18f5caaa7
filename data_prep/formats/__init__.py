"""The formats in which recordings are passed on, one file each."""
