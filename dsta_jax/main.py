"""Trains and evaluates DSTA-Net.

    python -m dsta_jax.main                                        the demonstration, on synthetic hands
    python -m dsta_jax.main --config=configs/shrec14.py            four streams of a benchmark, and their fusion
    python -m dsta_jax.main --config=configs/shrec14.py:spatial    one stream
    python -m dsta_jax.main --mode=evaluate --workdir=runs/shrec14

The same command goes on with a run that was interrupted, and only reports one that is finished. Any number of a
configuration can be given: --config.train.epochs=60. configs/base.py lists them.
"""

import logging
import pathlib
from collections.abc import Sequence

import jax
import ml_collections
from absl import app, flags
from absl import logging as absl_logging
from ml_collections import config_flags

from dsta_jax import evaluate, run, train, workdir
from dsta_jax.errors import UserError, one_line_errors

_LOGGER = logging.getLogger("dsta_jax")
_DEMO = pathlib.Path(__file__).resolve().parent.parent / "configs" / "demo.py"

_CONFIG = config_flags.DEFINE_config_file(
    "config", str(_DEMO), "Configuration file, such as configs/shrec14.py, or configs/shrec14.py:spatial,small."
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Where checkpoints, metrics and scores of the run are kept; default: runs/ and the config's name."
)
_MODE = flags.DEFINE_enum(
    "mode", "train", ["train", "evaluate"], "train: train, then evaluate; evaluate: evaluate the run in --workdir."
)


@one_line_errors
def main(argv: Sequence[str]) -> int:
    """Trains or evaluates as the flags say; returns the exit status."""
    _speak_plainly()
    if len(argv) > 1:
        raise UserError(f"unknown argument {argv[1]!r}: options begin with --, see --help")
    if _MODE.value == "evaluate":
        return _evaluate()
    directory = pathlib.Path(_WORKDIR.value or _default_workdir())
    _LOGGER.info("%d %s device(s); working directory %s", jax.device_count(), jax.default_backend(), directory)
    prepared = run.prepare(_CONFIG.value)
    workdir.claim(directory, _CONFIG.value)
    if not train.train(prepared, directory):
        return 130
    print(evaluate.report(evaluate.evaluate(prepared, directory)))
    print(f"\nEverything is in {directory}.")
    return 0


def _evaluate() -> int:
    if not _WORKDIR.value:
        raise UserError("--mode=evaluate needs --workdir=DIRECTORY, the one that training was given")
    directory = pathlib.Path(_WORKDIR.value)
    config = workdir.read_config(directory)
    overrides = config_flags.get_override_values(flags.FLAGS["config"])
    config.update_from_flattened_dict(overrides)
    print(evaluate.report(evaluate.evaluate(run.prepare(config), directory)))
    return 0


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
    """runs/shrec14 for configs/shrec14.py, runs/shrec14_small for configs/shrec14.py:small."""
    path, _, words = config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")
    return "/".join(("runs", "_".join((pathlib.Path(path).stem, *filter(None, words.split(","))))))


if __name__ == "__main__":
    app.run(main)
