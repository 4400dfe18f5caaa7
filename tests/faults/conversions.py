"""Small conversions by the command line, and what a reader finds of them at any time."""

import hashlib
import pathlib
import sys
from collections.abc import Callable

import numpy as np
from absl import flags

from data_prep import conversion, convert
from dsta_jax.data import records
from dsta_jax.errors import UserError
from dsta_jax.formats import npy_pair
from tests import raw_recordings
from tests.faults.children import Watch

NAME = "hands"
PER_SHARD = 4

# Two states of the same recordings' raw files: one more in the second, and all of them others.
KEYS = raw_recordings.keys_of(21), raw_recordings.keys_of(22)
TEST = raw_recordings.keys_of(5, first_essai=9)


def write_raw(directory: pathlib.Path, number: int) -> pathlib.Path:
    """Raw files of SHREC'17 in one of the two states."""
    keys = KEYS[number]
    raw_recordings.write_shrec(directory, keys[number:] + keys[:number], TEST)
    return directory


def program(*words: str) -> Callable[[Watch], int]:
    """Converts as the words say, in shards of a few recordings."""

    def run(_: Watch) -> int:
        sys.modules["__main__"] = convert  # As `python -m data_prep.convert` has it; workers import it again.
        conversion.RECORDINGS_PER_SHARD = PER_SHARD
        convert.define_flags()
        convert.main(flags.FLAGS(["convert", *words]))
        return 0

    return run


def to_records(raw: pathlib.Path, out: pathlib.Path) -> Callable[[Watch], int]:
    """A conversion with two workers, in place of a set that is there."""
    return program("--from=shrec17", f"--in={raw}", f"--out={out}", f"--name={NAME}", "--workers=2", "--overwrite")


def to_pair(stored: pathlib.Path, out: pathlib.Path) -> Callable[[Watch], int]:
    """A set's recordings as npy, in place of others that are there."""
    return program("--from=tfrecord", f"--in={stored}", f"--out={out}", "--to=npy", "--overwrite")


def digest_of_set(out: pathlib.Path) -> str:
    """Of all records that a reader finds in a directory of sets; the error's text when it finds none or is refused."""
    found = hashlib.blake2b(digest_size=16)
    try:
        for split, one in records.read_set(records.find_data_set(out, NAME)):
            found.update(f"{split} {one.name} {one.label} {one.frames_TxVxMxC.shape}".encode())
            found.update(one.frames_TxVxMxC.tobytes())
    except UserError as error:
        return f"error: {error}"
    return found.hexdigest()


def digest_of_pair(directory: pathlib.Path) -> str:
    """The same of a pair of npy files."""
    found = hashlib.blake2b(digest_size=16)
    try:
        collection = npy_pair.read(directory)
        for split, names in collection.splits.items():
            for name in names:
                one = collection.entries[name]
                frames_TxVxMxC = np.ascontiguousarray(collection.read(one).frames_with_score)
                found.update(f"{split} {name} {one.label} {frames_TxVxMxC.shape}".encode() + frames_TxVxMxC.tobytes())
    except UserError as error:
        return f"error: {error}"
    return found.hexdigest()
