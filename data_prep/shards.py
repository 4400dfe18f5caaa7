"""Shards: the unit of work of a conversion. A worker reads the recordings of one and writes it whole or not at all."""

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from data_prep import tfds_layout
from dsta_jax.data import duplicates
from dsta_jax.data.records import Record, write_shard
from dsta_jax.errors import UserError

# glibc gives large freed arrays back to the system, and the next one costs a page fault each 4 kB: half of the time of
# a conversion. When it has freed a block of this size once, it keeps all that are smaller.
_KEPT_BYTES = 16 << 20

# Where finished shards are noted, beside them.
FINISHED = "finished"


@dataclasses.dataclass(frozen=True)
class Item:
    """One raw recording: where it lies and what is known of it before it is read.

    Attributes:
      name: distinct in the set; becomes the record's name.
      path: the raw file.
      label: from 0.
      subject: from 1; 0 where the set has none.
      camera: as `subject`.
      setup: as `subject`.
      listed_frames: how many frames a list of the set's authors counts; 0 where there is no such list.
    """

    name: str
    path: pathlib.Path
    label: int
    subject: int
    camera: int = 0
    setup: int = 0
    listed_frames: int = 0


# An item, or what a converter derives from it -> frames_TxVxMxC float32, normalised. It runs in other processes, so it
# must be a module's function. UserError, ValueError and OSError mean that the recording is broken, LeftOut that it is
# whole but of no use.
ReadFrames = Callable[[Any], np.ndarray]


class LeftOut(Exception):
    """A recording is as it should be, but there is nothing in it to learn from; the message is the reason.

    It is left out without being an error. The reasons are counted, so they name no file and no numbers.
    """


@dataclasses.dataclass(frozen=True)
class Task:
    """A shard to be written."""

    path: pathlib.Path
    split: str
    items: tuple[Item, ...]
    label_names: tuple[str, ...]
    frame_shape: tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Result:
    """A shard that was written: records, bytes of payload, and what was found on the way.

    Attributes:
      records: how many it holds.
      size: bytes of the payloads.
      broken: for each broken recording, its name and the reason.
      left_out: for each recording with nothing in it, its name and the reason.
      other_length: how many recordings have not as many frames as their list says.
      fingerprints: of each record, by name; `duplicates.fingerprint`.
    """

    records: int
    size: int
    broken: dict[str, str]
    left_out: dict[str, str]
    other_length: int
    fingerprints: dict[str, str]


def _note(task: Task) -> pathlib.Path:
    """The file that says that a shard is finished."""
    return task.path.parent / FINISHED / f"{task.path.name}.json"


def finished(task: Task) -> Result | None:
    """The result of a shard that an interrupted run has left whole."""
    note = read_json(_note(task))
    if note is None or not task.path.exists():
        return None
    result = Result(**note)
    framing = 16 * result.records
    return result if task.path.stat().st_size == result.size + framing else None


def write(task: Task, read_frames: ReadFrames) -> Result:
    """Reads a shard's recordings and writes it, in a worker process."""
    np.empty(_KEPT_BYTES, np.uint8)
    features = tfds_layout.record_features(task.label_names, task.frame_shape)
    payloads, broken, left_out, other_length, fingerprints = [], {}, {}, 0, {}
    for item in task.items:
        try:
            frames_TxVxMxC = _checked(read_frames(item), task.frame_shape)
        except LeftOut as reason:
            left_out[item.name] = str(reason)
        except UserError as error:
            broken[item.name] = str(error)
        except (ValueError, OSError) as error:
            broken[item.name] = f"{item.path}: {error}"
        else:
            record = Record(item.name, item.label, item.subject, item.camera, item.setup, frames_TxVxMxC)
            payloads.append(tfds_layout.to_payload(features, record))
            other_length += item.listed_frames not in (0, len(frames_TxVxMxC))
            fingerprints[item.name] = duplicates.fingerprint(frames_TxVxMxC)
    temporary = task.path.with_name(task.path.name + ".tmp")
    result = Result(len(payloads), write_shard(temporary, payloads), broken, left_out, other_length, fingerprints)
    temporary.replace(task.path)
    write_json(_note(task), dataclasses.asdict(result))
    return result


def _checked(frames_TxVxMxC: np.ndarray, frame_shape: tuple[int, int, int]) -> np.ndarray:
    shape = frames_TxVxMxC.shape
    if not len(frames_TxVxMxC) or shape[1:] != frame_shape or frames_TxVxMxC.dtype != np.float32:
        raise ValueError(f"frames are {frames_TxVxMxC.dtype} {shape}, expected float32 (frames, *{frame_shape})")
    if not np.isfinite(frames_TxVxMxC).all():
        raise ValueError("NaN or infinity after normalisation, expected finite numbers")
    return frames_TxVxMxC


def read_json(path: pathlib.Path) -> Any:
    """The file's contents; None when there is no readable one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a file that is there completely or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
