"""Arrays in numpy's file format, row by row: mapped, read out of a zip archive, and written.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import math
import os
import pathlib
from collections.abc import Iterable
from typing import IO

import numpy as np

from dsta_jax.errors import UserError
from dsta_jax.files import open_archive, readable, regular

_MOST_ROW_BYTES = 1 << 28  # A row is one recording, or one label.
_ARRAY = "an array in numpy's format"


def mapped(path: pathlib.Path) -> np.ndarray:
    """A `.npy` file's array of real numbers, mapped into memory; UserError when it is something else."""
    with readable(path, _ARRAY), regular(path).open("rb") as file:
        shape, columns_first, dtype = _header(str(path), file)
        offset, size = file.tell(), os.fstat(file.fileno()).st_size
        if size != (expected := offset + math.prod(shape) * dtype.itemsize):
            raise ValueError(f"{size} bytes, expected {expected} for {dtype} {shape}")
        if size == offset:
            return np.zeros(shape, dtype)
        return np.memmap(file, dtype, "r", offset, shape, "F" if columns_first else "C")


def _header(place: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns stand before rows, and type; no memory is allotted for what they say."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, columns_first, dtype = read(file)
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise UserError(f"{place}: an array of type {str(dtype)[:40]}, expected real numbers")
    if not all(0 <= size < 1 << 40 for size in shape) or math.prod(shape) >= 1 << 48:
        raise ValueError(f"an array of shape {shape}")
    return shape, columns_first, dtype


def names(path: pathlib.Path) -> list[str]:
    """The names of the arrays in an `.npz` file; UserError when it is no such file."""
    with readable(path, "an archive of arrays"), open_archive(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


class ArchivedRows:
    """An array in an `.npz` file, whose rows are read without loading the others; errors call it `place`."""

    def __init__(self, path: pathlib.Path, name: str) -> None:
        """Opens the array `name`; UserError when it is not one of real numbers that is stored row by row."""
        self.place = f"{path}: {name}"
        with readable(self.place, _ARRAY):
            archive = open_archive(path)
            self._file = archive.open(f"{name}.npy")
            self.shape, columns_first, self._dtype = _header(self.place, self._file)
            self._start = self._file.tell()
            size = archive.getinfo(f"{name}.npy").file_size
            if size != (expected := self._start + math.prod(self.shape) * self._dtype.itemsize):
                raise ValueError(f"{size} bytes, expected {expected} for {self._dtype} {self.shape}")
        self._row_bytes = math.prod(self.shape[1:]) * self._dtype.itemsize
        if columns_first and len(self.shape) > 1:
            raise UserError(f"{self.place}: stored column by column, expected row by row (numpy.ascontiguousarray)")
        if not self.shape or self._row_bytes > _MOST_ROW_BYTES:
            raise UserError(f"{self.place}: an array of shape {self.shape}, expected a row for each recording")

    def row(self, index: int) -> np.ndarray:
        """One row, quick when it is the next one or not far behind it; UserError when the archive is damaged."""
        start = self._start + index * self._row_bytes
        with readable(self.place, _ARRAY):
            if self._file.tell() != start:
                self._file.seek(start)
            raw = self._file.read(self._row_bytes)
            if len(raw) < self._row_bytes:
                raise EOFError(f"it ends before the end of row {index} of {self.shape[0]}")
        return np.frombuffer(raw, self._dtype).reshape(self.shape[1:])


def write_rows(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, rows: Iterable[np.ndarray]) -> None:
    """Writes an array in numpy's format, of `shape[0]` rows that need not be in memory together."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    for row in rows:
        file.write(np.ascontiguousarray(row, dtype).reshape(-1).view(np.uint8).data)
