"""A directory of one's own recordings: a `.npy` or `.csv` file each, and a list of them, `labels.csv`.

`labels.csv` has a header and a line for each recording: `file,label`, and perhaps `subject,camera,setup,split`. `file`
is the path from the directory, `label` a class's name or its number from 0, subject, camera and setup are numbers from
1, split the part that it belongs to. Without that column, all belong to one, `all`.

A `.npy` file holds T x V x C numbers, or T x M x V x C for M bodies. A `.csv` file has a line for each frame, with
M x V x C numbers: body after body, joint after joint, its coordinates together (and its confidence last, where there is
one); a first line with the columns' names is skipped. What was not seen is zeros, NaN or an empty cell.
"""

import csv
import functools
import pathlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from data_prep.formats import npy_rows
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, entry
from dsta_jax.errors import UserError, shown

LIST = "labels.csv"
_NEEDED, _NUMBERS, _SPLIT = ("file", "label"), ("subject", "camera", "setup"), "split"
_COLUMNS = (*_NEEDED, *_NUMBERS, _SPLIT)
_ALL = "all"


def read(directory: pathlib.Path, benchmark: Benchmark | None = None) -> Collection:
    """Reads the list.

    Args:
      directory: with the list and the recordings.
      benchmark: says how many joints, bodies and channels there are, and the classes' names. Without it, `.csv` files
        cannot be read, and named classes are numbered in alphabetical order.

    Raises:
      UserError: when there is no such list, or it is not as it must be.
    """
    path = directory / LIST
    lines = list(_lines(path))
    class_names = benchmark.class_names if benchmark else _named_classes(line["label"] for _, line in lines)
    entries = by_name(path, [(place, _entry(place, directory, line, class_names)) for place, line in lines])
    if benchmark is None and any(one.path.suffix == ".csv" for one in entries.values()):
        raise UserError(f"{path}: lists .csv files; say by --benchmark which of their numbers are joints and bodies")
    splits: dict[str, list[str]] = {}
    for one, (_, line) in zip(entries.values(), lines, strict=True):
        splits.setdefault(line.get(_SPLIT, _ALL), []).append(one.name)
    read_one = functools.partial(
        read_recording,
        frame_shape=benchmark.frame_shape if benchmark else None,
        confidence=benchmark.confidence if benchmark else None,
    )
    return Collection(entries, splits, read_one, class_names, parallel=True)


def _rows(path: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
    """The lines of a `.csv` file that are not empty: the place, and the cells."""
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                line = reader.line_num
                if row:
                    yield f"{path}:{line}", [cell.strip() for cell in row]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path}:{line + 1}: not comma-separated text ({str(error)[:80]})") from error


def _lines(path: pathlib.Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The lines of the list: the place, and the cells by column."""
    rows = _rows(path)
    place, header = next(rows, (f"{path}:1", []))
    if not set(_NEEDED) <= set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
        raise UserError(f"{place}: columns {shown(','.join(header))}, expected some of {','.join(_COLUMNS)}")
    for place, row in rows:
        if len(row) != len(header):
            raise UserError(f"{place}: {len(row)} cells, expected {len(header)}: {','.join(header)}")
        yield place, dict(zip(header, row, strict=True))


def _named_classes(labels: Iterable[str]) -> tuple[str, ...] | None:
    """The classes' names in alphabetical order; None where all are numbers."""
    names = sorted(set(labels))
    return None if all(_is_number(name) for name in names) else tuple(names)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _entry(place: str, directory: pathlib.Path, line: Mapping[str, str], class_names: tuple[str, ...] | None) -> Entry:
    file = pathlib.PurePosixPath(line["file"])
    if file.suffix not in _READERS or file.is_absolute() or ".." in file.parts:
        raise UserError(f"{place}: file {shown(line['file'])}, expected a .npy or .csv file in {directory}")
    if not line.get(_SPLIT, _ALL):
        raise UserError(f"{place}: no split, expected the part that {file} belongs to")
    numbers = {}
    for column in _NUMBERS:
        text = line.get(column, "")
        if text and not _is_number(text):
            raise UserError(f"{place}: {column} {shown(text)}, expected a whole number")
        numbers[column] = int(text or 0)
    label = _label(place, line["label"], class_names)
    return entry(str(file.with_suffix("")), directory / file, label, **numbers)


def _label(place: str, text: str, class_names: tuple[str, ...] | None) -> int:
    if class_names and text in class_names:
        return class_names.index(text)
    if not _is_number(text) or (class_names and int(text) >= len(class_names)):
        names = "" if class_names is None else f" below {len(class_names)}, or one of {', '.join(class_names)}"
        raise UserError(f"{place}: label {shown(text)}, expected a number{names[:200]}")
    return int(text)


def read_recording(wanted: Entry, frame_shape: tuple[int, int, int] | None, confidence: bool | None) -> Recording:
    """Reads one recording.

    Args:
      wanted: which one.
      frame_shape: V, M and C that are expected, M as the most; None where that is not known.
      confidence: whether the last channel is one; None where that is not known, and a fourth channel is.

    Raises:
      UserError: when the file is not as it must be.
    """
    frames_TxMxVxC = _READERS[wanted.path.suffix](wanted.path, frame_shape)
    infinite = np.argwhere(np.isinf(frames_TxMxVxC))
    if len(infinite):
        raise UserError(f"{wanted.path}: an infinite number in frame {infinite[0][0] + 1}, expected finite ones")
    frames_TxVxMxC = frames_TxMxVxC.transpose(0, 2, 1, 3)
    unseen_TxVxM = np.isnan(frames_TxVxMxC).any(axis=3)
    if unseen_TxVxM.any():
        frames_TxVxMxC = np.where(unseen_TxVxM[..., None], frames_TxVxMxC.dtype.type(0), frames_TxVxMxC)
    if frames_TxVxMxC.shape[3] == 4 if confidence is None else confidence:
        return Recording(frames_TxVxMxC[..., :-1], frames_TxVxMxC[..., -1])
    return Recording(frames_TxVxMxC)


def _read_npy(path: pathlib.Path, frame_shape: tuple[int, int, int] | None) -> np.ndarray:
    array = npy_rows.mapped(path)
    frames_TxMxVxC = array[:, None] if array.ndim == 3 else array
    bodies, joints, channels = frames_TxMxVxC.shape[1:] if frames_TxMxVxC.ndim == 4 else (0, 0, 0)
    fits = array.size > 0 and channels in (2, 3, 4)
    expected = "frames x joints x channels, or frames x bodies x joints x channels"
    if frame_shape:
        fits = fits and (joints, channels) == (frame_shape[0], frame_shape[2]) and bodies <= frame_shape[1]
        expected = f"frames x {frame_shape[0]} joints x {frame_shape[2]} channels, or frames x at most "
        expected += f"{frame_shape[1]} bodies x {frame_shape[0]} x {frame_shape[2]}"
    if not fits:
        raise UserError(f"{path}: {' x '.join(map(str, array.shape)) or 'a single number'}, expected {expected}")
    return frames_TxMxVxC


def _read_csv(path: pathlib.Path, frame_shape: tuple[int, int, int] | None) -> np.ndarray:
    assert frame_shape is not None
    joints, bodies, channels = frame_shape
    one = joints * channels
    frames: list[list[float]] = []
    for line, (place, row) in enumerate(_rows(path)):
        numbers = _numbers(row)
        if numbers is None and not line:
            continue  # The columns' names.
        expected = len(frames[0]) if frames else one * max(1, min(bodies, len(row) // one))
        if numbers is None or len(numbers) != expected:
            found = "a cell that is no number" if numbers is None else f"{len(numbers)} numbers"
            raise UserError(f"{place}: {found}, expected {expected}: {expected // one} x {joints} joints x {channels}")
        frames.append(numbers)
    if not frames:
        raise UserError(f"{path}: no frames, expected a line of numbers for each")
    with np.errstate(over="ignore"):
        return np.array(frames, np.float64).astype(np.float32).reshape(len(frames), -1, joints, channels)


def _numbers(row: list[str]) -> list[float] | None:
    """The cells' numbers, NaN for an empty one; None when a cell is something else."""
    try:
        return [float(cell.replace("_", "?") or "nan") for cell in row]  # Python's numbers may have underscores.
    except ValueError:
        return None


_READERS = {".npy": _read_npy, ".csv": _read_csv}
