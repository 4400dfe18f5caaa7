"""`dsta experiments`."""

import argparse
import pathlib
from collections.abc import Sequence

from dsta_jax.commands.command import Command, config_of
from dsta_jax.errors import UserError


def _add_experiments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", help="table1 to table5, fig5 or fig6")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="so many seeds, from config.seed on")
    parser.add_argument("--config", default="demo:small", metavar="NAME", help="its set, and what all have in common")
    parser.add_argument("--workdir", metavar="DIR", help="where the runs are; without it runs/TABLE_NAME")


def _experiments(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import compile_cache, experiments, logs

    options, fields = parser.parse_known_args(words)
    if options.table not in experiments.NAMES:
        raise UserError(f"dsta experiments {options.table}: expected one of {', '.join(experiments.NAMES)}")
    if options.seeds < 1:
        raise UserError(f"--seeds={options.seeds}: expected 1 or more")
    config = config_of(options.config, fields, parser.prog)
    logs.speak_plainly()
    compile_cache.use()
    workdir = pathlib.Path(options.workdir or experiments.default_workdir(options.table, options.config))
    if options.table in experiments.FIGURES:
        return experiments.draw(options.table, config, workdir)
    return experiments.run(options.table, config, options.seeds, workdir)


EXPERIMENTS = Command(
    "the paper's tables and figures, our numbers beside its own",
    "TABLE --config=NAME [--seeds=N] [--config.FIELD=...]",
    """
Trains the networks of a table of the paper with several seeds, on any converted
set, and prints mean, deviation, what each choice brings, and the paper's
numbers. table1: choices of the network; table2: streams; table3 to table5: the
four streams on the hands' sets, NTU RGB+D, NTU RGB+D 120; fig5 and fig6: pages
of attention maps and of the classes' accuracies, of one seed. The same command
goes on where it was interrupted.
""",
    """
  dsta experiments table1 --config=utd_mhad:small
  dsta experiments table3 --config=shrec14 --seeds=1
""",
    _add_experiments,
    _experiments,
)
