"""Kinetics-Skeleton: OpenPose's poses, one JSON file a video (Yan et al., AAAI 2018, ST-GCN).

In a directory, for each split a directory `kinetics_SPLIT` and `kinetics_SPLIT_label.json`, which says for each NAME
`has_skeleton`, `label` and `label_index`. A file `NAME.json` lists under `data` the frames: `frame_index`, from 1, and
`skeleton`, a list of people, each with `pose` (x y of 18 joints, in parts of the picture's width and height, y
downward) and `score` (the confidence of each joint). A joint that was not found is zeros, null or NaN. A frame that is
not listed is one in which nobody was found; where every second frame is listed, or every third, the file is refused.
"""

import functools
import itertools
import pathlib
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.layouts import OPENPOSE_18
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, entry, integer
from dsta_jax.errors import UserError, shown
from dsta_jax.files import read_json

_ENDING, _PREFIX = "_label.json", "kinetics_"
_JOINTS = len(OPENPOSE_18.joints)
_BODIES = 2
_MOST_FRAMES = 100_000  # Kinetics has 300.
_MOST_PEOPLE = 1_000
_LARGEST = 1e38  # float32 holds somewhat more.


def read(directory: pathlib.Path, source: Source | None = None) -> Collection:
    """Reads the lists of labels; the source says how many people of a frame are kept, or else two are."""
    lists = sorted(directory.glob(f"*{_ENDING}"), key=lambda path: ("train" not in path.name, path.name))
    if not lists:
        raise UserError(f"{directory}: no files kinetics_SPLIT{_ENDING} there, expected one for each split")
    splits: dict[str, list[str]] = {}
    class_of: dict[int, str] = {}
    notes, places = [], []
    for path in lists:
        listed = read_json(path)
        if not isinstance(listed, dict):
            raise UserError(f"{path}: {shown(listed)}, expected an object with a name for each video")
        found = list(_entries(path, listed, class_of))
        if missing := len(listed) - len(found):
            notes.append(f"{path}: {missing} of {len(listed)} videos have no skeleton, and are left out")
        splits[path.name.removesuffix(_ENDING).removeprefix(_PREFIX)] = [one.name for one in found]
        places += [(f"{path}: {one.name}", one) for one in found]
    names = tuple(class_of[number] for number in sorted(class_of))
    all_known = list(range(len(names))) == sorted(class_of) and len(set(names)) == len(names)
    class_names = names if all_known else None
    read_one = functools.partial(read_recording, bodies=source.bodies if source else _BODIES)
    return Collection(by_name(directory, places), splits, read_one, class_names, tuple(notes), parallel=True)


def _entries(path: pathlib.Path, listed: dict[str, Any], class_of: dict[int, str]) -> Iterator[Entry]:
    """An entry for each video of a list that has a skeleton; collects the names of the classes."""
    for name, said in listed.items():
        label = integer(said.get("label_index")) if isinstance(said, dict) else None
        if label is None or not isinstance(said.get("label"), str):
            raise UserError(f"{path}: {shown(name)}: no label and label_index, expected a class's name and number")
        if class_of.setdefault(label, said["label"]) != said["label"]:
            raise UserError(f"{path}: {name}: label_index {label} is {said['label']!r}, elsewhere {class_of[label]!r}")
        if pathlib.PurePath(f"{name}.json").name != f"{name}.json":
            raise UserError(f"{path}: {shown(name)}: not the name of a file")
        if said.get("has_skeleton", True):
            yield entry(name, path.with_name(path.name.removesuffix(_ENDING)) / f"{name}.json", label)


def read_recording(wanted: Entry, bodies: int, labelled: bool = True) -> Recording:
    """Reads one video: of each frame, the people of the highest mean confidence, most first.

    Where it is not `labelled`, its own label may be any.
    """
    contents = read_json(wanted.path)
    if not isinstance(contents, dict) or not isinstance(contents.get("data"), list) or not contents["data"]:
        raise UserError(f"{wanted.path}: no list 'data', expected the frames of a video")
    if labelled and integer(found := contents.get("label_index", wanted.label)) != wanted.label:
        raise UserError(f"{wanted.path}: label_index {shown(found)}, but {wanted.label} in the list of labels")
    people_of: dict[int, list[np.ndarray]] = {}
    for number, frame in enumerate(contents["data"]):
        place = f"{wanted.path}: data[{number}]"
        index = integer(frame.get("frame_index")) if isinstance(frame, dict) else None
        if index is None or not 0 <= index <= _MOST_FRAMES:
            raise UserError(f"{place}: no frame_index from 1 to {_MOST_FRAMES}")
        if index in people_of:
            raise UserError(f"{place}: frame_index {index} a second time")
        people_of[index] = _people(place, frame.get("skeleton"), bodies)
    _check_steps(wanted.path, sorted(people_of))
    first = 0 if 0 in people_of else 1
    most = max(min(bodies, _BODIES), *map(len, people_of.values()))
    frames_TxVxMxC = np.zeros((max(people_of) - first + 1, _JOINTS, most, 3), np.float32)
    for index, people in people_of.items():
        for body, pose_VxC in enumerate(people):
            frames_TxVxMxC[index - first, :, body] = pose_VxC
    return Recording.of_channels(frames_TxVxMxC, confidence=True)


def _check_steps(path: pathlib.Path, indices: list[int]) -> None:
    """Refuses a video of which most frames have left others out: not all that is between them can be empty."""
    steps = [after - before for before, after in itertools.pairwise(indices)]
    if len(steps) > 1 and (step := statistics.mode(steps)) > 1 and steps.count(step) > len(steps) / 2:
        remedy = 'number the frames 1, 2, 3, ..., or list those between with "skeleton": []'
        raise UserError(
            f"{path}: frame_index goes in steps of {step}: are the others not looked at, or empty? {remedy}"
        )


def _people(place: str, skeleton: Any, bodies: int) -> list[np.ndarray]:
    """The poses of a frame, each V x (x, y, confidence), those of the highest mean confidence first."""
    skeleton = [] if skeleton is None else skeleton
    if not isinstance(skeleton, list):
        raise UserError(f"{place}: skeleton is {shown(skeleton)}, expected a list of people")
    if len(skeleton) > _MOST_PEOPLE:
        raise UserError(f"{place}: {len(skeleton)} people, expected at most {_MOST_PEOPLE}")
    poses = []
    for number, person in enumerate(skeleton):
        found = person if isinstance(person, dict) else {}
        pose = numbers(f"{place}: skeleton[{number}]: pose", found.get("pose"), 2 * _JOINTS)
        score = numbers(f"{place}: skeleton[{number}]: score", found.get("score"), _JOINTS)
        poses.append(np.column_stack([pose.reshape(_JOINTS, 2), score]))
    return sorted(poses, key=lambda pose_VxC: -np.nan_to_num(pose_VxC[:, 2]).mean())[:bodies]


def numbers(place: str, values: Any, count: int) -> np.ndarray:
    """A list of so many numbers, null for NaN; UserError when it is something else."""
    if not isinstance(values, list) or len(values) != count:
        found = f"{len(values)} values" if isinstance(values, list) else shown(values)
        raise UserError(f"{place} is {found}, expected {count} numbers")
    for value in values:
        if value is not None and (type(value) not in (int, float) or abs(value) > _LARGEST):
            raise UserError(f"{place} holds {shown(value)}, expected finite numbers, or null for what was not found")
    return np.array(values, np.float32)  # None is NaN.
