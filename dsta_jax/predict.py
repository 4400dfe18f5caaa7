"""Answers for raw recordings: a trained run as a function of frames, of files, and of frames as they come."""

import contextlib
import itertools
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np

from dsta_jax import evaluate, parallel, windows
from dsta_jax.answer import Answer
from dsta_jax.data import dataset
from dsta_jax.data.records import Record
from dsta_jax.datasets.clean import clean_array
from dsta_jax.datasets.joint_lists import OtherJoints
from dsta_jax.datasets.own_files import Files
from dsta_jax.errors import UserError
from dsta_jax.formats import unlabelled
from dsta_jax.formats.csv_frames import WrongWidth
from dsta_jax.live import Live
from dsta_jax.members import Members
from dsta_jax.weights import trained as trained_networks
from dsta_jax.weights.trained import Trained

Frames = np.ndarray | str | pathlib.Path  # of one recording: raw joints, or a file of them
Recordings = Sequence[np.ndarray | pathlib.Path] | list[str] | tuple[str, ...]


class Recognizer:
    """A trained run, loaded: call it with raw joints.

    Attributes:
      benchmark: classes, joints, channels, and by what recordings are normalised.
      streams: the streams whose scores are averaged.
      described_by: the benchmark's name, or the file of one's own that said what the recordings are.
    """

    def __init__(self, trained: Trained):
        self.benchmark = trained.benchmark
        self.described_by: str = trained.config.benchmark
        self.streams: tuple[str, ...] = tuple(trained.config.streams)
        self._config = trained.config
        self._mesh = parallel.one_device_mesh()
        members = Members(trained.config, trained.benchmark, ())
        self._variables = evaluate.fold_model(members, trained.model, self._mesh)

    @classmethod
    def load(cls, directory: str | pathlib.Path, fold: int | str | None = None) -> "Recognizer":
        """Loads a run from its working directory, or from a directory of the Hugging Face hub's layout.

        Nothing else is needed. Where each subject was left out of training once, `fold` says whose networks answer.

        Raises:
          UserError: when there is no trained run, or the fold is missing.
        """
        return cls(trained_networks.read(directory, fold))

    @overload
    def __call__(self, frames: Frames) -> Answer: ...

    @overload
    def __call__(self, frames: Recordings) -> list[Answer]: ...

    def __call__(self, frames: Frames | Recordings) -> Answer | list[Answer]:
        """The answer for one recording, or the answers for a list of them.

        They are files, in a format that conversion reads, or raw joints in the order of
        `benchmark.source.layout.joints`, in any unit: T x V x C, or T x V x M x C for M bodies. NaN is a joint that was
        not seen; zeros are a body that is absent.

        Raises:
          UserError: when a recording has another shape, nobody is seen in it, or it cannot be normalised.
        """
        if isinstance(frames, np.ndarray | str | pathlib.Path):
            return self._answers([self._record("recording 0", self._raw(frames))])[0]
        named = [(f"recording {number}", self._raw(one)) for number, one in enumerate(frames)]
        return self._answers([self._record(*one) for one in named]) if named else []

    def of_files(
        self, paths: Iterable[str | pathlib.Path], files: Files | None = None
    ) -> Iterator[tuple[str, Answer | UserError]]:
        """The names of all recordings in files and directories, with answers; for one that is broken, the reason.

        `files` says how they are written, where that is not the usual way: `own.find("mine.toml").source.files`.
        """
        found, size = self.read(paths, files), self._config.evaluate.batch_size
        while some := list(itertools.islice(found, size)):
            records: list[tuple[str, Record | UserError]] = []
            for name, raw in some:
                try:
                    records.append((name, raw if isinstance(raw, UserError) else self._record(name, raw)))
                except UserError as error:
                    records.append((name, error))
            good = [record for _, record in records if isinstance(record, Record)]
            answers = iter(self._answers(good) if good else [])
            yield from ((name, next(answers) if isinstance(one, Record) else one) for name, one in records)

    def read(
        self, paths: Iterable[str | pathlib.Path], files: Files | None = None
    ) -> Iterator[tuple[str, np.ndarray | UserError]]:
        """The names and raw joints of all recordings in files and directories; for one that is broken, the reason."""
        for path in map(pathlib.Path, paths):
            try:
                found = unlabelled.find(path, self.benchmark.source, files)
            except UserError as error:
                yield str(path), error
                continue
            for entry in found.selected:
                source = self.benchmark.source
                try:
                    recording = found.read(entry)
                    yield entry.name, recording.frames_with_score if source.confidence else recording.frames_TxVxMxC
                except WrongWidth as error:
                    joints, rest = divmod(error.numbers, len(source.channels))
                    yield entry.name, error if rest else OtherJoints(str(error), source.layout, joints)
                except UserError as error:
                    yield entry.name, error

    def segments(self, frames: Frames, window: int = 60, stride: int = 15) -> list[windows.Segment]:
        """What happens when in a long recording: an answer for each `window` frames, every `stride` frames, joined.

        Each window is a recording by itself. Where nobody is in view, nothing happens.

        Raises:
          UserError: as for a call.
        """
        raw = self._raw(frames)
        self._record("recording 0", raw)  # What is wrong with all of it is said of all of it.
        starts = windows.starts(len(raw), window, stride)
        records: dict[int, Record] = {}
        for start in starts:
            with contextlib.suppress(UserError):  # Nobody is in view, or not what it is measured by.
                records[start] = self._record(f"frame {start}", raw[start : start + window])
        answers = dict(zip(records, self._answers(list(records.values())) if records else [], strict=True))
        return windows.joined([answers.get(start) for start in starts], len(raw), window, stride)

    def live(self, fps: float = 30.0, window: int = 60, every: int = 5, smoothing: float = 0.5) -> Live:
        """Answers while frames come in; see `Live`.

        with recognizer.live(fps=30) as stream:
            answer = stream.push(frame, timestamp)
        """

        def decide(frames_TxVxMxC: np.ndarray) -> Answer | None:
            try:
                record = self._record("the window", frames_TxVxMxC)
            except UserError:  # Nobody is in view, or not what it is measured by.
                return None
            return self._answers([record])[0]

        return Live(decide, self.benchmark.source, fps, window, every, smoothing)

    def _raw(self, frames: Frames) -> np.ndarray:
        """The raw joints of one recording."""
        if not isinstance(frames, str | pathlib.Path):
            return np.asanyarray(frames)
        found = list(itertools.islice(self.read([frames]), 2))
        if len(found) != 1:
            raise UserError(f"{frames}: holds more than one recording; of_files answers for all of them")
        ((_, raw),) = found
        if isinstance(raw, UserError):
            raise raw
        return raw

    def _record(self, name: str, raw: np.ndarray) -> Record:
        source = self.benchmark.source
        try:
            return Record(name, 0, 0, 0, 0, clean_array(raw, source, name))
        except UserError as error:
            if raw.ndim in (3, 4) and raw.shape[1] != len(source.layout.joints):
                raise OtherJoints(str(error), source.layout, raw.shape[1]) from None
            raise

    def _answers(self, records: Sequence[Record]) -> list[Answer]:
        source, class_names = self.benchmark.source, self.benchmark.class_names
        room = source.bodies * sum(len(record.frames_TxVxMxC) for record in records)
        frames_FxVxC = dataset.empty_frames(room, self.benchmark)
        part = dataset.pack((("all", record) for record in records), self.benchmark, frames_FxVxC, "recordings")
        # Few sizes of batches, as each is compiled.
        batch_size = min(self._config.evaluate.batch_size, 1 << (len(records) - 1).bit_length())
        score_NxSxK = evaluate.scores_of(self._members(batch_size), self._variables, part, self._mesh)
        answers = []
        for score_NxK in score_NxSxK.swapaxes(0, 1):
            each = (Answer(class_names, score_K) for score_K in score_NxK)
            answers.append(Answer(class_names, score_NxK.mean(axis=0), dict(zip(self.streams, each, strict=True))))
        return answers

    def _members(self, batch_size: int) -> Members:
        config = self._config.copy_and_resolve_references()  # A ConfigDict of another one shares its groups.
        config.evaluate.batch_size = batch_size
        return Members(config, self.benchmark, ())


def load(directory: str | pathlib.Path, fold: int | str | None = None) -> Recognizer:
    """A trained run as a function of raw joints; see `Recognizer`. Needs its directory alone."""
    return Recognizer.load(directory, fold)
