"""What a pickle may ask for: numpy's arrays and scalars, byte strings, and a few containers, built by functions here.

A pickle names what it wants by module and name. Here a name stands for itself and is never looked up, so nothing that
a stranger wrote is called: `call` and `build` know the few forms in which numpy and Python write plain data (numpy's
`ndarray.__reduce__` and `dtype.__reduce__`, Python's `pickle` for bytes and sets), and check every part.
"""

import dataclasses
import math
import re
from typing import Any, Literal

import numpy as np

from dsta_jax.errors import shown

Raw = str | bytes | memoryview

_MOST_AXES, _MOST_ELEMENTS = 8, 1 << 48  # Of an array with none, too: its other axes must not overflow.
_TYPE = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|[US]\d{1,6})")
_LAST_CHARACTER = 0x10FFFF

_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_BUILTINS = ("builtins", "__builtin__")

# The names that may be asked for, and what they are called here.
_MEANINGS = {
    **{(module, name): name for module in _MULTIARRAY for name in ("_reconstruct", "scalar")},
    **{(module, "_frombuffer"): "_frombuffer" for module in ("numpy.core.numeric", "numpy._core.numeric")},
    **{(module, "memmap"): "ndarray" for module in ("numpy", "numpy.core.memmap", "numpy._core.memmap")},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    **{(module, name): name for module in _BUILTINS for name in ("bytes", "bytearray", "set", "frozenset")},
    **{(module, name): "factory" for module in _BUILTINS for name in ("list", "dict", "int", "float", "str")},
    ("collections", "OrderedDict"): "OrderedDict",
    ("collections", "defaultdict"): "defaultdict",
}


class Refusal(Exception):
    """Why a pickle is not loaded: what was found."""


class Foreign(Refusal):
    """The pickle asks for something that plain data do not need."""


class Part:
    """A piece of an array that is not yet a value; a container cannot hold it."""

    __slots__ = ()


class Arguments(tuple[Any, ...], Part):
    """A tuple with such a piece in it."""

    __slots__ = ()


@dataclasses.dataclass(slots=True, eq=False)
class Name(Part):
    """Something that a pickle asks for by its name.

    Attributes:
      shown: module and name, as a message can show them.
      meaning: what it is called here.
    """

    shown: str
    meaning: str


@dataclasses.dataclass(slots=True, eq=False)
class DataType(Part):
    """A numpy type that is being described, by its code and then by its order of bytes.

    Attributes:
      code: kind and size, as 'f4'.
      dtype: the type, when it is complete.
    """

    code: str
    dtype: np.dtype | None = None


@dataclasses.dataclass(slots=True, eq=False)
class EmptyArray(Part):
    """An array that is being described.

    Attributes:
      array: the array, when it is complete.
    """

    array: np.ndarray | None = None


def name(module: object, qualified: object) -> Name:
    """What stands for something that a pickle asks for by its name.

    Raises:
      Foreign: when plain data do not need it.
    """
    if not isinstance(module, str) or not isinstance(qualified, str):
        raise Foreign("it asks for a name that is no text")
    meaning = _MEANINGS.get((module, qualified))
    if meaning is None:
        raise Foreign(f"it asks for {shown(f'{module}.{qualified}')}")
    return Name(shown(f"{module}.{qualified}"), meaning)


def _shown(value: object) -> str:
    return value.shown if isinstance(value, Name) else shown(value)


def call(called: object, arguments: object) -> Any:
    """What a pickle gets when it calls a name: a value, or a `Part` of one.

    Raises:
      Refusal: when it calls anything else, or with other arguments than Python and numpy write.
    """
    if not isinstance(called, Name) or not isinstance(arguments, tuple):
        raise Foreign(f"it calls {_shown(called)} with {shown(arguments)}")
    match (called.meaning, *arguments):
        case ("_reconstruct", Name(meaning="ndarray"), tuple(), _):
            return EmptyArray()
        case ("_frombuffer", bytes() | memoryview() as raw, DataType() as kind, tuple() as shape, "C" | "F" as order):
            return _array(raw, kind, shape, order)
        case ("_frombuffer", bytes() | memoryview() as raw, DataType() as kind, tuple() as shape, "K", tuple() as axes):
            return _transposed(_array(raw, kind, shape, "C"), axes)
        case ("scalar", DataType() as kind, str() | bytes() | memoryview() as raw):
            return _scalar(raw, kind)
        case ("dtype", str() as code, _, _) if _TYPE.fullmatch(code):
            return DataType(code)
        case ("encode", str() as text, "latin1" | "latin-1"):
            return _latin1(text)
        case ("bytes" | "bytearray",):
            return b""
        case ("bytearray", bytes() | memoryview() as raw):
            return raw
        case ("set", list() as items):
            return set(map(key, items))
        case ("frozenset", list() as items):
            return frozenset(map(key, items))
        case ("OrderedDict",) | ("defaultdict", Name(meaning="factory")):
            return {}
        case ("OrderedDict", list() as pairs) if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return {key(pair[0]): pair[1] for pair in pairs}
    raise Foreign(f"it calls {called.shown} with ({', '.join(_shown(argument) for argument in arguments[:5])})")


def build(part: object, state: object) -> None:
    """Completes a type or an array by its state.

    Raises:
      Refusal: when it is something else that is to be changed, or the state is not one that numpy writes.
    """
    match part, state:
        case DataType(dtype=None), (3, "<" | ">" | "=" | "|" as order, None, None, None, size, -1 | 1 | 4, 0 | 8):
            part.dtype = _data_type(part.code, order, size)
        case EmptyArray(array=None), (1, tuple() as shape, DataType() as kind, bool() | 0 | 1 as columns_first, raw):
            if not isinstance(raw, str | bytes | memoryview):
                raise Refusal(f"an array with {shown(raw)} as its contents")
            part.array = _array(raw, kind, shape, "F" if columns_first else "C")
        case _:
            raise Foreign(f"it changes {_shown(part)}")


def key(value: object) -> Any:
    """The value, if it may be a dictionary's key or a set's member.

    Of other values the hash may take forever (tuples within tuples), or be chosen to be the same (large numbers).

    Raises:
      Refusal: when it may not.
    """
    plain = isinstance(value, str | bytes | float | np.generic) or value is None
    if plain or (isinstance(value, int) and abs(value) < 1 << 63):
        return value
    raise Refusal(f"{shown(value)} as a dictionary's key")


def _latin1(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Refusal("characters that are no bytes") from None


def _data_type(code: str, order: Literal["<", ">", "=", "|"], size: object) -> np.dtype:
    dtype = np.dtype(code.lstrip("<>=|")).newbyteorder("=" if order == "|" else order)
    if type(size) is not int or size not in (-1, dtype.itemsize):
        raise Refusal(f"a numpy type {shown(code)} of {shown(size)} bytes")
    return dtype


def _array(raw: Raw, kind: DataType, shape: tuple[Any, ...], order: Any) -> np.ndarray:
    """An array over exactly as many bytes as it needs; it is read-only and copies none of them."""
    if kind.dtype is None:
        raise Refusal("an array of an unfinished type")
    data = _latin1(raw) if isinstance(raw, str) else raw
    sizes = [size for size in shape if type(size) is int and size >= 0]
    elements = math.prod(max(size, 1) for size in sizes[: _MOST_AXES + 1])
    if len(sizes) != len(shape) or len(sizes) > _MOST_AXES or elements > _MOST_ELEMENTS:
        raise Refusal(f"an array of shape ({', '.join(shown(size) for size in shape[: _MOST_AXES + 1])})")
    needed = math.prod(sizes) * kind.dtype.itemsize
    if needed != len(data):
        raise Refusal(f"{len(data)} bytes for an array of {kind.dtype} {tuple(sizes)}, which has {needed}")
    if not needed:
        return np.zeros(sizes, kind.dtype)
    array = np.frombuffer(data, kind.dtype)
    _check_contents(array, data)
    return array.reshape(sizes, order=order)


def _check_contents(array: np.ndarray, data: bytes | memoryview) -> None:
    """Refuses what numpy itself does not expect in memory: truth values other than 0 and 1, and no characters."""
    if array.dtype.kind == "b" and np.frombuffer(data, np.uint8).max() > 1:
        raise Refusal("a truth value other than 0 and 1")
    if array.dtype.kind == "U":
        character = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if character.max() > _LAST_CHARACTER or ((character >= 0xD800) & (character <= 0xDFFF)).any():
            raise Refusal("text that is none")


def _transposed(array: np.ndarray, axes: tuple[Any, ...]) -> np.ndarray:
    if not all(type(axis) is int for axis in axes) or sorted(axes) != list(range(array.ndim)):
        raise Refusal("an array with an odd order of axes")
    return array.transpose(axes)


def _scalar(raw: Raw, kind: DataType) -> Any:
    if kind.dtype is not None and kind.dtype.kind in "US" and not kind.dtype.itemsize and not len(raw):
        return kind.dtype.type()
    return _array(raw, kind, (), "C")[()]
