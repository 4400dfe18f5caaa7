"""Small collections made by hand, and how to compare them."""

import pathlib
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.layouts import Layout
from dsta_jax.datasets.recording import Collection, Entry, Recording, entry

NAMES = ("S001C002P003R001A001", "second", "third one", "fourth/sub", "fünf")


def source(joints: int = 3, bodies: int = 1, channels: Any = "xyz", **changes: Any) -> Source:
    """A data set of three classes, its joints in a row: joint_0, joint_1, ..."""
    names = tuple(f"joint_{number}" for number in range(joints))
    layout = Layout("made", names, (0, *range(joints - 1)))
    return Source("made", layout, ("wave", "point, far", "3"), bodies=bodies, channels=channels, **changes)


def annotation(number: int, two: bool = False, dtype: Any = np.float16) -> dict[str, Any]:
    """An annotation of pyskl's: 3 joints; some with two bodies, some with frames of zeros at the end."""
    random = np.random.default_rng(number)
    bodies, frames = 1 + number % 2, 2 + number
    keypoint = random.normal(size=(bodies, frames, 3, 2 if two else 3)).astype(dtype)
    score = random.uniform(size=(bodies, frames, 3)).astype(dtype)
    if number % 3 == 1:
        keypoint[:, -2:], score[:, -2:] = 0, 0
    made = {"frame_dir": NAMES[number], "label": number % 3, "total_frames": frames, "keypoint": keypoint}
    if two:
        made |= {"keypoint_score": score, "img_shape": (1080, 1920), "original_shape": (720, 1280 + number)}
    return made


def annotations(two: bool = False, dtype: Any = np.float16) -> dict[str, Any]:
    """Five annotations in two splits; the splits of `overlapping` share some."""
    return {
        "split": {"xsub_train": [NAMES[3], NAMES[0], NAMES[1]], "xsub_val": [NAMES[2], NAMES[4]]},
        "annotations": [annotation(number, two, dtype) for number in range(5)],
    }


def write_pickle(path: pathlib.Path, value: Any, protocol: int = 4) -> pathlib.Path:
    """Writes a pickle as others do."""
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def collection(recordings: Mapping[str, Recording], splits: Mapping[str, list[str]] | None = None) -> Collection:
    """A collection of recordings by name, labels 0, 1, 2, 0, ..."""
    entries = {name: entry(name, pathlib.Path("made"), number % 3) for number, name in enumerate(recordings)}
    return Collection(entries, splits or {"train": list(entries)}, lambda wanted: recordings[wanted.name])


def contents(found: Collection) -> dict[str, Any]:
    """All of a collection, to be compared with `assert_same`."""
    return {
        "splits": {split: list(names) for split, names in found.splits.items()},
        "recordings": {name: (numbers(one), vars(found.read(one))) for name, one in found.entries.items()},
    }


def numbers(one: Entry) -> tuple[int, int | str, int | str, int | str]:
    """Label, subject, camera and setup."""
    return one.label, one.subject, one.camera, one.setup


def assert_same(found: Collection, expected: Collection) -> None:
    """Asserts that names, labels, splits, values and types are the same, and the splits in the same order."""
    ours, theirs = contents(found), contents(expected)
    assert list(ours["splits"].items()) == list(theirs["splits"].items())
    assert set(ours["recordings"]) == set(theirs["recordings"])
    for name, (said, recording) in ours["recordings"].items():
        expected_said, expected_recording = theirs["recordings"][name]
        assert said == expected_said
        for key, value in recording.items():
            other = expected_recording[key]
            assert type(value) is type(other) or isinstance(value, np.ndarray)
            if isinstance(value, np.ndarray):
                assert value.dtype == other.dtype and value.shape == other.shape
            np.testing.assert_array_equal(value, other)
