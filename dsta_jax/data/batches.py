"""Batches as a pure function of (seed, step): the same on any number of devices, and after any interruption."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dsta_jax.data import packing, sampling, streams
from dsta_jax.data.dataset import DataSet
from dsta_jax.skeleton.benchmarks import Channels
from dsta_jax.skeleton.layouts import Layout


class Batch(NamedTuple):
    """What one step sees, for N members: numpy arrays, or arrays on the devices.

    Attributes:
      x: N x R x T x V x C, each member's stream.
      label: N x B, classes.
      real: N x B, 1, or 0 for a sample that only fills up the last batch of an evaluation.
      share: N x B x R, the part of each row in each sample, see `DSTANet`; None where the rows are the M bodies of
        each sample in order.
    """

    x: Any
    label: Any
    real: Any
    share: Any = None


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How sequences become the network's input.

    Attributes:
      sampled: frames that a sequence is brought to.
      frames: T, how many of them in a row the network sees.
      slow_interval: every which frame `slow_temporal` takes.
      fast_interval: every which frame `fast_temporal` takes.
      rotation_degrees: training sequences turn about each axis by up to this angle, either way.
      scale: training sequences are scaled by 1 - scale to 1 + scale.
      layout: joints and bones.
      channels: what the C channels of a joint are.
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


def train_batch(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    batch_size: int,
    seed: int,
    step: int,
    rows: int | None = None,
) -> Batch:
    """The batch of a training step.

    The epochs' random orders follow each other without a gap, and a batch may reach from one into the next: each
    sample is seen exactly once an epoch, and every batch is full.

    Args:
      data_set: the part to train on.
      members: a stream for each of N members; all see the same samples.
      how: frames, streams and augmentation.
      batch_size: B.
      seed: of orders, draws of frames and augmentation.
      step: counted from 0.
      rows: R, where bodies that are not seen share a row; None gives each body its row.

    Raises:
      ValueError: when the samples need more rows than R.
    """
    keys = _train_samples(len(data_set), batch_size, seed, step)
    sample_B = np.array([sample for _, sample in keys])

    def frames_of(length_B: np.ndarray) -> np.ndarray:
        drawn = []
        for length, (epoch, sample) in zip(length_B.tolist(), keys, strict=True):
            count = sampling.train_words(length, how.sampled)
            words = sampling.random_words(count, seed, sampling.Purpose.FRAMES, epoch, sample)
            drawn.append(sampling.train_frames(length, how.sampled, how.frames, words))
        return np.stack(drawn)

    x_NxBxTxVxMxC = _member_streams(data_set, members, how, sample_B, frames_of)
    if how.rotation_degrees or how.scale:
        turn_BxCxC = np.stack([_random_turn(how, seed, epoch, sample) for epoch, sample in keys])
        x_NxBxTxVxMxC = np.einsum("nbtvmc,bdc->nbtvmd", x_NxBxTxVxMxC, turn_BxCxC, optimize=True)
    return _batch(x_NxBxTxVxMxC, data_set, sample_B, np.ones(batch_size, np.float32), rows)


def train_rows(data_set: DataSet, batch_size: int, seed: int, steps: int) -> np.ndarray:
    """How many rows the batch of each step needs when bodies that are not seen share one."""
    epochs = -(-steps * batch_size // len(data_set))
    order = np.concatenate([epoch_order(len(data_set), seed, epoch) for epoch in range(epochs)])
    body_SxBxM = data_set.body_NxM[order[: steps * batch_size]].reshape(steps, batch_size, -1)
    return np.array([packing.rows_needed(body_BxM) for body_BxM in body_SxBxM])


def test_batches(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    batch_size: int,
    rows: packing.RowCounts | None = None,
) -> Iterator[Batch]:
    """All samples in order, each once; the last batch is filled up with samples that are marked as not real.

    Args:
      data_set: the part to test on.
      members: a stream for each of N members.
      how: frames and streams.
      batch_size: B.
      rows: R, where bodies that are not seen share a row; None gives each body its row.
    """
    for start in range(0, len(data_set), batch_size):
        wanted_B = start + np.arange(batch_size)
        sample_B = np.minimum(wanted_B, len(data_set) - 1)

        def frames_of(length_B: np.ndarray) -> np.ndarray:
            return np.stack([sampling.test_frames(length, how.sampled, how.frames) for length in length_B.tolist()])

        x_NxBxTxVxMxC = _member_streams(data_set, members, how, sample_B, frames_of)
        real_B = (wanted_B < len(data_set)).astype(np.float32)
        count = None if rows is None else rows.of(packing.rows_needed(data_set.body_NxM[sample_B]))
        yield _batch(x_NxBxTxVxMxC, data_set, sample_B, real_B, count)


def test_rows(data_set: DataSet, batch_size: int) -> np.ndarray:
    """How many rows each batch of `test_batches` needs when bodies that are not seen share one."""
    last = len(data_set) - 1
    return np.array(
        [
            packing.rows_needed(data_set.body_NxM[np.minimum(start + np.arange(batch_size), last)])
            for start in range(0, len(data_set), batch_size)
        ]
    )


def _train_samples(count: int, batch_size: int, seed: int, step: int) -> list[tuple[int, int]]:
    """The epoch and the number of each sample of a training step."""
    position_B = step * batch_size + np.arange(batch_size)
    epoch_B, place_B = np.divmod(position_B, count)
    return [
        (epoch, int(epoch_order(count, seed, epoch)[place]))
        for epoch, place in zip(epoch_B.tolist(), place_B.tolist(), strict=True)
    ]


@functools.lru_cache(maxsize=4)
def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the samples."""
    return sampling.permutation(count, seed, sampling.Purpose.ORDER, epoch)


def _member_streams(
    data_set: DataSet,
    members: Sequence[streams.Stream],
    how: Sampling,
    sample_B: np.ndarray,
    frames_of: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """N x B x T x V x M x C; streams with the same interval see the same frames."""
    start_B, length_B = data_set.start_N[sample_B], data_set.length_N[sample_B]
    index_BxT = {
        interval: frames_of(streams.stream_length(length_B, interval))
        for interval in {how.interval(stream) for stream in members}
    }
    return np.stack(
        [
            streams.sampled_stream(
                data_set.frames_FxVxMxC,
                start_B,
                length_B,
                index_BxT[how.interval(stream)],
                stream,
                how.interval(stream),
                how.layout,
                how.channels.endswith("c"),
            )
            for stream in members
        ]
    )


def _random_turn(how: Sampling, seed: int, epoch: int, sample: int) -> np.ndarray:
    """C x C: a rotation about x, then y, then z, times a scale; in the plane about z alone. A confidence stays."""
    words = sampling.random_words(4, seed, sampling.Purpose.AUGMENTATION, epoch, sample)
    unit = 2 * sampling.to_unit(words) - 1
    angles = np.deg2rad(how.rotation_degrees) * unit[:3]
    space = np.eye(3)
    for axis, angle in enumerate(angles):
        if axis == 2 or "z" in how.channels:
            one, two = [other for other in range(3) if other != axis]
            step = np.eye(3)
            step[one, one] = step[two, two] = np.cos(angle)
            step[one, two], step[two, one] = -np.sin(angle), np.sin(angle)
            space = step @ space
    turn = np.eye(len(how.channels), dtype=np.float32)
    coordinates = 3 if "z" in how.channels else 2
    turn[:coordinates, :coordinates] = ((1 + how.scale * unit[3]) * space)[:coordinates, :coordinates]
    return turn


def _batch(
    x_NxBxTxVxMxC: np.ndarray, data_set: DataSet, sample_B: np.ndarray, real_B: np.ndarray, rows: int | None
) -> Batch:
    members, batch, frames, joints, bodies, channels = x_NxBxTxVxMxC.shape
    label_NxB = np.broadcast_to(data_set.label_N[sample_B].astype(np.int32), (members, batch))
    real_NxB = np.broadcast_to(real_B, (members, batch))
    if rows is None:
        x_NxRxTxVxC = np.moveaxis(x_NxBxTxVxMxC, 4, 2).reshape(members, batch * bodies, frames, joints, channels)
        return Batch(np.ascontiguousarray(x_NxRxTxVxC, np.float32), label_NxB, real_NxB)
    x_NxRxTxVxC, share_BxR = packing.pack(x_NxBxTxVxMxC, data_set.body_NxM[sample_B], rows)
    return Batch(x_NxRxTxVxC, label_NxB, real_NxB, np.broadcast_to(share_BxR, (members, *share_BxR.shape)))
