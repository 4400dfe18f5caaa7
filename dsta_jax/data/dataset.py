"""Recordings in memory, as a network trains on them, and the division of a benchmark's recordings."""

import dataclasses
import hashlib
import logging
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dsta_jax.data import records, sampling
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmark import CHANNELS, Benchmark, Channels, Protocol, Source
from dsta_jax.datasets.clean import clean_array
from dsta_jax.datasets.layouts import LAYOUTS, Layout
from dsta_jax.datasets.recording import ORIGINS, is_whole
from dsta_jax.errors import UserError

_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class DataSet:
    """N recordings of a benchmark, packed: the tracks of their bodies one after the other, a column for each fact.

    A track is the frames of one body of a recording. A body that is never seen has none, and takes no memory.

    Attributes:
      frames_FxVxC: normalised frames, float32; F is the sum of the tracks' lengths. Of a recording those frames are
        kept in which anybody was seen. NaN in all channels is a joint that was not seen.
      start_NxM: where each body's track begins in them; -1 for a body that is never seen.
      length_N: frames of each recording, and so of each of its tracks.
      name_N: names, unique.
      label_N: classes of the benchmark.
      columns: `split`, `subject`, `camera`, `setup`, each of N entries, for protocols.
      fingerprint: 32 hexadecimal digits that only a set of the very same records has.
      unseen: whether there are joints that were not seen.
    """

    benchmark: Benchmark
    frames_FxVxC: np.ndarray
    start_NxM: np.ndarray
    length_N: np.ndarray
    name_N: np.ndarray
    label_N: np.ndarray
    columns: dict[str, np.ndarray]
    fingerprint: str
    unseen: bool = False

    def __len__(self) -> int:
        return len(self.name_N)

    @property
    def body_NxM(self) -> np.ndarray:
        """Which bodies are ever seen in each recording."""
        return self.start_NxM >= 0

    def select(self, chosen: np.ndarray) -> "DataSet":
        """The recordings that a mask or index over N chooses; the frames are shared, not copied."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        of_recordings = {key: getattr(self, key)[chosen] for key in ("start_NxM", "length_N", "name_N", "label_N")}
        return dataclasses.replace(self, columns=columns, **of_recordings)

    @classmethod
    def from_arrays(
        cls,
        frames: Sequence[np.ndarray],
        labels: Sequence[int] | Sequence[str],
        *,
        layout: str | Layout,
        split: Sequence[str] | None = None,
        subjects: Sequence[int] | Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        channels: Channels = "xyz",
        name: str = "arrays",
    ) -> "DataSet":
        """Raw recordings that are in memory; they are normalised by the layout's reference.

        Args:
          frames: N arrays, each T x V x C, or T x V x M x C for M bodies. NaN is a joint that was not seen.
          labels: N classes, by name, or by number from 0.
          layout: one of `LAYOUTS` by name, or your own.
          split: `train` or `test` for each recording. Without it, each subject is left out once, and tested on.
          subjects: who is seen in each recording, by number or name; needed without `split`.
          names: of the recordings, all different; without them they are numbered.
          classes: the names of the classes in the order of their numbers; without them, what the labels say.
          channels: what the C channels of a joint are.
          name: of the data set.

        Raises:
          UserError: when something does not fit together, or a recording cannot be normalised; it says which.
        """
        count = len(frames)
        if not count:
            raise UserError("frames: no recordings")
        if not re.fullmatch(r"\w[\w. -]*", name):
            raise UserError(
                f"name {name!r}: expected letters, digits, _, - and blanks, as directories are called by it"
            )
        if channels not in CHANNELS:
            raise UserError(f"channels {channels!r}: expected one of {', '.join(CHANNELS)}")
        for what, column in {"labels": labels, "split": split, "subjects": subjects, "names": names}.items():
            if column is not None and len(column) != count:
                raise UserError(f"{what}: {len(column)} entries, expected one for each of {count} recordings")
        if split is None and subjects is None:
            raise UserError("from_arrays needs split or subjects, to know which recordings test")
        split_N = ["all"] * count if split is None else list(map(str, split))
        if split is not None and (strange := sorted({*split_N} - {"train", "test"})):
            raise UserError(f"split: {strange[0]!r}, expected train or test")
        name_N = [f"recording_{number}" for number in range(count)] if names is None else list(map(str, names))
        if len(set(name_N)) < count:
            raise UserError(f"names: {max(name_N, key=name_N.count)!r} is there twice, expected all different")
        subject_N = [0] * count if subjects is None else np.asarray(subjects).tolist()
        if isinstance(layout, str) and layout not in LAYOUTS:
            raise UserError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}, or a Layout of your own")
        joints = LAYOUTS[layout] if isinstance(layout, str) else layout
        bodies = max((array.shape[2] for array in map(np.asarray, frames) if array.ndim == 4), default=1)
        class_names = _class_names(labels) if classes is None else tuple(classes)
        if len(set(class_names)) < max(2, len(class_names)) or not all(isinstance(one, str) for one in class_names):
            raise UserError(f"classes: {', '.join(map(str, class_names))[:200]}, expected two or more different names")
        benchmark = Benchmark(
            name=name,
            source=Source(name, joints, class_names, bodies=bodies, channels=channels),
            protocol=Protocol("subject") if split is None else Protocol("split", test=("test",)),
            class_names=class_names,
            class_of_label=tuple(range(len(class_names))),
        )
        digest = hashlib.blake2b(digest_size=16)

        def found() -> Iterable[tuple[str, Record]]:
            for array, label, part, called, subject in zip(frames, labels, split_N, name_N, subject_N, strict=True):
                cleaned = clean_array(array, benchmark.source, called)
                record = Record(called, _class_number(label, class_names), subject, 0, 0, cleaned)
                digest.update(repr((called, record.label, subject)).encode() + cleaned.tobytes())
                yield part, record

        frames_FxVxC = empty_frames(bodies * sum(map(len, frames)), benchmark)
        return pack(found(), benchmark, frames_FxVxC, "from_arrays", digest)


def _class_names(labels: Sequence[int] | Sequence[str]) -> tuple[str, ...]:
    if all(isinstance(label, str) for label in labels):
        return tuple(sorted(set(map(str, labels))))
    if not all(is_whole(label) for label in labels):
        raise UserError("labels: expected names, or whole numbers from 0, and not some of both")
    return tuple(f"class {number}" for number in range(1 + max(map(int, labels), default=0)))


def _class_number(label: Any, class_names: tuple[str, ...]) -> int:
    if isinstance(label, str) and label in class_names:
        return class_names.index(label)
    if isinstance(label, str) or not is_whole(label) or label >= len(class_names):
        raise UserError(f"labels: {label!r}, expected a number below {len(class_names)}, or one of the classes' names")
    return int(label)


def find(data_dir: str | pathlib.Path, benchmark: Benchmark) -> pathlib.Path:
    """The directory of a benchmark's converted set, as `load` takes it; a synthetic set is made where it is missing.

    Raises:
      UserError: when the set is missing, or not the benchmark's.
    """
    source = benchmark.source
    try:
        directory = records.find_data_set(data_dir, source.name)
    except UserError as error:
        if not source.synthetic:
            raise UserError(f"{error}; make it with: {' && '.join(source.commands(data_dir))}") from None
        _LOGGER.info("%s holds no %s: making it", data_dir, source.name)
        for command in source.commands(data_dir):
            if status := subprocess.run([sys.executable, *command.split()[1:]], check=False).returncode:
                raise UserError(f"'{command}' failed with status {status}; its message stands above") from None
        directory = records.find_data_set(data_dir, source.name)
    _check_info(records.read_info(directory), benchmark, directory)
    return directory


def load(data_dir: str | pathlib.Path, benchmark: Benchmark) -> DataSet:
    """Reads all recordings of a benchmark's data set, which lies in `data_dir/NAME/VERSION`.

    Raises:
      UserError: when the set is missing, damaged, or not the benchmark's.
    """
    directory = find(data_dir, benchmark)
    return read_packed(directory, benchmark, empty_frames(room(directory, benchmark), benchmark))


def read_packed(directory: pathlib.Path, benchmark: Benchmark, frames_FxVxC: np.ndarray) -> DataSet:
    """Reads all recordings of a set into the frames that are given, of which there are at least `room`."""
    digest = hashlib.blake2b(digest_size=16)
    return pack(records.read_set(directory, digest=digest), benchmark, frames_FxVxC, str(directory), digest)


def room(directory: pathlib.Path, benchmark: Benchmark) -> int:
    """No fewer frames than those of all tracks of a set."""
    joints, _, channels = benchmark.source.frame_shape
    return records.total_bytes(directory) // (4 * joints * channels)


def empty_frames(count: int, benchmark: Benchmark) -> np.ndarray:
    """F x V x C to be filled; memory that is never written to is never taken, so there may be too many."""
    joints, _, channels = benchmark.source.frame_shape
    return np.empty((count, joints, channels), np.float32)


def pack(
    found: Iterable[tuple[str, Record]],
    benchmark: Benchmark,
    frames_FxVxC: np.ndarray,
    place: str,
    digest: Any = None,
) -> DataSet:
    """Packs records, each with its split, into tracks that fill the frames, or some; errors call the records `place`.

    The digest is complete when all records were found; None where nobody asks what they were.

    Raises:
      UserError: when there are none, nobody is seen in one, or its label is not one of the benchmark's.
    """
    channels, filled = frames_FxVxC.shape[-1], 0
    classes = benchmark.class_of_label
    facts: list[tuple[Any, ...]] = []
    for split, record in found:
        if digest is not None:
            digest.update(f"{split}\0".encode())
        if not 0 <= record.label < len(classes):
            raise UserError(
                f"{place}: {record.name} has label {record.label}, but benchmark {benchmark.name} knows labels 0 to "
                f"{len(classes) - 1}; was the set converted from another benchmark's recordings?"
            )
        there_TxVxMxC = record.frames_TxVxMxC != 0
        seen_T = there_TxVxMxC.reshape(len(there_TxVxMxC), -1).any(axis=1)
        if not seen_T.any():
            raise UserError(f"{place}: nobody is seen in any frame of {record.name}; convert the data set again")
        body_M = there_TxVxMxC.any(axis=0).any(axis=(0, 2))
        x_TxVxMxC = record.frames_TxVxMxC if seen_T.all() else record.frames_TxVxMxC[seen_T]
        for body in np.flatnonzero(body_M):
            track_TxVxC = frames_FxVxC[filled : filled + len(x_TxVxMxC)]
            for channel in range(channels):  # a third of the time that all channels of a joint at once take
                track_TxVxC[..., channel] = x_TxVxMxC[:, :, body, channel]
            filled += len(x_TxVxMxC)
        origins = (getattr(record, key) for key in ORIGINS)
        facts.append((len(x_TxVxMxC), body_M, classes[record.label], record.name, split, *origins))
    if not facts:
        raise UserError(f"{place}: holds no recordings; convert the data set again")
    length_N, body_NxM, label_N, name_N, split_N, *origin_N = map(np.array, zip(*facts, strict=True))
    return DataSet(
        benchmark=benchmark,
        frames_FxVxC=frames_FxVxC[:filled],
        start_NxM=track_starts(body_NxM, length_N),
        length_N=length_N,
        name_N=name_N,
        label_N=label_N,
        columns={"split": split_N, **dict(zip(ORIGINS, origin_N, strict=True))},
        fingerprint="" if digest is None else digest.hexdigest(),
        unseen=bool(np.isnan(frames_FxVxC[:filled, :, 0].sum(dtype=np.float64))),
    )


def track_starts(body_NxM: np.ndarray, length_N: np.ndarray) -> np.ndarray:
    """N x M: where tracks begin that lie one after the other, by recording and then body; -1 for none."""
    frames_NxM = body_NxM * length_N[:, None]
    end_NxM = np.cumsum(frames_NxM).reshape(frames_NxM.shape)
    return np.where(body_NxM, end_NxM - frames_NxM, -1)


def still(data_set: DataSet) -> np.ndarray:
    """N booleans: True where no joint of any body ever moves, as in a recording of one frame."""
    still_N = np.ones(len(data_set), bool)
    for number, (start_M, length) in enumerate(zip(data_set.start_NxM, data_set.length_N, strict=True)):
        for start in start_M[start_M >= 0]:
            # Two frames tell of most recordings that something moves; only of the others all are compared.
            for step in (max(1, length // 2), 1):
                track_TxVxC = data_set.frames_FxVxC[start : start + length : step]
                if (np.abs(np.diff(track_TxVxC, axis=0)) > 0).any():
                    still_N[number] = False
                    break
    return still_N


def train_and_test(data_set: DataSet, fold: int | str | None = None) -> tuple[DataSet, DataSet]:
    """The recordings that the benchmark's protocol trains on, and those that it tests on; either may be empty.

    `fold` is the value that is left out of training, where the protocol leaves out each once.
    """
    is_test_N = data_set.benchmark.protocol.is_test(data_set.columns, fold)
    return data_set.select(~is_test_N), data_set.select(is_test_N)


def hold_out(train: DataSet, fraction: float, by: str, seed: int) -> tuple[DataSet, DataSet]:
    """Divides the train part once more, into what is trained on and what choices are made on.

    At least `fraction` of the recordings is held out: single ones by `recording`, all of a subject's by `subject` (or
    `camera`, `setup`). A fraction of 0 holds out none.

    Raises:
      UserError: when nothing would be left to train on, or the data set does not tell its subjects.
    """
    if fraction == 0:
        return train, train.select(np.zeros(len(train), bool))
    groups_N = np.arange(len(train)) if by == "recording" else train.columns[by]
    if by != "recording" and not np.any(groups_N != type(groups_N[0].item())()):
        raise UserError(f"config.data.validation_by={by}: this data set does not tell the {by}s; use 'recording'")
    groups = np.unique(groups_N)
    held_N = np.zeros(len(train), bool)
    for number in sampling.permutation(len(groups), seed, sampling.Purpose.VALIDATION):
        if held_N.sum() >= fraction * len(train):
            break
        held_N |= groups_N == groups[number]
    if held_N.all():
        raise UserError(
            f"config.data.validation_fraction={fraction} by {by} holds out all {len(train)} recordings; "
            f"there are {len(groups)} {by}s: take a smaller fraction"
        )
    return train.select(~held_N), train.select(held_N)


def _check_info(info: records.DataSetInfo, benchmark: Benchmark, directory: pathlib.Path) -> None:
    source = benchmark.source
    found, expected = (info.name, info.joints, info.bodies, info.channels), (source.name, *source.frame_shape)
    if found != expected:
        shape = "{} with {} joints of {} bodies, {} channels each"
        raise UserError(
            f"{directory}: holds {shape.format(*found)}, but benchmark {benchmark.name} needs "
            f"{shape.format(*expected)}; choose the config that fits, or another config.data.dir"
        )
    if difference := label_difference(info.label_names, source.label_names):
        raise UserError(
            f"{directory}: {difference} in benchmark {benchmark.name}; was it converted with another list of classes? "
            f"Convert it again with --overwrite, or name the classes as they were"
        )


def label_difference(found: Sequence[str], expected: Sequence[str]) -> str:
    """Where a set's labels are not the benchmark's, in words; an empty string where they are."""
    for number, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f"class {number} is {one!r} in the set, but {other!r}"
    return "" if len(found) == len(expected) else f"{len(found)} classes in the set, but {len(expected)}"
