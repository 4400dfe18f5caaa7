"""Writes a collection in a format of one or few files. All recordings are read first, so that nothing is half done."""

import dataclasses
import pathlib
import time
from collections.abc import Mapping
from typing import Literal

import numpy as np
from tqdm import tqdm

from dsta_jax.datasets.recording import (
    Collection,
    Entry,
    Recording,
    check_size,
    entry,
    in_one_split_each,
    without,
)
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, writable
from dsta_jax.formats import ctr_gcn, npy_pair, padded, pyskl

from . import broken

Format = Literal["pyskl", "npy", "npz"]


def write(collection: Collection, form: Format, out: pathlib.Path, skip_broken: bool, overwrite: bool) -> None:
    """Writes a file, for `npy` a directory, and prints a summary; UserError when a recording or the place is unfit."""
    _check_place(collection, form, out, overwrite)
    if form != "pyskl":
        collection = in_one_split_each(collection, form)
        for note in collection.notes:
            print(f"note: {note}")
    _check_splits(collection, form)
    started = time.monotonic()
    outlines, reasons = _read_all(collection)
    with writable(out):
        _settle(reasons, len(collection.entries), out, skip_broken)
        collection = without(collection, reasons)
        if not collection.entries:
            raise UserError("all recordings are broken")
        _check_splits(collection, form)
        for note in _not_held(collection, form, outlines):
            print(f"note: {note}")
        _write(collection, form, out, outlines)
        paths = npy_pair.files(out, collection.splits) if form == "npy" else [out]
        size = sum(path.stat().st_size for path in paths)
    count, seconds = len(collection.entries), time.monotonic() - started
    splits = ", ".join(f"{split} {len(names)}" for split, names in collection.splits.items())
    speed = f"in {seconds:.1f} s, {count / seconds:.0f} recordings/s"
    print(f"{form}: {count} recordings ({splits}) {speed}, {size / 1e6:.1f} MB, in {out}")


def _check_place(collection: Collection, form: Format, out: pathlib.Path, overwrite: bool) -> None:
    if form == "npy":
        npy_pair.check_output(out, collection.splits, overwrite)
    elif out.is_dir():
        raise UserError(f"{out}: a directory, expected the name of a file")
    elif out.exists() and not overwrite:
        raise UserError(f"{out}: is there already; add --overwrite to replace it")


def _read_all(collection: Collection) -> tuple[dict[str, Recording], dict[str, str]]:
    """The outlines of all recordings, and the reasons why some are broken, by name."""
    outlines, reasons = {}, {}
    for one in tqdm(collection.entries.values(), desc="reading", unit=" recordings", disable=None):
        try:
            recording = collection.read(one)
            check_size(*recording.frames_TxVxMxC.shape)
            infinite_TxVxM = np.isinf(recording.frames_with_score).any(axis=-1)
            if infinite_TxVxM.any():
                frame, joint, body = np.argwhere(infinite_TxVxM)[0]
                place = f"{one.path}: {one.name}: frame {frame}, joint {joint}, body {body} (from 0)"
                expected = "a finite one, or NaN for a joint that was not seen; correct it where it was recorded"
                raise UserError(f"{place}: an infinite number, expected {expected}")
            outlines[one.name] = padded.outline(recording)
        except UserError as error:
            reasons[one.name] = str(error)
        except (ValueError, MemoryError) as error:
            reasons[one.name] = f"{one.place}: {error}"
    return outlines, reasons


def _settle(reasons: Mapping[str, str], recordings: int, out: pathlib.Path, skip: bool) -> None:
    """Lists the broken recordings in a file; raises UserError when there are some and they may not be skipped."""
    path = out.with_name(f"{out.name}.broken.txt")
    path.unlink(missing_ok=True)
    if reasons:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}: {reason}\n" for name, reason in reasons.items()), encoding="utf-8")
        broken.report(list(reasons.values()), recordings, path, skip)
        print(f"left out {len(reasons)} broken recordings, listed in {path}")


def _check_splits(collection: Collection, form: Format) -> None:
    for split, names in collection.splits.items():
        if not names and (form != "pyskl" or not collection.entries):
            raise UserError(f"split {split} has no recordings; choose others with --splits")
    if form == "npz":
        ctr_gcn.part_of(collection.splits)


def _not_held(collection: Collection, form: Format, outlines: padded.Outlines) -> list[str]:
    """What the format has no place for, a line each."""
    if form == "pyskl":
        unnamed = (entry(one.name, one.path, one.label) for one in collection.entries.values())
        missing = ["the names of the classes"] if collection.class_names else []
        missing += ["subject, camera and setup"] if list(unnamed) != list(collection.entries.values()) else []
        return [f"pyskl has no place for {what}" for what in missing]
    types = sorted(str(dtype) for dtype in padded.types(outlines))
    common = padded.common_outline(outlines).dtype
    return [f"an array has one type: {' and '.join(types)} become {common}, with the same values"] * (len(types) > 1)


def _write(collection: Collection, form: Format, out: pathlib.Path, outlines: padded.Outlines) -> None:
    with tqdm(total=len(collection.entries), desc="writing", unit=" recordings", disable=None) as progress:

        def read(wanted: Entry) -> Recording:
            progress.update()
            return collection.read(wanted)

        counted = dataclasses.replace(collection, read=read)
        if form == "npy":
            npy_pair.write(out, counted, outlines)
            return
        with complete_file(out) as file:
            pyskl.write(file, counted) if form == "pyskl" else ctr_gcn.write(file, counted, outlines)
