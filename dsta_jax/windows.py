"""Long recordings in windows: where they begin, and what their answers say of when something happened."""

import dataclasses
import math
from collections.abc import Sequence

from dsta_jax.answer import Answer
from dsta_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Segment:
    """A part of a recording in which the windows give the same class.

    Attributes:
      first: the first frame, from 0.
      end: the frame after the last one.
      label: the class.
      probability: the mean of the windows' probabilities of it.
    """

    first: int
    end: int
    label: str
    probability: float

    def seconds(self, fps: float) -> tuple[float, float]:
        """When it begins and ends."""
        return self.first / fps, self.end / fps


def starts(frames: int, window: int, stride: int) -> list[int]:
    """Where windows begin: every `stride` frames, and one that ends with the recording; one alone in a short one.

    Raises:
      UserError: when a size is none.
    """
    for name, size in (("window", window), ("stride", stride)):
        if size < 1:
            raise UserError(f"{name}={size}: expected 1 frame or more")
    if stride > window:
        raise UserError(f"stride={stride}: expected at most the window's {window} frames, or some are never looked at")
    last = max(0, frames - window)
    return [*range(0, last, stride), last]


def joined(answers: Sequence[Answer | None], frames: int, window: int, stride: int) -> list[Segment]:
    """Segments of the answers for windows at `starts`; None is a window that nothing can be said of.

    A frame belongs to the window whose middle is nearest; neighbours with the same class are one segment.
    """
    first = starts(frames, window, stride)
    middle = [start + min(window, frames) / 2 for start in first]
    bound = [0, *(math.floor((one + other + 1) / 2) for one, other in zip(middle, middle[1:], strict=False)), frames]
    found: list[list[tuple[int, int, Answer]]] = []
    for number, answer in enumerate(answers):
        if answer is None:
            continue
        part = (bound[number], bound[number + 1], answer)
        if found and found[-1][-1][1] == part[0] and found[-1][-1][2].label == answer.label:
            found[-1].append(part)
        else:
            found.append([part])
    return [
        Segment(parts[0][0], parts[-1][1], parts[0][2].label, sum(one[2].probability for one in parts) / len(parts))
        for parts in found
    ]
