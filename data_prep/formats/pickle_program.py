"""The bytes of a pickle: instructions, and the numbers, text and byte strings that stand behind some of them.

As Python's module `pickletools` describes them, of protocols 0 to 5.
"""

import codecs
import mmap
import re
import struct
from collections.abc import Callable
from typing import Any

from data_prep.formats.pickled_arrays import Refusal
from dsta_jax.errors import shown

# Longer byte strings are not copied; they come as views of the file.
_COPIED_BYTES = 1024
_MOST_NUMBER_BYTES, _MOST_NUMBER_DIGITS, _LAST_PROTOCOL = 16, 50, 5

_WORDS = {1: struct.Struct("<B"), 2: struct.Struct("<H"), 4: struct.Struct("<I"), 8: struct.Struct("<Q")}
_SIGNED, _DOUBLE = struct.Struct("<i"), struct.Struct(">d")
_QUOTED = re.compile(rb"""(['"])(.*)\1""", re.DOTALL)


class Program:
    """The bytes, read from the first to the last.

    Attributes:
      position: the byte that is read next.
    """

    def __init__(self, mapped: mmap.mmap) -> None:
        """`mapped` is the whole file."""
        self.position = 0
        self._mapped = mapped
        self._buffer = memoryview(mapped)

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self._buffer) - self.position

    def instruction(self) -> int:
        """The next instruction's code."""
        return self._take(1)[0]

    def word(self, size: int) -> int:
        """A number of 1, 2, 4 or 8 bytes, from 0."""
        number: int = _WORDS[size].unpack(self._take(size))[0]
        return number

    def line(self) -> bytes:
        """What stands before the next end of a line."""
        end = self._mapped.find(b"\n", self.position)
        if end < 0:
            raise Refusal("the end of the file")
        line = self._mapped[self.position : end]
        self.position = end + 1
        return line

    def name(self) -> str:
        """A line that is a module's name, or one in it."""
        return _decoded(self.line(), "utf-8")

    def place(self, size: int) -> int:
        """A place in the memo, of `size` bytes or, for 0, a line."""
        number: int = self.word(size) if size else _parsed(int, self.line()[:_MOST_NUMBER_DIGITS])
        if number < 0:
            raise Refusal("a negative place to remember")
        return number

    def check_protocol(self) -> None:
        """Reads the protocol's number."""
        if self.word(1) > _LAST_PROTOCOL:
            raise Refusal(f"a protocol after {_LAST_PROTOCOL}")

    def skip_frame(self) -> None:
        """Reads how long the next part is, which nobody needs to know."""
        self._take(8)

    def values(self) -> dict[bytes, Callable[[], Any]]:
        """For each instruction that gives a number, text or bytes, what reads it.

        Python 2's strings (S, T, U) may be text or bytes; as Latin-1, they can become either.
        """
        return {
            b"I": self._decimal,
            b"L": self._decimal,
            b"F": lambda: _parsed(float, self.line()),
            b"K": lambda: self.word(1),
            b"M": lambda: self.word(2),
            b"J": lambda: _SIGNED.unpack(self._take(4))[0],
            b"G": lambda: _DOUBLE.unpack(self._take(8))[0],
            b"\x8a": lambda: self._long(1),
            b"\x8b": lambda: self._long(4),
            b"S": lambda: _unquoted(self.line()),
            b"U": lambda: _decoded(self._counted(1), "latin-1"),
            b"T": lambda: _decoded(self._counted(4), "latin-1"),
            b"V": lambda: _unescaped(self.line()),
            b"\x8c": lambda: _decoded(self._counted(1), "utf-8"),
            b"X": lambda: _decoded(self._counted(4), "utf-8"),
            b"\x8d": lambda: _decoded(self._counted(8), "utf-8"),
            b"C": lambda: self._bytes(1),
            b"B": lambda: self._bytes(4),
            b"\x8e": lambda: self._bytes(8),
            b"\x96": lambda: self._bytes(8),
        }

    def _take(self, count: int) -> memoryview:
        start, end = self.position, self.position + count
        if end > len(self._buffer):
            raise Refusal("the end of the file")
        self.position = end
        return self._buffer[start:end]

    def _counted(self, size: int) -> memoryview:
        return self._take(self.word(size))

    def _bytes(self, size: int) -> bytes | memoryview:
        view = self._counted(size)
        return view if len(view) > _COPIED_BYTES else bytes(view)

    def _decimal(self) -> int:
        line = self.line()
        if line in (b"00", b"01"):  # False and True.
            return line == b"01"
        if len(line) > _MOST_NUMBER_DIGITS:
            raise Refusal(f"a number of {len(line)} characters")
        number: int = _parsed(int, line.removesuffix(b"L"))
        return number

    def _long(self, size: int) -> int:
        length = self.word(size)
        if length > _MOST_NUMBER_BYTES:
            raise Refusal(f"a number of {length} bytes")
        return int.from_bytes(self._take(length), "little", signed=True)


def _parsed(kind: Callable[[bytes], Any], line: bytes) -> Any:
    try:
        return kind(line)
    except ValueError:
        raise Refusal(f"{shown(line)} as a number") from None


def _decoded(text: bytes | memoryview, encoding: str) -> str:
    try:
        return str(text, encoding)
    except UnicodeDecodeError:
        raise Refusal(f"text that is not {encoding.upper()}") from None


def _unquoted(line: bytes) -> str:
    """A string as Python 2 shows it."""
    quoted = _QUOTED.fullmatch(line)
    if quoted is None:
        raise Refusal(f"{shown(line)} as a string")
    try:
        text: bytes = codecs.escape_decode(quoted[2])[0]
    except ValueError:
        raise Refusal(f"{shown(line)} as a string") from None
    return text.decode("latin-1")


def _unescaped(line: bytes) -> str:
    r"""Text with characters as \uXXXX."""
    return _decoded(_decoded(line, "raw-unicode-escape").encode("utf-8", "surrogatepass"), "utf-8")
