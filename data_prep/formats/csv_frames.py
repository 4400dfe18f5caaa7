"""A recording as a `.csv` file: a line for each frame, and one rule for all of them.

A line holds M x V x C numbers: body after body, joint after joint, its channels together. They are parted by commas,
semicolons, tabs or blanks; between semicolons and tabs, decimals may have a comma. An empty cell, None, NA, NaN, null
or - is a value that was not seen; a line of such cells, and an empty line before the last frame, is a frame in which
nobody was seen. A header is a first line of names that differ, or of whole numbers that count the columns. One column
more than expected may count the frames.
"""

import csv
import dataclasses
import itertools
import math
import pathlib
from typing import Any

import numpy as np

from dsta_jax.errors import UserError, shown

MISSING = frozenset({"", "-", "na", "n/a", "#n/a", "<na>", "nan", "none", "null"})
_SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}
_HEAD = 1 << 16  # So many characters show how a file is written.
_LEAST_COUNTED = 4  # Three numbers in a row may be a place.


@dataclasses.dataclass(frozen=True)
class Style:
    """How a file is written, as its first lines show.

    Attributes:
      separator: what stands between two numbers; a blank for any number of them.
      first: the first frame's line, from 0.
      counted: whether the header counts the columns.
      index: what the first column has more than the line's number from 0, where it counts the frames.
    """

    separator: str
    first: int = 0
    counted: bool = False
    index: float | None = None

    @property
    def notes(self) -> list[str]:
        """What was concluded, and might be wrong."""
        notes = [f"numbers are parted by {_SEPARATORS[self.separator]}"] if self.separator != "," else []
        notes += ["the first line counts the columns and is skipped"] if self.counted else []
        return notes + (["the first column counts the frames and is left out"] if self.index is not None else [])


def read_text(path: pathlib.Path, characters: int = -1) -> str:
    """The text of a file, or its beginning, with line ends as in Unix.

    Raises:
      UserError: when it cannot be read, or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(characters)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    # Python without newline="" writes \r\r\n in Windows.
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def read_style(path: pathlib.Path, frame_shape: tuple[int, int, int]) -> Style:
    """How a file is written; its first lines are read.

    Raises:
      UserError: as `read_text`.
    """
    return _style(read_text(path, _HEAD), frame_shape)


def _style(text: str, frame_shape: tuple[int, int, int]) -> Style:
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()][:3]
    separator = next((one for number in reversed(filled) for one in ";\t," if one in lines[number]), " ")
    rows = [_cells(lines[number], separator) for number in filled]
    if not rows:
        return Style(",")
    names = rows[0] if rows[0][0] else rows[0][1:]  # pandas writes no name above the frames' numbers.
    named = len(set(names)) == len(names) and all(number is None for number in _numbers(names))
    counted = _counts(names) and not any(map(_counts, rows[1:2]))
    frames = [(number, _numbers(row)) for number, row in zip(filled, rows, strict=True)][named or counted :]
    # The first number of a line, less the line's own: always the same if it counts the frames.
    starts = {numbers[0] - line if numbers[0] is not None else math.nan for line, numbers in frames}
    one_more = all(
        _fits(len(numbers) - 1, frame_shape) and not _fits(len(numbers), frame_shape) for _, numbers in frames
    )
    index = starts.pop() if one_more and len(frames) > 1 and len(starts) == 1 else math.nan
    first = filled[0] + 1 if named or counted else 0
    return Style(separator, first, counted, index if index.is_integer() else None)


def _cells(line: str, separator: str) -> list[str]:
    try:
        cells = line.split() if separator == " " else next(csv.reader([line], delimiter=separator))
    except csv.Error:  # A cell of more than 128 kB.
        cells = [line]
    return [cell.strip().replace(",", ".") if separator in ";\t" else cell.strip() for cell in cells]


def _numbers(cells: list[str]) -> list[float | None]:
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


def _counts(cells: list[str]) -> bool:
    """Whether these are whole numbers in steps of one, and so many that they are no frame."""
    numbers = [math.nan if number is None else number for number in _numbers(cells)]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(numbers) >= _LEAST_COUNTED and numbers[0].is_integer() and steps == {1}


def _fits(numbers: int, frame_shape: tuple[int, int, int]) -> bool:
    joints, bodies, channels = frame_shape
    return numbers > 0 and numbers % (joints * channels) == 0 and numbers // (joints * channels) <= bodies


def read(path: pathlib.Path, frame_shape: tuple[int, int, int]) -> np.ndarray:
    """Reads a recording.

    Args:
      path: the file.
      frame_shape: V, M and C that are expected, M as the most.

    Returns:
      TxMxVxC float32; NaN is what was not seen.

    Raises:
      UserError: when a line is neither a frame nor a header.
    """
    text = read_text(path)
    style = _style(text[:_HEAD], frame_shape)
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if len(filled) > 2 and {after - before for before, after in itertools.pairwise(filled)} == {2}:
        raise UserError(
            f"{path}:{filled[0] + 2}: every second line is empty, which would be frames in which nobody was seen; "
            "remove these lines, or write nan into each cell of such a frame"
        )
    if (
        style.separator in ";\t"
        and any("," in line for line in lines)
        and any("." in line for line in lines[style.first :])
    ):
        raise UserError(f"{path}: decimals with a comma and decimals with a point; write all with a point")
    places = [f"{path}:{number + 1}" for number in range(len(lines))]
    frames = [_frame(places[number], number, lines[number], style) for number in range(style.first, len(lines))]
    if not frames:
        raise UserError(f"{path}: no frames, expected a line of numbers for each")
    one = frame_shape[0] * frame_shape[2]
    width = next((len(numbers) for numbers in frames if numbers), one)
    if not _fits(width, frame_shape):
        width = one * max(1, min(frame_shape[1], width // one))
    for place, numbers in zip(places[style.first :], frames, strict=True):
        if numbers and len(numbers) != width:
            hint = "; if the first is a time or a label, remove its column" if len(numbers) == width + 1 else ""
            raise UserError(
                f"{place}: {len(numbers)} numbers, expected {width}: {width // one} bodies x {frame_shape[0]} joints x "
                f"{frame_shape[2]} channels{hint}"
            )
    with np.errstate(over="ignore"):
        filled_TxF = np.array([numbers or [math.nan] * width for numbers in frames]).astype(np.float32)
    return filled_TxF.reshape(len(frames), -1, frame_shape[0], frame_shape[2])


def _frame(place: str, number: int, line: str, style: Style) -> list[float]:
    """A line's numbers; none where nobody was seen."""
    cells = _cells(line, style.separator) if line.strip() else []
    numbers: list[Any] = _numbers(cells)
    if None in numbers:
        column = numbers.index(None)
        hint = "correct it"
        if column == 0 and None not in numbers[1:]:
            hint = "a label in each line is another layout: write it into labels.csv"
        elif number == 0:
            hint = "a header is a line of names that differ"
        raise UserError(
            f"{place}: cell {column + 1} is {shown(cells[column])}, expected a number, or nothing, nan or None for one "
            f"that was not seen; {hint}"
        )
    if style.index is not None and numbers:
        if numbers[0] - number != style.index:
            raise UserError(
                f"{place}: frame number {numbers[0]:g} in the first column, expected {style.index + number:g} as in "
                "the lines before; write an empty line for each frame that is missing, or remove the column"
            )
        numbers = numbers[1:]
    return [] if all(map(math.isnan, numbers)) else numbers
