"""Files that are written completely or not at all, and directories that one program at a time writes to."""

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
def sole_writer(directory: pathlib.Path) -> Iterator[None]:
    """Makes the directory and holds a lock on it, which ends with the process.

    Raises:
      UserError: when another program holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UserError(f"{directory}: another program is writing there; wait for it or end it") from None
    except OSError:
        pass  # A file system without locks.
    try:
        yield
    finally:
        os.close(descriptor)
