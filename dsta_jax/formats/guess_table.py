"""What a text of lines and columns might be, and what a guess is made of; `guess` says the rest."""

import dataclasses
import itertools
import json
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from dsta_jax.datasets.layouts import LAYOUTS
from dsta_jax.errors import UserError
from dsta_jax.formats import csv_frames
from dsta_jax.formats.described import plain_name

MOST_CLASSES = 200  # So many names are listed.
TEST_EVERY = "test_every = 5    # nothing says who tests; other people would be better"
_SHOWN_LINES, _LOOKED_AT = 3, 2_000
_PICTURES = ("coco_17", "openpose_18", "openpose_25")  # Of which a third number is mostly a confidence.
_KINECTS = ("hand_22", "ntu_25", "kinect_20", "utd_mhad_20")  # Which have three coordinates.


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """Joints that would account for the numbers of a frame."""

    layout: str  # Empty where none that is built in has so many joints.
    joints: int
    bodies: int
    channels: str

    def __str__(self) -> str:
        joints = f"{self.layout} ({self.joints} joints)" if self.layout else f"{self.joints} joints of your own"
        return f"{joints} of {self.channels}" + (f", {self.bodies} bodies" if self.bodies > 1 else "")


@dataclasses.dataclass(frozen=True)
class Guess:
    """What was found, and what it is taken for."""

    found: tuple[str, ...]  # Facts, a line each.
    taken_for: str
    skeletons: tuple[Skeleton, ...] = ()  # The likeliest first.
    files: tuple[str, ...] = ()  # The lines of the table [files].
    joints: tuple[str, ...] = ()  # Their names, where those are found and no layout has so many.
    classes: tuple[str, ...] | None = None  # Names, or "..." for each of those that have only numbers.
    unknown: tuple[str, ...] = ()  # What cannot be known from the files.
    form: str = "folder"
    split: str = ""  # The line of the table [split].
    needs_list: bool = False


def skeletons(numbers: int, negative: bool = False) -> tuple[Skeleton, ...]:
    """The skeletons with so many numbers a frame, those of one body first; a confidence is never negative."""
    channels = ("xyz", "xy", *(() if negative else ("xyc", "xyzc")))
    fits = [
        Skeleton(name, len(layout.joints), bodies, letters)
        for bodies, letters in itertools.product((1, 2), channels)
        for name, layout in LAYOUTS.items()
        if len(layout.joints) * bodies * len(letters) == numbers
    ]
    if fits:
        return tuple(sorted(fits, key=_unlikely))
    return tuple(
        Skeleton("", numbers // width, 1, "xyz"[:width]) for width in (3, 2) if numbers and numbers % width == 0
    )


def of_joints(joints: int, channels: Sequence[str], bodies: int = 1) -> tuple[Skeleton, ...]:
    """The skeletons of so many joints."""
    names = [name for name, layout in LAYOUTS.items() if len(layout.joints) == joints] or [""]
    return tuple(sorted((Skeleton(name, joints, bodies, one) for one in channels for name in names), key=_unlikely))


def _unlikely(one: Skeleton) -> tuple[int, int]:
    odd = one.layout in _PICTURES and "z" in one.channels or one.layout in _KINECTS and "z" not in one.channels
    return one.bodies, int(odd)


def unknown_of(fits: Sequence[Skeleton]) -> tuple[str, ...]:
    """What a choice of skeletons leaves open."""
    letters = {one.channels for one in fits}
    unknown = []
    if {"xyz", "xyc"} <= letters:
        unknown.append("whether the third number of a joint is z, or a confidence (write xyc then)")
    if any(one.layout for one in fits):
        unknown.append("whether the joints stand in the layout's order; only their number is known")
    else:
        unknown.append("what the joints are called, and which is whose parent")
    return tuple(unknown)


def channels_of(count: int, last: np.ndarray | None = None) -> tuple[str, ...]:
    """What so many numbers of a joint may be, of which these are the last."""
    third_is_z = last is not None and bool(np.any(last < 0))  # A confidence is never negative.
    return {2: ("xy",), 3: ("xyz",) if third_is_z else ("xyz", "xyc"), 4: ("xyzc",)}.get(count, ())


def of(path: pathlib.Path) -> Guess:
    """What a text is taken for; UserError when it cannot be read."""
    lines = [line for line in csv_frames.read_text(path).split("\n") if line.strip()]
    if not lines:
        raise UserError(f"{path}: no lines, expected numbers")
    separator = csv_frames.separator_of(lines[:_SHOWN_LINES])
    rows = [_cells(line, separator) for line in lines[:_LOOKED_AT]]
    header = rows[0] if all(_number(cell) is None for cell in rows[0]) and len(rows) > 1 else None
    rows = rows[1:] if header else rows
    width = len(rows[0])
    called = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}[separator]
    found = [f"{path.name}: {len(lines)} lines of {width} cells between {called}; the first:"]
    found += [f"  {line.expandtabs(2)}" for line in lines[:_SHOWN_LINES]]
    if len({len(row) for row in rows}) > 1:
        found.append("Lines have different numbers of cells.")
    columns = [[row[column] for row in rows if len(row) == width] for column in range(width)]
    seen = found, columns, header, len(lines) - bool(header)
    guess = _long_table(*seen) if width <= 8 else None
    guess = guess or _wide_table(*seen) or _joint_lines(*seen)
    if guess is None:
        unknown = ("what its columns are; say them by columns in [files]",)
        guess = Guess(tuple(found), "not known", files=('columns = ["...", "numbers"]',), unknown=unknown)
    files = list(guess.files)
    if header and files and not any(line.startswith("header") for line in files):
        files.append("header = true")
    return dataclasses.replace(guess, files=tuple(files))


def _cells(line: str, separator: str) -> list[str]:
    cells = line.split() if separator == " " else [cell.strip().strip('"') for cell in line.split(separator)]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def _number(cell: str) -> float | None:
    number = csv_frames.numbers_of([cell.replace(",", ".")])[0]
    return None if number is None else float(number)


def _numbers(column: Sequence[str]) -> np.ndarray | None:
    """A column's numbers; None where there are words."""
    values = [_number(cell) for cell in column]
    return None if None in values else np.array(values, float)


def _is_whole(numbers: np.ndarray | None) -> bool:
    return numbers is not None and bool(np.all(numbers == np.round(numbers)))


def _wide_table(found: list[str], columns: list[list[str]], header: list[str] | None, lines: int) -> Guess | None:
    """A frame, or a recording, in each line: with none, one or two columns that are no joint's."""
    numbers = [_numbers(column) for column in columns]
    # Of places, few are whole.
    whole = [column for column, values in enumerate(numbers) if _is_whole(values)]
    words = [
        column
        for column, values in enumerate(numbers)
        if values is None or 2 * len(whole) < len(columns) and column in whole
    ]
    joined = [values for values in numbers if values is not None]
    negative = any(np.any(values < 0) for values in joined)
    for extra in range(4):
        for start in (True, False):
            others = list(range(extra)) if start else list(range(len(columns) - extra, len(columns)))
            fits = [one for one in skeletons(len(columns) - extra, negative) if one.layout]
            if not fits or not set(words) <= set(others):
                continue
            roles = _roles(
                [(columns[column], numbers[column]) for column in others], header and [header[c] for c in others]
            )
            return _of_roles(found, roles, columns, others, tuple(fits), start, lines)
    return None


def _roles(others: Sequence[tuple[list[str], np.ndarray | None]], header: list[str] | None) -> list[str]:
    """What columns before or behind the joints are taken for."""
    roles = []
    for number, (cells, values) in enumerate(others):
        called = header[number].lower() if header else ""
        distinct = len(set(cells))
        named = next((role for role in ("label", "frame", "name", "subject") if role in called), "")
        if named or re.search("time|class|gesture|action", called):
            role = named or ("skip" if "time" in called else "label")
        elif values is None:
            role = "label" if distinct <= max(2, len(cells) // 2) else "name"
        elif len(values) > 1 and np.all(np.diff(values) > 0):
            role = "frame" if _is_whole(values) else "skip"
        else:
            role = "label" if _is_whole(values) and distinct <= max(2, len(cells) // 2) else "skip"
        roles.append(role if role == "skip" or role not in roles else "skip")
    return roles


def _of_roles(
    found: list[str],
    roles: list[str],
    columns: list[list[str]],
    others: list[int],
    fits: tuple[Skeleton, ...],
    start: bool,
    lines: int,
) -> Guess:
    listed = [*roles, "numbers"] if start else ["numbers", *roles]
    files = [f"columns = {json.dumps(listed)}"] if roles else []
    unknown = list(unknown_of(fits))
    unknown += [f"whether columns were taken rightly: {', '.join(listed)}"] if roles else []
    if "label" not in roles:
        each = (
            "a recording, a frame in each of its lines" if "name" not in roles else "recordings, a frame in each line"
        )
        return Guess(tuple(found), each, fits, tuple(files), unknown=tuple(unknown), needs_list="name" not in roles)
    labels = columns[others[roles.index("label")]]
    what = f"{lines} recordings, one in each line, with its label"
    if "name" in roles or "frame" in roles:
        what = "recordings, a frame in each line, with the label"
    else:
        files.insert(0, 'line = "recording"')
    unknown.append("who tests: below, each fifth recording does, whoever it is of")
    return Guess(
        tuple(found),
        what,
        fits,
        (*files, TEST_EVERY),
        classes=_classes(labels),
        unknown=tuple(unknown),
        split='split = ["test"]',
    )


def _classes(labels: Sequence[str]) -> tuple[str, ...] | None:
    """The names in a column of labels, or `...` for each number from 0."""
    numbers = _numbers(labels)
    if numbers is None:
        names = sorted(set(labels))
        return tuple(names) if len(names) <= MOST_CLASSES else None
    most = int(numbers.max()) if _is_whole(numbers) else -1
    return ("...",) * (most + 1) if 0 <= most < MOST_CLASSES else None


def _long_table(found: list[str], columns: list[list[str]], header: list[str] | None, lines: int) -> Guess | None:
    """A joint in each line, with a column that says which and one that says the frame."""
    numbers = [_numbers(column) for column in columns]
    for joint, column in enumerate(columns):
        count = len(set(column))
        repeated = count > 1 and len(column) >= 2 * count and (numbers[joint] is None or _is_whole(numbers[joint]))
        frames = [
            other
            for other, values in enumerate(numbers)
            if other != joint and _is_whole(values) and len({*zip(column, columns[other], strict=True)}) == len(column)
        ]
        rest = [other for other in range(len(columns)) if other != joint and other not in frames[:1]]
        fits = of_joints(count, [{2: "xy", 3: "xyz", 4: "xyzc"}.get(len(rest), "")])
        if numbers[joint] is None:
            names = {plain_name(name) for name in column}
            fits = tuple(one for one in fits if one.layout and names == set(LAYOUTS[one.layout].joints)) or (
                Skeleton("", count, 1, fits[0].channels),
            )
        if not (repeated and frames and 2 <= len(rest) <= 4 and (fits[0].layout or numbers[joint] is None)):
            continue
        if any(numbers[other] is None for other in rest):
            continue
        letters = iter("xyzc")
        roles = ["joint" if c == joint else "frame" if c == frames[0] else next(letters) for c in range(len(columns))]
        files = ['line = "joint"', f"columns = {json.dumps(roles)}"]
        values = numbers[joint]
        if values is not None and values.min() == 1:
            files.append("first_joint = 1")
        unknown = [*unknown_of(fits), f"whether columns were taken rightly: {', '.join(roles)}"]
        if values is None:
            found.append(f"Joints: {', '.join(dict.fromkeys(column))}.")
        joints = tuple(dict.fromkeys(column)) if values is None and not fits[0].layout else ()
        what = "a recording, a joint in each line"
        return Guess(tuple(found), what, fits, tuple(files), joints, unknown=tuple(unknown), needs_list=True)
    return None


def _joint_lines(found: list[str], columns: list[list[str]], header: list[str] | None, lines: int) -> Guess | None:
    """A joint in each line, and nothing that says which."""
    if not 2 <= len(columns) <= 4 or any(_numbers(column) is None for column in columns):
        return None
    width = len(columns)
    counts = sorted({len(layout.joints) for layout in LAYOUTS.values()})
    counts = [count for count in counts if lines % count == 0 and lines >= count]
    letters = channels_of(width, _numbers(columns[-1]))
    fits = tuple(sorted((one for count in counts for one in of_joints(count, letters)), key=_unlikely))
    if not fits:
        return None
    unknown = [
        *unknown_of(fits),
        f"how many joints there are: {lines} lines are whole frames of {', '.join(map(str, counts))}",
    ]
    return Guess(
        tuple(found),
        "a recording, a joint in each line",
        fits,
        ('line = "joint"',),
        unknown=tuple(unknown),
        needs_list=True,
    )
