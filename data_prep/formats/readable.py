"""One line that says why a file cannot be read, whatever is wrong with it."""

import contextlib
from collections.abc import Iterator

from dsta_jax.errors import UserError


@contextlib.contextmanager
def readable(place: str, what: str) -> Iterator[None]:
    """Turns any exception of the block into a UserError: the file at `place` cannot be read as `what` it should be."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{place}: no such file") from None
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # Whoever parses what strangers wrote may raise anything.
        found = f"{type(error).__name__}: {error}".removeprefix("ValueError: ")[:120]
        found = "".join(one if one.isprintable() else "?" for one in found)
        raise UserError(f"{place}: not readable as {what} ({found}); copy or download it again") from error
