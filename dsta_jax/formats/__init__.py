"""The formats in which recordings are passed on, one file each; readers raise UserError at a bad file."""
