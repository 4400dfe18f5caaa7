"""Output files that are there completely or not at all."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def complete_file(path: pathlib.Path) -> Iterator[BinaryIO]:
    """A file to write to, which has its name when the block ends without an error, and is gone otherwise.

    Until then it is `NAME.incomplete`. A file that has the name already is replaced.

    Raises:
      OSError: when it cannot be written.
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
