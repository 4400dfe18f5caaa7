"""Recordings without labels, to be recognised: what a file or a directory holds, in every format that is converted.

What a file is, its ending says, its contents, and what the networks were trained on. A directory with `labels.csv` is
what that lists, whose labels are not read; any other directory is all the recordings in it, at any depth.
"""

import collections
import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dsta_jax.datasets import dhg, ntu_skeleton, nw_ucla, shrec17, utd_mhad
from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.own_files import Files
from dsta_jax.datasets.recording import ALL, Collection, Entry, Recording, by_name, entry
from dsta_jax.errors import UserError
from dsta_jax.files import read_json
from dsta_jax.formats import (
    csv_frames,
    ctr_gcn,
    described,
    folder,
    kinetics,
    npy_pair,
    npy_rows,
    padded,
    pose_json,
    pyskl,
)
from dsta_jax.formats.described import LIST

_PICKLES, _ARCHIVES = (".pkl", ".pickle"), (".npz",)
_OTHERS = (*_PICKLES, *_ARCHIVES, ".skeleton", ".mat")  # Which no description is of.
_FRAMES = Files(path="**/{frame}.npy")
_OPENPOSE = "_keypoints.json"
_HAND_FILES = (shrec17.SKELETON_FILE, dhg.SKELETON_FILE)
_LISTS = (shrec17.TRAIN_LIST, shrec17.TEST_LIST, dhg.LIST_FILE)

# How an entry is read, and the entry.
_Found = tuple[Entry, Callable[[Entry], Recording]]


def find(path: pathlib.Path, source: Source, files: Files | None) -> Collection:
    """The recordings in one file or directory; their labels are 0.

    Args:
      path: a file or a directory.
      source: what the networks were trained on: joints, bodies, channels.
      files: how files are written, where that is said.

    Raises:
      UserError: when nothing is there that could be recordings. A broken file among others is an entry, and `read`
        raises UserError for it.
    """
    source = dataclasses.replace(source, find=None, files=files)
    if not path.exists():
        raise UserError(f"{path}: no such file or directory")
    if path.is_dir() and (path / LIST).exists():
        return _without_labels(folder.read(path, source, labelled=False))
    if files and path.suffix.lower() not in _OTHERS:
        return described.read(path, source, files, labelled=False)
    if path.is_dir():
        for marks, read in (("*_label.json", kinetics.read), ("*_label.pkl", npy_pair.read)):
            if any(path.glob(marks)):
                return _without_labels(read(path, source))
        if (path / dhg.LIST_FILE).exists():  # It says where gestures begin and end.
            return _without_labels(dhg.find(path))
    found = dict(_named(path, _below(path) if path.is_dir() else [path], source))
    if not found:
        raise UserError(f"{path}: no recordings there; say by a table [files] how its files are written")
    entries = by_name(path, ((one.place, one) for one, _ in found.values()))
    readers = {name: read for name, (_, read) in found.items()}
    return Collection(entries, {ALL: list(entries)}, functools.partial(_read, readers))


def _read(readers: dict[str, Callable[[Entry], Recording]], wanted: Entry) -> Recording:
    return readers[wanted.name](wanted)


def _without_labels(found: Collection) -> Collection:
    entries = {name: dataclasses.replace(one, label=0) for name, one in found.entries.items()}
    return dataclasses.replace(found, entries=entries, splits={ALL: list(entries)}, class_names=None)


def _below(directory: pathlib.Path) -> list[pathlib.Path]:
    """The files below a directory, and of those that hold a frame each the directories."""
    found: dict[pathlib.Path, None] = {}
    files = sorted(one for one in directory.rglob("*") if not one.is_dir() and not one.name.startswith("."))
    hands = [one for one in files if one.name in _HAND_FILES]
    for one in files:
        if one.suffix.lower() == ".txt" and (hands and one not in hands or one.name in _LISTS):
            continue
        if one.name.endswith(_OPENPOSE) or one.suffix.lower() == ".npy" and one.stem.isdecimal() and _is_row(one):
            found[one.parent] = None
        elif one.suffix.lower() in _READERS or one.suffix.lower() in (*_PICKLES, *_ARCHIVES):
            found[one] = None
    return list(found)


def _is_row(path: pathlib.Path) -> bool:
    """Whether it is an array of one axis, which is a frame."""
    with contextlib.suppress(UserError):
        return npy_rows.mapped(path).ndim == 1
    return True


def _named(path: pathlib.Path, places: Sequence[pathlib.Path], source: Source) -> Iterable[tuple[str, _Found]]:
    """The recordings of all places, by distinct names."""
    alike = collections.Counter(place.with_suffix("") for place in places)  # These differ in their ending alone.
    for place in places:
        relative = place.relative_to(path) if place != path else pathlib.PurePath(path.resolve().name)
        keep = alike[place.with_suffix("")] > 1 or place.is_dir()
        name = relative.as_posix() if keep else relative.with_suffix("").as_posix()
        for inner, (one, read) in _inside(place, name, source):
            full = f"{name}/{inner}" if inner and len(places) > 1 else inner or name
            yield full, (dataclasses.replace(one, name=full), read)


def _inside(place: pathlib.Path, name: str, source: Source) -> Iterable[tuple[str, _Found]]:
    """The recordings of a file or a directory; the name inside is empty where it is only one."""
    suffix = place.suffix.lower()
    try:
        if place.is_file() and suffix in (*_PICKLES, *_ARCHIVES):
            read = pyskl.read if suffix in _PICKLES else ctr_gcn.read
            whole = _without_labels(read(place, source, labelled=False))
            for inner, one in whole.entries.items():
                yield inner, (one, functools.partial(_of_whole, whole, inner))
            return
        if place.is_file() and suffix == ".npy" and npy_rows.mapped(place).ndim == 5:
            array_NxCxTxVxM = npy_rows.mapped(place)
            padded.has_confidence(str(place), array_NxCxTxVxM.shape[3], array_NxCxTxVxM.shape[1], source)
            for number in range(len(array_NxCxTxVxM)):
                yield (
                    str(number),
                    (entry(name, place, 0), functools.partial(_of_array, array_NxCxTxVxM, number, source)),
                )
            return
    except UserError as error:
        yield "", (entry(name, place, 0), functools.partial(_broken, str(error)))
        return
    read_one = _directory if place.is_dir() else _READERS.get(suffix, _READERS[".csv"])
    yield "", (entry(name, place, 0), functools.partial(read_one, source))


def _of_whole(whole: Collection, name: str, wanted: Entry) -> Recording:
    return whole.read(whole.entries[name])


def _broken(reason: str, wanted: Entry) -> Recording:
    raise UserError(reason)


def _of_array(array_NxCxTxVxM: np.ndarray, number: int, source: Source, wanted: Entry) -> Recording:
    """A recording of ST-GCN's array, without the zeros at its end."""
    frames_TxVxMxC = np.array(array_NxCxTxVxM[number]).transpose(1, 2, 3, 0)
    seen_T = np.flatnonzero(np.any(frames_TxVxMxC, axis=(1, 2, 3)))
    return Recording.of_channels(frames_TxVxMxC[: max([1, *(seen_T[-1:] + 1).tolist()])], source.confidence)


def _directory(source: Source, wanted: Entry) -> Recording:
    openpose = any(wanted.path.glob(f"*{_OPENPOSE}"))
    return described.read_recording(wanted, source, Files() if openpose else _FRAMES)


def _json(source: Source, wanted: Entry) -> Recording:
    """A recording of NW-UCLA's, of Kinetics-Skeleton's, or of an estimator's."""
    contents = read_json(wanted.path)
    if isinstance(contents, dict) and "skeletons" in contents:
        return nw_ucla.read(wanted)
    if isinstance(contents, dict) and "data" in contents:
        return kinetics.read_recording(wanted, source.bodies, labelled=False)
    frames_TxMxVxC = pose_json.read(wanted.path, source, Files().keypoints)
    return Recording.of_channels(frames_TxMxVxC.transpose(0, 2, 1, 3), source.confidence)


def _text(source: Source, wanted: Entry) -> Recording:
    """A line for each frame."""
    frames_TxMxVxC = csv_frames.read(wanted.path, source.frame_shape)
    return Recording.of_channels(frames_TxMxVxC.transpose(0, 2, 1, 3), source.confidence)


_READERS: dict[str, Callable[[Source, Entry], Recording]] = {
    ".npy": lambda source, wanted: folder.read_recording(wanted, source),
    ".csv": _text,
    ".txt": _text,
    ".json": _json,
    ".skeleton": lambda source, wanted: ntu_skeleton.read(wanted),
    ".mat": lambda source, wanted: utd_mhad.read(wanted),
}
