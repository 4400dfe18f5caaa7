"""Batches as a pure function of (seed, step): the same on any number of devices, and after any interruption."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dsta_jax.data import packing, sampling, streams
from dsta_jax.data.dataset import DataSet
from dsta_jax.data.packing import Rows
from dsta_jax.datasets.benchmark import Channels
from dsta_jax.datasets.layouts import Layout


class Batch(NamedTuple):
    """What one step sees, for N members: numpy arrays, or arrays on the devices.

    Attributes:
      x: N x R x T x V x C, each member's stream.
      label: N x B, classes.
      real: N x B, 1, or 0 for a sample that only fills up the last batch of an evaluation.
      share: N x B x R, see `packing.Rows`.
    """

    x: Any
    label: Any
    real: Any
    share: Any = None


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How sequences become the network's input.

    A sequence is brought to `sampled` frames, of which the network sees T, `frames`, in a row. A motion stream takes
    every so many frames. In training, sequences turn about each axis by up to `rotation_degrees`, either way, and are
    scaled by 1 - scale to 1 + scale.
    """

    sampled: int
    frames: int
    slow_interval: int
    fast_interval: int
    rotation_degrees: float
    scale: float
    layout: Layout
    channels: Channels = "xyz"

    def interval(self, stream: streams.Stream) -> int:
        """Every which frame a stream takes."""
        return {"slow_temporal": self.slow_interval, "fast_temporal": self.fast_interval}.get(stream, 1)

    def lengths(self, members: Sequence[streams.Stream], length_B: np.ndarray) -> dict[int, np.ndarray]:
        """How many frames the members' streams of B sequences have, by interval."""
        intervals = {self.interval(stream) for stream in members}
        return {interval: streams.stream_length(length_B, interval) for interval in intervals}


def train_batch(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    batch_size: int,
    seed: int,
    step: int,
    rows: int | None = None,
    own: slice = slice(None),
) -> Batch:
    """The batch of a training step, counted from 0: a stream for each of N members, all of the same samples.

    Of `x`, only the `own` rows are made, as a process needs them; all else is whole.

    The epochs' random orders follow each other without a gap, and a batch may reach from one into the next: each
    sample is seen exactly once an epoch, and every batch is full. Of `rows` rows, bodies that are not seen share one;
    None gives each body its row.

    Raises:
      ValueError: when the samples need more rows than there are.
    """
    epoch_B, sample_B = train_samples(data_set, batch_size, seed, step)
    body_BxM = data_set.body_NxM[sample_B]
    which = packing.every_body(body_BxM) if rows is None else packing.pack(body_BxM, rows)
    place_P, place_R = np.unique(which.sample_R[own], return_inverse=True)  # the samples that these rows are of
    epoch_P, sample_P = epoch_B[place_P], sample_B[place_P]
    index_PxT = train_index(data_set, members, how, seed, epoch_P, sample_P)
    turn_PxCxC = None
    if how.rotation_degrees or how.scale:
        words_Px4 = sampling.sample_words(4, seed, sampling.Purpose.AUGMENTATION, epoch_P, sample_P)
        turn_PxCxC = _turns(how, words_Px4)
    x_NxRxTxVxC = _streams(data_set, members, how, sample_P, (place_R, which.body_R[own]), index_PxT, turn_PxCxC)
    return _batch(data_set, len(members), sample_B, which, x_NxRxTxVxC)


def train_samples(data_set: DataSet, batch_size: int, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The epoch and the number of each of B samples of a training step, counted from 0."""
    epoch_B, place_B = np.divmod(step * batch_size + np.arange(batch_size), len(data_set))
    epochs = range(int(epoch_B[0]), int(epoch_B[-1]) + 1)
    order_of = {epoch: epoch_order(len(data_set), seed, epoch) for epoch in epochs}
    return epoch_B, np.concatenate([order_of[epoch][place_B[epoch_B == epoch]] for epoch in epochs])


def train_index(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    seed: int,
    epoch_B: np.ndarray,
    sample_B: np.ndarray,
) -> dict[int, np.ndarray]:
    """B x T: which frames of each sample the members' streams see in an epoch of training, by their interval."""
    lengths = how.lengths(members, data_set.length_N[sample_B])
    count = max(int(sampling.train_words(length_B, how.sampled).max()) for length_B in lengths.values())
    words_BxW = sampling.sample_words(count, seed, sampling.Purpose.FRAMES, epoch_B, sample_B)
    return {
        interval: sampling.train_frames(length_B, how.sampled, how.frames, words_BxW)
        for interval, length_B in lengths.items()
    }


def train_rows(data_set: DataSet, batch_size: int, seed: int, steps: int) -> np.ndarray:
    """How many rows the batch of each step needs when bodies that are not seen share one."""
    epochs = -(-steps * batch_size // len(data_set))
    order = np.concatenate([epoch_order(len(data_set), seed, epoch) for epoch in range(epochs)])
    return packing.rows_needed(data_set.body_NxM[order[: steps * batch_size]].reshape(steps, batch_size, -1))


def test_batches(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    batch_size: int,
    rows: packing.RowCounts | None = None,
    absent_row: bool = True,
    own: Callable[[int], slice] = lambda count: slice(count),
) -> Iterator[Batch]:
    """All samples in order, each once; the last batch is filled up with samples that are marked as not real.

    Bodies that are not seen share a row where `rows` are given, or have none at all with `absent_row=False`. Of so many
    rows of `x`, only the `own` ones are made, as a process needs them.
    """
    for wanted_B in _test_samples(data_set, batch_size):
        sample_B = np.minimum(wanted_B, len(data_set) - 1)
        index_BxT = {
            interval: sampling.test_frames(length_B, how.sampled, how.frames)
            for interval, length_B in how.lengths(members, data_set.length_N[sample_B]).items()
        }
        body_BxM = data_set.body_NxM[sample_B]
        which = packing.every_body(body_BxM)
        if rows is not None:
            (needed,) = packing.rows_needed(body_BxM[None], absent_row).tolist()
            which = packing.pack(body_BxM, rows.of(needed), absent_row)
        mine = own(len(which.sample_R))
        which_own = which.sample_R[mine], which.body_R[mine]
        x_NxRxTxVxC = _streams(data_set, members, how, sample_B, which_own, index_BxT)
        batch = _batch(data_set, len(members), sample_B, which, x_NxRxTxVxC)
        yield batch._replace(real=batch.real * (wanted_B < len(data_set)).astype(np.float32))


def test_rows(data_set: DataSet, batch_size: int, absent_row: bool = True) -> np.ndarray:
    """How many rows each batch of `test_batches` needs when bodies that are not seen share one, or have none."""
    sample_SxB = np.minimum(_test_samples(data_set, batch_size), len(data_set) - 1)
    return packing.rows_needed(data_set.body_NxM[sample_SxB], absent_row)


def _test_samples(data_set: DataSet, batch_size: int) -> np.ndarray:
    """S x B numbers of samples in order; the last of them may be beyond the last sample."""
    return np.arange(-(-len(data_set) // batch_size) * batch_size).reshape(-1, batch_size)


@functools.lru_cache(maxsize=4)
def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the samples."""
    return sampling.permutation(count, seed, sampling.Purpose.ORDER, epoch)


def _streams(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    sample_P: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    index_PxT: Mapping[int, np.ndarray],
    turn_PxCxC: np.ndarray | None = None,
) -> np.ndarray:
    """N x R x T x V x C: each member's stream of P samples, at the frames of its interval, turned.

    `rows` say which of the samples each row is of, and which body it is.
    """
    place_R, body_R = rows
    sample_R = sample_P[place_R]
    start_R, length_R = data_set.start_NxM[sample_R, body_R], data_set.length_N[sample_R]
    frames_FxVxC, confidence = data_set.frames_FxVxC, how.channels.endswith("c")
    x_NxRxTxVxC = np.empty((len(members), len(sample_R), how.frames, *frames_FxVxC.shape[1:]), np.float32)
    for x_RxTxVxC, stream in zip(x_NxRxTxVxC, members, strict=True):
        interval = how.interval(stream)
        index_RxT = index_PxT[interval][place_R]
        streams.sampled_stream(
            frames_FxVxC, start_R, length_R, index_RxT, stream, interval, how.layout, confidence, out=x_RxTxVxC
        )
    if turn_PxCxC is not None:
        turn_RxCxC = turn_PxCxC[place_R].swapaxes(1, 2)
        x_NxRxTVxC = x_NxRxTxVxC.reshape(*x_NxRxTxVxC.shape[:2], -1, x_NxRxTxVxC.shape[-1])
        x_NxRxTxVxC = np.matmul(x_NxRxTVxC, turn_RxCxC).reshape(x_NxRxTxVxC.shape)
    x_NxRxTxVxC[:, body_R < 0] = 0
    if data_set.unseen:  # What was not seen, and what was made of it, tells the network nothing.
        np.nan_to_num(x_NxRxTxVxC, copy=False, nan=0.0)
    return x_NxRxTxVxC


def _batch(data_set: DataSet, members: int, sample_B: np.ndarray, which: Rows, x_NxRxTxVxC: np.ndarray) -> Batch:
    """The batch of these samples, all of which are real."""

    def of_members(every: np.ndarray) -> np.ndarray:
        return np.broadcast_to(every, (members, *every.shape))

    return Batch(
        x=x_NxRxTxVxC,
        label=of_members(data_set.label_N[sample_B].astype(np.int32)),
        real=of_members(np.ones(len(sample_B), np.float32)),
        share=None if which.share_BxR is None else of_members(which.share_BxR),
    )


def _turns(how: Sampling, words_Bx4: np.ndarray) -> np.ndarray:
    """B x C x C: a rotation about x, then y, then z, times a scale; in the plane about z alone. A confidence stays."""
    unit_Bx4 = 2 * sampling.to_unit(words_Bx4) - 1
    angle_Bx3 = np.deg2rad(how.rotation_degrees) * unit_Bx4[:, :3]
    axes, coordinates = ((0, 1, 2), 3) if "z" in how.channels else ((2,), 2)
    space_Bx3x3 = np.eye(3)
    for axis in axes:
        space_Bx3x3 = _rotations(axis, angle_Bx3[:, axis]) @ space_Bx3x3
    space_Bx3x3 = (1 + how.scale * unit_Bx4[:, 3])[:, None, None] * space_Bx3x3
    turn_BxCxC = np.tile(np.eye(len(how.channels), dtype=np.float32), (len(words_Bx4), 1, 1))
    turn_BxCxC[:, :coordinates, :coordinates] = space_Bx3x3[:, :coordinates, :coordinates]
    return turn_BxCxC


def _rotations(axis: int, angle_B: np.ndarray) -> np.ndarray:
    """B x 3 x 3: rotations about an axis, of angles in radians."""
    one, two = [other for other in range(3) if other != axis]
    turn_Bx3x3 = np.zeros((len(angle_B), 3, 3))
    turn_Bx3x3[:, axis, axis] = 1
    turn_Bx3x3[:, one, one] = turn_Bx3x3[:, two, two] = np.cos(angle_B)
    turn_Bx3x3[:, two, one] = np.sin(angle_B)
    turn_Bx3x3[:, one, two] = -turn_Bx3x3[:, two, one]
    return turn_Bx3x3
