"""`dsta report`."""

import argparse
from collections.abc import Sequence

from dsta_jax.commands.command import Command


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory, or one of the evaluations in it")


def _report(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import compile_cache, logs, report, storage

    run = parser.parse_args(words).run
    logs.speak_plainly()
    compile_cache.use()
    print(report.write(storage.place(run)))
    return 0


REPORT = Command(
    "write a run's report.html again",
    "RUN",
    """
Writes the page with figures that every evaluation leaves beside its results:
accuracies, confusions with skeletons that play, attention, calibration.
""",
    """
  dsta report runs/shrec14
  dsta report runs/mine/evaluations/new_people
""",
    _add_report,
    _report,
)
