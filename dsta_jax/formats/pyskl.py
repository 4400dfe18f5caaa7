"""The annotation pickle of pyskl and mmaction2 (pyskl's document on its data format).

A dict of `split` (names by split; a recording may be in several) and `annotations`, a list of dicts with `frame_dir`
(the name), `label`, `keypoint` (M x T x V x C), `keypoint_score` (M x T x V; for two coordinates), `total_frames`, and
for two coordinates `img_shape` and `original_shape` (height, width). A bare list of annotations is read as well.

That of Kinetics-400 is compact: `frame_inds` says for each of N skeletons the frame, from 0, and these, N x V x
(x, y, confidence), stand under `keypoint`, or in another file, `raw_file`, a dict of such dicts by `frame_dir`.
"""

import collections
import functools
import pathlib
import pickle
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import (
    ALL,
    MOST_FRAMES,
    Collection,
    Entry,
    Recording,
    by_name,
    check_size,
    entry,
    integer,
    is_real,
    two_sizes,
)
from dsta_jax.errors import UserError, shown
from dsta_jax.formats import safe_pickle

_PICTURES = ("img_shape", "original_shape")
_MOST_PEOPLE = 10  # Of a compact annotation's frame, as pyskl takes them.
_COMPACT = ("frame_inds", "raw_file")
_KEYS = ("frame_dir", "label", "keypoint", "keypoint_score", "total_frames", *_PICTURES, *_COMPACT)


def read(path: pathlib.Path, source: Source | None = None, labelled: bool = True) -> Collection:
    """Reads the file into memory; UserError when it is no such pickle, or no split names a recording.

    The source says how many people of a compact file's frames are kept, or else ten are. If they are not `labelled`,
    labels are 0.
    """
    split, annotations = _parts(path, safe_pickle.load(path))
    found = list(_entries(path, annotations, labelled))
    entries = by_name(path, found)
    notes = []
    if others := sorted({shown(key) for annotation in annotations for key in annotation if key not in _KEYS}):
        notes.append(f"{path}: the annotations' keys {', '.join(others[:10])} are not read")
    splits = {name: [one for one in listed if one in entries] for name, listed in split.items()}
    missing = {name: absent for name, listed in split.items() if (absent := [n for n in listed if n not in entries])}
    if missing and not any(splits.values()):
        name, called = shown(next(iter(missing.values()))[0]), shown(next(iter(entries)))
        problem = f"none of the names in split {', '.join(split)} is a frame_dir; found {name}, but the annotations are"
        raise UserError(f"{path}: {problem} called {called}; write both alike, such as both without the ending .avi")
    for name, absent in missing.items():
        notes.append(f"{path}: split {name} names {len(absent)} recordings without annotation, {absent[0]!r} first")
    annotation_of = {one.name: (place, annotation) for (place, one), annotation in zip(found, annotations, strict=True)}
    read_one = functools.partial(_read_recording, annotation_of, source.bodies if source else _MOST_PEOPLE)
    return Collection(entries, splits or {ALL: list(entries)}, read_one, notes=tuple(notes))


def _parts(path: pathlib.Path, contents: Any) -> tuple[dict[str, list[str]], list[Any]]:
    """The names by split, and the annotations."""
    if isinstance(contents, list):
        return {}, contents
    if not isinstance(contents, dict):
        raise UserError(f"{path}: {shown(contents)}, expected a dict with the keys 'split' and 'annotations'")
    for key, kind in (("annotations", list), ("split", dict)):
        if not isinstance(contents.get(key), kind):
            found, keys = shown(contents.get(key)), ", ".join(map(shown, list(contents)[:10]))
            raise UserError(f"{path}: {key!r} is {found}, expected a {kind.__name__}; the keys are {keys}")
    split = {str(name): _names(path, name, listed) for name, listed in contents["split"].items()}
    return split, contents["annotations"]


def _names(path: pathlib.Path, split: Any, listed: Any) -> list[str]:
    if not isinstance(split, str) or not split.isprintable() or not split:
        raise UserError(f"{path}: {shown(split)} as a split's name, expected printable text")
    names = listed.tolist() if isinstance(listed, np.ndarray) else listed
    if not isinstance(names, list | tuple | set | frozenset):
        raise UserError(f"{path}: split {split}: {shown(listed)}, expected a list of names")
    for name in names:
        if not isinstance(name, str):
            raise UserError(f"{path}: split {split}: {shown(name)} as a name, expected text")
    if len(set(names)) < len(names):
        twice = collections.Counter(names).most_common(1)[0][0]
        raise UserError(f"{path}: split {split}: {shown(twice)} a second time, expected different names")
    # The order of a set differs from one process to the next.
    return [str(name) for name in (sorted(names) if isinstance(names, set | frozenset) else names)]


def _entries(path: pathlib.Path, annotations: list[Any], labelled: bool) -> Iterator[tuple[str, Entry]]:
    for number, annotation in enumerate(annotations):
        place = f"{path}: annotations[{number}]"
        if not isinstance(annotation, dict):
            raise UserError(f"{place} is {shown(annotation)}, expected a dict")
        name, label = annotation.get("frame_dir"), integer(annotation.get("label")) if labelled else 0
        if not isinstance(name, str):
            raise UserError(f"{place}: 'frame_dir' is {shown(name)}, expected the recording's name")
        if label is None:
            raise UserError(f"{place}: 'label' is {shown(annotation.get('label'))}, expected a whole number")
        yield place, entry(str(name), path, label)


def _read_recording(
    annotation_of: Mapping[str, tuple[str, Mapping[Any, Any]]], people: int, wanted: Entry
) -> Recording:
    """The recording of an entry; UserError when its annotation is not as it must be."""
    place, annotation = annotation_of[wanted.name]
    place = f"{place} ({wanted.name})"
    if "frame_inds" in annotation:
        annotation = {**annotation, **_unfolded(place, annotation, people, wanted)}
    keypoint_MxTxVxC, score_MxTxV = annotation.get("keypoint"), annotation.get("keypoint_score")
    shape: tuple[int, ...] = getattr(keypoint_MxTxVxC, "shape", ())
    if not is_real(keypoint_MxTxVxC) or len(shape) != 4 or shape[3] not in (2, 3) or 0 in shape[1:]:
        raise UserError(f"{place}: 'keypoint' is {shown(keypoint_MxTxVxC)}, expected an array M x T x V x 2 or 3")
    if score_MxTxV is not None and (not is_real(score_MxTxV) or score_MxTxV.shape != shape[:3]):
        expected = " x ".join(map(str, shape[:3]))
        raise UserError(f"{place}: 'keypoint_score' is {shown(score_MxTxV)}, expected an array {expected}")
    total = annotation.get("total_frames", shape[1])
    if integer(total) != shape[1]:
        raise UserError(f"{place}: 'total_frames' is {shown(total)}, but 'keypoint' has {shape[1]} frames")
    pictures = [annotation.get(key) for key in _PICTURES]
    for key, value in zip(_PICTURES, pictures, strict=True):
        if value is not None and two_sizes(value) is None:
            raise UserError(f"{place}: {key!r} is {shown(value)}, expected height and width, two whole numbers")
    score_TxVxM = None if score_MxTxV is None else score_MxTxV.transpose(1, 2, 0)
    return Recording(keypoint_MxTxVxC.transpose(1, 2, 0, 3), score_TxVxM, *map(two_sizes, pictures))


def _unfolded(place: str, annotation: Mapping[Any, Any], people: int, wanted: Entry) -> dict[str, np.ndarray]:
    """Keypoints and scores, M x T x V x 2 and M x T x V, of a compact annotation; the surest of a frame's people."""
    pose_NxVxC, frame_N = annotation.get("keypoint"), annotation["frame_inds"]
    if pose_NxVxC is None:
        held = _raw_file(place, wanted.path, annotation.get("raw_file"))
        found = held.get(wanted.name) if isinstance(held, dict) else None
        pose_NxVxC = found.get("keypoint") if isinstance(found, dict) else None
    if not is_real(pose_NxVxC) or pose_NxVxC.ndim != 3 or pose_NxVxC.shape[2] != 3 or not pose_NxVxC.shape[1]:
        raise UserError(f"{place}: 'keypoint' is {shown(pose_NxVxC)}, expected an array N x V x 3 beside 'frame_inds'")
    frames, total = np.asarray(frame_N), integer(annotation.get("total_frames"))
    if total is None or not 0 < total <= MOST_FRAMES:
        raise UserError(f"{place}: 'total_frames' is {shown(annotation.get('total_frames'))}, expected 1 or more")
    if (
        frames.dtype.kind not in "iu"
        or frames.shape != pose_NxVxC.shape[:1]
        or not np.all((frames >= 0) & (frames < total))
    ):
        expected = f"{len(pose_NxVxC)} whole numbers from 0 below {total}"
        raise UserError(f"{place}: 'frame_inds' is {shown(frames)}, expected {expected}")
    surest_first_N = np.lexsort([-np.nan_to_num(pose_NxVxC[..., 2]).mean(axis=1), frames])
    ordered_N = frames[surest_first_N]
    body_N = np.arange(len(frames)) - np.searchsorted(ordered_N, ordered_N)
    bodies = min(people, int(body_N.max(initial=0)) + 1)
    try:
        check_size(total, bodies, pose_NxVxC.shape[1], 3)
    except ValueError as error:
        raise UserError(f"{place}: {error}") from None
    pose_MxTxVxC = np.zeros((bodies, total, *pose_NxVxC.shape[1:]), pose_NxVxC.dtype)
    kept = body_N < bodies
    pose_MxTxVxC[body_N[kept], ordered_N[kept]] = pose_NxVxC[surest_first_N[kept]]
    return {"keypoint": pose_MxTxVxC[..., :2], "keypoint_score": pose_MxTxVxC[..., 2]}


@functools.lru_cache(maxsize=4)  # Recordings of a file mostly stand together.
def _loaded(path: pathlib.Path) -> Any:
    return safe_pickle.load(path)


def _raw_file(place: str, pickle_path: pathlib.Path, named: Any) -> Any:
    """What the file holds that an annotation names, by a path from the annotations' directory, or its last parts."""
    parts = pathlib.PurePosixPath(named).parts if isinstance(named, str) else ()
    parts = tuple(part for part in parts if part not in ("/", "..") and len(part) < 200)
    if not parts:
        raise UserError(f"{place}: neither 'keypoint' nor 'raw_file', expected one of them beside 'frame_inds'")
    for start in range(len(parts)):
        path = pickle_path.parent.joinpath(*parts[start:])
        if path.is_file():
            return _loaded(path)
    raise UserError(f"{place}: no file {shown(named)} in {pickle_path.parent}; unpack the files of keypoints there")


def write(file: BinaryIO, collection: Collection) -> None:
    """Writes a collection, one recording at a time; UserError when one is broken."""
    splits = {split: list(names) for split, names in collection.splits.items()}
    # Python's pickler would keep all recordings in memory to the end, so the dictionary around them is written here, by
    # the instructions that Python's module `pickletools` describes.
    file.write(b"\x80\x03}" + _pickled("split") + _pickled(splits) + b"s" + _pickled("annotations") + b"]")
    for one in collection.entries.values():
        # The older name of numpy's module, which numpy 1 has, too; an annotation's arrays come last.
        annotation = _pickled(_annotation(one, collection.read(one)))
        file.write(annotation.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n", 1) + b"a")
    file.write(b"s.")


def _pickled(value: Any) -> bytes:
    """The instructions that make a value, without the protocol's number and the end."""
    return pickle.dumps(value, 3)[2:-1]


def _annotation(one: Entry, recording: Recording) -> dict[str, Any]:
    arrays = {"keypoint": recording.frames_TxVxMxC.transpose(2, 0, 1, 3)}
    if recording.score_TxVxM is not None:
        arrays["keypoint_score"] = recording.score_TxVxM.transpose(2, 0, 1)
    pictures = zip(_PICTURES, (recording.image_shape, recording.original_shape), strict=True)
    return {
        "frame_dir": one.name,
        "label": one.label,
        **{key: sizes for key, sizes in pictures if sizes},
        "total_frames": len(recording.frames_TxVxMxC),
        **{key: np.ascontiguousarray(array, array.dtype.newbyteorder("=")) for key, array in arrays.items()},
    }
