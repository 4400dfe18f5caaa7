"""A recording as a `.csv` file: a line for each frame, and one rule for all of them.

A line holds M x V x C numbers: body after body, joint after joint, its channels together. They are separated by commas,
semicolons, tabs or blanks; between semicolons or tabs, decimals may have a comma. An empty cell, None, NA, NaN, null or
- is a value that was not seen; a line of such cells, or an empty line before the last frame, is a frame in which nobody
was seen. A header is a first line of names that differ, or of whole numbers that count the columns; pandas writes .1,
.2, ... behind those that stand there again. One column more than expected may count the frames.
"""

import collections
import csv
import dataclasses
import itertools
import math
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.recording import MOST_FRAMES, check_size
from dsta_jax.errors import UserError, shown
from dsta_jax.files import MOST_TEXT, readable, regular

MISSING = frozenset(
    {"", "-", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "nan(ind)", "-nan(ind)", "-1.#ind", "1.#qnan", "none", "null"}
)
SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}
HEAD = 1 << 16  # How many characters show how a file is written.
_LEAST_COUNTED = 4  # Three whole numbers in a row may be a joint.
_MOST_CHARACTERS = 1_000  # Of a number; what is longer still is not looked at.


@dataclasses.dataclass(frozen=True)
class Style:
    """How a file is written, as the first three of its lines show that are not empty."""

    separator: str  # What stands between two numbers; a blank for any number of them.
    first: int  # The first frame's line, from 0.
    index: float | None  # By how much the first column exceeds the line's number, where it counts the frames.
    notes: tuple[str, ...]  # What was concluded, and could be wrong.


def read_text(path: pathlib.Path, characters: int = -1) -> str:
    """The text of a file, or its beginning, with line ends as in Unix; UserError when it cannot be read."""
    with readable(path, "text in UTF-8"), regular(path, MOST_TEXT).open(encoding="utf-8-sig", newline="") as file:
        text = file.read(characters)
    # Python in Windows writes \r\r\n where newline="" is forgotten.
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def style_of(text: str, frame_shape: tuple[int, int, int]) -> Style:
    """How a file of such frames is written, by its first HEAD characters."""
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip().lower() not in MISSING][:3] or [0]
    separator = separator_of([lines[number] for number in filled])
    rows = [_cells(lines[number], separator) for number in filled]
    names = rows[0][1:] if rows[0][:1] == [""] else rows[0]  # pandas writes no name above the frames' numbers.
    named = bool(names) and len(set(names)) == len(names) and all(number is None for number in numbers_of(names))
    counted = any(is_so(names) and not any(map(is_so, rows[1:2])) for is_so in (_count, _count_again))
    first = filled[0] + 1 if named or counted else 0
    frames = [(number, numbers_of(row)) for number, row in zip(filled, rows, strict=True) if number >= first]
    joints, bodies, channels = frame_shape
    widths = [joints * channels * number for number in range(1, bodies + 1)]
    index = None
    if len(frames) > 1 and all(len(row) - 1 in widths and len(row) not in widths for _, row in frames):
        starts = {row[0] - number for number, row in frames if row[0] is not None}
        index = starts.pop() if len(starts) == 1 else None
    concluded = {
        f"numbers are separated by {SEPARATORS[separator]}": separator != "," and len(rows[0]) > 1,
        "the first line counts the columns and is skipped": counted,
        "the first column counts the frames and is left out": index is not None,
    }
    return Style(separator, first, index, tuple(note for note, is_so in concluded.items() if is_so))


def separator_of(lines: Sequence[str]) -> str:
    """What separates the cells of a file's first lines."""
    return next((one for line in reversed(lines) for one in ";\t," if one in line), " ")


def _cells(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([line.strip(" ")], delimiter=separator, skipinitialspace=True))
    except csv.Error:  # A cell of more than 128 kB.
        cells = [line]
    return [cell.strip().replace(",", ".") if separator in ";\t" else cell.strip() for cell in cells]


def numbers_of(cells: Sequence[str]) -> list[Any]:
    """The cells' numbers, NaN for a value that was not seen, None for what is neither."""
    try:
        if "_" not in "".join(cells):  # Python's numbers may have underscores.
            return [float(cell) for cell in cells]
    except ValueError:
        pass
    return [_number(cell) for cell in cells]


def _number(cell: str) -> float | None:
    try:
        return math.nan if cell.lower() in MISSING else float(cell.replace("_", "?"))
    except ValueError:
        return None


def _count(cells: Sequence[str]) -> bool:
    """Whether these are whole numbers in steps of one, and too many for them to be a frame.

    Each may stand there once for each channel of its joint.
    """
    numbers = [math.nan if number is None else number for number in numbers_of(cells)]
    runs = [(number, len(list(run))) for number, run in itertools.groupby(numbers)]
    steps = {after - before for (before, _), (after, _) in itertools.pairwise(runs)}
    even = len({length for _, length in runs}) == 1 and len(runs) >= (
        _LEAST_COUNTED if len(runs) == len(numbers) else 3
    )
    return even and steps == {1} and numbers[0].is_integer()


def _count_again(cells: Sequence[str]) -> bool:
    """Whether these are whole numbers in steps of one, equally often, as pandas writes them: 0,1,2,0.1,1.1,2.1,0.2."""
    numbers = [cell.partition(".")[0] for cell in cells]
    seen: collections.Counter[str] = collections.Counter()
    written = []
    for number in numbers:
        written.append(f"{number}.{seen[number]}" if seen[number] else number)
        seen[number] += 1
    again = len(seen) > 1 and len(set(seen.values())) == 1 and len(cells) >= max(3, len(seen)) * 2
    if not again or written != list(cells) or not all(map(str.isdecimal, seen)):
        return False
    return {float(after) - float(before) for before, after in itertools.pairwise(seen)} == {1}


class WrongWidth(UserError):
    """A line has so many `numbers`, and should have another count of them."""

    def __init__(self, message: str, numbers: int):
        super().__init__(message)
        self.numbers = numbers


def read(path: pathlib.Path, frame_shape: tuple[int, int, int]) -> np.ndarray:
    """Reads T x M x V x C float32, M or fewer bodies; UserError when a line is neither a frame nor a header."""
    text = read_text(path)
    style = style_of(text[:HEAD], frame_shape)
    if (count := text.count("\n")) > MOST_FRAMES:
        raise UserError(f"{path}: {count} lines, expected at most {MOST_FRAMES} frames; cut it into several recordings")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    _check(path, lines, style)
    joints, most, channels = frame_shape
    bodies, frames_TxF = 1, np.empty((0, 0))
    longest = _MOST_CHARACTERS * (1 + joints * most * channels)
    for number in range(style.first, len(lines)):
        if len(lines[number]) > longest:
            found = f"{len(lines[number])} characters, expected at most {longest}"
            raise UserError(f"{path}:{number + 1}: {found}: {most} bodies x {joints} joints x {channels} channels")
        numbers = _frame(path, number, lines[number], style)
        if not numbers:
            continue
        if not frames_TxF.size:  # The first in which anybody was seen.
            bodies = max(1, min(most, len(numbers) // (joints * channels)))
            frames_TxF = _unseen(path, len(lines) - style.first, bodies * joints * channels)
        if len(numbers) != (width := frames_TxF.shape[1]):
            hint = "; if the first is a time or a label, remove its column" if len(numbers) == width + 1 else ""
            hint = "; is there a separator too many at the end?" if hint and math.isnan(numbers[-1]) else hint
            expected = f"{width}: {bodies} bodies x {joints} joints x {channels} channels"
            raise WrongWidth(f"{path}:{number + 1}: {len(numbers)} numbers, expected {expected}{hint}", len(numbers))
        with np.errstate(over="ignore"):  # Infinity is reported when the recording is converted.
            frames_TxF[number - style.first] = numbers
    if not frames_TxF.size:
        frames_TxF = _unseen(path, len(lines) - style.first, joints * channels)
    return frames_TxF.reshape(-1, bodies, joints, channels)


def _unseen(path: pathlib.Path, frames: int, width: int) -> np.ndarray:
    """Frames in which nobody was seen, T x F."""
    try:
        check_size(frames, width)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    return np.full((frames, width), np.nan, np.float32)


def _check(path: pathlib.Path, lines: Sequence[str], style: Style) -> None:
    if len(lines) == style.first:
        raise UserError(f"{path}: no frames, expected a line of numbers for each")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    steps = [after - before for before, after in itertools.pairwise(filled) if before >= style.first]
    if len(steps) > 1 and (step := statistics.mode(steps)) > 1 and steps.count(step) > len(steps) / 2:
        which = "every second line is" if step == 2 else f"every {step - 1} of {step} lines are"
        found = f"{which} empty, which would be frames in which nobody was seen"
        empty = next(before for before, after in itertools.pairwise(filled) if after > before + 1) + 1
        raise UserError(f"{path}:{empty + 1}: {found}; remove these lines, or write nan into them")
    frames = "".join(lines[style.first :])
    if style.separator in ";\t" and "," in frames and "." in frames:
        raise UserError(f"{path}: decimals with a comma and decimals with a point; write all with a point")


def _frame(path: pathlib.Path, number: int, line: str, style: Style) -> list[float]:
    """A line's numbers; none where nobody was seen."""
    cells = _cells(line, style.separator) if line.strip() else []
    numbers = numbers_of(cells)
    if None in numbers:
        column = numbers.index(None)
        hint = "a header is a line of names that differ" if number == 0 else "correct it"
        if column == 0 and None not in numbers[1:]:
            hint = "labels stand in labels.csv, one for each file"
        expected = "a number, or nothing, nan or None for one that was not seen"
        found = f"cell {column + 1} is {shown(cells[column])}"
        raise UserError(f"{path}:{number + 1}: {found}, expected {expected}; {hint}")
    if style.index is not None and numbers and numbers[0] - number != style.index:
        found = f"frame {numbers[0]:g} by the first column, expected {style.index + number:g}"
        raise UserError(f"{path}:{number + 1}: {found}; write empty lines for missing frames, or remove the column")
    numbers = numbers if style.index is None else numbers[1:]
    return [] if all(map(math.isnan, numbers)) else numbers
