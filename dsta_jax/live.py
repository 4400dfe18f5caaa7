"""Answers while frames come in: a window of the last frames, decided on every few of them."""

import collections
import contextlib
from collections.abc import Callable

import numpy as np

from dsta_jax.answer import Answer
from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.normalize import mark_unseen, present_bodies
from dsta_jax.errors import UserError


class Live(contextlib.AbstractContextManager["Live"]):
    """The last frames of somebody who is watched, and what they amount to.

    Frames stand on a clock of `fps` ticks a second. Of several frames in a tick the last one counts; ticks that are
    left out are filled between their neighbours, for up to half a second; after a longer gap, or a step back in time,
    the window begins anew. So a camera that is slower, or stumbles, shows movements at their own speed. Take the `fps`
    of the recordings that were trained on.
    """

    def __init__(
        self,
        decide: Callable[[np.ndarray], Answer | None],
        source: Source,
        fps: float,
        window: int,
        every: int,
        smoothing: float,
    ):
        """Looks at `window` frames of a source, as soon as there are `every`, and after each `every` more.

        `decide` answers for T x V x M x C, or None, where nobody is in view. `smoothing` is the weight of the answer
        before in each new one.

        Raises:
          UserError: when a number makes no sense.
        """
        limits = (
            ("fps", fps, 0 < fps < np.inf, "a number above 0"),
            ("window", window, window >= 1, "1 frame or more"),
            ("every", every, every >= 1, "1 frame or more"),
            ("smoothing", smoothing, 0 <= smoothing < 1, "0 (none) to less than 1"),
        )
        for name, value, fits, expected in limits:
            if not fits:
                raise UserError(f"{name}={value}: expected {expected}")
        self._decide, self._source = decide, source
        self._fps, self._every, self._smoothing = fps, every, smoothing
        self._window: collections.deque[np.ndarray] = collections.deque(maxlen=window)
        self._tick, self._due = -1, every
        self._said: Answer | None = None

    def __enter__(self) -> "Live":
        """Decides on made-up frames, so that everything is compiled before the first frame comes."""
        made_TxVxMxC = np.random.default_rng(0).uniform(0.1, 1, (self._window.maxlen or 1, *self._source.frame_shape))
        for bodies in range(self._source.bodies, 0, -1):
            made_TxVxMxC[:, :, bodies:] = np.nan
            self._decide(made_TxVxMxC.copy())
        return self

    def __exit__(self, *_: object) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets all frames."""
        self._window.clear()
        self._tick, self._due, self._said = -1, self._every, None

    def push(self, frame: np.ndarray | None, timestamp: float | None = None) -> Answer | None:
        """Takes a frame; returns an answer every few frames, and None in between and where nobody is in view.

        It is V x C, or V x M x C for M bodies, raw joints as a recording has them; None is one in which nobody is seen.
        `timestamp` is in seconds; without it, frames are taken to come one a tick.

        Raises:
          UserError: when a frame has another shape, or a timestamp is no number.
        """
        frame_VxMxC = self._checked(frame)
        if timestamp is not None and not np.isfinite(timestamp):
            raise UserError(f"timestamp={timestamp}: expected seconds")
        tick = self._tick + 1 if timestamp is None else round(timestamp * self._fps)
        gap = tick - self._tick
        if self._window and (gap < 0 or gap > max(1, self._fps / 2)):
            self.restart()
            gap = 1
        if self._window and gap == 0:
            self._window[-1] = frame_VxMxC
            return None
        if self._window:
            before_VxMxC = self._window[-1]
            for number in range(1, gap):
                self._window.append(before_VxMxC + (frame_VxMxC - before_VxMxC) * (number / gap))
        self._window.append(frame_VxMxC)
        self._tick, self._due = tick, self._due - 1
        if self._due > 0:
            return None
        self._due = self._every
        found = self._decide(np.stack(self._window))
        if found is not None and self._said is not None:
            found = found.mixed(self._said, self._smoothing)
        self._said = found
        return found

    def _checked(self, frame: np.ndarray | None) -> np.ndarray:
        """V x M x C, float64; NaN where a joint was not seen, and in bodies that are absent: these are not moved."""
        joints, bodies, channels = self._source.frame_shape
        whole_VxMxC = np.full((joints, bodies, channels), np.nan)
        if frame is None:
            return whole_VxMxC
        given = np.asanyarray(frame)
        given_VxMxC = given[:, None] if given.ndim == 2 else given
        if given.dtype.kind not in "fiu" or given_VxMxC.ndim != 3 or given_VxMxC.shape[::2] != (joints, channels):
            found = f"{given.dtype} {' x '.join(map(str, given.shape))}"
            expected = f"{joints} joints x {channels} channels ({self._source.channels})"
            raise UserError(f"a frame of {found}, expected numbers: {expected}")
        if (found_bodies := given_VxMxC.shape[1]) > bodies:
            raise UserError(f"a frame of {found_bodies} bodies, expected at most {bodies}")
        marked_VxMxC = mark_unseen(given_VxMxC[None], self._source.channels)[0]
        seen_VxM = ~np.isnan(marked_VxMxC[..., 0]) & present_bodies(marked_VxMxC[None])[0]
        whole_VxMxC[:, :found_bodies][seen_VxM] = given_VxMxC[seen_VxM]
        return whole_VxMxC
