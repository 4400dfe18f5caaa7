"""Files: why one cannot be read or written, written completely or not at all, and by one program at a time."""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator
from typing import BinaryIO

from dsta_jax.errors import UserError


@contextlib.contextmanager
def complete_file(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Yields a file to write to, which gets its name when the block ends without an error and is removed otherwise.

    Until then it is called `NAME.incomplete`. A file that already has the name is replaced. The directory is made.

    Raises:
      OSError: when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    incomplete = path.with_name(f"{path.name}.incomplete")
    try:
        with incomplete.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        incomplete.replace(path)
    except BaseException:
        incomplete.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def readable(place: object, what: str, remedy: str = "copy or download it again") -> Iterator[None]:
    """Turns any exception of the block into a UserError: the file at `place` cannot be read as `what` it should be."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{place}: no such file") from None
    except Exception as error:  # Whoever parses what strangers wrote may raise anything.
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{place}: cannot be read ({error.strerror})") from error
        found = f"{type(error).__name__}: {error}".removeprefix("ValueError: ")[:120]
        found = "".join(one if one.isprintable() else "?" for one in found)
        raise UserError(f"{place}: not readable as {what} ({found}); {remedy}") from error


@contextlib.contextmanager
def writable(place: object) -> Iterator[None]:
    """Turns an OSError of the block into a UserError: its file, or `place`, cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or place}: cannot be written ({error.strerror})") from error


@contextlib.contextmanager
def sole_writer(directory: pathlib.Path) -> Iterator[None]:
    """Makes a directory and locks it until the block or the process ends; UserError when another program holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{directory}: another program is writing there; wait for it or end it") from None
        except OSError:
            pass  # A file system without locks.
        yield
    finally:
        os.close(descriptor)
