"""Reading a compiled program's text: what its instructions read, write, move and send.

Bytes are those of the operands and results of every instruction that does something, again for each that reads them.
What a loop does counts as often as it is known to turn, and all branches count. An array takes the bytes of its layout:
a TPU keeps the last two axes in tiles, such as 8 x 128, and fills them up; a GPU's layouts have none. Arrays in a
memory on the chip (`S(1)` in a TPU's layout) are not in HBM and take nothing.
"""

import collections
import dataclasses
import math
import re
from collections.abc import Iterator, Mapping

# Instructions that are only names for what is there already, or the end of one that was started before.
_NAMES = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id", "replica-id"}

# Instructions that change no number. `-start` of a copy is between HBM and the chip's own memory, and moves nothing.
_MOVES = {
    *("copy", "transpose", "reshape", "slice", "pad", "concatenate", "reverse", "broadcast", "iota", "convert"),
    *("dynamic-slice", "dynamic-update-slice"),
}

COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all", "collective-broadcast")

_ITEM_BITS = {"pred": 8, "token": 0}
_INSTRUCTION = re.compile(r"^ +(?:ROOT )?(%?[\w.\-]+) = (.*?) ([a-z][a-z0-9\-]*)\((.*)$")
_ARRAY = re.compile(r"([a-z]\w*)\[([\d,]*)\](?:\{([^{}]*)\})?")
_CALLED = re.compile(r"(?:calls|to_apply|body|condition|true_computation|false_computation)=(%?[\w.\-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
_TURNS = re.compile(r'"known_trip_count":\{"n":"(\d+)"')
_TOLD = re.compile(r'op_name="([^"]*)"')


@dataclasses.dataclass(frozen=True)
class Array:
    """One array of an instruction's operands or results.

    Attributes:
      bytes: of its numbers.
      padded: that it takes by its layout.
      far: whether it lies in HBM.
    """

    bytes: int
    padded: int
    far: bool


@dataclasses.dataclass(frozen=True)
class Instruction:
    """A line of a program.

    Attributes:
      name: its own.
      kind: such as `fusion`.
      results: its arrays.
      operands: names of the instructions whose results it takes.
      rest: the line after its operands.
    """

    name: str
    kind: str
    results: tuple[Array, ...]
    operands: tuple[str, ...]
    rest: str

    @property
    def told(self) -> str:
        """Where in the source it comes from, such as `jit(train_step)/.../norm/reduce_sum`."""
        found = _TOLD.search(self.rest)
        return found[1] if found else ""

    @property
    def called(self) -> tuple[str, ...]:
        """Names of the computations that it uses."""
        branches = [word.strip() for found in _BRANCHES.findall(self.rest) for word in found.split(",")]
        return (*_CALLED.findall(self.rest), *branches)


@dataclasses.dataclass(frozen=True)
class Collective:
    """An array that devices combine.

    Attributes:
      kind: one of `COLLECTIVES`.
      bytes: of the array on each device.
      devices: that combine; 2 of a permutation, 0 where a program does not say.
      told: where in the source it comes from.
      times: in a step.
      first: whether it is the first of those that one instruction combines.
    """

    kind: str
    bytes: int
    devices: int
    told: str
    times: int
    first: bool


@dataclasses.dataclass(frozen=True)
class Traffic:
    """What a program's instructions read and write in HBM, in a step of one device.

    Attributes:
      instructions: that do something.
      bytes: without padding.
      padded: as arrays lie there.
      moved: of `padded`, by instructions that change no number: copies to another layout, transposes and so on.
      moves: number of these.
    """

    instructions: int = 0
    bytes: int = 0
    padded: int = 0
    moved: int = 0
    moves: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        mine, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Traffic(*(a + b for a, b in zip(mine, theirs, strict=True)))

    def times(self, turns: int) -> "Traffic":
        """Of so many turns."""
        return Traffic(*(turns * value for value in dataclasses.astuple(self)))


class Program:
    """An optimised program, as `compiled.as_text()` tells it."""

    def __init__(self, text: str):
        self._computations: dict[str, dict[str, Instruction]] = {}
        self._entry = ""
        for line in text.splitlines():
            if line.endswith("{") and not line.startswith(" ") and not line.startswith("HloModule"):
                words = line.split()
                name = words[words[0] == "ENTRY"]
                self._computations[name] = {}
                if words[0] == "ENTRY":
                    self._entry = name
            elif found := _instruction(line):
                self._computations[name][found.name] = found

    def kinds(self) -> collections.Counter[str]:
        """How many instructions of each kind the entry has that do something."""
        return collections.Counter(
            each.kind for each in self._computations[self._entry].values() if each.kind not in {*_NAMES, "iota"}
        )

    def traffic(self) -> Traffic:
        """What a step reads and writes."""
        return self._traffic(self._entry)

    def collectives(self) -> list[Collective]:
        """All that devices send to each other."""
        return list(self._collectives(self._entry, 1))

    def _traffic(self, computation: str) -> Traffic:
        inside = self._computations[computation]
        return sum((self._of_one(each, inside) for each in inside.values()), Traffic())

    def _of_one(self, each: Instruction, inside: Mapping[str, Instruction]) -> Traffic:
        if each.kind in _NAMES or each.kind.endswith("-done") or "ConcatBitcast" in each.rest:
            return Traffic()
        if each.kind in ("while", "call", "conditional"):
            return sum((self._traffic(name) for name in each.called), Traffic()).times(_turns(each))
        arrays = [array for name in each.operands for array in inside[name].results]
        if each.kind == "slice-start":  # Of the operand, the first of its results, only the second is read.
            arrays = [dataclasses.replace(each.results[1], far=True)] * sum(array.far for array in each.results[:2])
        elif each.kind.endswith("-start"):  # Its results begin with what it makes, or with its operands once more.
            arrays += each.results[:1]
        else:
            arrays += each.results
        size, padded = (sum(getattr(array, name) for array in arrays if array.far) for name in ("bytes", "padded"))
        moves = self._only_moves(each) and padded > 0
        return Traffic(1, size, padded, moves * padded, int(moves))

    def _only_moves(self, each: Instruction) -> bool:
        """Whether an instruction changes no number; conversions alone count as a change."""
        if each.kind != "fusion":
            return each.kind in _MOVES - {"convert", "iota", "broadcast"}
        kinds = {inner.kind for name in each.called for inner in self._computations[name].values()}
        relaid = kinds & {"copy", "transpose", "reshape", "concatenate", "pad", "slice", "dynamic-slice"}
        return bool(relaid) and kinds <= _MOVES | _NAMES

    def _collectives(self, computation: str, times: int) -> Iterator[Collective]:
        inside = self._computations[computation]
        for each in inside.values():
            kind = each.kind.removesuffix("-start")
            if kind in COLLECTIVES:
                yield from _parts(kind, each, inside, times)
            elif each.kind != "reduce":
                for name in each.called:
                    yield from self._collectives(name, times * _turns(each))


def _instruction(line: str) -> Instruction | None:
    found = _INSTRUCTION.match(line)
    if found is None:
        return None
    name, shape, kind, rest = found.groups()
    inside, _, after = rest.partition(")")
    if kind in ("constant", "parameter"):
        inside = ""
    operands = tuple(re.findall(r"%[\w.\-]+", inside))
    return Instruction(name, kind, tuple(map(_array, _ARRAY.finditer(shape))), operands, after)


def _array(found: re.Match[str]) -> Array:
    """An array of a shape with its layout, such as `bf16[78,128]{1,0:T(8,128)(2,1)S(1)}`."""
    kind, sizes, layout = found.groups()
    shape = [int(size) for size in sizes.split(",") if size]
    digits = re.search(r"\d+", kind)
    bits = _ITEM_BITS[kind] if kind in _ITEM_BITS else int(digits[0]) if digits else 0
    plain = math.ceil(math.prod(shape) * bits / 8)
    order, _, how = (layout or "").partition(":")
    far = not re.search(r"S\([^0)]", how)
    tile = re.match(r"T\(([\d,]+)\)", how)
    if tile is None:
        return Array(plain, plain, far)
    minor_first = [shape[int(axis)] for axis in order.split(",") if axis]
    tiles = [int(size) for size in reversed(tile[1].split(","))]
    minor_first += [1] * (len(tiles) - len(minor_first))
    for axis, size in enumerate(tiles):
        minor_first[axis] = -(-minor_first[axis] // size) * size
    return Array(plain, math.ceil(math.prod(minor_first) * bits / 8), far)


def _turns(each: Instruction) -> int:
    found = _TURNS.search(each.rest)
    return int(found[1]) if found else 1


def _parts(kind: str, each: Instruction, inside: Mapping[str, Instruction], times: int) -> Iterator[Collective]:
    """Each array of a collective. Where several were combined, those that take its results tell where they are from."""
    devices = _group(each.rest)
    taken = {
        int(index[1]): user.told
        for user in inside.values()
        if user.kind == "get-tuple-element"
        and each.name in user.operands
        and (index := re.search(r"index=(\d+)", user.rest))
    }
    for number, name in enumerate(each.operands):
        size = sum(array.bytes for array in inside[name].results)
        yield Collective(kind, size, devices, taken.get(number) or each.told, times, number == 0)


def _group(rest: str) -> int:
    """How many devices combine: `replica_groups={{0,1},{2,3}}`, `=[2,2]<=[4]` or some axes of a mesh."""
    if found := re.search(r"(?:replica_groups|source_target_pairs)=\{\{([\d,]+)\}", rest):
        return len(found[1].split(","))
    if found := re.search(r"replica_groups=\[\d+,(\d+)\]", rest):
        return int(found[1])
    if found := re.search(r"replica_groups=mesh\[(.*?)\] \{(.*?)\}", rest):
        sizes = dict(re.findall(r"('\w+')=(\d+)", found[1]))
        return math.prod(int(sizes[axis]) for axis in found[2].split(","))
    return 0
