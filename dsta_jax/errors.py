"""What went wrong through no fault of the program, said in one line."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np


class UserError(Exception):
    """Something outside the program is not as it must be: a file, a flag, a directory.

    The message is one line that says where (file, line, key), what was found, what was expected and what to do.
    """


def shown(value: object) -> str:
    """A short description of anything that a file may hold: numbers and text, an array's shape, of others the type."""
    if isinstance(value, np.ndarray):
        return f"{str(value.dtype)[:40]} {' x '.join(map(str, value.shape))}"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        text = ascii(value[:60] if isinstance(value, str | bytes) else value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    return f"a value of type {type(value).__name__}"


def one_line_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a command end with `error: ...` and status 1 on a UserError, and with status 130 on Ctrl-C."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            said = str(error).replace("\n", "\\n")  # A directory's name may have more than one.
            print(f"error: {said}", file=sys.stderr)
            sys.exit(1)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            sys.exit(130)

    return run
