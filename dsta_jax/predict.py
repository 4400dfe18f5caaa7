"""Answers for raw recordings: a trained run as a function of frames."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import overload

import ml_collections
import numpy as np

from dsta_jax import evaluate, parallel, storage, workdir
from dsta_jax.data import dataset
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.datasets.clean import clean_array
from dsta_jax.errors import UserError
from dsta_jax.members import Members


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

    def __repr__(self) -> str:
        return f"Answer({self.label!r}, {self.probability:.3f})"


class Recognizer:
    """A trained run, loaded: call it with raw joints.

    Attributes:
      benchmark: classes, joints, channels, and by what recordings are normalised.
      streams: the streams whose scores are averaged.
    """

    def __init__(self, config: ml_collections.ConfigDict, benchmark: Benchmark, checkpoints: pathlib.Path):
        self.benchmark = benchmark
        self.streams: tuple[str, ...] = tuple(config.streams)
        self._config = config
        self._mesh = parallel.one_device_mesh()
        members = Members(config, benchmark, ())
        model, _ = evaluate.restore(members, checkpoints, self._mesh)
        self._variables = evaluate.fold_model(members, model, self._mesh)

    @classmethod
    def load(cls, directory: str | pathlib.Path, fold: int | str | None = None) -> "Recognizer":
        """Loads a run from its working directory, which is all that is needed.

        Where each subject was left out of training once, `fold` says whose networks answer.

        Raises:
          UserError: when there is no trained run, or the fold is missing.
        """
        path = storage.place(directory)
        run = workdir.read(path)
        left_out = run.benchmark.left_out
        if left_out:
            trained = sorted(path.glob("folds/*"))
            path = workdir.of_fold(path, run.benchmark, fold)
            if path not in trained:
                names = ", ".join(one.name.removeprefix(f"{left_out}_") for one in trained) or "none yet: train first"
                raise UserError(
                    f"{directory}: fold={fold!r}, expected the {left_out} that was left out, one of {names}"
                )
        elif fold is not None:
            raise UserError(f"{directory}: fold={fold!r}, but {run.benchmark.name} has a fixed test part, no folds")
        return cls(run.config, run.benchmark, path)

    @overload
    def __call__(self, frames: np.ndarray) -> Answer: ...

    @overload
    def __call__(self, frames: Sequence[np.ndarray]) -> list[Answer]: ...

    def __call__(self, frames: np.ndarray | Sequence[np.ndarray]) -> Answer | list[Answer]:
        """The answer for one recording, or the answers for a list of them.

        They are raw joints in the order of `benchmark.source.layout.joints`, in any unit: T x V x C, or T x V x M x C
        for M bodies. NaN is a joint that was not seen; zeros are a body that is absent.

        Raises:
          UserError: when a recording has another shape, nobody is seen in it, or it cannot be normalised.
        """
        if isinstance(frames, list | tuple):
            return self._answers(frames) if frames else []
        return self._answers([np.asanyarray(frames)])[0]

    def _answers(self, recordings: Sequence[np.ndarray]) -> list[Answer]:
        source, class_names = self.benchmark.source, self.benchmark.class_names
        found = []
        for number, frames in enumerate(recordings):
            name = f"recording {number}"
            found.append(("all", Record(name, 0, 0, 0, 0, clean_array(frames, source, name))))
        room = source.bodies * sum(len(record.frames_TxVxMxC) for _, record in found)
        part = dataset.pack(found, self.benchmark, dataset.empty_frames(room, self.benchmark), "recordings")
        # Few sizes of batches, as each is compiled.
        batch_size = min(self._config.evaluate.batch_size, 1 << (len(recordings) - 1).bit_length())
        score_NxSxK = evaluate.scores_of(self._members(batch_size), self._variables, part, self._mesh)
        answers = []
        for score_NxK in score_NxSxK.swapaxes(0, 1):
            each = (Answer(class_names, score_K) for score_K in score_NxK)
            answers.append(Answer(class_names, score_NxK.mean(axis=0), dict(zip(self.streams, each, strict=True))))
        return answers

    def _members(self, batch_size: int) -> Members:
        config = ml_collections.ConfigDict(self._config)
        config.evaluate.batch_size = batch_size
        return Members(config, self.benchmark, ())


def load(directory: str | pathlib.Path, fold: int | str | None = None) -> Recognizer:
    """A trained run as a function of raw joints; see `Recognizer`. Needs its working directory alone."""
    return Recognizer.load(directory, fold)
