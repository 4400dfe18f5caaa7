"""Configurations: one short file for each benchmark. dsta_jax/config.py explains every field.

`NAME:spatial` trains one stream of a configuration, `NAME:small` a network for two CPU cores.
"""
