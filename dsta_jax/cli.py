"""The command `dsta`.

`commands` has what it can do.
"""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from dsta_jax.commands import COMMANDS
from dsta_jax.errors import UserError, one_line_errors


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
