"""Synthetic recordings as raw files of public data sets, to try everything without a download."""
