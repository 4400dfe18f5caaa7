"""Where data and runs lie: in a directory of this machine, or in a bucket, as `gs://BUCKET/...`; data at `s3://` too.

A place in a bucket is an `epath.Path`, which has the methods of `pathlib.Path` that are used here. What differs: an
object is there whole or not at all, and cannot grow; a directory is a part of its objects' names, so none is made, and
none can be locked. TensorFlow is not needed.
"""

import contextlib
import errno
import functools
import importlib
import io
import logging
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any, BinaryIO

from dsta_jax.errors import UserError

# The kinds of buckets: the package that speaks with them, and our extra that installs it.
_PACKAGES = {"gs": ("gcsfs", "gcs"), "s3": ("s3fs", "s3")}


def place(name: str | os.PathLike[str]) -> pathlib.Path:
    """The path that somebody names.

    Raises:
      UserError: when it is in a bucket that cannot be reached, or the package for that is not installed.
    """
    text = os.fspath(name)
    kind, found, inside = text.partition("://")
    bucket = inside.partition("/")[0]
    if not found:
        return pathlib.Path(text)
    if kind not in _PACKAGES or not bucket:
        raise UserError(f"{text}: expected a directory, or gs://BUCKET/DIRECTORY, or s3://BUCKET/DIRECTORY")
    path: pathlib.Path = _paths_of(kind)(text.rstrip("/"))
    _reach(kind, bucket)
    return path


def place_of_run(name: str | os.PathLike[str]) -> pathlib.Path:
    """The path that somebody names for a run.

    Raises:
      UserError: as `place`; and for S3, of which Orbax takes no checkpoints.
    """
    if os.fspath(name).startswith("s3://"):
        raise UserError(
            f"{os.fspath(name)}: a run cannot lie in S3, as Orbax saves no checkpoints there, though its data can: "
            f"give a directory, or gs://BUCKET/DIRECTORY"
        )
    return place(name)


@functools.cache
def _paths_of(kind: str) -> Any:
    """The class of paths in buckets."""
    package, extra = _PACKAGES[kind]
    try:
        importlib.import_module(package)
        import fsspec
        from etils import epath
    except ImportError as error:
        raise UserError(
            f"{kind}://... needs the package {package} ({error}): pip install 'dsta_jax[{extra}]'"
        ) from error
    os.environ.setdefault("EPATH_USE_TF", "false")
    logging.getLogger(package).setLevel(logging.CRITICAL)  # What it raises is told in a line.
    # Other processes, and tensorstore, write there too: what was found once is not remembered.
    for protocol in (kind, package.removesuffix("fs")):
        fsspec.config.conf.setdefault(protocol, {}).setdefault("use_listings_cache", False)
    return epath.Path


@functools.cache
def _reach(kind: str, bucket: str) -> None:
    """Asks for an object once: credentials that are missing are told before anything is done."""
    try:
        _paths_of(kind)(f"{kind}://{bucket}/dsta_jax").exists()
    except Exception as error:  # Each client has its own.
        raise UserError(
            f"{kind}://{bucket}: cannot be reached ({_said(error)}); are the bucket's name and this machine's "
            f"credentials right?"
        ) from error


def is_local(path: pathlib.PurePath) -> bool:
    """Whether a path is one of this machine, and not of a bucket."""
    return isinstance(path, pathlib.Path)


@contextlib.contextmanager
def as_os_errors(path: pathlib.Path) -> Iterator[None]:
    """Makes an OSError, as a disk has them, of what a bucket's client raises."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such bucket or object", str(path)) from error
    except Exception as error:
        raise OSError(errno.EIO, _said(error), str(path)) from error


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def size(path: pathlib.Path) -> int:
    """The bytes of a file; OSError when it cannot be looked at."""
    if is_local(path):
        return path.stat().st_size
    with as_os_errors(path):
        found: Any = path.stat()  # Of an epath.Path, whose size has another name.
        return int(found.length)


def open_whole(path: pathlib.Path) -> BinaryIO:
    """A file to be read from; an object is fetched at once. OSError when it cannot be."""
    if is_local(path):
        return path.open("rb")
    with as_os_errors(path):
        return io.BytesIO(path.read_bytes())


def write_object(path: pathlib.Path, content: bytes) -> None:
    """Writes an object of a bucket, whole or not at all; OSError when it cannot be."""
    with as_os_errors(path):
        path.write_bytes(content)


def make_directory(path: pathlib.Path) -> None:
    """Makes a directory and those above it; in a bucket there are none to be made."""
    if is_local(path):
        path.mkdir(parents=True, exist_ok=True)


def remove_directory(path: pathlib.Path) -> None:
    """Removes a directory and all that it holds, as far as it can be; there may be none."""
    if is_local(path):
        shutil.rmtree(path, ignore_errors=True)
    elif path.exists():
        of_bucket: Any = path
        with as_os_errors(path):
            of_bucket.rmtree()


def move_directory(path: pathlib.Path, target: pathlib.Path) -> None:
    """Gives a directory another name, on the same disk or in the same bucket, where there is nothing of that name."""
    if is_local(path):
        path.rename(target)
        return
    import fsspec

    with as_os_errors(path):
        files, _ = fsspec.url_to_fs(str(path))
        files.copy(str(path), str(target), recursive=True)
        remove_directory(path)


class GrowingFile:
    """A file to whose end is written. In a bucket it is written anew, whole, when it is saved."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self._file = path.open("ab", buffering=0) if is_local(path) else None
        self._content = bytearray()
        if self._file is None and path.exists():
            self._content += open_whole(path).read()

    def write(self, content: bytes) -> None:
        """Adds something at the end."""
        if self._file is None:
            self._content += content
        else:
            self._file.write(content)

    def save(self) -> None:
        """Has in a bucket what was written so far; in a local file it is."""
        if self._file is None:
            write_object(self.path, bytes(self._content))

    def close(self) -> None:
        """Closes it; what is not saved is lost in a bucket."""
        if self._file is not None:
            self._file.close()
