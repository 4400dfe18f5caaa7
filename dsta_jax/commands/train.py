"""`dsta train`, `evaluate` and `check`: their flags are those of `python -m dsta_jax.main`."""

import argparse
from collections.abc import Sequence

from dsta_jax.commands.command import Command, add_config


def _add_processes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("several processes (SLURM, Open MPI, Cloud TPU, Kubernetes are recognised)")
    group.add_argument("--coordinator", metavar="HOST:PORT", help="where the first process listens")
    group.add_argument("--processes", metavar="N", help="how many processes there are; 1 for this one alone")
    group.add_argument("--process", metavar="N", help="which of them this is, from 0")


def _add_train(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    _add_processes(parser)


def _through_main(words: Sequence[str]) -> int:
    from absl import app

    from dsta_jax import logs, main

    logs.lose_no_work_for_want_of_readers()
    app.run(main.main, argv=["dsta", *words], flags_parser=main.parse_flags)
    return 0


def _train(words: Sequence[str], _: argparse.ArgumentParser) -> int:
    return _through_main(words)


def _check(words: Sequence[str], _: argparse.ArgumentParser) -> int:
    return _through_main(["--check", *words])


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory")
    parser.add_argument("--config.data.dir", metavar="DIR", help="another directory of converted sets")
    parser.add_argument(
        "--config.benchmark", metavar="NAME", help="another benchmark of the same classes and joints, by name or TOML"
    )
    parser.add_argument("--config.folds", metavar="FOLDS", help="only some folds, such as (1, 2)")
    parser.add_argument("--config.evaluate.batch_size", metavar="N", help="recordings in a batch; as in training")
    _add_processes(parser)


def _evaluate(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    run = parser.parse_args(words).run
    rest = list(words)
    rest.remove(run)
    return _through_main(["--mode=evaluate", f"--workdir={run}", *rest])


TRAIN = Command(
    "train networks, then evaluate them; the same command goes on",
    "[--config=NAME] [--workdir=RUN] [--config.FIELD=VALUE ...]",
    """
Trains the networks of a configuration side by side, evaluates them, and fuses
their scores. The same command continues a run that was interrupted, and only
reports one that is finished.
""",
    """
  dsta train --config=shrec14:small
  dsta train --config=shrec14 --config.model.position=none --workdir=runs/none
""",
    _add_train,
    _train,
)


EVALUATE = Command(
    "evaluate a run again, or on other recordings",
    "RUN [--config.FIELD=VALUE ...]",
    """
Evaluates the checkpoints of a run on the test part. Results on other data than
that of the training go to RUN/evaluations, beside the run's own.
""",
    """
  dsta evaluate runs/shrec14
  dsta evaluate runs/mine --config.benchmark=new_people.toml
""",
    _add_evaluate,
    _evaluate,
)


CHECK = Command(
    "look a converted data set over before training",
    "--config=NAME [--config.FIELD=VALUE ...]",
    """
Looks a data set over: counts, lengths, problems, and a contact sheet in the
directory check beside the run's. The status is 1 where training would be wrong.
""",
    """
  dsta check --config=shrec14
  dsta check --config=own:small --config.benchmark=mine.toml
""",
    add_config,
    _check,
)
