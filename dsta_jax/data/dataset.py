"""A converted data set in memory, and the division of a benchmark's recordings."""

import dataclasses
import pathlib

import numpy as np

from dsta_jax.data import records, sampling
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class DataSet:
    """N recordings of a benchmark, packed: the tracks of their bodies one after the other, a column for each fact.

    A track is the frames of one body of a recording. A body that is never seen has none, and takes no memory.

    Attributes:
      frames_FxVxC: normalised frames, float32; F is the sum of the tracks' lengths. Of a recording those frames are
        kept in which anybody was seen, of each of its bodies.
      start_NxM: where each body's track begins in them; -1 for a body that is never seen.
      length_N: frames of each recording, and so of each of its tracks.
      name_N: names, unique.
      label_N: classes of the benchmark.
      columns: `split`, `subject`, `camera`, `setup`, each of N entries, for protocols.
    """

    frames_FxVxC: np.ndarray
    start_NxM: np.ndarray
    length_N: np.ndarray
    name_N: np.ndarray
    label_N: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.name_N)

    @property
    def body_NxM(self) -> np.ndarray:
        """Which bodies are ever seen in each recording."""
        return self.start_NxM >= 0

    def select(self, chosen: np.ndarray) -> "DataSet":
        """The recordings that a mask or index over N chooses; the frames are shared, not copied."""
        return dataclasses.replace(
            self,
            start_NxM=self.start_NxM[chosen],
            length_N=self.length_N[chosen],
            name_N=self.name_N[chosen],
            label_N=self.label_N[chosen],
            columns={name: column[chosen] for name, column in self.columns.items()},
        )


def find(data_dir: str | pathlib.Path, benchmark: Benchmark) -> pathlib.Path:
    """The directory of a benchmark's data set, as `load` takes them.

    Raises:
      UserError: when the set is missing, or not the benchmark's.
    """
    try:
        directory = records.find_data_set(data_dir, benchmark.data_set)
    except UserError as error:
        commands = " && ".join(command.format(data_dir=data_dir) for command in benchmark.prepare)
        raise UserError(f"{error}; make it with: {commands}") from None
    _check_info(records.read_info(directory), benchmark, directory)
    return directory


def load(data_dir: str | pathlib.Path, benchmark: Benchmark) -> DataSet:
    """Reads all recordings of a benchmark's data set.

    Args:
      data_dir: where converted sets lie, as `data_dir/NAME/VERSION`.
      benchmark: says which set, and what must be in it.

    Raises:
      UserError: when the set is missing, damaged, or not the benchmark's.
    """
    directory = find(data_dir, benchmark)
    joints, _, channels = benchmark.frame_shape
    # Room for all that the files could hold; memory that is never written to is never taken.
    room = records.total_bytes(directory) // (4 * joints * channels)
    frames_FxVxC, filled = np.empty((room, joints, channels), np.float32), 0
    facts = []
    for split, record in records.read_set(directory):
        length, body_M = _append(record, frames_FxVxC[filled:], directory)
        filled += length * int(body_M.sum())
        label = _class_of(record, benchmark, directory)
        facts.append((length, body_M, label, record.name, split, record.subject, record.camera, record.setup))
    if not facts:
        raise UserError(f"{directory}: holds no recordings; convert the data set again")
    length_N, body_NxM, label_N, name_N, split_N, subject_N, camera_N, setup_N = map(np.array, zip(*facts, strict=True))
    return DataSet(
        frames_FxVxC=frames_FxVxC[:filled],
        start_NxM=track_starts(body_NxM, length_N),
        length_N=length_N,
        name_N=name_N,
        label_N=label_N,
        columns={"split": split_N, "subject": subject_N, "camera": camera_N, "setup": setup_N},
    )


def track_starts(body_NxM: np.ndarray, length_N: np.ndarray) -> np.ndarray:
    """N x M: where tracks begin that lie one after the other, by recording and then body; -1 for none."""
    frames_NxM = body_NxM * length_N[:, None]
    end_NxM = np.cumsum(frames_NxM).reshape(frames_NxM.shape)
    return np.where(body_NxM, end_NxM - frames_NxM, -1)


def train_and_test(data_set: DataSet, benchmark: Benchmark, fold: int | None = None) -> tuple[DataSet, DataSet]:
    """The recordings that the benchmark's protocol trains on, and those that it tests on.

    Args:
      data_set: all recordings.
      benchmark: has the protocol.
      fold: which value is left out of training, where the protocol leaves out each once.

    Raises:
      UserError: when one of the two is empty.
    """
    is_test_N = benchmark.is_test(data_set.columns, fold)
    for part, mask_N in (("train", ~is_test_N), ("test", is_test_N)):
        if not mask_N.any():
            raise UserError(
                f"{benchmark.data_set}: none of its {len(data_set)} recordings is for the {part} part of benchmark "
                f"{benchmark.name}; convert the whole data set: {' && '.join(benchmark.prepare)}"
            )
    return data_set.select(~is_test_N), data_set.select(is_test_N)


def hold_out(train: DataSet, fraction: float, by: str, seed: int) -> tuple[DataSet, DataSet]:
    """Divides the train part once more, into what is trained on and what choices are made on.

    Args:
      train: the protocol's train part.
      fraction: of its recordings that is held out, at least; 0 holds out none.
      by: `recording` holds out single recordings; `subject` (or `camera`, `setup`) all of a subject's.
      seed: of the random choice.

    Returns:
      The part for training and the part for validation, which is empty for a fraction of 0.

    Raises:
      UserError: when nothing would be left to train on, or the data set does not tell its subjects.
    """
    groups_N = np.arange(len(train)) if by == "recording" else train.columns[by]
    if by != "recording" and fraction > 0 and not groups_N.any():
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
    found = (info.name, info.joints, info.bodies, info.channels)
    expected = (benchmark.data_set, *benchmark.frame_shape)
    if found != expected:
        holds, needs = (
            f"{name} with {joints} joints of {bodies} bodies, {channels} channels each"
            for name, joints, bodies, channels in (found, expected)
        )
        raise UserError(
            f"{directory}: holds {holds}, but benchmark {benchmark.name} needs {needs}; choose the config that fits, "
            f"or another config.data.dir"
        )


def _append(record: records.Record, frames_FxVxC: np.ndarray, directory: pathlib.Path) -> tuple[int, np.ndarray]:
    """Writes the tracks of a record's bodies, one after the other, to the first of the frames.

    Returns:
      The frames of each track, and which of the M bodies have one.
    """
    x_TxVxMxC = record.frames_TxVxMxC
    there_TxVxMxC = x_TxVxMxC != 0
    seen_T = there_TxVxMxC.reshape(len(x_TxVxMxC), -1).any(axis=1)
    if not seen_T.any():
        raise UserError(f"{directory}: nobody is seen in any frame of {record.name}; convert the data set again")
    if not seen_T.all():
        x_TxVxMxC = x_TxVxMxC[seen_T]
    body_M = there_TxVxMxC.any(axis=0).any(axis=(0, 2))
    length = len(x_TxVxMxC)
    for track, body in enumerate(np.flatnonzero(body_M)):
        track_TxVxC = frames_FxVxC[track * length : (track + 1) * length]
        for channel in range(track_TxVxC.shape[2]):  # a third of the time that all channels of a joint at once take
            track_TxVxC[..., channel] = x_TxVxMxC[:, :, body, channel]
    return length, body_M


def _class_of(record: records.Record, benchmark: Benchmark, directory: pathlib.Path) -> int:
    if not 0 <= record.label < len(benchmark.class_of_label):
        raise UserError(
            f"{directory}: {record.name} has label {record.label}, but benchmark {benchmark.name} knows labels 0 to "
            f"{len(benchmark.class_of_label) - 1}; was the set converted from another benchmark's recordings?"
        )
    return benchmark.class_of_label[record.label]
