"""Loading of converted sets: seconds and memory by the number of recordings, each in a process of its own.

Needs tensorflow-datasets, which writes the sets; `benchmarks.scaling` calls it for its axis `samples`.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import report, resident, shapes
from benchmarks.shapes import SHAPES, Case
from dsta_jax.data.dataset import DataSet

# Part of the recordings in which the second body is absent, as in NTU RGB+D.
SINGLE = 0.8


def measure(counts: Sequence[int], shape: str, repeats: int = 3) -> list[dict[str, Any]]:
    """A row for each number of recordings; none, and a line that says so, where the sets cannot be written."""
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as directory:
            try:
                write(pathlib.Path(directory), shape, count)
            except ImportError as error:
                report.say(f"the axis samples is left out: {error}")
                return []
            command = [sys.executable, "-m", "benchmarks.loading", directory, shape]
            found = [
                json.loads(subprocess.run(command, stdout=subprocess.PIPE, cwd=report.ROOT, check=True).stdout)
                for _ in range(repeats)
            ]
        ms = sorted(1e3 * each["seconds"] for each in found)
        rows.append(
            {
                "axis": "samples",
                "value": count,
                "ms_median": ms[len(ms) // 2],
                "ms_min": ms[0],
                "ms_max": ms[-1],
                "ms": ms,
                "planned_gb": found[0]["bytes"] / 1e9,
            }
        )
    return rows


def write(directory: pathlib.Path, shape: str, count: int) -> None:
    """Writes so many made-up recordings as a converted set.

    Raises:
      ImportError: without tensorflow-datasets.
    """
    from data_prep import tfds_layout
    from dsta_jax.data import records

    case = Case(shape, samples=count, single=SINGLE)
    benchmark, made = shapes.benchmark_of(case), shapes.made_recordings(case)
    place = directory / benchmark.data_set / "1.0.0"
    place.mkdir(parents=True)
    labels = [f"label {number}" for number in range(len(benchmark.class_of_label))]
    features = tfds_layout.record_features(labels, benchmark.frame_shape)
    payloads = (
        tfds_layout.to_payload(
            features,
            records.Record(str(made.name_N[number]), int(made.label_N[number]), 1, 1, 1, frames_of(made, number)),
        )
        for number in range(count)
    )
    size = records.write_shard(place / records.shard_name(benchmark.data_set, "all", 0, 1), payloads)
    tfds_layout.write_metadata(
        place,
        name=benchmark.data_set,
        version="1.0.0",
        features=features,
        splits={"all": ((count,), size)},
        description="Noise, to measure loading.",
        citation="",
        homepage="",
    )


def frames_of(made: DataSet, number: int) -> np.ndarray:
    """T x V x M x C of a recording, as record files have it: an absent body is zeros."""
    start_M, length = made.start_NxM[number], made.length_N[number]
    frame_TxVxMxC = np.zeros((length, made.frames_FxVxC.shape[1], len(start_M), made.frames_FxVxC.shape[2]), np.float32)
    for body in np.flatnonzero(start_M >= 0):
        frame_TxVxMxC[:, :, body] = made.frames_FxVxC[start_M[body] :][:length]
    return frame_TxVxMxC


def load(directory: str, shape: str) -> dict[str, float]:
    """Seconds of reading a set, and by how much the largest resident set of this process grew."""
    from dsta_jax.data import dataset
    from dsta_jax.datasets import own

    benchmark = own.find(SHAPES[shape][0])
    before = resident.peak_bytes()
    begin = time.perf_counter()
    dataset.load(directory, benchmark)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "bytes": resident.peak_bytes() - before}


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], sys.argv[2])))
