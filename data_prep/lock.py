"""A directory that one program at a time writes to."""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator

from dsta_jax.errors import UserError


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
