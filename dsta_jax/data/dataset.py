"""A converted data set in memory, and the division of a benchmark's recordings."""

import dataclasses
import pathlib

import numpy as np

from dsta_jax.data import records, sampling
from dsta_jax.errors import UserError
from dsta_jax.skeleton.benchmarks import Benchmark


@dataclasses.dataclass(frozen=True)
class DataSet:
    """N recordings of a benchmark, packed: their seen frames one after the other, and a column for each fact.

    Attributes:
      frames_FxVxMxC: normalised frames in which somebody was seen, float32; F is the sum of the lengths.
      start_N: where each recording begins in them.
      length_N: frames of each.
      name_N: names, unique.
      label_N: classes of the benchmark.
      body_NxM: which bodies are ever seen in each.
      columns: `split`, `subject`, `camera`, `setup`, each of N entries, for protocols.
    """

    frames_FxVxMxC: np.ndarray
    start_N: np.ndarray
    length_N: np.ndarray
    name_N: np.ndarray
    label_N: np.ndarray
    body_NxM: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.name_N)

    def select(self, chosen: np.ndarray) -> "DataSet":
        """The recordings that a mask or index over N chooses; the frames are shared, not copied."""
        return dataclasses.replace(
            self,
            start_N=self.start_N[chosen],
            length_N=self.length_N[chosen],
            name_N=self.name_N[chosen],
            label_N=self.label_N[chosen],
            body_NxM=self.body_NxM[chosen],
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
    found = list(records.read_set(directory))
    frames = [_seen(record, directory) for _, record in found]
    length_N = np.array([len(sequence) for sequence in frames])
    label_N = np.array([_class_of(record, benchmark, directory) for _, record in found])
    return DataSet(
        frames_FxVxMxC=np.concatenate(frames),
        start_N=np.concatenate([[0], np.cumsum(length_N)[:-1]]),
        length_N=length_N,
        name_N=np.array([record.name for _, record in found]),
        label_N=label_N,
        body_NxM=np.stack([sequence.any((0, 1, 3)) for sequence in frames]),
        columns={
            "split": np.array([split for split, _ in found]),
            "subject": np.array([record.subject for _, record in found]),
            "camera": np.array([record.camera for _, record in found]),
            "setup": np.array([record.setup for _, record in found]),
        },
    )


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


def _seen(record: records.Record, directory: pathlib.Path) -> np.ndarray:
    seen_T = record.frames_TxVxMxC.any((1, 2, 3))
    if not seen_T.any():
        raise UserError(f"{directory}: nobody is seen in any frame of {record.name}; convert the data set again")
    return record.frames_TxVxMxC[seen_T]


def _class_of(record: records.Record, benchmark: Benchmark, directory: pathlib.Path) -> int:
    if not 0 <= record.label < len(benchmark.class_of_label):
        raise UserError(
            f"{directory}: {record.name} has label {record.label}, but benchmark {benchmark.name} knows labels 0 to "
            f"{len(benchmark.class_of_label) - 1}; was the set converted from another benchmark's recordings?"
        )
    return benchmark.class_of_label[record.label]
