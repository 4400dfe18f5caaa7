"""Arrays in numpy's file format, row by row: mapped into memory, read out of a zip archive, and written.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import contextlib
import math
import pathlib
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

from dsta_jax.errors import UserError

# A row is one recording, or one label.
_MOST_ROW_BYTES = 1 << 28
_REMEDY = "copy or download the file again"


def mapped(path: pathlib.Path) -> np.ndarray:
    """A `.npy` file's array of real numbers, read from the disk where it is used.

    Raises:
      UserError: when the file cannot be read, is cut short, or holds something else.
    """
    try:
        with path.open("rb") as file:
            shape, columns_first, dtype = _header(str(path), file)
            offset = file.tell()
        size = path.stat().st_size
        expected = offset + math.prod(shape) * dtype.itemsize
        if size != expected:
            raise UserError(f"{path}: {size} bytes, expected {expected} (its header says {dtype} {shape}); {_REMEDY}")
        if size == offset:
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", offset, shape, "F" if columns_first else "C")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _header(place: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns stand before rows, and type."""
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version}")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, columns_first, dtype = read(file)
    except OSError:
        raise
    except Exception as error:  # The header is parsed as Python, with whatever that raises.
        raise UserError(f"{place}: not an array in numpy's format ({str(error)[:80]}); {_REMEDY}") from error
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise UserError(f"{place}: an array of type {str(dtype)[:40]}, expected real numbers")
    if not all(0 <= size < 1 << 40 for size in shape) or math.prod(shape) >= 1 << 48:
        raise UserError(f"{place}: an array of shape {str(shape)[:80]}; {_REMEDY}")
    return shape, columns_first, dtype


def names(path: pathlib.Path) -> list[str]:
    """The names of the arrays in an `.npz` file.

    Raises:
      UserError: when it is no such file.
    """
    with _one_line(path, str(path)), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


class ArchivedRows:
    """An array in an `.npz` file, whose rows are read one after the other without loading it.

    Attributes:
      place: the file and the array's name, for errors.
      shape: of the array.
      dtype: of the array.
    """

    def __init__(self, path: pathlib.Path, name: str) -> None:
        """Opens the array `name`.

        Raises:
          UserError: when it is not there, or not one of real numbers that is stored row by row.
        """
        self.place = f"{path}: {name}"
        self._path, self._member = path, f"{name}.npy"
        self._open()

    def _open(self) -> None:
        with _one_line(self._path, self.place):
            archive = zipfile.ZipFile(self._path)
            self._file = archive.open(self._member)
            self.shape, columns_first, self.dtype = _header(self.place, self._file)
        self._next = 0
        self._row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        if columns_first and len(self.shape) > 1:
            raise UserError(f"{self.place}: stored column by column, expected row by row (numpy.ascontiguousarray)")
        if not self.shape or self._row_bytes > _MOST_ROW_BYTES:
            raise UserError(f"{self.place}: an array of shape {self.shape}, expected a row for each recording")

    def row(self, index: int) -> np.ndarray:
        """One row; quick when it is the next one, or not far behind.

        Raises:
          UserError: when the archive is damaged.
        """
        if index < self._next:
            self._open()
        while True:
            with _one_line(self._path, self.place):
                raw = self._file.read(self._row_bytes)
            if len(raw) < self._row_bytes:
                raise UserError(f"{self.place}: ends in row {self._next} of {self.shape[0]}; {_REMEDY}")
            self._next += 1
            if index < self._next:
                return np.frombuffer(raw, self.dtype).reshape(self.shape[1:])


@contextlib.contextmanager
def _one_line(path: pathlib.Path, place: str) -> Iterator[None]:
    """Says in one line what is wrong with an archive."""
    try:
        yield
    except (UserError, FileNotFoundError) as error:
        raise error if isinstance(error, UserError) else UserError(f"{path}: no such file") from None
    except KeyError:
        raise UserError(f"{place}: no such array in the archive") from None
    except Exception as error:  # Of many kinds: BadZipFile, zlib.error, EOFError, RuntimeError, ...
        raise UserError(f"{place}: cannot be read ({str(error)[:80]}); {_REMEDY}") from error


def write_rows(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, rows: Iterable[np.ndarray]) -> None:
    """Writes an array in numpy's format, of `shape[0]` rows that need not be in memory together."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    for row in rows:
        file.write(np.ascontiguousarray(row, dtype).reshape(-1).view(np.uint8).data)
