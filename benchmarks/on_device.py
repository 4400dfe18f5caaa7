"""The other way to feed a step: all frames lie on the device, and the host sends only which ones a batch takes.

`benchmarks.input_pipeline` measures it beside the library's way, in which the host makes the streams. Both give the
same numbers; there is no augmentation and no confidence here.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dsta_jax.data import batches, packing
from dsta_jax.data.batches import Sampling
from dsta_jax.data.dataset import DataSet
from dsta_jax.data.streams import Stream
from dsta_jax.members import Members


class OnDevice:
    """Batches for the members of a fold, made on the device."""

    def __init__(self, members: Members, part: DataSet):
        """Brings all frames of a part of the recordings to the device."""
        self._members, self._part = members, part
        self._frames_FxVxC = jax.device_put(part.frames_FxVxC)

    def make(self, step: int, rows: int | None) -> jax.Array:
        """N x R x T x V x C of a step; None gives each body its row."""
        part, how, streams = self._part, self._members.sampling, self._members.streams
        batch, seed = self._members.config.train.batch_size, self._members.config.seed
        epoch_B, sample_B = batches.train_samples(part, batch, seed, step)
        index_BxT = batches.train_index(part, streams, how, seed, epoch_B, sample_B)
        body_BxM = part.body_NxM[sample_B]
        which = packing.every_body(body_BxM) if rows is None else packing.pack(body_BxM, rows)
        sample_R = sample_B[which.sample_R]
        start_R = np.where(which.body_R < 0, -1, part.start_NxM[sample_R, which.body_R])
        sent = jax.device_put((start_R, part.length_N[sample_R], which.sample_R, index_BxT))
        return made_streams(self._frames_FxVxC, *sent, streams=streams, how=how)


@functools.partial(jax.jit, static_argnames=("streams", "how"))
def made_streams(
    frames_FxVxC: jax.Array,
    start_R: jax.Array,
    length_R: jax.Array,
    sample_R: jax.Array,
    index_BxT: dict[int, jax.Array],
    *,
    streams: Sequence[Stream],
    how: Sampling,
) -> jax.Array:
    """N x R x T x V x C, as `batches.train_batch` makes it; zeros for rows that begin at -1."""

    def gather(frame_RxT: jax.Array) -> jax.Array:
        return jnp.take(frames_FxVxC, start_R[:, None] + frame_RxT, axis=0, mode="clip")

    def made(stream: Stream) -> jax.Array:
        interval = how.interval(stream)
        index_RxT = index_BxT[interval][sample_R]
        now_RxTxVxC = gather(interval * index_RxT)
        if stream == "spatial_temporal":
            return now_RxTxVxC
        if stream == "spatial":
            return now_RxTxVxC - now_RxTxVxC[:, :, np.array(how.layout.parents)]
        last_Rx1 = -(-length_R // interval)[:, None] - 1
        next_RxT = jnp.minimum(index_RxT + 1, last_Rx1)
        return gather(interval * next_RxT) - now_RxTxVxC

    there_R = (start_R >= 0)[:, None, None, None]
    return jnp.where(there_R, jnp.stack([made(stream) for stream in streams]), 0)
