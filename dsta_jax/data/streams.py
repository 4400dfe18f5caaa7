"""The four streams of Sec. 3.6: joints, bones, slow and fast motion."""

from typing import Literal, get_args

import numpy as np

from dsta_jax.datasets.layouts import Layout

# All streams that there are. Which of them a configuration trains is said there.
Stream = Literal["spatial_temporal", "spatial", "slow_temporal", "fast_temporal"]
STREAMS: tuple[Stream, ...] = get_args(Stream)
MOTION: tuple[Stream, ...] = ("slow_temporal", "fast_temporal")


def stream_length(frames: np.ndarray, interval: int) -> np.ndarray:
    """How many frames a stream has that takes every `interval`-th of each sequence's frames."""
    return -(-frames // interval)


def sampled_stream(
    frames_FxVxC: np.ndarray,
    start_R: np.ndarray,
    length_R: np.ndarray,
    index_RxT: np.ndarray,
    stream: Stream,
    interval: int,
    layout: Layout,
    confidence: bool = False,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """R x T x V x C: the sampled frames of a stream, without making the stream's other frames.

    A stream is made from the whole sequence before frames are sampled: a bone is a joint minus its parent, zero at the
    root; a difference is x[k (i + 1)] - x[k i] of the sequence taken every k-th frame (`interval`), with a zero frame
    at the end. Of a last channel that is a confidence, it is the mean of its two ends'. What is made of NaN is NaN.

    The row's sequence begins at frame `start_R`; one that begins at a negative number means nothing. `index_RxT` are
    below `stream_length(length, interval)`. `out` is written to and returned, float32 and contiguous.
    """
    if out is None:
        out = np.empty((*index_RxT.shape, *frames_FxVxC.shape[1:]), np.float32)
    if stream == "spatial_temporal":
        return _gather(frames_FxVxC, start_R, interval * index_RxT, out)
    now_RxTxVxC = _gather(frames_FxVxC, start_R, interval * index_RxT, np.empty_like(out))
    if stream == "spatial":
        return _subtract(now_RxTxVxC, _parents(now_RxTxVxC, layout), confidence, out)
    last_Rx1 = stream_length(length_R, interval)[:, None] - 1
    next_RxT = np.minimum(index_RxT + 1, last_Rx1)  # at the end a frame minus itself: the zero frame
    return _subtract(_gather(frames_FxVxC, start_R, interval * next_RxT, out), now_RxTxVxC, confidence, out)


def _gather(frames_FxVxC: np.ndarray, start_R: np.ndarray, frame_RxT: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Frames of each sequence by number, written to `out`."""
    # Numbers are not checked ("raise" would go through a copy of the output).
    return np.take(frames_FxVxC, start_R[:, None] + frame_RxT, axis=0, out=out, mode="clip")


def _parents(x_RxTxVxC: np.ndarray, layout: Layout) -> np.ndarray:
    """Each joint's parent. Single numbers are copied faster than the few of a joint."""
    channels = x_RxTxVxC.shape[-1]
    number_VC = (channels * np.array(layout.parents)[:, None] + np.arange(channels)).ravel()
    x_RxTxVC = x_RxTxVxC.reshape(*x_RxTxVxC.shape[:2], -1)
    return np.take(x_RxTxVC, number_VC, axis=2, mode="clip").reshape(x_RxTxVxC.shape)


def _subtract(end_xC: np.ndarray, start_xC: np.ndarray, confidence: bool, out: np.ndarray) -> np.ndarray:
    """The difference, written to `out`, which may be `end_xC`."""
    mean_x = (end_xC[..., -1] + start_xC[..., -1]) / 2 if confidence else None
    np.subtract(end_xC, start_xC, out=out)
    if mean_x is not None:
        out[..., -1] = mean_x
    return out
