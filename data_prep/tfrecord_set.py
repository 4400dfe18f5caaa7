"""Converted sets (TFRecord) as one of the formats in which recordings are passed on: read, and written normalised."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Sequence

from dsta_jax.data import records
from dsta_jax.datasets.benchmark import Benchmark, Source
from dsta_jax.datasets.clean import check
from dsta_jax.datasets.recording import ALL, Collection, Entry, Recording, by_name, columns, in_one_split_each
from dsta_jax.errors import UserError
from dsta_jax.formats.padded import UNSURE, has_confidence

from . import conversion

# Splits that are neither for training nor, by this name, for testing.
_VALIDATION = {"val", "valid", "validation", "validate", "dev", "eval", "evaluation"}


def read(directory: pathlib.Path, source: Source | None = None) -> Collection:
    """Reads names and labels of a set, and frames when asked; the source says whether there is a confidence."""
    if not (directory / "dataset_info.json").is_file():
        raise UserError(f"{directory}: no dataset_info.json there, expected a converted set, DATA_DIR/NAME/VERSION")
    info = records.read_info(directory)
    confidence = has_confidence(str(directory), info.joints, info.channels, source)
    notes = (UNSURE,) if source is None and info.channels == 3 else ()
    found = []
    splits: dict[str, list[str]] = {split: [] for split in info.split_lengths}
    for split, record in records.read_set(directory):
        one = Entry(record.name, directory, record.label, record.subject, record.camera, record.setup)
        found.append((f"{directory}: {split}", one))
        splits[split].append(record.name)
    stored: Iterator[tuple[str, records.Record]] = iter(())

    def read_one(wanted: Entry) -> Recording:  # Quick in the order in which the records are stored.
        nonlocal stored
        for started in (stored, records.read_set(directory)):
            stored = started
            for _, record in started:
                if record.name == wanted.name:
                    return Recording.of_channels(record.frames_TxVxMxC, confidence)
        raise UserError(f"{directory}: {wanted.name} is not there any more")

    return Collection(by_name(directory, found), splits, read_one, info.label_names, notes)


def write(
    collection: Collection, source: Source, benchmarks: Sequence[Benchmark], options: conversion.Options
) -> pathlib.Path:
    """Converts a collection to a data set's records; returns their directory.

    Where the protocol goes by the parts that the recordings name, each split becomes one of the set; otherwise all
    recordings go to one. The first of the benchmarks must be able to divide them. Raises UserError when the recordings
    are not such as source and benchmark need, and as `conversion.convert`.
    """
    _check_labels(collection, source)
    benchmark = benchmarks[0]
    if benchmark.protocol.column == "split":
        collection = _divided(collection, benchmark)
    else:
        collection = dataclasses.replace(collection, splits={ALL: list(collection.entries)}, notes=())
        unknown = [one for one in collection.selected if not getattr(one, benchmark.protocol.column)]
        if unknown:
            count = f"{len(unknown)} of {len(collection.entries)} recordings"
            found = f"its {benchmark.protocol.column} is not known ({count} are such)"
            raise UserError(f"{unknown[0].name}: {found}, but benchmark {benchmark.name} divides by it")
    is_test_N = benchmark.protocol.is_test(columns(collection))
    if not benchmark.left_out and (is_test_N.all() or not is_test_N.any()):
        part = "trains" if is_test_N.all() else "tests"
        print(f"note: benchmark {benchmark.name} {part} on none of these recordings")
    for note in (*collection.notes, *_not_kept(collection, source, options.skip_broken)):
        print(f"note: {note}")
    return conversion.convert(source, collection, options, benchmarks)


def _check_labels(collection: Collection, source: Source) -> None:
    """Raises UserError when the recordings' labels do not mean the data set's."""
    for label, (found, expected) in enumerate(zip(collection.class_names or (), source.label_names, strict=False)):
        if found != expected:
            raise UserError(f"class {label} is {found!r}, but {expected!r} in {source.name}")
    for one in collection.entries.values():
        if one.label >= len(source.label_names):
            most = len(source.label_names) - 1
            raise UserError(f"{one.place}: label {one.label}, expected 0 to {most} as {source.name} has them")


def _divided(collection: Collection, benchmark: Benchmark) -> Collection:
    """The collection with its splits in lower case; UserError when it is not certain which train and which test."""
    names_of: dict[str, dict[str, None]] = {}
    for split, names in collection.splits.items():
        if not re.fullmatch(r"\w+", split.strip(), re.ASCII):
            raise UserError(f"split {split!r}: its name becomes a part of files' names, expected letters, digits and _")
        if names:
            names_of.setdefault(split.strip().lower(), {}).update(dict.fromkeys(names))
    tests = [str(value).strip().lower() for value in benchmark.protocol.test]
    training = [split for split in names_of if split not in tests]
    nothing_tests = len(training) == len(names_of) and not all("train" in split for split in training)
    if nothing_tests or _VALIDATION.intersection(training):
        found = f"the recordings are in the splits {', '.join(collection.splits)}"
        rule = f"benchmark {benchmark.name} tests on {', '.join(tests)} and trains on all others"
        remedy = "name those that test in its TOML file, [split] split = [...], or convert only some with --splits=..."
        if list(names_of) == [ALL]:
            found = "the recordings name no splits"
            remedy = "name their splits, or divide by another column in its TOML file, such as [split] subject = [...]"
        raise UserError(f"{found}, but {rule}; {remedy}")
    splits = {split: list(names) for split, names in names_of.items()}
    return in_one_split_each(dataclasses.replace(collection, splits=splits), "a converted set")


def _not_kept(collection: Collection, source: Source, skip_broken: bool) -> list[str]:
    """What a set has no place for, by the first recording; UserError at once when that is of another skeleton."""
    first = collection.selected[0]
    try:
        recording = collection.read(first)
    except UserError:  # It will be reported with the others.
        return []
    try:
        check(recording, source)
    except ValueError as error:
        if not skip_broken:
            raise UserError(f"{first.place}: {error}") from None
    notes = ["the sizes of the pictures are not kept"] if recording.image_shape or recording.original_shape else []
    if recording.score_TxVxM is not None and not source.confidence:
        notes.append(f"the confidences are not kept (channels = {source.channels} in {source.name})")
    return notes
