"""A command, and what several of them take."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dsta_jax.errors import UserError


class Command(NamedTuple):
    """One of the commands: what it does, in a line and in some; its usage; two examples; how it takes its words."""

    does: str
    usage: str
    about: str
    examples: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Sequence[str], argparse.ArgumentParser], int]


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds the configuration by name, each of its fields, and the run's directory."""
    from dsta_jax import config

    parser.add_argument(
        "--config", default="demo", help="a name such as shrec14, or a file such as configs/shrec14.py; words behind "
        "a colon, such as shrec14:small,spatial",
    )  # fmt: skip
    parser.add_argument("--workdir", metavar="RUN", help="the run's directory; without it runs/ and the config's name")
    group = parser.add_argument_group("fields of the configuration, with the paper's values")
    for field, (value, text) in config.described().items():
        group.add_argument(f"--{field}", metavar="", default=value, help=text)


def config_of(name: str, fields: Sequence[str], prog: str) -> Any:
    """A configuration by name, with the fields that are given."""
    from absl import flags

    from dsta_jax import main

    if unknown := [word for word in fields if not word.startswith("--config.")]:
        raise UserError(f"unrecognized arguments: {' '.join(unknown)}; see {prog} --help")
    main.parse_flags(["dsta", f"--config={name}", *fields])
    return flags.FLAGS.config


def fold_of(word: str | None) -> int | str | None:
    """What was left out of a fold, as it is written on the command line."""
    return int(word) if word is not None and word.isdecimal() else word
