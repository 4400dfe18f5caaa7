"""Recordings in files that a table [files] describes (`own_files` says what it holds): arrays, texts and JSON.

A file is a recording, one frame of a recording that is a directory, or many recordings. Frames are put in the order of
their numbers, 9 before 10; numbers between that are missing are no frames. A joint or a body that no line of a frame
names was not seen.
"""

import dataclasses
import functools
import itertools
import pathlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.own_files import FACTS, Files, pattern_of
from dsta_jax.datasets.recording import ALL, MOST_FRAMES, ORIGINS, Collection, Entry, Recording, by_name, check_size
from dsta_jax.datasets.recording import entry as entry_of
from dsta_jax.errors import UserError, shown
from dsta_jax.formats import labels, npy_rows, pose_json, table
from dsta_jax.formats.csv_frames import numbers_of
from dsta_jax.formats.table import Table

LIST = "labels.csv"
_OPENPOSE = "*{frame}_keypoints.json"  # The files of a directory, where nothing else is said.


@dataclasses.dataclass(frozen=True, eq=False)
class _Found:
    """A recording, and what its path or columns say of it."""

    name: str
    place: str
    path: pathlib.Path
    facts: Mapping[str, str]
    frames: np.ndarray | UserError | None = None  # TxMxVxC, or why there are none; None where the file is read later.


def read(path: pathlib.Path, source: Source, files: Files, labelled: bool = True) -> Collection:
    """The recordings of a directory or of one file, whose paths or columns say the labels.

    If they are not `labelled`, labels are 0, all are in one split, directories may be any, and a broken file of many
    recordings is one broken recording. UserError when there are no recordings, or a label is no class.
    """
    found = list(_files(path, files, anywhere=not labelled))
    if files.many_in_a_file:
        found = [one for file in found for one in _recordings(file, len(found) > 1, source, files, not labelled)]
    facts = {key: [one.facts.get(key, "") for one in found] for key in FACTS}
    class_of = {name: number for number, name in enumerate(source.label_names)}
    if labelled:
        labels.check_names(path, sorted(set(facts["label"])), class_of)
    origins, notes = {}, []
    for column in ORIGINS:
        origins[column], mixed = labels.numbers_or_words(facts[column])
        notes += [f"{path}: {column} {mixed!r} is no number: all of this column count as words"] if mixed else []
    entries, of_class = [], Counter[int]()
    splits: dict[str, list[str]] = {}
    for number, one in enumerate(found):
        text = facts["label"][number]
        label = labels.label_of(one.place, text, class_of, files.first_label) if labelled else 0
        known = {column: values[number] for column, values in origins.items()}
        entries.append((one.place, entry_of(one.name, one.path, label, **known)))
        of_class[label] += 1
        part = (facts["split"][number] if labelled else "") or ALL
        if files.test_every and labelled:
            part = "train" if of_class[label] % files.test_every else "test"
        splits.setdefault(part, []).append(one.name)
    if files.test_every and labelled:
        said = f"{path}: one of {files.test_every} recordings of each class tests, whoever it is of"
        notes.append(f"{said}; where the same people or moments train, accuracy says little about others")
    source = dataclasses.replace(source, find=None)  # Other processes need not have it.
    if files.many_in_a_file:
        read_one = functools.partial(_in_memory, {one.name: one.frames for one in found}, source.confidence)
    else:
        read_one = functools.partial(read_recording, source=source, files=files)
    parallel = not files.many_in_a_file
    return Collection(by_name(path, entries), splits, read_one, source.label_names, tuple(notes), parallel)


def _files(path: pathlib.Path, files: Files, anywhere: bool) -> Iterator[_Found]:
    """The files that the description fits; where each is a frame, their directories. UserError when there are none.

    Files that may be anywhere need only be called so.
    """
    if path.is_file():
        yield _Found(path.stem, str(path), path, {})
        return
    if not path.is_dir():
        raise UserError(f"{path}: no such file or directory")
    seen, pattern = set(), pattern_of(files.path.rpartition("/")[2] if anywhere else files.path)
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        match = pattern.fullmatch(relative.name if anywhere else relative.as_posix())
        one = relative.parent if files.frame_each else relative
        if not match or relative.name == LIST or one in seen or file.is_dir():
            continue
        seen.add(one)
        name = (relative.parent if files.frame_each else relative.with_suffix("")).as_posix()
        facts = {key: text for key, text in match.groupdict().items() if key in FACTS}
        yield _Found(path.resolve().name if name == "." else name, str(path / one), path / one, facts)
    if not seen:
        raise UserError(f"{path}: no files {files.path or '*'} there; correct path in [files], or --in")


def _in_memory(frames_of: Mapping[str, np.ndarray | UserError | None], confidence: bool, wanted: Entry) -> Recording:
    frames_TxMxVxC = frames_of[wanted.name]
    if not isinstance(frames_TxMxVxC, np.ndarray):
        raise UserError(str(frames_TxMxVxC))
    return Recording.of_channels(frames_TxMxVxC.transpose(0, 2, 1, 3), confidence)


def _recordings(file: _Found, several: bool, source: Source, files: Files, forgiving: bool) -> Iterator[_Found]:
    """The recordings of a file of many: a line each, or told apart by a name."""
    prefix = f"{file.name}/" if several else ""
    try:
        contents = _contents(file.path, source, files)
        if files.line == "recording":
            groups = [(f"line_{number}", np.array([row])) for row, number in enumerate(contents.lines)]
            frames = iter(_lines(contents, source, files))
        else:
            rows_of: dict[str, list[int]] = {}
            for row, name in enumerate(contents.columns.get("name", [file.name] * len(contents.lines))):
                rows_of.setdefault(name, []).append(row)
            groups = [(name, np.array(rows)) for name, rows in rows_of.items()]
            frames = (_frames(contents.rows(rows), source, files) for _, rows in groups)
        names = contents.columns.get("name") if files.line == "recording" else None
        for number, ((name, rows), frames_TxMxVxC) in enumerate(zip(groups, frames, strict=True)):
            facts = {**file.facts, **{key: _same(contents, key, rows) for key in FACTS if key in contents.columns}}
            name = names[number] if names else name
            alone = len(groups) == 1 and files.line != "recording" and "name" not in contents.columns
            full = file.name if alone else f"{prefix}{name}"
            yield _Found(full, contents.at(rows[0]), file.path, facts, frames_TxMxVxC)
    except UserError as error:
        if not forgiving:
            raise
        yield _Found(file.name, file.place, file.path, file.facts, error)


def _same(contents: Table, column: str, rows: np.ndarray) -> str:
    """What all of a recording's lines say in a column."""
    texts = [contents.columns[column][row] for row in rows]
    for row, text in zip(rows, texts, strict=True):
        if text != texts[0]:
            remedy = 'if each line is a recording, say line = "recording"; otherwise name the column of their names'
            raise UserError(f"{contents.at(row)}: {column} {shown(text)} after {shown(texts[0])} before; {remedy}")
    return texts[0]


def read_recording(wanted: Entry, source: Source, files: Files) -> Recording:
    """Reads a recording: a file, or a directory with a file for each frame."""
    if wanted.path.is_dir():
        frames_TxMxVxC = _of_directory(wanted.path, source, files)
    else:
        frames_TxMxVxC = _of_file(wanted.path, source, files, one_frame=False)
    return Recording.of_channels(frames_TxMxVxC.transpose(0, 2, 1, 3), source.confidence)


def _of_directory(path: pathlib.Path, source: Source, files: Files) -> np.ndarray:
    """TxMxVxC of a directory's files, by the number that the pattern finds in their names."""
    name = files.path.rpartition("/")[2] if files.frame_each else _OPENPOSE
    pattern = pattern_of(name)
    numbered = [(match, one) for one in path.iterdir() if (match := pattern.fullmatch(one.name)) and one.is_file()]
    if not numbered:
        raise UserError(f"{path}: no files of frames {name} there; say in [files] their path, with {{frame}}")
    if len(numbered) > MOST_FRAMES:
        raise UserError(f"{path}: {len(numbered)} files, expected at most {MOST_FRAMES} frames")
    ordered = sorted(numbered, key=lambda pair: (int(pair[0]["frame"]), pair[1].name))
    for (before, _), (after, one) in itertools.pairwise(ordered):
        if int(before["frame"]) == int(after["frame"]):
            raise UserError(f"{one}: frame {after['frame']} a second time, expected one file for each")
    frames = [_of_file(one, source, files, one_frame=True) for _, one in ordered]
    for (_, one), frame in zip(ordered, frames, strict=True):
        if len(frame) != 1:
            raise UserError(f"{one}: {len(frame)} frames, expected one in each file")
    bodies = max(frame.shape[1] for frame in frames)
    whole_TxMxVxC = np.full((len(frames), bodies, *frames[0].shape[2:]), np.nan, np.result_type(*frames, np.float16))
    for number, frame in enumerate(frames):
        whole_TxMxVxC[number, : frame.shape[1]] = frame[0]
    return whole_TxMxVxC


def _of_file(path: pathlib.Path, source: Source, files: Files, one_frame: bool) -> np.ndarray:
    """TxMxVxC of a file."""
    if path.suffix.lower() == ".json":
        return pose_json.read(path, source, files.keypoints)
    return _frames(_contents(path, source, files, one_frame), source, files, one_frame)


def _contents(path: pathlib.Path, source: Source, files: Files, one_frame: bool = False) -> Table:
    """A text's lines, or an array's rows."""
    if path.suffix.lower() != ".npy":
        return table.read(path, files, source.channels)
    array = npy_rows.mapped(path)
    if files.named or files.columns != ("numbers",):
        raise UserError(f"{path}: an array, which has no columns; say take in [files] which of its numbers are joints")
    if not array.size:
        raise UserError(f"{path}: {' x '.join(map(str, array.shape))} numbers, expected some")
    rows = 1 if one_frame or array.ndim < 2 or files.order[0] != "frame" else len(array)
    return Table(str(path), range(rows), {}, array.reshape(rows, -1))


def _taken(contents: Table, source: Source, files: Files) -> np.ndarray:
    """The numbers of each line that are read, R x W."""
    index = files.taken(source.channels)
    if index is None:
        return contents.numbers_RxW
    if index.max() >= (width := contents.numbers_RxW.shape[1]):
        raise UserError(f"{contents.at(0)}: {width} numbers, but take in [files] needs {index.max() + 1}")
    return contents.numbers_RxW[:, index]


def _lines(contents: Table, source: Source, files: Files) -> np.ndarray:
    """RxTxMxVxC of R lines that hold so many whole frames each."""
    numbers_RxW, (joints, most, channels) = _taken(contents, source, files), source.frame_shape
    width, frame = numbers_RxW.shape[1], joints * channels
    whole = files.line == "recording" or files.order[0] != "frame"
    bodies = most if whole else max(1, min(most, width // frame))
    frames = width // (bodies * frame) if whole else 1
    if width != frames * bodies * frame or not frames:
        expected = f"{bodies * frame}{' or a multiple of it' * whole}: {bodies} bodies x {joints} joints x {channels}"
        remedy = "leave columns out by columns or take in [files], or correct joints and channels"
        raise UserError(f"{contents.at(0)}: {width} numbers, expected {expected} channels; {remedy}")
    try:
        check_size(frames if whole else len(numbers_RxW), bodies, joints, channels)
    except ValueError as error:
        raise UserError(f"{contents.place}: {error}") from None
    size_of = {"frame": frames, "body": bodies, "joint": joints, "channel": channels}
    axes = [1 + files.order.index(axis) for axis in size_of]
    return numbers_RxW.reshape(-1, *(size_of[axis] for axis in files.order)).transpose(0, *axes)


def _frames(contents: Table, source: Source, files: Files, one_frame: bool = False) -> np.ndarray:
    """TxMxVxC of a recording's lines."""
    if files.line == "joint":
        return _of_joints(contents, source, files, one_frame)
    if one_frame and not contents.columns:  # A frame may be written in several lines.
        contents = dataclasses.replace(contents, numbers_RxW=contents.numbers_RxW.reshape(1, -1))
    lines_RxTxMxVxC = _lines(contents, source, files)
    if not files.has_frames:
        return lines_RxTxMxVxC.reshape(-1, *lines_RxTxMxVxC.shape[2:])
    if "body" in files.roles and lines_RxTxMxVxC.shape[2] > 1:
        raise UserError(f"{contents.at(0)}: {lines_RxTxMxVxC.shape[2]} bodies, expected one in each line with its body")
    frame_R, body_R = _frame_numbers(contents), _bodies(contents, source)
    _refuse_twice(contents, files, frame_R, body_R)
    whole_TxBxMxVxC = np.full((frame_R.max() + 1, body_R.max() + 1, *lines_RxTxMxVxC.shape[2:]), np.nan, np.float32)
    whole_TxBxMxVxC[frame_R, body_R] = lines_RxTxMxVxC[:, 0]
    return whole_TxBxMxVxC.reshape(len(whole_TxBxMxVxC), -1, *lines_RxTxMxVxC.shape[3:])


def _of_joints(contents: Table, source: Source, files: Files, one_frame: bool) -> np.ndarray:
    """TxMxVxC of lines that hold a joint each."""
    joint_RxC, (joints, most, channels) = _taken(contents, source, files), source.frame_shape
    if joint_RxC.shape[1] != channels:
        found = f"{joint_RxC.shape[1]} numbers, expected {channels} ({source.channels}) of one joint"
        raise UserError(f"{contents.at(0)}: {found}; say in columns of [files] what is to skip")
    count = len(joint_RxC)
    frame_R, body_R = _frame_numbers(contents), _bodies(contents, source)
    if "joint" in contents.columns:
        joint_R = _joints(contents, source, files)
    else:
        if not files.has_frames and not one_frame:
            frame_R = np.arange(count) // (joints * most)
        groups, seen = list(zip(frame_R.tolist(), body_R.tolist(), strict=True)), Counter[tuple[int, int]]()
        number_R = np.empty(count, int)
        for row, group in enumerate(groups):
            number_R[row] = seen[group]
            seen[group] += 1
        per_group = joints if "body" in contents.columns else joints * most
        for row, group in enumerate(groups):
            if seen[group] % joints or seen[group] > per_group:
                found = f"{seen[group]} joints in this frame, expected {joints} ({source.layout.name})"
                expected = f" for each of at most {most} bodies" if most > 1 else ""
                raise UserError(f"{contents.at(row)}: {found}{expected}")
        joint_R, body_R = number_R % joints, body_R + number_R // joints
    _refuse_twice(contents, files, frame_R, body_R, joint_R)
    frames, bodies = int(frame_R.max()) + 1, int(body_R.max()) + 1
    try:
        check_size(frames, bodies, joints, channels)
    except ValueError as error:
        raise UserError(f"{contents.place}: {error}") from None
    whole_TxMxVxC = np.full((frames, bodies, joints, channels), np.nan, np.float32)
    whole_TxMxVxC[frame_R, body_R, joint_R] = joint_RxC
    return whole_TxMxVxC


def _frame_numbers(contents: Table) -> np.ndarray:
    """The place of each line's frame among all, from 0."""
    if "frame" not in contents.columns:
        return np.zeros(len(contents.lines), int)
    numbers = numbers_of(contents.columns["frame"])
    for row, number in enumerate(numbers):
        if number is None or not np.isfinite(number):
            found = shown(contents.columns["frame"][row])
            raise UserError(f"{contents.at(row)}: frame {found}, expected a number, by which lines are put in order")
    return np.unique(numbers, return_inverse=True)[1]


def _bodies(contents: Table, source: Source) -> np.ndarray:
    """The number of each line's body, from 0, as they come."""
    number_of: dict[str, int] = {}
    for row, text in enumerate(contents.columns.get("body", ())):
        if number_of.setdefault(text, len(number_of)) >= source.bodies:
            found = f"body {shown(text)} is number {len(number_of)}, expected at most {source.bodies}"
            raise UserError(f"{contents.at(row)}: {found}; raise bodies, or take lines out")
    texts = contents.columns.get("body")
    return np.array([number_of[text] for text in texts]) if texts else np.zeros(len(contents.lines), int)


def _joints(contents: Table, source: Source, files: Files) -> np.ndarray:
    """The number of each line's joint, which is called by its name or its number."""
    number_of = {plain_name(joint): number for number, joint in enumerate(source.layout.joints)}
    first, count = files.first_joint, len(number_of)
    number_of |= {str(number + first): number for number in range(count)}
    found = []
    for row, text in enumerate(contents.columns["joint"]):
        number = number_of.get(plain_name(text))
        if number is None:
            expected = f"a number from {first} to {count + first - 1}, or one of {', '.join(source.layout.joints)}"
            remedy = f"; say first_joint = {1 - first} in [files] if they count from {1 - first}"
            raise UserError(f"{contents.at(row)}: joint {shown(text)}, expected {expected[:200]}{remedy}")
        found.append(number)
    return np.array(found)


def plain_name(joint: str) -> str:
    """A joint's name as others may write it: LEFT_WRIST, Left wrist, left-wrist; a number without .0."""
    return re.sub(r"\.0*$", "", re.sub(r"[\s_-]+", "_", joint.strip().lower()))


def _refuse_twice(contents: Table, files: Files, *keys_R: np.ndarray) -> None:
    """Raises UserError when two lines are of the same frame, body and joint."""
    row_of: dict[Sequence[int], int] = {}
    for row, key in enumerate(zip(*(key.tolist() for key in keys_R), strict=True)):
        if (before := row_of.setdefault(key, row)) != row:
            said = [
                f"{role} {contents.columns[role][row]}"
                for role in ("frame", "body", "joint")
                if role in contents.columns
            ]
            remedy = "if the file holds several recordings or bodies, say in columns which one tells them apart"
            raise UserError(
                f"{contents.at(row)}: {', '.join(said)} a second time, as in line {contents.lines[before]}; {remedy}"
            )
