"""Recordings in a file that the processes of a machine map into memory together, and that need not fit into it.

Without it each process holds all frames itself: 3.3 GB of NTU RGB+D 120, ten times that of a set ten times as large.
"""

import contextlib
import fcntl
import hashlib
import pathlib
from collections.abc import Iterator

import google_crc32c
import numpy as np

from dsta_jax.data import dataset
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, readable, writable

_CHUNK_BYTES = 64 << 20


def load(place: pathlib.Path, directory: pathlib.Path, benchmark: Benchmark) -> DataSet:
    """A benchmark's converted set, which lies in `directory`, with its frames in a file in `place`.

    The first process that asks makes the file, and the others wait; it stays for the next time. It is called by a
    digest of the set's description, which has checksums of all records.

    Raises:
      UserError: as `dataset.load`; when the file cannot be written, or is not what was written.
    """
    name = f"{benchmark.source.name}_{_digest(directory, benchmark)}"
    frames_path, facts_path = place / f"{name}.frames", place / f"{name}.npz"
    with writable(place):
        place.mkdir(parents=True, exist_ok=True)
        with _turn(place / f"{name}.lock"):
            if not facts_path.exists():
                _make(frames_path, facts_path, directory, benchmark)
    return _read(frames_path, facts_path, benchmark)


def _digest(directory: pathlib.Path, benchmark: Benchmark) -> str:
    digest = hashlib.blake2b(repr(benchmark.class_of_label).encode(), digest_size=8)
    for path in sorted(directory.glob("*.json")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _turn(path: pathlib.Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(frames_path: pathlib.Path, facts_path: pathlib.Path, directory: pathlib.Path, benchmark: Benchmark) -> None:
    """Writes the frames as they come, and what is known of them last, so that it is there for whole files alone."""
    incomplete = frames_path.with_name(f"{frames_path.name}.incomplete")
    shape = (dataset.room(directory, benchmark), *_frame_shape(benchmark))
    frames_FxVxC = np.memmap(incomplete, np.float32, "w+", shape=shape)
    packed = dataset.read_packed(directory, benchmark, frames_FxVxC)
    frames_FxVxC.flush()
    with incomplete.open("r+b") as file:
        file.truncate(packed.frames_FxVxC.nbytes)
    incomplete.replace(frames_path)
    facts = {key: getattr(packed, key) for key in ("start_NxM", "length_N", "name_N", "label_N", "fingerprint")}
    facts |= {f"column_{key}": column for key, column in packed.columns.items()}
    facts |= {"unseen": packed.unseen, "checksum": _checksum(packed.frames_FxVxC)}
    with complete_file(facts_path) as file:
        np.savez(file, **facts)


def _read(frames_path: pathlib.Path, facts_path: pathlib.Path, benchmark: Benchmark) -> DataSet:
    remedy = f"delete {frames_path} and {facts_path}: they are made again"
    with readable(facts_path, "what is known of the frames", remedy), np.load(facts_path) as found:
        facts = dict(found)
    with readable(frames_path, "frames", remedy):
        frames_FxVxC = np.memmap(frames_path, np.float32, "r").reshape(-1, *_frame_shape(benchmark))
    if _checksum(frames_FxVxC) != int(facts.pop("checksum")):
        raise UserError(f"{frames_path}: is not what was written, its checksum is wrong; {remedy}")
    columns = {key.removeprefix("column_"): facts.pop(key) for key in list(facts) if key.startswith("column_")}
    fingerprint, unseen = str(facts.pop("fingerprint")), bool(facts.pop("unseen"))
    return DataSet(benchmark, frames_FxVxC, columns=columns, fingerprint=fingerprint, unseen=unseen, **facts)


def _frame_shape(benchmark: Benchmark) -> tuple[int, int]:
    joints, _, channels = benchmark.source.frame_shape
    return joints, channels


def _checksum(frames_FxVxC: np.ndarray) -> int:
    """CRC-32C of all bytes, a part at a time."""
    checksum = google_crc32c.Checksum()
    flat = frames_FxVxC.reshape(-1)
    for start in range(0, len(flat), _CHUNK_BYTES // 4):
        checksum.update(flat[start : start + _CHUNK_BYTES // 4].tobytes())
    return int.from_bytes(checksum.digest())
