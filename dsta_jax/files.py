"""Files: why one cannot be read or written, written completely or not at all, and by one program at a time.

A file of a stranger's may claim anything. What it takes is bounded by what it holds: only regular files are read, texts
have a largest size, and what is compressed may not unpack to a hundred times more than it should.
"""

import contextlib
import fcntl
import io
import json
import os
import pathlib
import stat
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from dsta_jax.errors import UserError
from dsta_jax.storage import is_local, size, write_object

MOST_TEXT = 256 << 20  # Bytes of a text that is read whole: twice the labels and names of a million recordings.
# An archive's member may unpack to so many bytes, and so many more for each of its own. Recordings that are padded with
# zeros to 300 frames of two bodies have 10 to 50, labels of one 1 among zeros up to 200.
_UNPACKED, _UNPACKED_PER_BYTE = 64 << 20, 200
_MOST_MEMBERS = 10_000


@contextlib.contextmanager
def complete_file(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Yields a file to write to, which gets its name when the block ends without an error and is removed otherwise.

    Until then it is called `NAME.incomplete`; what goes to a bucket waits in memory. A file that already has the name
    is replaced. The directory is made.

    Raises:
      OSError: when the file cannot be written.
    """
    if not is_local(path):
        content = io.BytesIO()
        yield content
        write_object(path, content.getvalue())
        return
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


def regular(path: pathlib.Path, most: int | None = None) -> pathlib.Path:
    """The path, if it is a regular file: a pipe or a device may wait or go on for ever.

    Raises:
      UserError: when it is something else, or has more than `most` bytes.
      OSError: when it is not there, or cannot be looked at.
    """
    if is_local(path):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "a pipe or a device"
            raise UserError(f"{path}: {what}, expected a regular file")
    if most is not None and (found := size(path)) > most:
        raise UserError(f"{path}: {found} bytes, expected at most {most}; is it the right file?")
    return path


def read_json(path: pathlib.Path, remedy: str = "copy or download it again", most: int = MOST_TEXT) -> Any:
    """What a JSON file of at most so many bytes holds; UserError when it cannot be read."""
    with readable(path, "JSON", remedy):
        return json.loads(regular(path, most).read_bytes())


def open_archive(path: pathlib.Path) -> zipfile.ZipFile:
    """A zip archive that can be unpacked without harm; ValueError or zipfile.BadZipFile when it is none.

    No more of a member is unpacked than it declares.
    """
    check_archive(regular(path))
    return zipfile.ZipFile(path)


def check_archive(file: pathlib.Path | BinaryIO) -> None:
    """Checks that a file is a zip archive that can be unpacked without harm; errors as `open_archive`."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise ValueError(f"{len(members)} files in it, expected at most {_MOST_MEMBERS}")
    for member in members:
        most = _UNPACKED + _UNPACKED_PER_BYTE * member.compress_size
        if member.file_size > most:
            found = f"{member.filename[:40]} unpacks from {member.compress_size} to {member.file_size} bytes"
            raise ValueError(f"{found}, expected at most {most}")


@contextlib.contextmanager
def writable(place: object) -> Iterator[None]:
    """Turns an OSError of the block into a UserError: its file, or `place`, cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or place}: cannot be written ({error.strerror})") from error


@contextlib.contextmanager
def sole_writer(directory: pathlib.Path) -> Iterator[None]:
    """Makes a directory and locks it until the block or the process ends; UserError when another program holds it.

    In a bucket nothing can be locked, and nobody is kept out.
    """
    if not is_local(directory):
        yield
        return
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
