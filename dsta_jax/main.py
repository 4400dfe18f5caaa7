"""Trains and evaluates DSTA-Net.

    python -m dsta_jax.main                                        the demonstration, on synthetic hands
    python -m dsta_jax.main --config=configs/shrec14.py            four streams of a benchmark, and their fusion
    python -m dsta_jax.main --config=configs/shrec14.py:spatial    one stream
    python -m dsta_jax.main --mode=evaluate --workdir=runs/shrec14
    python -m dsta_jax.main --config=configs/shrec14.py --check    a look at the recordings, before training

The same command goes on with a run that was interrupted, and only reports one that is finished. Any number of a
configuration can be given: --config.train.epochs=60. configs/base.py lists them.
"""

import logging
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import jax
from absl import app, flags
from absl import logging as absl_logging
from ml_collections import config_flags

from dsta_jax import compile_cache, cross_validation, evaluate, members, run, workdir
from dsta_jax.check import report
from dsta_jax.errors import UserError, one_line_errors

_LOGGER = logging.getLogger("dsta_jax")
_DEMO = pathlib.Path(__file__).resolve().parent.parent / "configs" / "demo.py"


def _define_flags() -> None:
    config_flags.DEFINE_config_file(
        "config",
        str(_DEMO),
        "Configuration file, such as configs/shrec14.py, or configs/shrec14.py:spatial,small.",
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Where checkpoints, metrics and scores of the run are kept; default: runs/ and the config's name.",
    )
    flags.DEFINE_enum(
        "mode",
        "train",
        ["train", "evaluate"],
        "train: train, then evaluate; evaluate: evaluate the run in --workdir.",
    )
    flags.DEFINE_bool(
        "check",
        False,
        "Look the data set over instead of training: a report, and a contact sheet in the directory check beside the "
        "run's; status 1 where training would be wrong.",
    )


@one_line_errors
def main(argv: Sequence[str]) -> int:
    """Trains or evaluates as the flags say; returns the exit status."""
    _speak_plainly()
    compile_cache.use()
    if len(argv) > 1:
        raise UserError(f"unknown argument {argv[1]!r}: options begin with --, see --help")
    if flags.FLAGS.mode == "evaluate":
        return _evaluate()
    directory = pathlib.Path(flags.FLAGS.workdir or _default_workdir())
    if flags.FLAGS.check:
        return report.check(flags.FLAGS.config, directory.parent / "check")
    _LOGGER.info("%d %s device(s); working directory %s", jax.device_count(), jax.default_backend(), directory)
    runs = run.prepare(flags.FLAGS.config)
    workdir.claim(directory, flags.FLAGS.config)
    if all(evaluate.final_results(each, members.directory(each, directory)) for each in runs):
        _LOGGER.info("this run is finished already")
    try:
        results = members.train_and_evaluate(runs, directory)
    except KeyboardInterrupt:
        _leave_at_once()
    if results is None:
        return 130
    print(f"\n{_report(results)}\n\nEverything is in {directory}.")
    return 0


def _leave_at_once() -> NoReturn:
    """Ctrl-C before the first step or after the last one: nothing is to be saved, and no compilation waited for."""
    print("\nstopped; the same command goes on from the latest checkpoint", file=sys.stderr, flush=True)
    os._exit(130)


def _evaluate() -> int:
    if not flags.FLAGS.workdir:
        raise UserError("--mode=evaluate needs --workdir=DIRECTORY, the one that training was given")
    directory = pathlib.Path(flags.FLAGS.workdir)
    config = workdir.read_config(directory)
    overrides = config_flags.get_override_values(flags.FLAGS["config"])
    config.update_from_flattened_dict(overrides)
    print(f"\n{_report(members.evaluate_all(run.prepare(config), directory))}")
    return 0


def _report(results: dict[str, Any]) -> str:
    return cross_validation.report(results) if "folds" in results else evaluate.report(results)


def _speak_plainly() -> None:
    """Our own messages as they are, and of the libraries' only errors: Orbax alone has a page for each checkpoint."""
    absl_logging.set_verbosity(absl_logging.ERROR)
    absl_logging.set_stderrthreshold(absl_logging.ERROR)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def _default_workdir() -> str:
    """runs/shrec14_small for configs/shrec14.py:small; runs/mine_small for configs/own.py:small and mine.toml."""
    path, _, words = config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")
    benchmark = flags.FLAGS.config.benchmark
    named_by = benchmark if benchmark.endswith(".toml") else path
    return "/".join(("runs", "_".join((pathlib.Path(named_by).stem, *filter(None, words.split(","))))))


@one_line_errors
def parse_flags(argv: Sequence[str]) -> list[str]:
    """Parses the command line; what it cannot make sense of is one line.

    Raises:
      UserError: as it says.
    """
    for word in argv:
        path = word.removeprefix("--config=").partition(":")[0]
        if path != word and not pathlib.Path(path).is_file():
            raise UserError(f"{word}: there is no file {path}; configs/ has one for each benchmark")
    try:
        _define_flags()
        return flags.FLAGS(argv)
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        if hint := re.search(r'Did you mean "(\w+)" instead of "(\w+)"', str(error)):
            raise UserError(f"the configuration has no field {hint[2]!r}, did you mean {hint[1]!r}?") from None
        said = str(error).strip().splitlines()[-1].strip().removeprefix("ValueError: ")
        if isinstance(error, (AttributeError, KeyError, TypeError)):
            said = f"the configuration has no such field ({said}); configs/base.py lists all"
        raise UserError(said) from None


if __name__ == "__main__":
    app.run(main, flags_parser=parse_flags)
