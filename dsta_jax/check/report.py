"""A data set looked over before training: a report, a contact sheet of its skeletons, and whether it can be trained on.

    python -m dsta_jax.main --config=configs/utd_mhad.py --check

The exit status is 0 where it can, also with warnings, and 1 where training would refuse it or learn something else than
the benchmark says; `dsta_jax/inspect/findings.py` has the rules, and the limits with their reasons.
"""

import logging
import pathlib
import textwrap
from collections.abc import Iterable, Sequence

import ml_collections
import numpy as np
import tqdm

from dsta_jax import run
from dsta_jax.check import contact_sheet, faults, findings, survey
from dsta_jax.check.figures import Sample
from dsta_jax.check.findings import Finding
from dsta_jax.check.survey import Survey
from dsta_jax.data import dataset, records
from dsta_jax.datasets import own
from dsta_jax.errors import UserError

_WIDTH = 80
_CASES = 5  # shown of each finding; the file lists all
_CLASSES = 12  # on the contact sheet
_LOGGER = logging.getLogger(__name__)


def check(config: ml_collections.ConfigDict, directory: pathlib.Path) -> int:
    """Looks a configuration's data set over, prints the report, and writes it and the contact sheet to `directory`.

    Returns:
      The exit status: 0 where the set can be trained on.

    Raises:
      UserError: when the set is missing, damaged, or not the benchmark's, or nothing can be written.
    """
    benchmark = own.find(config.benchmark)
    if benchmark.synthetic:
        run.make_recordings(config.data.dir, benchmark)
    source = dataset.find(config.data.dir, benchmark)
    total = sum(sum(lengths) for lengths in records.read_info(source).split_lengths.values())
    read = records.read_set(source, as_they_are=True)
    bar = tqdm.tqdm(read, desc="check", total=total, disable=None, leave=False, dynamic_ncols=True)
    seen = survey.gather(bar, benchmark)
    found = findings.find(seen)
    head = f"{describe(seen, source)}\n\n"
    print(f"{head}{listing(found, _CASES)}\n")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        text = directory / f"{benchmark.name}.txt"
        text.write_text(f"{head}{listing(found)}\n", encoding="utf-8")
        print(f"This report, with every case, is in {text}.")
        picture = directory / f"{benchmark.name}.png"
        if draw(seen, picture):
            print(f"Look at {picture}: are these your skeletons?")
    except OSError as error:
        raise UserError(f"{error.filename or directory}: cannot be written ({error.strerror})") from error
    return int(any(finding.error for finding in found))


def describe(seen: Survey, source: pathlib.Path) -> str:
    """What is in the set: counts, lengths, and what else is worth knowing."""
    benchmark = seen.benchmark
    joints, bodies, _ = benchmark.frame_shape
    people = f"{bodies} bodies" if bodies > 1 else "1 body"
    title = (
        f"{benchmark.name}: {len(seen.facts)} recordings of {joints} joints ({benchmark.layout.name}), {people}, "
        f"channels {benchmark.channels}"
    )
    blocks = [f"{textwrap.fill(title, _WIDTH)}\nin {source}", class_table(seen)]
    if benchmark.left_out:
        blocks.append(value_table(seen, benchmark.left_out))
    return "\n\n".join([*blocks, length_table(seen), *_paragraphs(notes(seen))])


def class_table(seen: Survey) -> str:
    """How many recordings each class has, for training and for testing; classes count from 0."""
    names, test_N = seen.benchmark.class_names, seen.is_test_N
    parts = {"train": ~test_N, "test": test_N}
    if seen.benchmark.left_out:
        parts = {"count": np.ones(len(test_N), bool)}
    columns = len(names) > 20
    width = 38 - 7 * len(parts) if columns else 60 - 7 * len(parts)
    rows = [
        [
            f"{number:>3} {_short(name, width - 4):{width - 4}}",
            *(np.sum(seen.class_N[mask_N] == number) for mask_N in parts.values()),
        ]
        for number, name in enumerate(names)
    ]
    head = ["class".ljust(width), *parts]
    total = ["all".ljust(width), *(mask_N.sum() for mask_N in parts.values())]
    return _in_columns([_row(row) for row in rows], _row(head), 2 if columns else 1) + "\n" + _row(total)


def value_table(seen: Survey, column: str) -> str:
    """How many recordings, and of how many classes, each value of the column has that is left out once."""
    rows = []
    for value in np.unique(seen.columns[column]):
        mask_N = seen.columns[column] == value
        rows.append(f"{value:>8} {mask_N.sum():>11} {len(set(seen.class_N[mask_N])):>8}")
    return _in_columns(rows, f"{column:>8} {'recordings':>11} {'classes':>8}", 2)


def length_table(seen: Survey) -> str:
    """Frames of the recordings in which somebody is seen: smallest, quartiles, largest; the extremes by name."""
    length_N = np.array([facts.seen for facts in seen.facts])
    parts = {"train": ~seen.is_test_N, "test": seen.is_test_N}
    lines = [f"{'frames':10}{'shortest':>10}{'quarter':>10}{'half':>10}{'3 quarters':>12}{'longest':>10}"]
    for part, mask_N in {**({} if seen.benchmark.left_out else parts), "all": np.ones(len(length_N), bool)}.items():
        if mask_N.any():
            numbers = np.percentile(length_N[mask_N], (0, 25, 50, 75, 100), method="nearest")
            lines.append("{:10}{:>10}{:>10}{:>10}{:>12}{:>10}".format(part, *numbers))
    order = np.argsort(length_N, kind="stable")
    for which, chosen in (("shortest", order[:3]), ("longest", order[::-1][:3])):
        named = ", ".join(f"{seen.facts[n].name} ({length_N[n]})" for n in chosen)
        lines.append(textwrap.fill(f"{which}: {named}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False))
    return "\n".join(lines)


def notes(seen: Survey) -> Iterable[str]:
    """What is no finding, but worth knowing."""
    frames, kept = (sum(getattr(facts, key) for facts in seen.facts) for key in ("frames", "seen"))
    if frames > kept:
        yield f"In {frames - kept} of {frames} frames nobody is seen; training drops them."
    for column in ("subject", "camera", "setup"):
        value_N = seen.columns[column]
        if len(set(value_N)) > 1 and seen.benchmark.left_out is None:
            train, test = (set(value_N[mask_N]) for mask_N in (~seen.is_test_N, seen.is_test_N))
            yield f"{column.capitalize()}s: {len(train)} train, {len(test)} test, {len(train & test)} do both."
    bones = np.array(seen.benchmark.layout.joints)[faults.bones(seen.benchmark.layout)]
    change_NxB = np.array([facts.change_B for facts in seen.facts])
    change_NxB = change_NxB[~np.isnan(change_NxB).any(axis=1)]
    if len(change_NxB):
        change_B = np.median(change_NxB, axis=0)
        most = ", ".join(f"{bones[b]} {100 * change_B[b]:.0f}%" for b in np.argsort(-change_B)[:4])
        yield f"The bones that change their length most within a recording (median): {most}."
    if uneven := findings.asymmetries(seen):
        yield f"Left and right differ most: {uneven[0][1]}."


def listing(found: Sequence[Finding], cases: int | None = None) -> str:
    """The findings, numbered, and their sum; of each so many cases, or all."""
    if not found:
        return "Nothing suspicious."
    lines = []
    for number, finding in enumerate(found, 1):
        said = f"{number}. {'ERROR' if finding.error else 'warning'}: {finding.said}"
        lines.append(textwrap.fill(said, _WIDTH, subsequent_indent="   ", break_on_hyphens=False))
        lines += [f"     {case}" for case in finding.cases[:cases]]
        if len(finding.cases) > len(finding.cases[:cases]):
            lines.append(f"     and {len(finding.cases) - len(finding.cases[:cases])} more")
    errors = sum(finding.error for finding in found)
    verdict = "none of them an error"
    if errors:
        verdict = f"{errors} of them {'errors' if errors > 1 else 'an error'}: training would be wrong"
    return "\n".join([*lines, "", f"{len(found)} problem{'s' if len(found) > 1 else ''}, {verdict}."])


def draw(seen: Survey, path: pathlib.Path) -> bool:
    """Writes the contact sheet of some classes, evenly chosen; says why where there is none."""
    numbers = sorted(seen.samples)
    if not numbers:
        return False
    chosen = [numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, _CLASSES).astype(int))]
    names = seen.benchmark.class_names
    samples = [Sample(names[k], seen.samples[k].name, seen.samples[k].frames_TxVxMxC) for k in chosen]
    try:
        sheet = contact_sheet.draw(samples, seen.benchmark.layout, seen.benchmark.channels, seen.benchmark.name)
    except ImportError:
        _LOGGER.info("no contact sheet without matplotlib: pip install 'dsta_jax[draw]'")
        return False
    contact_sheet.save(sheet, path)
    return True


def _row(cells: Sequence[object]) -> str:
    first, *numbers = (str(cell) for cell in cells)
    return first + "".join(f"{number:>7}" for number in numbers)


def _in_columns(rows: Sequence[str], head: str, columns: int) -> str:
    """Rows of text side by side, column by column, each column below its head."""
    height = -(-len(rows) // columns)
    sides = [[head, *rows[i : i + height]] for i in range(0, len(rows), height)]
    width = max(len(row) for row in [head, *rows])
    lines = [[side[line] if line < len(side) else "" for side in sides] for line in range(height + 1)]
    return "\n".join("   ".join(cell.ljust(width) for cell in line).rstrip() for line in lines)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _paragraphs(lines: Iterable[str]) -> list[str]:
    filled = [textwrap.fill(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines]
    return ["\n".join(filled)] if filled else []
