"""Writes a collection in a format of one or few files. All recordings are read first, so that nothing is half done."""

import dataclasses
import pathlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Literal

from tqdm import tqdm

from data_prep.formats import ctr_gcn, npy_pair, padded, pyskl
from data_prep.formats.output import complete_file
from dsta_jax.datasets.recording import Collection, Entry, Recording, entry, in_one_split_each, without
from dsta_jax.errors import UserError

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
    facts_of, broken = _read_all(collection)
    try:
        _settle_broken(broken, len(collection.entries), out, skip_broken)
        collection = without(collection, broken)
        _check_splits(collection, form)
        for note in _not_held(collection, form, facts_of):
            print(f"note: {note}")
        with tqdm(total=len(collection.entries), desc="writing", unit=" recordings", disable=None) as progress:
            _write(_counted(collection, progress.update), form, out, facts_of)
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


def _read_all(collection: Collection) -> tuple[dict[str, padded.Facts], dict[str, str]]:
    """What must be known of each recording, and the reasons why some are broken, by name."""
    facts_of, broken = {}, {}
    for one in tqdm(collection.entries.values(), desc="reading", unit=" recordings", disable=None):
        try:
            facts_of[one.name] = padded.facts(collection.read(one))
        except UserError as error:
            broken[one.name] = str(error)
    return facts_of, broken


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
        ctr_gcn.parts(collection.splits)


def _not_held(collection: Collection, form: Format, facts_of: Mapping[str, padded.Facts]) -> list[str]:
    """What the format has no place for, a line each."""
    if form == "pyskl":
        notes = ["the names of the classes"] if collection.class_names else []
        if any(one != _by_its_name(one) for one in collection.entries.values()):
            notes.append("subject, camera and setup")
        return [f"pyskl has no place for {what}" for what in notes]
    types = sorted(str(dtype) for dtype in padded.types(facts_of))
    if len(types) == 1:
        return []
    dtype = padded.common_shape(facts_of).dtype
    return [f"an array has one type: {' and '.join(types)} become {dtype}, with the same values"]


def _by_its_name(one: Entry) -> Entry:
    return entry(one.name, one.path, one.label)


def _counted(collection: Collection, count: Callable[[], object]) -> Collection:
    """The collection, counting the recordings that are read."""

    def read(wanted: Entry) -> Recording:
        count()
        return collection.read(wanted)

    return dataclasses.replace(collection, read=read)


def _write(collection: Collection, form: Format, out: pathlib.Path, facts_of: Mapping[str, padded.Facts]) -> None:
    if form == "npy":
        npy_pair.write(out, collection, facts_of)
        return
    with complete_file(out) as file:
        if form == "pyskl":
            pyskl.write(file, collection)
        else:
            ctr_gcn.write(file, collection, facts_of)


def _print_summary(collection: Collection, form: Format, out: pathlib.Path, seconds: float) -> None:
    count = len(collection.entries)
    splits = ", ".join(f"{split} {len(names)}" for split, names in collection.splits.items())
    paths = npy_pair.files(out, collection.splits) if form == "npy" else [out]
    size = sum(path.stat().st_size for path in paths)
    print(
        f"{form}: {count} recordings ({splits}) in {seconds:.1f} s, {count / seconds:.0f} recordings/s, "
        f"{size / 1e6:.1f} MB, in {out}"
    )
