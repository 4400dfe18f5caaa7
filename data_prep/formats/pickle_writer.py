"""Writes pickles piece by piece: long lists and their arrays need not be in memory together.

Python's own pickler keeps what it has written, to write it only once. The instructions are those of Python's module
`pickletools`. Arrays ask for numpy's functions by their older names, which numpy 1 and 2 both have.
"""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

_APPENDED_AT_ONCE = 1000


def dump(value: Any, file: BinaryIO) -> None:
    """Writes text, whole numbers, tuples, lists, dicts and arrays of numbers; an iterator becomes a list."""
    file.write(b"\x80\x04")
    _write(value, file)
    file.write(b".")


def _write(value: Any, file: BinaryIO) -> None:
    match value:
        case str():
            text = value.encode("utf-8")
            file.write(b"X" + struct.pack("<I", len(text)) + text)
        case bool():
            file.write(b"\x88" if value else b"\x89")
        case int():
            file.write(b"\x8a\x08" + struct.pack("<q", value))
        case None:
            file.write(b"N")
        case tuple():
            file.write(b"(")
            for item in value:
                _write(item, file)
            file.write(b"t")
        case dict():
            file.write(b"}(")
            for key, item in value.items():
                _write(key, file)
                _write(item, file)
            file.write(b"u")
        case np.ndarray():
            _write_array(value, file)
        case list() | Iterator():
            file.write(b"](")
            for number, item in enumerate(value, start=1):
                _write(item, file)
                if not number % _APPENDED_AT_ONCE:
                    file.write(b"e(")
            file.write(b"e")
        case _:
            raise TypeError(f"{type(value).__name__}: not one of the types that are written")


def _write_array(array: np.ndarray, file: BinaryIO) -> None:
    """Writes what numpy's `ndarray.__reduce__` gives: an empty array, and its version, shape, type, order, bytes."""
    file.write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n")
    _write((0,), file)
    file.write(b"C\x01btR(")
    _write(1, file)
    _write(array.shape, file)
    file.write(b"cnumpy\ndtype\n")
    little = array.dtype.newbyteorder("<")
    _write((little.str[1:], False, True), file)
    file.write(b"R")
    _write((3, little.str[0], None, None, None, -1, -1, 0), file)
    file.write(b"b")
    _write(False, file)
    raw = np.ascontiguousarray(array, little)
    file.write(b"\x8e" + struct.pack("<Q", raw.nbytes))
    file.write(raw.reshape(-1).view(np.uint8).data)
    file.write(b"tb")
