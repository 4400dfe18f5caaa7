"""Measuring side by side: the sides take turns in one process, so that what disturbs the machine disturbs all."""

import dataclasses
import math
import statistics
import time
from collections.abc import Mapping
from typing import Any, Protocol


class Side(Protocol):
    """Something whose time is measured.

    Devices work while the program goes on: `start` may come back before its work is done.
    """

    def start(self) -> None:
        """Starts one step."""

    def wait(self) -> None:
        """Comes back when all that was started is done."""


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds of one step, of each repeat."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the repeats, in seconds."""
        return statistics.median(self.seconds)

    def summary(self) -> dict[str, Any]:
        """Median, extremes and all repeats, in milliseconds."""
        return {
            "ms_median": 1e3 * self.median,
            "ms_min": 1e3 * min(self.seconds),
            "ms_max": 1e3 * max(self.seconds),
            "ms": [1e3 * seconds for seconds in self.seconds],
        }


def warm_up(side: Side) -> tuple[float, float]:
    """Takes three steps: seconds of the first, which may compile, and of the last."""
    first = timed(side, 1)
    timed(side, 1)
    return first, timed(side, 1)


def timed(side: Side, steps: int) -> float:
    """Seconds of one of so many steps, started one after the other without waiting."""
    begin = time.perf_counter()
    for _ in range(steps):
        side.start()
    side.wait()
    return (time.perf_counter() - begin) / steps


def alternate(sides: Mapping[Any, Side], repeats: int, least_seconds: float) -> dict[Any, Times]:
    """Measures all sides in turn, A B A B ..., after a warm-up of each.

    Args:
      sides: by name, or by what names them.
      repeats: turns of each side.
      least_seconds: a turn takes as many steps as fill so much time; more where single steps are too short to time.
    """
    steps = {name: max(1, math.ceil(least_seconds / warm_up(side)[1])) for name, side in sides.items()}
    found: dict[Any, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            timed(side, 1)  # threads and caches come back from the other side's work
            found[name].append(timed(side, steps[name]))
    return {name: Times(tuple(seconds)) for name, seconds in found.items()}


def ratios(slow: Times, fast: Times) -> list[float]:
    """How many times as fast, of each pair of turns that followed each other."""
    return [a / b for a, b in zip(slow.seconds, fast.seconds, strict=True)]
