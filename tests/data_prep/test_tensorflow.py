"""TensorFlow and tensorflow-datasets read a converted set; they run in an environment of their own."""

import os
import pathlib
import subprocess
from typing import Any

import numpy as np
import pytest

from data_prep import conversion, convert
from dsta_jax.data import records
from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.recording import Entry
from dsta_jax.datasets.shrec17 import SKELETON_FILE, read, recording_name
from tests import raw_recordings

TRAIN, TEST = raw_recordings.keys_of(300), raw_recordings.keys_of(5, first_essai=9)


@pytest.fixture(scope="module")
def tensorflow_python() -> pathlib.Path:
    """The interpreter that has TensorFlow."""
    default = raw_recordings.ROOT / ".venv-tensorflow" / "bin" / "python"
    path = pathlib.Path(os.environ.get("DSTA_JAX_TENSORFLOW_PYTHON", default))
    if not path.exists():
        pytest.skip(f"needs a Python with TensorFlow: {path} is not there; set DSTA_JAX_TENSORFLOW_PYTHON")
    return path


def expected_values(raw_dir: pathlib.Path, keys: list[raw_recordings.Key]) -> dict[str, np.ndarray]:
    """What the raw recordings say, by key of a record."""
    names = [recording_name(*key) for key in keys]
    raw = [read(Entry(name, raw_dir / name / SKELETON_FILE, 0)).frames_TxVxMxC.astype(np.float32) for name in names]
    frames = [normalize(frames_TxVxMxC, HAND_22, HAND_22.reference) for frames_TxVxMxC in raw]
    return {
        "name": np.array(names),
        "label": np.array([2 * (gesture - 1) + finger - 1 for gesture, finger, _, _ in keys]),
        "subject": np.array([subject for _, _, subject, _ in keys]),
        "camera": np.zeros(len(keys), np.int64),
        "setup": np.zeros(len(keys), np.int64),
        "lengths": np.array([len(sequence) for sequence in frames]),
        "frames": np.concatenate(frames),
    }


def test_tensorflow_reads_all_values(tmp_path, tensorflow_python):
    raw_dir = tmp_path / "raw"
    raw_recordings.write_shrec(raw_dir, TRAIN, TEST)
    for key in TRAIN[256:]:  # The last shard of train becomes an empty one.
        (raw_dir / recording_name(*key) / SKELETON_FILE).unlink()
    expected: dict[str, Any] = {
        f"{split}/{key}": values
        for split, keys in (("train", TRAIN[:256]), ("test", TEST))
        for key, values in expected_values(raw_dir, keys).items()
    }
    np.savez(tmp_path / "expected.npz", **expected)
    convert.run("shrec17", raw_dir, conversion.Options(tmp_path / "out", skip_broken=True), name="hands")

    read = run_reader(tensorflow_python, tmp_path)
    assert read.returncode == 0, read.stderr
    assert read.stdout.splitlines() == [
        "test: 5 records in 1 shards are the expected ones",
        "train: 256 records in 3 shards are the expected ones",
        "labels: ['grab, one finger', 'grab, whole hand']",
    ]


def run_reader(python: pathlib.Path, tmp_path: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Compares the set `hands` with expected.npz."""
    directory = records.find_data_set(tmp_path / "out", "hands")
    command = [python, raw_recordings.ROOT / "tests" / "tensorflow_reader.py", directory, tmp_path / "expected.npz"]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
