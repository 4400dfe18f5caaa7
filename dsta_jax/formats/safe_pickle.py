"""Reads pickles that come from strangers: numbers, text, containers and numpy arrays of them, and nothing else.

A pickle is a program, and Python's reader calls whatever it names: a file from somewhere else can run any command.
Here it can name only what Python and numpy write for plain data (protocols 0 to 5; strings of Python 2 as Latin-1), and
gets functions of this file instead, which check their arguments.

The file is read into memory, which takes about as many bytes as the file has. All other objects, and the time that they
take, are bounded by the file's size: about 40 times as many bytes, and 64 MiB. There is a limit to the instructions.
"""

import math
import mmap
import os
import pathlib
import pickle
import re
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from dsta_jax.errors import UserError, shown
from dsta_jax.files import readable, regular

_MOST_BYTES = 32 << 30  # pyskl's largest file, of NTU RGB+D 120, has 5 GB.
_MOST_AXES, _MOST_ELEMENTS, _MOST_BITS = 8, 1 << 48, 2048
# What objects may cost: so much, and so much for each byte of the file. A container, a call and a place in the memo are
# one object each, and so are None, a truth value and a number, which take as much time.
_FREE, _PER_BYTE, _OBJECT = 64 << 20, 16, 100
_MOST_INSTRUCTIONS = 20_000_000  # A recording takes about 50: NTU RGB+D 120 has six millions.
_PLAIN = "numbers, text, containers and numpy arrays of them"
_NO_PICKLES = {
    b"PK\x03\x04": "a zip archive, such as .npz and PyTorch's files are",
    b"\x93NUMPY": "an array, as in .npy files",
    b"\x1f\x8b": "compressed by gzip",
}
_TYPE = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|[US]\d{1,6})")


class _Refusal(Exception):
    """What a pickle asks for that plain data do not need."""


def load(path: str | os.PathLike[str]) -> Any:
    """Loads a pickle. Arrays are read-only; a bytearray comes as bytes, an OrderedDict or defaultdict as a dict.

    Raises UserError when the file cannot be read, is no pickle, or is one of anything but plain data.
    """
    path = pathlib.Path(path)
    with readable(path, "a pickle of plain data"):
        if not 0 < (size := regular(path).stat().st_size) <= _MOST_BYTES:
            raise ValueError(f"{size} bytes, expected 1 to {_MOST_BYTES}")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            for start, what in _NO_PICKLES.items():
                if mapped[: len(start)] == start:
                    raise ValueError(what)
            try:
                value = _Reader(mapped).load()
            except _Refusal as reason:
                remedy = "such a pickle can run commands: do not load it elsewhere, ask for one of plain arrays"
                raise UserError(f"{path}: {reason}, expected only {_PLAIN}; {remedy}") from None
            if mapped.tell() < size:
                raise ValueError(f"{size - mapped.tell()} bytes follow its end")
            return value


def _refuse(what: str) -> NoReturn:
    raise _Refusal(what)


class _Reader(pickle._Unpickler):
    """Python's reader as it is written in Python, where every instruction can be checked.

    The one in C takes 32 GB for ten bytes that remember a value at place 2**31.
    """

    stack: list[Any]  # What was made since the last mark.

    def __init__(self, mapped: mmap.mmap) -> None:
        super().__init__(mapped, encoding="latin1")
        self._budget = _FREE + _PER_BYTE * len(mapped)
        self._left = _MOST_INSTRUCTIONS

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name; nothing is looked up."""
        known = module.replace("numpy._core", "numpy.core", 1).replace("__builtin__", "builtins", 1), name
        return _MEANINGS[known] if known in _MEANINGS else _refuse(f"it asks for {shown(f'{module}.{name}')}")

    def count(self) -> None:
        """Counts the instructions."""
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"more than {_MOST_INSTRUCTIONS} instructions; divide it into several files")

    def charge(self, cost: int = _OBJECT) -> None:
        """Counts what is made: a short program can make the same again and again."""
        self._budget -= cost
        if self._budget < 0:
            raise ValueError("more objects than a file of its size has room for")

    def charge_arguments(self) -> None:
        """Counts what there is to look at in the arguments of a call, or in a state."""
        for item in self.stack[-1] if isinstance(self.stack[-1], tuple) else ():
            if isinstance(item, list | str | bytes):
                self.charge(len(item) * (_OBJECT if isinstance(item, list) else 1))

    def check_number(self) -> None:
        """Refuses a number with more digits than Python shows."""
        if (bits := self.stack[-1].bit_length()) > _MOST_BITS:
            raise ValueError(f"a number of {bits} bits")

    def build(self) -> None:
        """Completes a type or an array by its state."""
        state, part = self.stack.pop(), self.stack[-1]
        complete: Any = getattr(part, "__setstate__", None)
        match part, state:
            case np.dtype(), (3, "<" | ">" | "=" | "|", None, None, None, size, -1 | 1 | 4, 0 | 8):
                if size not in (-1, part.itemsize):
                    raise ValueError(f"{part} of {shown(size)} bytes")
                complete(state)
            case np.ndarray(), (1, tuple() as shape, dtype, bool() | 0 | 1 as columns_first, raw):
                dtype, data = _contents(dtype, raw, shape)
                complete((1, shape, dtype, columns_first, data))  # A view of the data, not a copy.
                part.setflags(write=False)
            case _:
                _refuse(f"it changes {shown(part)}")


def _instructions() -> dict[int, Any]:
    """What each instruction does: Python's own, after a check, by their codes (see Python's module `pickletools`)."""
    actions: dict[int, Any] = {**pickle._Unpickler.dispatch, ord("b"): _Reader.build}
    actions[0x96] = actions[0x8E]  # A bytearray is read as bytes are: Python allots its memory first.
    for codes, check in (
        (b"(]}ltd\x8f\x91\x85\x86\x87qrp\x94RbN\x88\x89IJKMLFG\x8a\x8b", _Reader.charge),
        (b"Rb", _Reader.charge_arguments),
        (b"du", lambda reader: [*map(_key, reader.stack[::2])]),
        (b"s", lambda reader: _key(reader.stack[-2])),
        (b"\x90\x91", lambda reader: [*map(_key, reader.stack)]),
        (b"io\x81\x92", lambda reader: _refuse("it makes an object of a class")),
        # Persistent ids, extensions, and buffers that travel beside a pickle.
        (b"PQ\x82\x83\x84\x97\x98", lambda reader: _refuse("it refers to something outside the file")),
    ):
        actions |= {code: _in_turn(check, actions[code]) for code in codes}
    actions |= {code: _in_turn(actions[code], _Reader.check_number) for code in b"IL\x8b"}
    return {code: _in_turn(_Reader.count, action) for code, action in actions.items()}


def _in_turn(first: Callable[[Any], object], second: Callable[[Any], object]) -> Callable[[Any], object]:
    return lambda reader: (first(reader), second(reader))


def _key(value: Any) -> Any:
    """The value, if it may be a key: hashing others may take forever (nested tuples), or collide (large numbers)."""
    if value is None or isinstance(value, str | bytes | float | np.generic):
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return value
    raise ValueError(f"{shown(value)} as a dictionary's key")


def _contents(dtype: Any, raw: Any, shape: Any) -> tuple[np.dtype, bytes]:
    """An array's type and bytes, if it has exactly so many of them."""
    data = raw.encode("latin-1") if isinstance(raw, str) else raw
    if not isinstance(dtype, np.dtype) or not isinstance(data, bytes):
        raise ValueError(f"an array of {shown(dtype)}, its contents {shown(data)}")
    if len(shape) > _MOST_AXES or not all(type(size) is int and 0 <= size <= _MOST_ELEMENTS for size in shape):
        raise ValueError(f"an array of shape ({', '.join(map(shown, shape[: _MOST_AXES + 1]))})")
    # An axis without elements must not hide that the others are huge.
    if math.prod(max(size, 1) for size in shape) > _MOST_ELEMENTS or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes for an array of {dtype} {shape}")
    if dtype.kind == "U" and data:
        character = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if character.max() > 0x10FFFF:
            raise ValueError("numbers that are no characters")
    return np.dtype(dtype.str), data  # The pickle may still change its own type.


# What stands for the class of arrays, and for what a defaultdict makes: they are named, and never called.
_ARRAY, _FACTORY = object(), object()


def _reconstruct(kind: object, shape: object, code: object) -> np.ndarray:
    """An array without contents, which follow by `build`."""
    return np.frombuffer(b"", np.int8) if kind is _ARRAY else _refuse(f"it makes an array of {shown(kind)}")


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    dtype, data = _contents(dtype, raw, shape)
    array = np.frombuffer(data, dtype).reshape(shape, order="C" if order == "K" else order)
    return array.transpose(axes) if order == "K" else array


def _scalar(dtype: Any, raw: Any) -> Any:
    return _frombuffer(raw, dtype, (), "C")[()] if raw else dtype.type()  # Text without characters.


def _dtype(code: Any, align: object, copy: object) -> np.dtype:
    fits = isinstance(code, str) and _TYPE.fullmatch(code)
    return np.dtype(code, copy=True) if fits else _refuse(f"it asks for the numpy type {shown(code)}")


def _bytes(raw: object = b"") -> bytes:
    return raw if isinstance(raw, bytes) else _refuse(f"it makes bytes of {shown(raw)}")


def _encode(text: str, encoding: object) -> bytes:
    return text.encode("latin-1") if encoding in ("latin1", "latin-1") else _refuse(f"it encodes as {shown(encoding)}")


_MEANINGS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("numpy", "dtype"): _dtype,
    **dict.fromkeys([("numpy", "ndarray"), ("numpy", "memmap"), ("numpy.core.memmap", "memmap")], _ARRAY),
    ("_codecs", "encode"): _encode,
    ("builtins", "bytes"): _bytes,
    ("builtins", "bytearray"): _bytes,
    ("builtins", "set"): lambda items: set(map(_key, items)),
    ("builtins", "frozenset"): lambda items: frozenset(map(_key, items)),
    **dict.fromkeys([("builtins", name) for name in ("list", "dict", "int", "float", "str")], _FACTORY),
    ("collections", "OrderedDict"): lambda pairs=(): {_key(key): value for key, value in pairs},
    ("collections", "defaultdict"): lambda factory: {},
}
_Reader.dispatch = _instructions()
