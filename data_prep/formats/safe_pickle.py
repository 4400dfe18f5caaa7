"""Reads pickles that come from strangers: numbers, text, containers and numpy arrays of them, and nothing else.

A pickle is a program for a small machine, and Python's own machine calls whatever the program names: a file from
somewhere else can run any command. This is another machine for the same programs, of protocols 0 to 5 (described in
Python's `pickletools`), that looks no name up and calls nothing; `pickled_arrays` says what may be built.

The file is mapped, and arrays are views of it: they are read from the disk when they are used. What all other objects
take, and how long it takes to make them, is bounded by the file's size: about 30 times as many bytes, and 64 MiB.
"""

import functools
import mmap
import os
import pathlib
from collections.abc import Callable
from typing import Any

from data_prep.formats.pickle_program import Program
from data_prep.formats.pickled_arrays import Arguments, EmptyArray, Foreign, Name, Part, Refusal, build, call, key, name
from dsta_jax.errors import UserError

# What containers, calls and the like may cost: 64 MiB, and 16 times the file's size; at so many bytes each.
_FREE, _PER_BYTE = 64 << 20, 16
_CONTAINER, _CALL, _SLOT = 250, 500, 100

_STOP = ord(".")
_NO_PICKLES = {
    b"PK\x03\x04": "a zip archive, such as .npz and PyTorch's files are",
    b"\x93NUMPY": "an array, as in .npy files",
    b"\x1f\x8b": "compressed by gzip",
}
_CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False, b")": ()}
_SMALL_TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}
_PUT = {b"q": 1, b"r": 4, b"p": 0}
_GET = {b"h": 1, b"j": 4, b"g": 0}
_OBJECTS = (b"i", b"o", b"\x81", b"\x92")
# Persistent ids, the registry of extensions, and buffers that travel beside a pickle.
_OUTSIDE = (b"P", b"Q", b"\x82", b"\x83", b"\x84", b"\x97", b"\x98")


def load(path: str | os.PathLike[str]) -> Any:
    """Loads a pickle.

    Returns:
      The value. Arrays are read-only views of the file; so are byte strings of more than 1 kB, as memoryviews.
      An OrderedDict or defaultdict comes as a dict.

    Raises:
      UserError: when the file cannot be read, is no pickle, or is one of anything else.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(f"{path}: {'not a file' if path.exists() else 'no such file'}, expected a pickle")
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise UserError(f"{path}: the file is empty, expected a pickle; copy or download it again")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    for start, what in _NO_PICKLES.items():
        if mapped[: len(start)] == start:
            raise UserError(f"{path}: {what}, expected a pickle")
    machine = _Machine(mapped)
    try:
        return machine.run()
    except Foreign as reason:
        raise UserError(
            f"{path}: byte {machine.start}: {reason}, expected only numbers, text, containers and numpy arrays of "
            f"them; such a pickle can run commands: do not load it elsewhere, ask for one of plain arrays"
        ) from None
    except Refusal as reason:
        raise UserError(
            f"{path}: byte {machine.start}: {reason}, expected a pickle of numbers, text, containers and numpy arrays "
            f"of them; copy or download the file again"
        ) from None


class _Machine:
    """The machine that a pickle is a program for: a stack, divided by marks, and a memo of values by number.

    Attributes:
      start: the byte of the instruction that is being executed.
    """

    def __init__(self, mapped: mmap.mmap) -> None:
        self.start = 0
        self._program = Program(mapped)
        self._budget = _FREE + _PER_BYTE * self._program.remaining
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # What lies below each mark.
        # The memo, whose numbers mostly follow each other from 0; and the others.
        self._memo: list[Any] = []
        self._sparse_memo: dict[int, Any] = {}
        self._actions = self._instructions()

    def run(self) -> Any:
        """The value that the program makes.

        Raises:
          Refusal: when it is not a program for this machine.
        """
        program, actions = self._program, self._actions
        while True:
            self.start = program.position
            code = program.instruction()
            if code == _STOP:
                return self._finish()
            action = actions.get(code)
            if action is None:
                raise Refusal(f"no instruction of a pickle (0x{code:02x})")
            action()

    def _finish(self) -> Any:
        if self._below or len(self._stack) != 1:
            raise Refusal(f"the end, with {len(self._stack)} values instead of one")
        if self._program.remaining:
            raise Refusal(f"the end, but {self._program.remaining} bytes follow it")
        return self._value(self._stack[0])

    def _instructions(self) -> dict[int, Callable[[], object]]:
        """What each instruction does, by its code."""
        partial, push, program = functools.partial, self._push, self._program
        actions: dict[bytes, Callable[[], object]] = {
            b"\x80": program.check_protocol,
            b"\x95": program.skip_frame,
            **{code: partial(push, value) for code, value in _CONSTANTS.items()},
            **{code: partial(self._push_next, read) for code, read in program.values().items()},
            b"]": lambda: self._push_container([]),
            b"}": lambda: self._push_container({}),
            b"\x8f": lambda: self._push_container(set()),
            b"l": lambda: self._push_container([self._value(item) for item in self._since_mark()]),
            b"d": lambda: self._push_container(self._pairs(self._since_mark())),
            b"\x91": lambda: self._push_container(frozenset(map(key, self._since_mark()))),
            b"t": lambda: self._push_tuple(self._since_mark()),
            **{code: partial(self._push_last, count) for code, count in _SMALL_TUPLES.items()},
            b"a": lambda: self._extend(self._pop(1)),
            b"e": lambda: self._extend(self._since_mark()),
            b"s": lambda: self._update(self._pop(2)),
            b"u": lambda: self._update(self._since_mark()),
            b"\x90": lambda: self._add(self._since_mark()),
            b"(": self._mark,
            b"0": self._drop,
            b"1": self._since_mark,
            b"2": lambda: push(self._top()),
            b"\x94": lambda: self._remember(len(self._memo) + len(self._sparse_memo)),
            **{code: partial(self._put, size) for code, size in _PUT.items()},
            **{code: partial(self._get, size) for code, size in _GET.items()},
            b"c": lambda: self._push_container(name(program.name(), program.name())),
            b"\x93": lambda: self._push_container(name(*self._pop(2))),
            b"R": self._call,
            b"b": self._build,
            **{code: partial(_refuse, "it makes an object of a class") for code in _OBJECTS},
            **{code: partial(_refuse, "it refers to something outside the file") for code in _OUTSIDE},
        }
        return {code[0]: action for code, action in actions.items()}

    # Values.

    def _charge(self, cost: int) -> None:
        self._budget -= cost
        if self._budget < 0:
            raise Refusal("more objects than a file of its size has room for")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _push_next(self, read: Callable[[], Any]) -> None:
        self._stack.append(read())

    def _push_container(self, container: Any) -> None:
        self._charge(_CONTAINER)
        self._stack.append(container)

    def _push_last(self, count: int) -> None:
        self._push_tuple(self._pop(count))

    def _push_tuple(self, items: list[Any]) -> None:
        items = [_complete(item) for item in items]
        kind = Arguments if any(isinstance(item, Part) for item in items) else tuple
        self._push_container(kind(items))

    def _value(self, item: Any) -> Any:
        """The item, if it is a value and not a piece of one."""
        item = _complete(item)
        if isinstance(item, Name):
            raise Foreign(f"it keeps {item.shown}")
        if isinstance(item, Part):
            raise Refusal("a part of an array where a value is expected")
        return item

    def _pairs(self, items: list[Any]) -> dict[Any, Any]:
        if len(items) % 2:
            raise Refusal("a dictionary's key without a value")
        return {key(items[i]): self._value(items[i + 1]) for i in range(0, len(items), 2)}

    def _extend(self, items: list[Any]) -> None:
        self._container(list).extend([self._value(item) for item in items])

    def _update(self, items: list[Any]) -> None:
        self._container(dict).update(self._pairs(items))

    def _add(self, items: list[Any]) -> None:
        self._container(set).update(map(key, items))

    def _container(self, kind: type) -> Any:
        if type(self._top()) is not kind:
            raise Refusal(f"a value of type {type(self._top()).__name__}, into which something is to be put")
        return self._top()

    # The stack and the memo.

    def _top(self) -> Any:
        if not self._stack:
            raise Refusal("an instruction that has no value to work on")
        return self._stack[-1]

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise Refusal("an instruction that has no values to work on")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    def _mark(self) -> None:
        self._charge(_SLOT)
        self._below.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        if not self._below:
            raise Refusal("an instruction that has no mark to go back to")
        items, self._stack = self._stack, self._below.pop()
        return items

    def _drop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._since_mark()

    def _put(self, size: int) -> None:
        self._remember(self._program.place(size))

    def _remember(self, number: int) -> None:
        if number == len(self._memo):
            self._memo.append(self._top())
        elif number < len(self._memo):
            self._memo[number] = self._top()
        else:
            self._charge(_SLOT)
            self._sparse_memo[number] = self._top()

    def _get(self, size: int) -> None:
        number = self._program.place(size)
        if number < len(self._memo):
            self._stack.append(self._memo[number])
        elif number in self._sparse_memo:
            self._stack.append(self._sparse_memo[number])
        else:
            raise Refusal("a value that was never remembered")

    # Names and calls.

    def _call(self) -> None:
        called, arguments = self._pop(2)
        self._charge(_CALL + _work(arguments))
        self._stack.append(call(called, arguments))

    def _build(self) -> None:
        part, state = self._pop(2)
        self._charge(_CALL + _work(state))
        build(part, state)
        self._stack.append(part)


def _complete(item: Any) -> Any:
    """The array, of one that has been described completely."""
    return item.array if isinstance(item, EmptyArray) and item.array is not None else item


def _work(arguments: object) -> int:
    """How much there is to look at: a short program can name the same long thing again and again."""
    if not isinstance(arguments, tuple):
        return 0
    data = sum(len(item) for item in arguments if isinstance(item, str | bytes | memoryview))
    return data + sum(_SLOT * len(item) for item in arguments if isinstance(item, list))


def _refuse(what: str) -> None:
    raise Foreign(what)
