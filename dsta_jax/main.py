"""Trains and evaluates DSTA-Net.

  python -m dsta_jax.main                              the demonstration
  python -m dsta_jax.main --config=configs/shrec14.py  four streams, fused
  python -m dsta_jax.main --config=shrec14:spatial     one; configs by name, too
  python -m dsta_jax.main --mode=evaluate --workdir=runs/shrec14
  python -m dsta_jax.main --config=shrec14 --check     look at the recordings

The same command continues a run that was interrupted, and only reports one that
is finished. Any field of a configuration can be given, as in
--config.train.epochs=60; dsta_jax/config.py lists them all.
"""

import contextlib
import logging
import os
import pathlib
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import jax
from absl import app, flags
from ml_collections import config_flags

from dsta_jax import compile_cache, cross_validation, evaluate, experiment, logs, processes, storage
from dsta_jax import config as config_lib
from dsta_jax.check import report
from dsta_jax.errors import UserError, one_line_errors

_LOGGER = logging.getLogger("dsta_jax")


def _define_flags() -> None:
    config = (
        "A configuration: a name such as shrec14, or a file such as configs/shrec14.py; words behind a colon, such as "
        "shrec14:spatial,small."
    )
    workdir = "Where checkpoints, metrics and scores of the run are kept; default: runs/ and the config's name."
    mode = "train: train, then evaluate; evaluate: evaluate the run in --workdir."
    coordinator = (
        "Of several processes: where the first one listens, HOST:PORT. Processes that SLURM, Open MPI, a Cloud TPU, "
        "GKE or an indexed job of Kubernetes starts are recognised without it."
    )
    check = (
        "Look the data set over instead of training: a report, and a contact sheet in the directory check beside the "
        "run's; status 1 where training would be wrong."
    )
    config_flags.DEFINE_config_file("config", config_lib.find("demo"), config)
    flags.DEFINE_string("workdir", None, workdir)
    flags.DEFINE_enum("mode", "train", ["train", "evaluate"], mode)
    flags.DEFINE_bool("check", False, check)
    flags.DEFINE_string("coordinator", None, coordinator)
    flags.DEFINE_integer("processes", None, "How many processes there are; 1 for this one alone.", lower_bound=1)
    flags.DEFINE_integer("process", None, "Which of them this is, from 0.", lower_bound=0)


@one_line_errors
def main(argv: Sequence[str]) -> int:
    """Trains or evaluates as the flags say; returns the exit status."""
    logs.speak_plainly()
    compile_cache.use()
    if len(argv) > 1:
        raise UserError(f"unknown argument {argv[1]!r}: options begin with --, see --help")
    if flags.FLAGS.workdir is not None and not flags.FLAGS.workdir.strip():
        raise UserError("--workdir= is empty: name a directory, or leave the flag out")
    processes.start(flags.FLAGS.coordinator, flags.FLAGS.processes, flags.FLAGS.process)
    with processes.ending_together():
        return _run()


def _run() -> int:
    if not processes.is_first():
        _LOGGER.setLevel(logging.ERROR)
    if flags.FLAGS.mode == "evaluate":
        if not flags.FLAGS.workdir:
            raise UserError("--mode=evaluate needs --workdir=DIRECTORY, the one that training was given")
        if flags.FLAGS["config"].present:
            raise UserError("--mode=evaluate takes the configuration of --workdir: leave out --config")
        changes = config_flags.get_override_values(flags.FLAGS["config"])
        _print_results(experiment.of_run(flags.FLAGS.workdir, changes).evaluate(flags.FLAGS.workdir))
        return 0
    directory = storage.place_of_run(flags.FLAGS.workdir or _default_workdir())
    if flags.FLAGS.check and not processes.is_first():
        return 0
    if flags.FLAGS.check:
        return report.check(flags.FLAGS.config, directory.parent / "check")
    trained = experiment.Experiment(flags.FLAGS.config)
    _LOGGER.info("%s; working directory %s", _devices(), directory)
    with _stopping_at_once():
        results = trained.train(directory)
    if results is None:  # Whoever sends SIGTERM wanted it to be saved, and it is.
        return 0 if trained.stopped_by == signal.SIGTERM else 128 + int(trained.stopped_by or 0)
    _print_results(results, f"\n\nEverything is in {directory}.")
    return 0


def _devices() -> str:
    of = f" of {processes.count()} processes" if processes.count() > 1 else ""
    return f"{jax.device_count()} {jax.default_backend()} device(s){of}"


@contextlib.contextmanager
def _stopping_at_once() -> Iterator[None]:
    """Ends the program on Ctrl-C before the first step or after the last one, when there is nothing to save.

    An exception would wait for compilation, and is lost where it comes while a library's callback runs.
    """

    def stop(*_: object) -> None:
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopped; the same command goes on from the latest checkpoint\n")
        os._exit(130)

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as in the background of a script
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _print_results(results: dict[str, Any], end: str = "") -> None:
    if processes.is_first():
        report = cross_validation.report if "folds" in results else evaluate.report
        print(f"\n{report(results)}{end}")


def _default_workdir() -> str:
    """runs/shrec14_small for shrec14:small; runs/mine_small for own:small and mine.toml."""
    path, _, words = config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")
    benchmark = flags.FLAGS.config.benchmark
    stem = pathlib.Path(benchmark if benchmark.endswith(".toml") else path).stem
    return "runs/" + "_".join((stem, *filter(None, words.split(","))))


@one_line_errors
def parse_flags(argv: Sequence[str]) -> list[str]:
    """Parses the command line; what it cannot make sense of is one line.

    A flag of a tuple replaces the tuple, and of a flag that is given twice the last one counts.

    Raises:
      UserError: as it says.
    """
    words = [_with_path(word) for word in argv]
    keys = [word.partition("=")[0] for word in words]
    words = [word for place, word in enumerate(words) if "=" not in word or keys[place] not in keys[place + 1 :]]
    if {"--help", "-h", "--helpshort", "--helpfull"} & set(words):
        _define_flags()
        print(f"{__doc__}\n{flags.FLAGS.module_help(__name__)}")
        sys.exit(0)
    try:
        _define_flags()
        return flags.FLAGS(words)
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        if hint := re.search(r'Did you mean "(\w+)" instead of "(\w+)"', str(error)):
            raise UserError(f"the configuration has no field {hint[2]!r}, did you mean {hint[1]!r}?") from None
        said = str(error).strip().splitlines()[-1].strip().removeprefix("ValueError: ")
        if isinstance(error, (AttributeError, KeyError, TypeError)):
            said = f"the configuration has no such field ({said}); dsta_jax/config.py lists all"
        raise UserError(said) from None


def _with_path(word: str) -> str:
    """The word, with the path of a config that is given by name."""
    flag, equals, name = word.partition("=")
    return f"--config={config_lib.find(name)}" if flag == "--config" and equals else word


if __name__ == "__main__":
    logs.lose_no_work_for_want_of_readers()
    app.run(main, flags_parser=parse_flags)
