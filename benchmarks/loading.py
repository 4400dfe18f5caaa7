"""Loading of converted sets: seconds and memory by the number of recordings, each in a process of its own.

Needs tensorflow-datasets, which writes the sets; `benchmarks.scaling` calls it for its axis `samples`.
"""

import json
import pathlib
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import report, resident, shapes
from benchmarks.shapes import Case
from benchmarks.timing import Times
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
            found = [report.in_a_process("loading", directory, shape) for _ in range(repeats)]
        times = Times(tuple(each["seconds"] for each in found))
        rows.append({"axis": "samples", "value": count, **times.summary(), "planned_gb": found[0]["bytes"] / 1e9})
    return rows


def write(directory: pathlib.Path, shape: str, count: int) -> None:
    """Writes so many made-up recordings as a converted set.

    Raises:
      ImportError: without tensorflow-datasets.
    """
    from data_prep import tfds_layout
    from dsta_jax.data import records, tfrecord

    made = shapes.made_recordings(Case(shape, samples=count, single=SINGLE))
    source = made.benchmark.source
    place = directory / source.name / source.version
    place.mkdir(parents=True)
    features = tfds_layout.record_features(source.label_names, source.frame_shape)
    payloads = (
        tfds_layout.to_payload(
            features,
            records.Record(str(made.name_N[number]), int(made.label_N[number]), 1, 1, 1, frames_of(made, number)),
        )
        for number in range(count)
    )
    size = tfrecord.write_file(place / records.shard_name(source.name, "all", 0, 1), payloads)
    tfds_layout.write_metadata(
        place,
        name=source.name,
        version=source.version,
        features=features,
        splits={"all": ((count,), size)},
        description="Noise, to measure loading.",
        citation="",
        homepage="",
    )


def frames_of(made: DataSet, number: int) -> np.ndarray:
    """T x V x M x C of a recording, as record files have it: an absent body is zeros."""
    start_M, length = made.start_NxM[number], made.length_N[number]
    _, joints, channels = made.frames_FxVxC.shape
    frames_TxVxMxC = np.zeros((length, joints, len(start_M), channels), np.float32)
    for body in np.flatnonzero(start_M >= 0):
        frames_TxVxMxC[:, :, body] = made.frames_FxVxC[start_M[body] :][:length]
    return frames_TxVxMxC


def load(directory: str, shape: str) -> dict[str, float]:
    """Seconds of reading a set, and by how much the largest resident set of this process grew."""
    from dsta_jax.data import dataset

    benchmark = shapes.benchmark_of(Case(shape))
    before = resident.peak_bytes()
    begin = time.perf_counter()
    dataset.load(directory, benchmark)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "bytes": resident.peak_bytes() - before}


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], sys.argv[2])))
