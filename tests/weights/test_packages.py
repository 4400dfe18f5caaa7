"""A package that is not there is one line, which names our extra."""

import sys

import pytest

from dsta_jax.errors import UserError
from dsta_jax.weights import packages


def test_a_package_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(UserError, match=r"safetensors is needed .*: pip install 'dsta_jax\[safetensors\]'$"):
        packages.load("safetensors.numpy")


def test_a_module():
    assert packages.load("json").loads("[1]") == [1]
