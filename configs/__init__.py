"""Configurations: one short file for each benchmark. dsta_jax/config.py explains every field."""
