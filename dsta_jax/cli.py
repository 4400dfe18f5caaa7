"""The command `dsta`.

Everything heavy is imported by the command that needs it, so that help comes at once.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from dsta_jax.errors import UserError, one_line_errors


class Command(NamedTuple):
    """One of the commands: what it does, in a line and in some; its usage; two examples; how it takes its words."""

    does: str
    usage: str
    about: str
    examples: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Sequence[str], argparse.ArgumentParser], int]


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of 80 columns at most; each option says its default."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=26, width=min(80, shutil.get_terminal_size().columns))

    def _get_help_string(self, action: argparse.Action) -> str:
        text = (action.help or "").replace("%", "%%")
        if not action.option_strings or action.dest == "help":
            return text
        plain = "none" if action.default in (None, []) else "off" if action.default is False else action.default
        return f"{text} (default: {'empty' if plain == '' else plain})"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def parser(name: str) -> argparse.ArgumentParser:
    """The parser of a command, with its help."""
    command = COMMANDS[name]
    made = _Parser(
        prog=f"dsta {name}",
        usage=f"dsta {name} {command.usage}",
        description=command.about.strip("\n"),
        epilog="examples:" + command.examples.rstrip(),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    command.add(made)
    return made


# train, evaluate and check: the flags are those of `python -m dsta_jax.main`.


def _add_processes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("several processes (SLURM, Open MPI, Cloud TPU, Kubernetes are recognised)")
    group.add_argument("--coordinator", metavar="HOST:PORT", help="where the first process listens")
    group.add_argument("--processes", metavar="N", help="how many processes there are; 1 for this one alone")
    group.add_argument("--process", metavar="N", help="which of them this is, from 0")


def _add_config(parser: argparse.ArgumentParser) -> None:
    from dsta_jax import config

    parser.add_argument(
        "--config", default="demo", help="a name such as shrec14, or a file such as configs/shrec14.py; words behind "
        "a colon, such as shrec14:small,spatial",
    )  # fmt: skip
    parser.add_argument("--workdir", metavar="RUN", help="the run's directory; without it runs/ and the config's name")
    group = parser.add_argument_group("fields of the configuration, with the paper's values")
    for field, (value, text) in config.described().items():
        group.add_argument(f"--{field}", metavar="", default=value, help=text)


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
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


# convert.


def _convert(words: Sequence[str], _: argparse.ArgumentParser) -> int:
    from absl import app, flags

    convert = _of_data_prep("convert")
    convert.define_flags()
    app.run(convert.main, argv=["dsta convert", *words], flags_parser=lambda argv: flags.FLAGS(argv))
    return 0


def _of_data_prep(module: str) -> Any:
    """A module of `data_prep`: beside the library in a checkout, and inside it where it is installed."""
    import importlib

    from dsta_jax.datasets.benchmark import data_prep_package

    return importlib.import_module(f"{data_prep_package()}.{module}")


def _add_convert(parser: argparse.ArgumentParser) -> None:
    from absl import flags

    values = flags.FlagValues()
    _of_data_prep("convert").define_flags(values)
    for name in values:
        flag = values[name]
        text = re.sub(r"^<.*?>: ", "", str(flag.help)).rstrip(".")
        if values_of := getattr(flag.parser, "enum_values", None):
            text += f": {', '.join(values_of)}"
        how: dict[str, Any] = {"action": "store_true"} if flag.boolean else {"metavar": name.upper()}
        parser.add_argument(f"--{name}", default=flag.default, help=text[0].lower() + text[1:], **how)


# predict.


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory")
    parser.add_argument("paths", metavar="FILE_OR_DIR", nargs="+", help="recordings; labels are not needed")
    parser.add_argument("--top", type=int, default=1, metavar="N", help="so many of the most probable classes")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="a line of JSON for each recording")
    how.add_argument("--csv", action="store_true", help="a row of CSV for each recording, below a header")
    parser.add_argument("--gif", metavar="DIR", help="draws each recording with its answer, as DIR/NAME.gif")
    parser.add_argument("--window", type=int, metavar="FRAMES", help="long recordings: an answer for each window")
    parser.add_argument("--stride", type=int, metavar="FRAMES", help="from window to window; a quarter of the window")
    parser.add_argument("--fps", type=float, metavar="N", help="frames a second, to give times instead of frames")
    parser.add_argument("--fold", metavar="VALUE", help="whose networks answer, where each subject was left out once")
    parser.add_argument("--files", metavar="TOML", help="its table [files] says how the recordings are written")


def _predict(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import compile_cache, predict_files

    options = parser.parse_args(words)
    options.fold = fold_of(options.fold)
    compile_cache.use()
    return predict_files.run(options)


# experiments.


def _add_experiments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", help="table1 to table5, fig5 or fig6")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="so many seeds, from config.seed on")
    parser.add_argument("--config", default="demo:small", metavar="NAME", help="its set, and what all have in common")
    parser.add_argument("--workdir", metavar="DIR", help="where the runs are; without it runs/TABLE_NAME")


def _config(name: str, fields: Sequence[str], prog: str) -> Any:
    """A configuration by name, with the fields that are given."""
    from absl import flags

    from dsta_jax import main

    if unknown := [word for word in fields if not word.startswith("--config.")]:
        raise UserError(f"unrecognized arguments: {' '.join(unknown)}; see {prog} --help")
    main.parse_flags(["dsta", f"--config={name}", *fields])
    return flags.FLAGS.config


def _experiments(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import compile_cache, experiments, logs

    options, fields = parser.parse_known_args(words)
    if options.table not in experiments.NAMES:
        raise UserError(f"dsta experiments {options.table}: expected one of {', '.join(experiments.NAMES)}")
    if options.seeds < 1:
        raise UserError(f"--seeds={options.seeds}: expected 1 or more")
    config = _config(options.config, fields, parser.prog)
    logs.speak_plainly()
    compile_cache.use()
    workdir = pathlib.Path(options.workdir or experiments.default_workdir(options.table, options.config))
    if options.table in experiments.FIGURES:
        return experiments.draw(options.table, config, workdir)
    return experiments.run(options.table, config, options.seeds, workdir)


# report.


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory, or one of the evaluations in it")


def _report(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import compile_cache, logs, report, storage

    run = parser.parse_args(words).run
    logs.speak_plainly()
    compile_cache.use()
    print(report.write(storage.place(run)))
    return 0


# import and export.


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="one for each stream, in order, or STREAM=FILE")
    parser.add_argument("--config", default="demo", metavar="NAME", help="what the networks were trained with")
    parser.add_argument("--out", required=True, metavar="RUN", help="the run's directory, which is made")


def _import(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import logs
    from dsta_jax.weights import importing

    options, fields = parser.parse_known_args(words)
    config = _config(options.config, fields, parser.prog)
    logs.speak_plainly()
    importing.run(options.files, config, options.out)
    return 0


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory")
    parser.add_argument("--out", required=True, metavar="PATH", help="NAME.pt, or a directory, which is made")
    parser.add_argument("--fold", metavar="VALUE", help="whose networks, where each subject was left out once")


def _export(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import logs
    from dsta_jax.weights import exporting

    options = parser.parse_args(words)
    logs.speak_plainly()
    exporting.run(options.run, options.out, fold_of(options.fold))
    return 0


def fold_of(word: str | None) -> int | str | None:
    """What was left out of a fold, as it is written on the command line."""
    return int(word) if word is not None and word.isdecimal() else word


COMMANDS = {
    "train": Command(
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
    ),
    "evaluate": Command(
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
    ),
    "predict": Command(
        "answers for recordings without labels",
        "RUN FILE_OR_DIR ... [--top=N] [--window=FRAMES] [...]",
        """
Answers for raw recordings, in every format that conversion reads. Prints a
table; broken recordings are listed behind it, and make the status 1.
""",
        """
  dsta predict runs/mine wave.npy more_recordings --top=3
  dsta predict runs/mine long.csv --window=60 --stride=15 --fps=30 --json
""",
        _add_predict,
        _predict,
    ),
    "check": Command(
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
        _add_config,
        _check,
    ),
    "experiments": Command(
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
    ),
    "report": Command(
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
    ),
    "import": Command(
        "a run of the authors' PyTorch weights",
        "FILE ... --config=NAME --out=RUN [--config.FIELD=...]",
        """
Makes a run of PyTorch files of the authors' network. It evaluates, answers and
can be fine-tuned like any other. docs/weights.md says what such files may hold.
""",
        """
  dsta import joint.pt bone.pt --config=shrec14:spatial_temporal,spatial \\
      --out=runs/theirs
  dsta import spatial=bone.pt --config=ntu60_cs --out=runs/theirs
""",
        _add_import,
        _import,
    ),
    "export": Command(
        "a run's weights as PyTorch files, or for the Hugging Face hub",
        "RUN --out=PATH [--fold=VALUE]",
        """
Writes a run's networks under the authors' names as PyTorch files, or as a
directory with model.safetensors, config.json and a model card.
""",
        """
  dsta export runs/mine --out=mine.pt
  dsta export runs/mine --out=mine_for_the_hub
""",
        _add_export,
        _export,
    ),
    "convert": Command(
        "recordings to TFRecord, which training reads, or another format",
        "--from=FORMAT --in=PATH --out=DATA_DIR [--benchmark=NAME]",
        """
Converts a data set's raw files, or recordings in a format that skeletons are
shared in. docs/formats.md and docs/own_recordings.md say what each one is.
""",
        """
  dsta convert --from=shrec17 --in=HandGestureDataset --out=data
  dsta convert --from=folder --in=recordings --out=data --benchmark=mine.toml
""",
        _add_convert,
        _convert,
    ),
}


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {command.does}" for name, command in COMMANDS.items())
    return (
        "usage: dsta COMMAND ...\n\nSkeleton-based action and gesture recognition with DSTA-Net.\n\n"
        f"{lines}\n\ndsta COMMAND --help says what a command takes.\n\n"
        "examples:\n  dsta train --config=demo:small\n  dsta predict runs/demo_small wave.npy"
    )


@one_line_errors
def main(words: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    given = list(sys.argv[1:] if words is None else words)
    name, rest = (given[0], given[1:]) if given else ("--help", [])
    if name in ("--help", "-h", "help"):
        print(_overview())
        return 0
    if name == "--version":
        import dsta_jax

        print(dsta_jax.__version__)
        return 0
    if name not in COMMANDS:
        raise UserError(f"dsta {name}: no such command, expected one of {', '.join(COMMANDS)}; see dsta --help")
    made = parser(name)
    if {"--help", "-h"} & set(rest):
        made.print_help()
        return 0
    try:
        return COMMANDS[name].run(rest, made)
    except BrokenPipeError:  # as of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main())
