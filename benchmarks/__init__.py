"""Speed, memory and scale, side by side with the same network in PyTorch: see README.md here."""

import os

# Both frameworks share one device here: JAX is to take memory as it needs it, not three quarters of it at once.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
