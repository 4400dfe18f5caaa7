"""Files that are written completely or not at all."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import BinaryIO


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
