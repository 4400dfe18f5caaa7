"""Writes a collection in a format of one or few files. All recordings are read first, so that nothing is half done."""

import dataclasses
import pathlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from tqdm import tqdm

from dsta_jax.datasets.recording import Collection, Entry, Recording, entry, in_one_split_each, without
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file

from .formats import ctr_gcn, npy_pair, padded, pyskl

Format = Literal["pyskl", "npy", "npz"]

_REPORTED = 20  # broken recordings shown one by one on the terminal


def write(collection: Collection, form: Format, out: pathlib.Path, skip_broken: bool, overwrite: bool) -> None:
    """Writes a collection and prints a summary.

    Args:
      collection: the recordings.
      form: in which format.
      out: the file; for `npy`, the directory.
      skip_broken: whether broken recordings are left out.
      overwrite: whether files that are there are replaced.

    Raises:
      UserError: when recordings are broken and may not be skipped, the format cannot hold them, or the output is there
        already or cannot be written.
    """
    _check_place(collection, form, out, overwrite)
    if form != "pyskl":
        collection = in_one_split_each(collection, form)
        for note in collection.notes:
            print(f"note: {note}")
    started = time.monotonic()
    outlines, broken = _read_all(collection)
    try:
        _settle_broken(broken, len(collection.entries), out, skip_broken)
        collection = without(collection, broken)
        _check_splits(collection, form)
        for note in _not_held(collection, form, outlines):
            print(f"note: {note}")
        with tqdm(total=len(collection.entries), desc="writing", unit=" recordings", disable=None) as progress:
            _write(_counted(collection, progress.update), form, out, outlines)
        seconds = time.monotonic() - started
        _print_summary(collection, form, out, seconds)
    except OSError as error:
        raise UserError(f"{error.filename or out}: cannot be written ({error.strerror})") from error


def _check_place(collection: Collection, form: Format, out: pathlib.Path, overwrite: bool) -> None:
    if form == "npy":
        npy_pair.check_output(out, collection.splits, overwrite)
    elif out.is_dir():
        raise UserError(f"{out}: a directory, expected the name of a file")
    elif out.exists() and not overwrite:
        raise UserError(f"{out}: is there already; add --overwrite to replace it")


def _read_all(collection: Collection) -> tuple[dict[str, Recording], dict[str, str]]:
    """What must be known of each recording, and the reasons why some are broken, by name."""
    outlines, broken = {}, {}
    for one in tqdm(collection.entries.values(), desc="reading", unit=" recordings", disable=None):
        try:
            outlines[one.name] = padded.outline(_finite(one, collection.read(one)))
        except UserError as error:
            broken[one.name] = str(error)
    return outlines, broken


def _finite(one: Entry, recording: Recording) -> Recording:
    """The recording; UserError when a number is infinite."""
    infinite_TxVxM = np.isinf(recording.frames_with_score).any(axis=-1)
    if infinite_TxVxM.any():
        frame, joint, body = np.argwhere(infinite_TxVxM)[0]
        raise UserError(
            f"{one.path}: {one.name}: frame {frame}, joint {joint}, body {body}: an infinite number, expected a finite "
            "one, or NaN for a joint that was not seen; correct it where it was recorded"
        )
    return recording


def _settle_broken(broken: Mapping[str, str], recordings: int, out: pathlib.Path, skip: bool) -> None:
    """Lists the broken recordings; raises UserError when there are some and they may not be skipped."""
    path = out.with_name(f"{out.name}.broken.txt")
    path.unlink(missing_ok=True)
    if not broken:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}: {reason}\n" for name, reason in broken.items()), encoding="utf-8")
    print(f"{len(broken)} broken recordings:", file=sys.stderr)
    for reason in list(broken.values())[:_REPORTED]:
        print(f"  {reason}", file=sys.stderr)
    if len(broken) > _REPORTED:
        print(f"  and {len(broken) - _REPORTED} more", file=sys.stderr)
    if not skip:
        raise UserError(
            f"{len(broken)} of {recordings} recordings are broken, listed in {path}; repair them, or leave them out "
            "with --skip_broken"
        )
    print(f"left out {len(broken)} broken recordings, listed in {path}")


def _check_splits(collection: Collection, form: Format) -> None:
    if not collection.entries:
        raise UserError("all recordings are broken")
    for split, names in collection.splits.items():
        if not names and form != "pyskl":
            raise UserError(f"split {split} has no recordings; choose others with --splits")
    if form == "npz":
        ctr_gcn.part_of(collection.splits)


def _not_held(collection: Collection, form: Format, outlines: padded.Outlines) -> list[str]:
    """What the format has no place for, a line each."""
    if form == "pyskl":
        notes = ["the names of the classes"] if collection.class_names else []
        if any(one != _by_its_name(one) for one in collection.entries.values()):
            notes.append("subject, camera and setup")
        return [f"pyskl has no place for {what}" for what in notes]
    types = sorted(str(dtype) for dtype in padded.types(outlines))
    if len(types) == 1:
        return []
    dtype = padded.common_outline(outlines).dtype
    return [f"an array has one type: {' and '.join(types)} become {dtype}, with the same values"]


def _by_its_name(one: Entry) -> Entry:
    return entry(one.name, one.path, one.label)


def _counted(collection: Collection, count: Callable[[], object]) -> Collection:
    """The collection, counting the recordings that are read."""

    def read(wanted: Entry) -> Recording:
        count()
        return collection.read(wanted)

    return dataclasses.replace(collection, read=read)


def _write(collection: Collection, form: Format, out: pathlib.Path, outlines: padded.Outlines) -> None:
    if form == "npy":
        npy_pair.write(out, collection, outlines)
        return
    with complete_file(out) as file:
        if form == "pyskl":
            pyskl.write(file, collection)
        else:
            ctr_gcn.write(file, collection, outlines)


def _print_summary(collection: Collection, form: Format, out: pathlib.Path, seconds: float) -> None:
    count = len(collection.entries)
    splits = ", ".join(f"{split} {len(names)}" for split, names in collection.splits.items())
    paths = npy_pair.files(out, collection.splits) if form == "npy" else [out]
    size = sum(path.stat().st_size for path in paths)
    print(
        f"{form}: {count} recordings ({splits}) in {seconds:.1f} s, {count / seconds:.0f} recordings/s, "
        f"{size / 1e6:.1f} MB, in {out}"
    )
