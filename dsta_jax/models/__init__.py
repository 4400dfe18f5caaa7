"""The network of the paper, as pure functions of variables."""
