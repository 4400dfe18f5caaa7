"""The four streams of Sec. 3.6: joints, bones, slow and fast motion."""

from typing import Literal, get_args

import numpy as np

from dsta_jax.skeleton.layouts import Layout

Stream = Literal["spatial_temporal", "spatial", "slow_temporal", "fast_temporal"]
STREAMS: tuple[Stream, ...] = get_args(Stream)


def stream_length(frames: np.ndarray, interval: int) -> np.ndarray:
    """How many frames a stream has that takes every `interval`-th of each sequence's frames."""
    return -(-frames // interval)


def sampled_stream(
    frames_FxVxMxC: np.ndarray,
    start_B: np.ndarray,
    length_B: np.ndarray,
    index_BxT: np.ndarray,
    stream: Stream,
    interval: int,
    layout: Layout,
    confidence: bool = False,
) -> np.ndarray:
    """The sampled frames of a stream, without making the stream's other frames.

    A stream is made from the whole sequence before frames are sampled: a bone is a joint minus its parent, zero at the
    root; a difference is x[k (i + 1)] - x[k i] of the sequence taken every k-th frame, with a zero frame at the end.

    Args:
      frames_FxVxMxC: normalised sequences one after the other.
      start_B: where each sequence begins in them.
      length_B: frames of each sequence.
      index_BxT: which frames of the stream are wanted, below `stream_length(length, interval)`.
      stream: which stream.
      interval: k; 1 for joints and bones.
      layout: bones, for `spatial`.
      confidence: whether the last channel is a confidence: that of a bone or a difference is the mean of its two ends'.

    Returns:
      B x T x V x M x C.
    """
    now_BxTxVxMxC = frames_FxVxMxC[start_B[:, None] + interval * index_BxT]
    if stream == "spatial_temporal":
        return now_BxTxVxMxC
    if stream == "spatial":
        return _difference(now_BxTxVxMxC, now_BxTxVxMxC[:, :, layout.parents], confidence)
    last_Bx1 = stream_length(length_B, interval)[:, None] - 1
    next_BxT = np.minimum(index_BxT + 1, last_Bx1)  # at the end a frame minus itself: the zero frame
    return _difference(frames_FxVxMxC[start_B[:, None] + interval * next_BxT], now_BxTxVxMxC, confidence)


def _difference(end_xC: np.ndarray, start_xC: np.ndarray, confidence: bool) -> np.ndarray:
    difference_xC: np.ndarray = end_xC - start_xC
    if confidence:
        difference_xC[..., -1] = (end_xC[..., -1] + start_xC[..., -1]) / 2
    return difference_xC
