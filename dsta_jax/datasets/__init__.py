"""Data sets: joints, classes, protocols, raw recordings, one file each; readers raise UserError at a bad file."""
