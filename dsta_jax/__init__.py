"""DSTA-Net in JAX: skeleton-based action and gesture recognition with decoupled spatial-temporal attention."""

__version__ = "0.1.0"
