"""What the networks say of a recording."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """What the networks say of one recording.

    Attributes:
      class_names: the K classes.
      score_K: class scores; the mean over the streams (Sec. 3.6).
      streams: the answer of each stream by itself; none in such an answer.
    """

    class_names: tuple[str, ...]
    score_K: np.ndarray
    streams: Mapping[str, "Answer"] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def probability_K(self) -> np.ndarray:
        """The softmax of the scores."""
        exp_K = np.exp(self.score_K - self.score_K.max())
        return np.asarray(exp_K / exp_K.sum())

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.class_names[int(self.score_K.argmax())]

    @property
    def probability(self) -> float:
        """The probability of `label`, 0 to 1. Networks are often surer than they are right."""
        return float(self.probability_K.max())

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable classes and their probabilities, most probable first; all where there are fewer."""
        order = np.argsort(-self.score_K, kind="stable")[:count]
        return [(self.class_names[number], float(self.probability_K[number])) for number in order]

    def mixed(self, other: "Answer", weight: float) -> "Answer":
        """Of the scores of both, where the other one's have this weight, 0 to 1."""
        score_K = (1 - weight) * self.score_K + weight * other.score_K
        streams = {name: one.mixed(other.streams[name], weight) for name, one in self.streams.items()}
        return Answer(self.class_names, score_K, streams)

    def __repr__(self) -> str:
        return f"Answer({self.label!r}, {self.probability:.3f})"
