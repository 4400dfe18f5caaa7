"""The annotation pickle of pyskl and mmaction2 (pyskl's document on its data format).

A dict of `split` (names by split; a recording may be in several) and `annotations`, a list of dicts with `frame_dir`
(the name), `label`, `keypoint` (M x T x V x C), `keypoint_score` (M x T x V; for two coordinates), `total_frames`, and
for two coordinates `img_shape` and `original_shape` (height, width). A bare list of annotations is read as well.
"""

import functools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from data_prep.formats import pickle_writer, safe_pickle
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, entry, integer, is_real, two_sizes
from dsta_jax.errors import UserError, shown

_KEYS = ("frame_dir", "label", "keypoint", "keypoint_score", "total_frames", "img_shape", "original_shape")
_ALL = "all"


def read(path: pathlib.Path) -> Collection:
    """Reads names, labels and splits; arrays are read from the file one at a time.

    Raises:
      UserError: when the file is no such pickle, a name is taken twice, or a split does not list names.
    """
    contents = safe_pickle.load(path)
    split, annotations = _parts(path, contents)
    found = list(_entries(path, annotations))
    entries = by_name(path, found)
    annotation_of = {one.name: (place, annotation) for (place, one), annotation in zip(found, annotations, strict=True)}
    notes = []
    others = sorted({shown(key) for annotation in annotations for key in annotation if key not in _KEYS})
    if others:
        notes.append(f"{path}: the annotations' keys {', '.join(others[:10])} are not read")
    splits = {}
    for name, listed in split.items():
        splits[name] = [one for one in listed if one in entries]
        if missing := [one for one in listed if one not in entries]:
            notes.append(
                f"{path}: split {name} names {len(missing)} recordings without annotation, {missing[0]!r} first"
            )
    return Collection(
        entries=entries,
        splits=splits if split else {_ALL: list(entries)},
        read=functools.partial(_read_recording, annotation_of),
        notes=tuple(notes),
    )


def _parts(path: pathlib.Path, contents: Any) -> tuple[dict[str, list[str]], list[dict[Any, Any]]]:
    """The names by split, and the annotations."""
    if isinstance(contents, dict):
        for key, kind in (("annotations", list), ("split", dict)):
            if not isinstance(contents.get(key), kind):
                keys = ", ".join(shown(one) for one in list(contents)[:10])
                raise UserError(
                    f"{path}: {key!r} is {shown(contents.get(key))}, expected a {kind.__name__}; the keys are {keys}"
                )
        split, annotations = contents["split"], contents["annotations"]
    elif isinstance(contents, list):
        split, annotations = {}, contents
    else:
        raise UserError(f"{path}: {shown(contents)}, expected a dict with the keys 'split' and 'annotations'")
    return {_split_name(path, name): _names(path, name, listed) for name, listed in split.items()}, annotations


def _split_name(path: pathlib.Path, name: Any) -> str:
    if not isinstance(name, str) or not name.isprintable() or not name:
        raise UserError(f"{path}: {shown(name)} as a split's name, expected printable text")
    return str(name)


def _names(path: pathlib.Path, split: str, listed: Any) -> list[str]:
    names = listed.tolist() if isinstance(listed, np.ndarray) else listed
    if not isinstance(names, list | tuple | set | frozenset):
        raise UserError(f"{path}: split {split}: {shown(listed)}, expected a list of names")
    seen = set()
    for name in names:
        if not isinstance(name, str) or name in seen:
            what = "a second time" if isinstance(name, str) else "as a name"
            raise UserError(f"{path}: split {split}: {shown(name)} {what}, expected different names")
        seen.add(name)
    # The order of a set differs from one process to the next.
    return [str(name) for name in (sorted(names) if isinstance(names, set | frozenset) else names)]


def _entries(path: pathlib.Path, annotations: list[Any]) -> Iterator[tuple[str, Entry]]:
    for number, annotation in enumerate(annotations):
        place = f"{path}: annotations[{number}]"
        if not isinstance(annotation, dict):
            raise UserError(f"{place} is {shown(annotation)}, expected a dict")
        name, label = annotation.get("frame_dir"), integer(annotation.get("label"))
        if not isinstance(name, str):
            raise UserError(f"{place}: 'frame_dir' is {shown(name)}, expected the recording's name")
        if label is None:
            raise UserError(f"{place}: 'label' is {shown(annotation.get('label'))}, expected a whole number")
        yield place, entry(str(name), path, label)


def _read_recording(annotation_of: Mapping[str, tuple[str, Mapping[Any, Any]]], wanted: Entry) -> Recording:
    """The recording of an entry; UserError when its annotation is not as it must be."""
    place, annotation = annotation_of[wanted.name]
    place = f"{place} ({wanted.name})"
    keypoint_MxTxVxC, score_MxTxV = annotation.get("keypoint"), annotation.get("keypoint_score")
    if not is_real(keypoint_MxTxVxC) or keypoint_MxTxVxC.ndim != 4 or keypoint_MxTxVxC.shape[3] not in (2, 3):
        raise UserError(f"{place}: 'keypoint' is {_described(keypoint_MxTxVxC)}, expected an array M x T x V x 2 or 3")
    shape = keypoint_MxTxVxC.shape[:3]
    if not shape[1] or not shape[2]:
        raise UserError(f"{place}: 'keypoint' is {_described(keypoint_MxTxVxC)}, expected a frame and a joint at least")
    if score_MxTxV is not None and (not is_real(score_MxTxV) or score_MxTxV.shape != shape):
        raise UserError(f"{place}: 'keypoint_score' is {_described(score_MxTxV)}, expected an array {_by(shape)}")
    total = annotation.get("total_frames", shape[1])
    if integer(total) != shape[1]:
        raise UserError(f"{place}: 'total_frames' is {shown(total)}, but 'keypoint' has {shape[1]} frames")
    return Recording(
        frames_TxVxMxC=keypoint_MxTxVxC.transpose(1, 2, 0, 3),
        score_TxVxM=None if score_MxTxV is None else score_MxTxV.transpose(1, 2, 0),
        image_shape=_picture(place, annotation, "img_shape"),
        original_shape=_picture(place, annotation, "original_shape"),
    )


def _described(value: Any) -> str:
    return f"{value.dtype} {_by(value.shape)}" if isinstance(value, np.ndarray) else shown(value)


def _by(shape: Sequence[int]) -> str:
    return " x ".join(str(size) for size in shape) or "a single number"


def _picture(place: str, annotation: Mapping[Any, Any], key: str) -> tuple[int, int] | None:
    value = annotation.get(key)
    sizes = None if value is None else two_sizes(value)
    if value is not None and sizes is None:
        raise UserError(f"{place}: {key!r} is {shown(value)}, expected height and width, two whole numbers")
    return sizes


def write(file: BinaryIO, collection: Collection) -> None:
    """Writes a collection, one recording at a time.

    Raises:
      UserError: when a recording is broken.
    """
    splits = {split: list(names) for split, names in collection.splits.items()}
    annotations = (_annotation(one, collection.read(one)) for one in collection.entries.values())
    pickle_writer.dump({"split": splits, "annotations": annotations}, file)


def _annotation(one: Entry, recording: Recording) -> dict[str, Any]:
    annotation = {
        "frame_dir": one.name,
        "label": one.label,
        "img_shape": recording.image_shape,
        "original_shape": recording.original_shape,
        "total_frames": len(recording.frames_TxVxMxC),
        "keypoint": recording.frames_TxVxMxC.transpose(2, 0, 1, 3),
        "keypoint_score": None if recording.score_TxVxM is None else recording.score_TxVxM.transpose(2, 0, 1),
    }
    return {key: value for key, value in annotation.items() if value is not None}
