"""Shards: the unit of work of a conversion. A worker reads the recordings of one and writes it whole or not at all."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dsta_jax.data import duplicates
from dsta_jax.data.records import Record
from dsta_jax.data.tfrecord import write_file
from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.clean import NobodySeen, clean
from dsta_jax.datasets.recording import ORIGINS, Entry, Recording
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file

from . import tfds_layout

# glibc gives large freed arrays back to the system, and the next one costs a page fault each 4 kB: half of the time of
# a conversion. When it has freed a block of this size once, it keeps all that are smaller.
_KEPT_BYTES = 16 << 20

# Where finished shards are noted, beside them.
FINISHED = "finished"


@dataclasses.dataclass(frozen=True)
class Task:
    """A shard to be written: where, the recordings, the set, and which of its columns are written as words."""

    path: pathlib.Path
    split: str
    entries: tuple[Entry, ...]
    source: Source
    words: tuple[str, ...]

    @property
    def note(self) -> pathlib.Path:
        """The file that says that the shard is finished."""
        return self.path.parent / FINISHED / f"{self.path.name}.json"


@dataclasses.dataclass(frozen=True)
class Result:
    """A shard that was written, or several together: what is in them, and what was found on the way, by name."""

    records: int = 0
    size: int = 0  # Bytes of the payloads.
    frames: int = 0
    empty: int = 0  # Frames in which nobody is seen.
    joints: int = 0  # Of all frames, of the bodies that are present.
    unseen: int = 0  # Joints that were not seen.
    untrusted: int = 0  # Joints that have coordinates but confidence 0, and count as not seen.
    at_origin: int = 0  # Joints at exactly 0 0 0 in some frames of a recording, but not in all.
    other_length: int = 0  # Recordings that have not as many frames as their list says.
    broken: dict[str, str] = dataclasses.field(default_factory=dict)  # Why.
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)  # Why there is nothing in the recording.
    fallback: dict[str, str] = dataclasses.field(default_factory=dict)  # The joints by which it was normalised.
    fingerprints: dict[str, str] = dataclasses.field(default_factory=dict)  # `duplicates.fingerprint`.


def together(results: Iterable[Result]) -> Result:
    """The results of several recordings, or shards, as one."""
    total = dataclasses.asdict(Result())
    for result in results:
        for key, value in vars(result).items():
            if isinstance(value, dict):
                total[key].update(value)
            else:
                total[key] += value
    return Result(**total)


def finished(task: Task) -> Result | None:
    """The result of a shard that an interrupted run has left whole."""
    note = read_json(task.note)
    if note is None or not task.path.exists():
        return None
    result = Result(**note)
    framing = 16 * result.records
    return result if task.path.stat().st_size == result.size + framing else None


def write(task: Task, read: Callable[[Entry], Recording]) -> Result:
    """Reads a shard's recordings and writes it, in a worker process."""
    np.empty(_KEPT_BYTES, np.uint8)
    features = tfds_layout.record_features(task.source.label_names, task.source.frame_shape, task.words)
    converted = [_convert(entry, task, read) for entry in task.entries]
    payloads = [tfds_layout.to_payload(features, record) for record, _ in converted if record is not None]
    written = Result(records=len(payloads), size=write_file(task.path, payloads))
    result = together([written, *(found for _, found in converted)])
    write_json(task.note, dataclasses.asdict(result))
    return result


def _convert(entry: Entry, task: Task, read: Callable[[Entry], Recording]) -> tuple[Record | None, Result]:
    """A recording's record, and what was found on the way; no record where it is broken or there is nobody in it."""
    try:
        found = clean(read(entry), task.source)
    except NobodySeen as reason:
        return None, Result(left_out={entry.name: str(reason)})
    except UserError as error:
        return None, Result(broken={entry.name: str(error)})
    except (ValueError, OSError, MemoryError) as error:
        return None, Result(broken={entry.name: f"{entry.place}: {error}"})
    frames_TxVxMxC, origins = found.frames_TxVxMxC, {key: getattr(entry, key) or 0 for key in ORIGINS}
    origins |= {key: str(origins[key] or "") for key in task.words}  # Of one type in a set; empty where not known.
    is_fallback = found.reference != task.source.normalized_by
    return Record(entry.name, entry.label, frames_TxVxMxC=frames_TxVxMxC, **origins), Result(
        frames=len(frames_TxVxMxC),
        empty=found.empty,
        joints=found.joints,
        unseen=found.unseen,
        untrusted=found.untrusted,
        at_origin=found.at_origin,
        other_length=entry.listed_frames not in (0, len(frames_TxVxMxC)),
        fallback={entry.name: ", ".join(found.reference.joints)} if is_fallback else {},
        fingerprints={entry.name: duplicates.fingerprint(frames_TxVxMxC)},
    )


def read_json(path: pathlib.Path) -> Any:
    """The file's contents; None when there is no readable one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a file that is there completely or not at all."""
    with complete_file(path) as file:
        file.write(json.dumps(value, indent=2).encode() + b"\n")
