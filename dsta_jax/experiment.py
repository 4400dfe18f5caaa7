"""An experiment: all networks of a configuration, trained, evaluated and fused in a working directory."""

import contextlib
import functools
import hashlib
import json
import logging
import pathlib
import re
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import ml_collections

from dsta_jax import (
    checkpoint,
    cross_validation,
    evaluate,
    memory,
    parallel,
    processes,
    report,
    storage,
    train,
    workdir,
)
from dsta_jax import config as config_lib
from dsta_jax.data import dataset, frames_file
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets import own
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.errors import UserError
from dsta_jax.members import Fold, Members, check_trainable, divide
from dsta_jax.weights import fine_tuning
from dsta_jax.weights.trained import Trained

# What a network is, and what it sees; the rest says how it is trained.
_OF_NETWORK = re.compile(r"config\.(streams|model\.|data\.(sampled_frames|frames|slow_interval|fast_interval)\b)")

_LOGGER = logging.getLogger(__name__)


class Experiment:
    """What a configuration amounts to."""

    def __init__(
        self, config: ml_collections.ConfigDict, data: DataSet | None = None, benchmark: Benchmark | None = None
    ):
        """Checks the configuration; recordings are read when they are needed.

        Recordings in memory bring their benchmark. Without them, those of `benchmark` in config.data.dir are read;
        without that, config.benchmark names it.

        Raises:
          UserError: when the configuration makes no sense.
        """
        config_lib.check(config)
        self.config = config
        self.benchmark = benchmark or (own.find(config.benchmark) if data is None else data.benchmark)
        self._given = data
        self.stopped_by: signal.Signals | None = None  # what interrupted the last training, if anything did

    @functools.cached_property
    def data(self) -> DataSet:
        """All recordings."""
        if self._given is not None:
            return self._given
        processes.on_first(lambda: dataset.find(self.config.data.dir, self.benchmark))
        _LOGGER.info("reading the recordings of %s in %s", self.benchmark.source.name, self.config.data.dir)
        data = self._load()
        processes.agree("the data set", data.fingerprint)
        return data

    def _load(self) -> DataSet:
        place = self.config.data.frames_dir
        if not place:
            return dataset.load(self.config.data.dir, self.benchmark)
        directory = dataset.find(self.config.data.dir, self.benchmark)
        return frames_file.load(pathlib.Path(place), directory, self.benchmark)

    @functools.cached_property
    def members(self) -> Members:
        """All networks: streams x folds."""
        return self._members(divide(self.config, self.data))

    def _members(self, folds: Sequence[Fold]) -> Members:
        return Members(self.config, self.benchmark, tuple(folds))

    def train(self, directory: str | pathlib.Path) -> dict[str, Any] | None:
        """Trains what is not trained yet, evaluates and fuses; goes on with what was interrupted.

        docs/training.md says what the working directory holds. Nobody else trains there at the same time.

        Returns:
          What `results.json` there holds; None when training was interrupted and saved.

        Raises:
          UserError: when the directory belongs to something else, or training cannot go on.
        """
        path = storage.place_of_run(directory)
        processes.agree("the configuration", f"{directory} {self.config.to_json_best_effort(sort_keys=True)}")
        check_trainable(self.members)
        with contextlib.ExitStack() as held:
            begun_with = self._begun_with(path)
            loaded = begun_with and fine_tuning.digest(begun_with)
            processes.agree(f"config.init_from={self.config.init_from}", str(loaded))

            def claim() -> None:
                held.enter_context(workdir.hold(path))
                workdir.claim(path, self.config, self.data, loaded)

            processes.on_first(claim)
            workdir.check_shared(path)
            pending = [fold for fold in self.members.folds if not self._finished(fold, path)]
            if not pending:
                _LOGGER.info("this run is finished already")
            for group in self._groups(pending, path):
                directories = [self.directory(fold, path) for fold in group.folds]
                for one in directories:
                    storage.make_directory(one)
                self.stopped_by = train.train(group, directories, begun_with)
                if self.stopped_by:
                    return None
                for fold, one in zip(group.folds, directories, strict=True):
                    self._evaluate(fold, one, one)
            results = self._results(self.members.folds, path)
            report.write_after_evaluation(path, self.data, anew=bool(pending))
            return results

    def evaluate(self, directory: str | pathlib.Path) -> dict[str, Any]:
        """Evaluates the checkpoints of a working directory on this experiment's recordings.

        Results of another data set or protocol than that of the training go to `evaluations/NAME` beside the run's own.

        Raises:
          UserError: when there are no checkpoints, or the networks do not fit the benchmark.
        """
        path = storage.place(directory)
        out = self._out(path)
        trained = [fold for fold in self.members.folds if checkpoint.latest_step(self.directory(fold, path))]
        if not trained and self.benchmark.left_out:
            raise UserError(f"{path}: none of the {len(self.members.folds)} folds has a checkpoint: train first")
        for fold in trained or self.members.folds:
            self._evaluate(fold, self.directory(fold, path), self.directory(fold, out))
        results = self._results(trained or self.members.folds, out)
        report.write_after_evaluation(out, self.data)
        return results

    def directory(self, fold: Fold, path: pathlib.Path) -> pathlib.Path:
        """Where a fold's checkpoints, metrics and scores are: the working directory, or the fold's own below it."""
        return path if fold.value is None else workdir.of_fold(path, self.benchmark, fold.value)

    def _begun_with(self, path: pathlib.Path) -> Trained | None:
        """What config.init_from names, where some fold has no checkpoint yet to go on from."""
        if not self.config.init_from or all(
            checkpoint.latest_step(self.directory(fold, path)) for fold in self.members.folds
        ):
            return None
        return fine_tuning.read(self.config.init_from, self.members)

    def _finished(self, fold: Fold, path: pathlib.Path) -> bool:
        directory, members = self.directory(fold, path), self._members([fold])
        if evaluate.read_results(directory).get("trained", -1) < members.steps:
            return False
        which = evaluate.which(members)
        saved = checkpoint.latest_step(directory, which)
        if which == "best" and not saved:
            raise UserError(
                f"{directory / 'checkpoints' / which} is not there any more, and nothing else knows which step was "
                f"best: copy it there again, or train in another --workdir"
            )
        return which == "best" or saved >= members.steps

    def _evaluate(self, fold: Fold, checkpoints: pathlib.Path, out: pathlib.Path) -> None:
        evaluate.evaluate(self._members([fold]), fold.test, checkpoints, out)

    def _results(self, folds: Sequence[Fold], path: pathlib.Path) -> dict[str, Any]:
        directories = [self.directory(fold, path) for fold in folds]
        if self.benchmark.left_out is None:
            return evaluate.read_results(directories[0])
        return cross_validation.summarize(self.members, [fold.value for fold in folds], directories, path)

    def _groups(self, pending: Sequence[Fold], path: pathlib.Path) -> Iterator[Members]:
        """Folds that train side by side: as many recordings, a step that all have, and memory for them."""
        left = list(pending)
        while left:
            alike = [fold for fold in left if len(fold.train) == len(left[0].train)]
            starts = {fold.value: checkpoint.starts(self.directory(fold, path)) for fold in alike}
            of_steps = [[fold for fold in alike if step in starts[fold.value]] for step in starts[left[0].value]]
            groups = [self._fitting(folds) for folds in of_steps]
            group = max(groups, key=len)  # Of groups of one size the first, which is further.
            if left_out := self.benchmark.left_out:
                values = ", ".join(str(fold.value) for fold in group.folds)
                _LOGGER.info(f"{len(left)} of {len(self.members.folds)} folds to train, now {left_out} {values}")
            yield group
            left = [fold for fold in left if fold not in group.folds]

    def _fitting(self, folds: Sequence[Fold]) -> Members:
        """The first of the folds, as many as there is memory for; one at least."""
        group = self._members(folds)
        while len(group.folds) > 1 and not _fit(group):
            group = self._members(group.folds[:-1])
        return group

    def _out(self, path: pathlib.Path) -> pathlib.Path:
        """Where results of these recordings go: beside the run's own, unless it was trained on the very same."""
        run = workdir.read(path)
        then, now = run.benchmark.to_dict(), self.benchmark.to_dict()
        differences = workdir.differences(run.config.to_dict(), self.config.to_dict(), "config.")
        if other := "; ".join(line for line in differences if _OF_NETWORK.match(line)):
            raise UserError(f"{path} was trained with another configuration: {other}; evaluate it with its own")
        for key in ("joints", "channels", "bodies", "class_names", "normalize"):
            if then[key] != now[key]:
                differ = "; ".join(workdir.differences(then[key], now[key], key))
                raise UserError(
                    f"{path} was trained on other {key}: {differ}; evaluate it on the same joints and classes"
                )
        if self.data.fingerprint == run.fingerprint and then["protocol"] == now["protocol"]:
            return path
        what = json.dumps([self.data.fingerprint, now["protocol"]], sort_keys=True)
        digest = hashlib.sha256(what.encode()).hexdigest()[:8]
        out = path / "evaluations" / f"{self.benchmark.name}_{digest}"
        why = f"not the recordings, or not the split, that {path} was trained with"
        if not run.fingerprint:
            why = f"{path} was imported, and what it was trained with is not known"
        _LOGGER.info(f"{why}: results go to {out}")
        return out


def _fit(members: Members) -> bool:
    """Whether all networks may train at once."""
    mesh = parallel.widest_mesh(len(members), members.config.train.batch_size, parallel.Sizes(**members.config.mesh))
    return len(members) <= memory.most_members(members, mesh)


def of_run(directory: str | pathlib.Path, changes: dict[str, Any] | None = None) -> Experiment:
    """The experiment that a working directory belongs to, to evaluate it: with some fields changed, such as `data.dir`.

    Raises:
      UserError: when the directory is none, or a field may not be changed.
    """
    run, changes = workdir.read(storage.place(directory)), changes or {}
    for field in changes:
        if field not in ("data.dir", "benchmark", "folds") and not field.startswith("evaluate."):
            raise UserError(
                f"--config.{field}: an evaluation takes the run's own; only data.dir, benchmark, folds and evaluate.* "
                f"can be given"
            )
    run.config.update_from_flattened_dict(changes)
    if "benchmark" not in changes:
        _tell_changes(pathlib.Path(run.config.benchmark), run.benchmark)
    return Experiment(run.config, benchmark=None if "benchmark" in changes else run.benchmark)


def _tell_changes(path: pathlib.Path, trained: Benchmark) -> None:
    """Says so when the file of a run's benchmark has changed since the training."""
    if path.suffix.lower() != ".toml" or not path.exists():
        return
    try:
        what = "; ".join(workdir.differences(trained.to_dict(), own.read(path).to_dict(), ""))
    except UserError as error:
        what = str(error)
    if what:
        _LOGGER.warning(
            f"{path} is not what it was when the run was trained ({what}): the benchmark of the training is used; "
            f"--config.benchmark={path} takes the file"
        )
