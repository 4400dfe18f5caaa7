"""Weights from elsewhere and for elsewhere: the authors' PyTorch files, the Hugging Face hub's layout, other runs."""
