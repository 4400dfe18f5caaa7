"""Pickles written by hand, piece by piece, and how to read them in a test."""

import pathlib
import struct
from typing import Any

import pytest

from dsta_jax.errors import UserError
from dsta_jax.formats import safe_pickle

NDARRAY, DTYPE = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"
STATE = b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
F4 = DTYPE + b"(X\x02\x00\x00\x00f4\x89\x88tR" + STATE
EMPTY = b"cnumpy.core.multiarray\n_reconstruct\n(" + NDARRAY + b"(K\x00tC\x01btR"


def load(directory: pathlib.Path, data: bytes) -> Any:
    path = directory / "file.pkl"
    path.write_bytes(data)
    return safe_pickle.load(path)


def refused(directory: pathlib.Path, data: bytes) -> str:
    """The error's message, without the file's name."""
    with pytest.raises(UserError) as caught:
        load(directory, data)
    message = str(caught.value)
    assert message.startswith(f"{directory / 'file.pkl'}: ") and message.isprintable()
    return message.removeprefix(f"{directory / 'file.pkl'}: ")


def array_of(shape: bytes, kind: bytes, raw: bytes, order: bytes = b"\x89") -> bytes:
    """A pickle of an array with these parts."""
    return EMPTY + b"(K\x01" + shape + kind + order + b"B" + struct.pack("<I", len(raw)) + raw + b"tb."


def ordered(axes: bytes) -> bytes:
    """A pickle of an array of 2 x 1 numbers whose axes stand in this order, as numpy 2 writes them."""
    return b"cnumpy._core.numeric\n_frombuffer\n(C\x0812345678" + F4 + b"(K\x02K\x01tX\x01\x00\x00\x00K" + axes + b"tR."


def kind_of(code: bytes, order: bytes = b"<", size: int = -1) -> bytes:
    state = b"(K\x03U" + bytes([len(order)]) + order + b"NNNJ" + struct.pack("<i", size) + b"K\x01K\x00tb"
    return DTYPE + b"(U" + bytes([len(code)]) + code + b"\x89\x88tR" + state
