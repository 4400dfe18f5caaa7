"""`dsta convert`: its flags are those of `python -m data_prep.convert`."""

import argparse
import re
from collections.abc import Sequence
from typing import Any

from dsta_jax.commands.command import Command


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


CONVERT = Command(
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
)
