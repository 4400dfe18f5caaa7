"""A text of lines and columns, as the table [files] of a benchmark's file says what stands in them.

Cells are separated by commas, semicolons, tabs or blanks; between semicolons or tabs, decimals may have a comma. A cell
may hold a list, "[0.1, 0.2, 0.3]". An empty cell, nan, None, null or - is a value that was not seen. Empty lines are
nothing.
"""

import array
import contextlib
import csv
import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from dsta_jax.datasets.own_files import CHANNEL_ROLES, Files
from dsta_jax.errors import UserError, shown
from dsta_jax.formats.csv_frames import SEPARATORS, numbers_of, read_text, separator_of

_MOST_LINES = 10_000_000  # Of 26 characters, as a joint has, they are the longest text.
_HEAD = 3  # So many lines show what separates cells.
_INSIDE = re.compile(r"\[[^\[\]]*\]")  # A list without others in it.
_BETWEEN = re.compile(r"[\s,;\[\]()]+")


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """The R lines of a text that are not empty and no header; or the R rows of an array."""

    place: str
    lines: Sequence[int]  # Their numbers, from 1; of an array a range.
    columns: Mapping[str, Sequence[str]]  # The cells of columns that hold no numbers of joints, by what they hold.
    numbers_RxW: np.ndarray  # float32; NaN for what was not seen.

    def at(self, row: int) -> str:
        """Where a line is."""
        return self.place if isinstance(self.lines, range) else f"{self.place}:{self.lines[row]}"

    def rows(self, chosen: np.ndarray) -> "Table":
        """Some of the lines."""
        columns = {role: [cells[row] for row in chosen] for role, cells in self.columns.items()}
        return Table(self.place, [self.lines[row] for row in chosen], columns, self.numbers_RxW[chosen])


def read(path: pathlib.Path, files: Files, channels: str) -> Table:
    """Reads a file; UserError where a line has other columns than were said, or no numbers in them."""
    text = read_text(path)
    if (count := text.count("\n")) > _MOST_LINES:
        raise UserError(f"{path}: {count} lines, expected at most {_MOST_LINES}; cut it into several files")
    filled = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not filled:
        raise UserError(f"{path}: no lines, expected numbers in columns")
    separator = files.separator or separator_of([line for _, line in filled[:_HEAD]])
    head = [_cells(line, separator) for _, line in filled[:_HEAD]]
    first = head[0][:-1] if all(not cells[-1] for cells in head) else head[0]  # Each ends with a separator.
    roles, header, kept = _head(f"{path}:{filled[0][0]}", first, files, channels)
    column_of = {role: column for column, role in enumerate(roles) if column not in kept and role != "skip"}
    columns: dict[str, list[str]] = {role: [] for role in column_of}
    values, lines, width = array.array("d"), array.array("q"), 0
    for number, line in filled[header:]:
        place, cells = f"{path}:{number}", _cells(line, separator)
        if len(cells) == len(roles) + 1 and not cells[-1]:
            cells.pop()
        if len(cells) != len(roles):
            hint = f"cells are separated by {SEPARATORS[separator]}, or say separator in [files]"
            raise UserError(f"{place}: {len(cells)} cells, expected {len(roles)} as in the first line; {hint}")
        texts = [cells[column] for column in kept]
        numbers = numbers_of(texts)
        if None in numbers:
            texts = _plain(texts)
            numbers = numbers_of(texts)
        if None in numbers:
            _refuse(place, cells, kept, texts[numbers.index(None)])
        if len(numbers) != (width := width or len(numbers)):
            raise UserError(f"{place}: {len(numbers)} numbers, expected {width} as in the lines before")
        lines.append(number)
        values.extend(numbers)
        for role, column in column_of.items():
            columns[role].append(cells[column])
    if not lines:
        raise UserError(f"{path}: nothing but a header, expected numbers below it")
    with np.errstate(over="ignore"):  # Infinity is reported when the recording is converted.
        numbers_RxW = np.frombuffer(values).reshape(len(lines), width).astype(np.float32)
    return Table(str(path), lines, columns, numbers_RxW)


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return _INSIDE.sub(lambda found: _BETWEEN.sub(",", found[0]), line).split() if "[" in line else line.split()
    if '"' in line:
        with contextlib.suppress(csv.Error):  # A cell of more than 128 kB is one that is not as it should be.
            return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]
    if "[" in line:
        line = _INSIDE.sub(lambda found: found[0].replace(separator, " "), line)
    return [cell.strip() for cell in line.split(separator)]


def _head(place: str, first: Sequence[str], files: Files, channels: str) -> tuple[list[str], bool, list[int]]:
    """What each column holds, whether the first line is a header, and which columns are read as numbers."""
    roles = _roles(place, first, files)
    kinds = ("numbers",) if "numbers" in roles else tuple(channels)  # x, y, z in the order of the channels.
    if missing := [kind for kind in kinds if kind not in roles]:
        raise UserError(f"{place}: no column {missing[0]}, expected one for each of the channels {channels}")
    kept = [column for kind in kinds for column, role in enumerate(roles) if role == kind]
    if files.header is not None or files.named:
        return roles, files.header is not False, kept
    return roles, all(number is None for number in numbers_of(_plain([first[column] for column in kept]))), kept


def _roles(place: str, first: Sequence[str], files: Files) -> list[str]:
    """What each column holds."""
    if files.named:
        role_of = dict(files.named)
        if missing := [name for name in role_of if name not in first]:
            found = ", ".join(first)[:120]
            raise UserError(f"{place}: no column {shown(missing[0])}, expected it in the header; found {found}")
        rest = "skip" if set(CHANNEL_ROLES) & set(files.roles) else "numbers"
        return [role_of.get(cell, rest) for cell in first]
    roles = list(files.columns)
    more = len(first) - len(roles)
    if "numbers" in roles and more >= 0:
        place_of = roles.index("numbers")
        roles[place_of : place_of + 1] = ["numbers"] * (1 + more)
    if len(roles) != len(first):
        expected = f"{len(files.columns)} or more: {', '.join(files.columns)}"
        raise UserError(f"{place}: {len(first)} cells, expected {expected}; correct columns or separator in [files]")
    return roles


def _plain(texts: Sequence[str]) -> list[str]:
    """Numbers out of their lists, or with points for decimals."""
    if any("[" in text for text in texts):
        return [number for text in texts for number in _BETWEEN.split(text.strip("[]() ")) if number]
    return [text.replace(",", ".") for text in texts]


def _refuse(place: str, cells: Sequence[str], kept: Sequence[int], wrong: str) -> NoReturn:
    """Says which cell is no number."""
    column = next(
        column for column in kept if wrong in (cells[column], cells[column].replace(",", ".")) or "[" in cells[column]
    )
    expected = "a number, or nothing or nan for one that was not seen"
    remedy = "correct it, or say in [files] what its column holds"
    raise UserError(f"{place}: cell {column + 1} is {shown(cells[column])}, expected {expected}; {remedy}")
