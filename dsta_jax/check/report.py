"""A look at a data set before training: a report, a contact sheet of its skeletons, and whether it can be trained on.

    python -m dsta_jax.main --config=configs/utd_mhad.py --check

The exit status is 0 where it can, also with warnings, and 1 with errors; `findings` has the rules, and their limits
with the reasons.
"""

import itertools
import logging
import pathlib
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import ml_collections
import numpy as np
import tqdm

from dsta_jax.check import contact_sheet, findings, joint_order, survey
from dsta_jax.check.findings import Finding
from dsta_jax.check.survey import Survey
from dsta_jax.data import dataset, records
from dsta_jax.datasets import own
from dsta_jax.datasets.recording import ORIGINS
from dsta_jax.files import complete_file, writable

_WIDTH = 80
_CASES = 5  # shown of each finding; the file lists all
_CLASSES = 12  # on the contact sheet
_LOGGER = logging.getLogger(__name__)


def check(config: ml_collections.ConfigDict, directory: pathlib.Path) -> int:
    """Looks at a configuration's data set, prints the report, and writes it and the contact sheet to `directory`.

    Returns the exit status. UserError when the set is missing, damaged, or not the benchmark's, or nothing can be
    written.
    """
    benchmark = own.find(config.benchmark)
    source = dataset.find(config.data.dir, benchmark)
    total = sum(sum(lengths) for lengths in records.read_info(source).split_lengths.values())
    read = records.read_set(source, as_they_are=True)
    bar = tqdm.tqdm(read, desc="check", total=total, disable=None, leave=False, dynamic_ncols=True)
    seen = survey.gather(bar, benchmark, config.streams)
    found = findings.find(seen)
    head = f"{describe(seen, source)}\n\n"
    print(f"{head}{listing(found, _CASES)}\n")
    text, picture = (directory / f"{benchmark.name}.{ending}" for ending in ("txt", "png"))
    with writable(directory):
        with complete_file(text) as file:
            file.write(f"{head}{listing(found)}\n".encode())
        drawn = draw(seen, picture)
    print(f"This report, with every case, is in {text}.")
    if drawn:
        print(f"Look at {picture}: are these your skeletons?")
    return int(any(finding.error for finding in found))


def describe(seen: Survey, source: pathlib.Path) -> str:
    """What is in the set: counts, lengths, and what else is worth knowing."""
    benchmark = seen.benchmark
    joints, bodies, _ = benchmark.source.frame_shape
    title = (
        f"{benchmark.name}: {len(seen.facts)} recordings of {joints} joints ({seen.layout.name}), "
        f"{bodies} bod{'ies' if bodies > 1 else 'y'}, channels {benchmark.source.channels}"
    )
    tables = [class_table(seen), value_table(seen), length_table(seen), "\n".join(map(_filled, notes(seen)))]
    return "\n\n".join([f"{_filled(title)}\nin {source}", *filter(None, tables)])


def _parts(seen: Survey) -> dict[str, np.ndarray]:
    """Masks over the recordings; none, where each value of a column is left out once."""
    return {} if seen.benchmark.left_out else {"train": ~seen["is_test"], "test": seen["is_test"]}


def class_table(seen: Survey) -> str:
    """How many recordings each class has, for training and for testing; classes count from 0."""
    names, class_N, parts = seen.benchmark.class_names, seen["class"], _parts(seen)
    masks = list(parts.values()) or [np.ones(len(class_N), bool)]
    columns = 2 if len(names) > 20 else 1
    letters = (34 if columns == 2 else 56) - 7 * len(masks)

    def row(title: str, *cells: Any) -> str:
        return title.ljust(letters + 4) + "".join(f"{cell:>7}" for cell in cells)

    lines = [
        row(f"{k:>3} {contact_sheet.short(name, letters)}", *((class_N[mask_N] == k).sum() for mask_N in masks))
        for k, name in enumerate(names)
    ]
    total = row("all", *(mask_N.sum() for mask_N in masks))
    return f"{_in_columns(row('class', *(parts or ['count'])), lines, columns)}\n{total}"


def value_table(seen: Survey) -> str:
    """How many recordings, and of how many classes, each value has that is left out once; empty where none is."""
    if not (column := seen.benchmark.left_out):
        return ""
    value_N, class_N, row = seen[column], seen["class"], "{:>8} {:>11} {:>8}".format
    masks = {value: value_N == value for value in np.unique(value_N)}
    lines = [row(value, mask_N.sum(), len(set(class_N[mask_N]))) for value, mask_N in masks.items()]
    return _in_columns(row(column, "recordings", "classes"), lines, 2)


def length_table(seen: Survey) -> str:
    """Frames of the recordings in which somebody is seen: smallest, quartiles, largest; the extremes by name."""
    name_N, length_N, row = seen["name"], seen["seen"], "{:10}{:>10}{:>10}{:>10}{:>12}{:>10}".format
    lines = [row("frames", "shortest", "quarter", "half", "3 quarters", "longest")]
    for part, mask_N in {**_parts(seen), "all": np.ones(len(length_N), bool)}.items():
        if mask_N.any():
            lines.append(row(part, *np.percentile(length_N[mask_N], (0, 25, 50, 75, 100), method="nearest")))
    order = np.argsort(length_N, kind="stable")
    for which, chosen in (("shortest", order[:3]), ("longest", order[::-1][:3])):
        lines.append(_filled(f"{which}: {', '.join(f'{name_N[n]} ({length_N[n]})' for n in chosen)}"))
    return "\n".join(lines)


def notes(seen: Survey) -> Iterable[str]:
    """What is no finding, but worth knowing."""

    def largest(names: Sequence[str], part_V: np.ndarray) -> str:
        four = np.argsort(-part_V, kind="stable")[:4]
        return ", ".join(f"{names[n]} {part_V[n]:.0%}" for n in four if part_V[n] > 0)

    frames, kept = (sum(facts[key] for facts in seen.facts) for key in ("frames", "seen"))
    if frames > kept:
        yield f"In {frames - kept} of {frames} frames nobody is seen; training drops them."
    if seen.unseen_V.any():
        share, most = 100 * seen.unseen_V.mean(), largest(seen.layout.joints, seen.unseen_V)
        yield f"In frames with their body, {share:.2g}% of the joints are not seen, most often {most}."
    for column in ORIGINS:
        value_N = seen[column]
        if len(set(value_N)) > 1 and (parts := _parts(seen)):
            train, test = (set(value_N[mask_N]) for mask_N in parts.values())
            yield f"{column.capitalize()}s: {len(train)} train, {len(test)} test, {len(train & test)} do both."
    change_NxB = seen["change_B"]
    change_NxB = change_NxB[~np.isnan(change_NxB).any(axis=1)]
    if len(change_NxB):
        bones = [seen.layout.joints[joint] for joint in joint_order.bones(seen.layout)[0]]
        most = largest(bones, np.median(change_NxB, axis=0))
        yield f"The bones that change their length most within a recording (median): {most}."
    if uneven := findings.asymmetries(seen):
        yield f"Left and right differ most: {uneven[0][1]}."


def listing(found: Sequence[Finding], cases: int | None = None) -> str:
    """The findings, numbered, and their sum; of each so many cases, or all."""
    if not found:
        return "Nothing suspicious."
    lines = []
    for number, finding in enumerate(found, 1):
        lines.append(_filled(f"{number}. {'ERROR' if finding.error else 'warning'}: {finding.said}", "   "))
        lines += [f"     {case}" for case in finding.cases[:cases]]
        if more := len(finding.cases) - len(finding.cases[:cases]):
            lines.append(f"     and {more} more")
    errors = sum(finding.error for finding in found)
    verdict = "none of them an error"
    if errors:
        verdict = f"{errors} of them {'errors' if errors > 1 else 'an error'}: training would be wrong"
    return "\n".join([*lines, "", f"{len(found)} problem{'s' * (len(found) > 1)}, {verdict}."])


def draw(seen: Survey, path: pathlib.Path) -> bool:
    """Writes the contact sheet of some classes, evenly chosen; says why where there is none."""
    samples = [seen.samples[number] for number in sorted(seen.samples)]
    if not samples:
        return False
    chosen = [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, _CLASSES).astype(int))]
    try:
        sheet = contact_sheet.draw(chosen, seen.layout, seen.benchmark.name)
    except ImportError:
        _LOGGER.info("no contact sheet without matplotlib: pip install 'dsta_jax[draw]'")
        return False
    with complete_file(path) as file:
        sheet.savefig(file, format="png", metadata={"Software": None})  # the same bytes for the same figure
    return True


def _in_columns(head: str, lines: Sequence[str], columns: int) -> str:
    """Lines of one length side by side, column by column, each column below the head."""
    height = -(-len(lines) // columns)
    sides = [[head, *lines[start : start + height]] for start in range(0, len(lines), height)]
    return "\n".join("   ".join(filter(None, side)) for side in itertools.zip_longest(*sides))


def _filled(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)
