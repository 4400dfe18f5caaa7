"""Small raw recordings in the layouts of the data sets, and small converted sets."""

import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import scipy.io

from data_prep import tfds_layout
from dsta_jax.data import records as record_files
from dsta_jax.data.records import Record, shard_name
from dsta_jax.data.tfrecord import write_file
from dsta_jax.datasets import dhg, shrec17

ROOT = pathlib.Path(__file__).resolve().parent.parent

# gesture, finger, subject, essai
Key = tuple[int, int, int, int]

# The file of a benchmark of three joints and two bodies; its split is to be added.
TINY = """
name = "tiny"
classes = ["a", "b", "c"]
bodies = 2
[layout.parents]
root = "root"
left = "root"
right = "root"
"""


def hand_frames(seed: int, frames: int = 6) -> np.ndarray:
    """A random walk of 22 joints: frames_TxVxC float32."""
    steps_TxVxC = np.random.default_rng(seed).normal(size=(frames, 22, 3))
    return np.cumsum(steps_TxVxC, axis=0, dtype=np.float32)


def write_skeletons(path: pathlib.Path, frames_TxVxC: np.ndarray) -> None:
    """Writes `skeletons_world.txt`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, frames_TxVxC.reshape(len(frames_TxVxC), -1), fmt="%.9g")


def list_line(key: Key, frames: int) -> str:
    """A recording's line in a list of SHREC'17."""
    gesture, finger, subject, essai = key
    return f"{gesture} {finger} {subject} {essai} {gesture} {2 * (gesture - 1) + finger} {frames}"


def write_shrec(directory: pathlib.Path, train: Sequence[Key], test: Sequence[Key]) -> dict[str, np.ndarray]:
    """Writes lists and recordings; returns frames_TxVxC by name."""
    frames: dict[str, np.ndarray] = {}
    for file_name, keys in ((shrec17.TRAIN_LIST, train), (shrec17.TEST_LIST, test)):
        lines = []
        for key in keys:
            name = shrec17.recording_name(*key)
            frames[name] = hand_frames(seed=len(frames), frames=4 + len(frames) % 5)
            write_skeletons(directory / name / shrec17.SKELETON_FILE, frames[name])
            lines.append(list_line(key, len(frames[name])))
        (directory / file_name).write_text("\n".join(lines) + "\n")
    return frames


def write_dhg(directory: pathlib.Path, keys: Sequence[Key]) -> dict[str, np.ndarray]:
    """Writes recordings with two frames before the gesture and one behind, and the list; returns gestures by name."""
    lines, gestures = [], {}
    for seed, key in enumerate(keys):
        name = shrec17.recording_name(*key)
        frames_TxVxC = hand_frames(seed, frames=8 + seed % 3)
        write_skeletons(directory / name / dhg.SKELETON_FILE, frames_TxVxC)
        lines.append(" ".join(map(str, (*key, 2, len(frames_TxVxC) - 2))))
        gestures[name] = frames_TxVxC[2:-1]
    (directory / dhg.LIST_FILE).write_text("\n".join(lines) + "\n")
    return gestures


def keys_of(count: int, first_essai: int = 1) -> list[Key]:
    """Different recordings, subject by subject: 28 classes each."""
    return [(i % 14 + 1, i // 14 % 2 + 1, i // 28 % 28 + 1, i // 784 + first_essai) for i in range(count)]


def write_utd_mhad(directory: pathlib.Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Writes `NAME_skeleton.mat` files; returns frames_TxVxC by name."""
    directory.mkdir(parents=True, exist_ok=True)
    frames = {name: hand_frames(seed)[:, :20] for seed, name in enumerate(names)}
    for name, frames_TxVxC in frames.items():
        scipy.io.savemat(directory / f"{name}_skeleton.mat", {"d_skel": frames_TxVxC.transpose(1, 2, 0)})
    return frames


def write_nw_ucla(directory: pathlib.Path, names: Sequence[str], seeds: Sequence[int] = ()) -> dict[str, np.ndarray]:
    """Writes `NAME.json` files; returns frames_TxVxC by name."""
    directory.mkdir(parents=True, exist_ok=True)
    frames = {name: hand_frames(seed)[:, :20] for name, seed in zip(names, seeds or range(len(names)), strict=True)}
    for name, frames_TxVxC in frames.items():
        contents = {"file_name": name, "skeletons": frames_TxVxC.tolist(), "label": 1}
        (directory / f"{name}.json").write_text(json.dumps(contents))
    return frames


def records(count: int, prefix: str = "recording", frame_shape: tuple[int, int, int] = (3, 2, 3)) -> list[Record]:
    """Records of random frames with labels 0, 1, 2, 0, ..."""
    random = np.random.default_rng(count)
    return [
        Record(
            name=f"{prefix}_{i}",
            label=i % 3,
            subject=i + 1,
            camera=i % 2,
            setup=0,
            frames_TxVxMxC=random.normal(size=(i + 1, *frame_shape)).astype(np.float32),
        )
        for i in range(count)
    ]


def write_set(
    directory: pathlib.Path,
    splits: Mapping[str, Sequence[Sequence[Record]]],
    frame_shape: tuple[int, int, int] = (3, 2, 3),
) -> pathlib.Path:
    """Writes the set `tiny` of given shards by split; returns its directory."""
    directory.mkdir(parents=True)
    features = tfds_layout.record_features(("a", "b", "c"), frame_shape)
    described = {}
    for split, shards in splits.items():
        sizes = [
            write_file(
                directory / shard_name("tiny", split, index, len(shards)),
                [tfds_layout.to_payload(features, record) for record in shard],
            )
            for index, shard in enumerate(shards)
        ]
        described[split] = ([len(shard) for shard in shards], sum(sizes))
    tfds_layout.write_metadata(
        directory,
        name="tiny",
        version="1.0.0",
        features=features,
        splits=described,
        description="",
        citation="",
        homepage="",
    )
    return directory


def read_split(directory: pathlib.Path, split: str) -> Iterator[Record]:
    """The records of one split of a converted set."""
    return (record for found, record in record_files.read_set(directory) if found == split)


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    """All files of a directory, by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def environment() -> dict[str, str]:
    """The environment of a command run in another directory than the repository's root."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def ntu_body(seed: int) -> np.ndarray:
    """Joints of an upright body, all different: joints_VxC float32."""
    joints_VxC = np.random.default_rng(seed).uniform(0.1, 1, (25, 3))
    return (joints_VxC * (1, 3, 1)).astype(np.float32)


def ntu_text(frames: Sequence[Sequence[tuple[int, np.ndarray]]]) -> str:
    """A `.skeleton` file of each frame's bodies, each its id and joints_VxC."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body_id, joints_VxC in bodies:
            lines += [f"{body_id} 0 1 1 0 0 1 -0.0254 0.122 2", "25"]
            lines += [f"{x!s} {y!s} {z!s} 289.5 151.5 1052.2 367.3 -0.3 0 0.9 1E-05 2" for x, y, z in joints_VxC]
    return "".join(f"{line}\r\n" for line in lines)


def write_ntu(directory: pathlib.Path, names: Sequence[str], frames: int = 3) -> None:
    """Writes files of one upright body."""
    directory.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        bodies = [[(7, ntu_body(100 * seed + frame))] for frame in range(frames)]
        (directory / f"{name}.skeleton").write_text(ntu_text(bodies))
