"""What the converters share: raw recordings -> TFRecord files in the layout of TFDS, by a pool of processes.

A set is written to `OUT_DIR/NAME/VERSION.incomplete` and renamed to `OUT_DIR/NAME/VERSION` when it is complete, so a
reader finds it whole or not at all. The unit of work is a shard of `RECORDINGS_PER_SHARD` recordings, hence the bytes
do not depend on the number of processes, and an interrupted conversion of the same input goes on where it stopped.
"""

import dataclasses
import hashlib
import pathlib
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from absl import flags
from tqdm import tqdm

from data_prep import pool, shards, tfds_layout, twin_report
from data_prep.lock import sole_writer
from dsta_jax.data.records import shard_name
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.layouts import Layout
from dsta_jax.errors import UserError

RECORDINGS_PER_SHARD = 128

_REPORTED = 20  # broken recordings shown one by one on the terminal
_FINGERPRINT = "fingerprint.json"
# Recordings that are not in the set, a line each with the reason: broken ones, and those with nothing in them.
_SKIPPED, _LEFT_OUT = "skipped.txt", "left_out.txt"
_TWINS = "twins.txt"
_CODE = ("data_prep/*.py", "data_prep/formats/*.py", "dsta_jax/data/records.py", "dsta_jax/datasets/*.py")


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A set to be converted.

    Attributes:
      name: lower case; begins the files' names.
      version: three numbers with dots; to be raised when the conversion gives other values.
      layout: the joints of a body.
      bodies: bodies of a record (M).
      channels: a letter for each channel of a joint (C): xyz, or xy, and c behind them for a confidence.
      label_names: what the labels mean.
      description: one paragraph for `dataset_info.json`.
      citation: the publication that describes the set.
      homepage: where its authors publish it.
      splits: the raw recordings of each split, in the order in which they are written.
      published: how many recordings its authors publish; 0 when that is not known.
      benchmarks: that train and test on it.
    """

    name: str
    version: str
    layout: Layout
    bodies: int
    label_names: tuple[str, ...]
    description: str
    citation: str
    homepage: str
    splits: Mapping[str, Sequence[shards.Item]]
    channels: str = "xyz"
    published: int = 0
    benchmarks: tuple[Benchmark, ...] = ()

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """V, M and C of its records."""
        return len(self.layout.joints), self.bodies, len(self.channels)


@dataclasses.dataclass(frozen=True)
class Options:
    """The flags that all converters have; see `define_flags`."""

    raw_dir: pathlib.Path
    out_dir: pathlib.Path
    workers: int
    skip_broken: bool = False
    overwrite: bool = False


def define_flags() -> None:
    """Defines the flags that all converters have."""
    flags.DEFINE_string("raw_dir", None, "Directory of the raw recordings.")
    flags.DEFINE_string("out_dir", None, "Directory of converted sets; the set goes to OUT_DIR/NAME/VERSION.")
    flags.DEFINE_integer("workers", pool.processors(), "Processes that convert.", lower_bound=1)
    flags.DEFINE_bool("skip_broken", False, f"Leave out unreadable recordings and list them in {_SKIPPED}.")
    flags.DEFINE_bool("overwrite", False, "Replace a set that has been converted before.")


def read_options(arguments: Sequence[str]) -> Options:
    """The options as flags give them; `arguments` is what absl leaves over of the command line.

    Raises:
      UserError: when a required flag is missing or a word is left over.
    """
    if len(arguments) > 1:
        raise UserError(f"unexpected argument {arguments[1]!r}; options are written --NAME=VALUE, see --help")
    values = flags.FLAGS
    for name in ("raw_dir", "out_dir"):
        if not values[name].value:
            raise UserError(f"--{name} is missing: {values[name].help[0].lower()}{values[name].help[1:]}")
    raw_dir = pathlib.Path(values.raw_dir)
    if not raw_dir.is_dir():
        raise UserError(f"--raw_dir={raw_dir}: no such directory")
    return Options(raw_dir, pathlib.Path(values.out_dir), values.workers, values.skip_broken, values.overwrite)


def convert(data_set: DataSet, read_frames: shards.ReadFrames, options: Options) -> pathlib.Path:
    """Converts a set and prints a summary.

    Returns:
      The set's directory, `OUT_DIR/NAME/VERSION`.

    Raises:
      UserError: when recordings are broken and may not be skipped, another set is in the place, or the directory
        cannot be written.
    """
    _check(data_set)
    directory = options.out_dir / data_set.name / data_set.version
    fingerprint = _fingerprint(data_set)
    if directory.exists() and not options.overwrite:
        _compare_with_existing(directory, fingerprint)
        return directory
    incomplete = directory.with_name(f"{data_set.version}.incomplete")
    started = time.monotonic()
    try:
        with sole_writer(incomplete):
            _keep_only_shards_of(incomplete, fingerprint)
            tasks = _tasks(data_set, incomplete)
            kept = {task.path: done for task in tasks if (done := shards.finished(task)) is not None}
            done_now = _run([task for task in tasks if task.path not in kept], read_frames, options.workers)
            results = [(task, kept.get(task.path) or done_now[task.path]) for task in tasks]
            _settle_missing(data_set, results, incomplete, options.skip_broken)
            _write_metadata(data_set, results, incomplete)
            same = twin_report.write(incomplete / _TWINS, data_set.benchmarks, results)
            _put_in_place(incomplete, directory)
    except OSError as error:
        raise UserError(f"{error.filename or options.out_dir}: cannot be written ({error.strerror})") from error
    for line in same:
        print(f"note: {line}")
    _print_summary(data_set, results, len(kept), time.monotonic() - started, directory)
    return directory


def _check(data_set: DataSet) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", data_set.name):
        raise UserError(f"name {data_set.name!r}: expected lower-case letters, digits and _, a letter first")
    split_of: dict[str, str] = {}
    for split, items in data_set.splits.items():
        if not items:
            raise UserError(f"{data_set.name}: split {split} has no recordings")
        for item in items:
            if item.name in split_of:
                raise UserError(f"{item.path}: {item.name} is twice in the set ({split_of[item.name]} and {split})")
            split_of[item.name] = split
            if not 0 <= item.label < len(data_set.label_names):
                raise UserError(f"{item.path}: label {item.label}, expected 0 to {len(data_set.label_names) - 1}")


# What a set was made from.


def _fingerprint(data_set: DataSet) -> dict[str, str]:
    """Digests of the input (the files' names, sizes and times, and the set's description) and of the code."""
    inputs = hashlib.sha256()
    described = {
        field.name: getattr(data_set, field.name)
        for field in dataclasses.fields(data_set)
        if field.name not in ("splits", "benchmarks")
    }
    inputs.update(repr((described, RECORDINGS_PER_SHARD)).encode())
    for split, items in data_set.splits.items():
        for item in items:
            try:
                stat = item.path.stat()
                state = (stat.st_size, stat.st_mtime_ns)
            except OSError:
                state = (-1, -1)
            inputs.update(repr((split, dataclasses.replace(item, path=pathlib.Path(item.path.name)), state)).encode())
    code = hashlib.sha256()
    root = pathlib.Path(__file__).resolve().parent.parent
    for path in sorted(path for pattern in _CODE for path in root.glob(pattern)):
        code.update(path.read_bytes())
    return {"input": inputs.hexdigest(), "code": code.hexdigest()}


def _compare_with_existing(directory: pathlib.Path, fingerprint: Mapping[str, str]) -> None:
    """Says that the set is there already, or raises UserError when it was made from something else."""
    found = shards.read_json(directory / _FINGERPRINT)
    if not isinstance(found, dict) or found.get("input") != fingerprint["input"]:
        raise UserError(f"{directory}: a set made from other recordings is there; add --overwrite to replace it")
    listings = [path for name in (_SKIPPED, _LEFT_OUT) if (path := directory / name).exists()]
    counts = [f"{len(path.read_text(encoding='utf-8').splitlines())} listed in {path}" for path in listings]
    print(f"already converted: {directory}" + (f", without {' and '.join(counts)}" if counts else ""))


def _keep_only_shards_of(incomplete: pathlib.Path, fingerprint: Mapping[str, str]) -> None:
    """Empties the directory unless an interrupted run of the same code wrote it from the same input."""
    if shards.read_json(incomplete / _FINGERPRINT) != fingerprint:
        for path in incomplete.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (incomplete / shards.FINISHED).mkdir(exist_ok=True)
    shards.write_json(incomplete / _FINGERPRINT, fingerprint)


def _tasks(data_set: DataSet, directory: pathlib.Path) -> list[shards.Task]:
    tasks = []
    for split, items in data_set.splits.items():
        starts = range(0, len(items), RECORDINGS_PER_SHARD)
        for shard, start in enumerate(starts):
            path = directory / shard_name(data_set.name, split, shard, len(starts))
            part = tuple(items[start : start + RECORDINGS_PER_SHARD])
            tasks.append(shards.Task(path, split, part, data_set.label_names, data_set.frame_shape))
    return tasks


def _run(
    tasks: Sequence[shards.Task], read_frames: shards.ReadFrames, workers: int
) -> dict[pathlib.Path, shards.Result]:
    """Writes the shards, with a progress bar on a terminal."""
    results = {}
    recordings = sum(len(task.items) for task in tasks)
    with tqdm(total=recordings, unit=" recordings", disable=None) as progress:
        for index, result in pool.run(shards.write, [(task, read_frames) for task in tasks], workers):
            results[tasks[index].path] = result
            progress.update(len(tasks[index].items))
    return results


# The end of a conversion.

_Results = Sequence[tuple[shards.Task, shards.Result]]


def _settle_missing(data_set: DataSet, results: _Results, incomplete: pathlib.Path, skip: bool) -> None:
    """Lists the recordings that are not in the set; raises UserError when some are broken and may not be skipped."""
    broken = _list(incomplete / _SKIPPED, results, [result.broken for _, result in results])
    left_out = _list(incomplete / _LEFT_OUT, results, [result.left_out for _, result in results])
    if broken:
        print(f"{len(broken)} broken recordings:", file=sys.stderr)
    for reason in broken[:_REPORTED]:
        print(f"  {reason}", file=sys.stderr)
    if len(broken) > _REPORTED:
        print(f"  and {len(broken) - _REPORTED} more", file=sys.stderr)
    if broken and not skip:
        raise UserError(
            f"{len(broken)} of {sum(len(items) for items in data_set.splits.values())} recordings are broken, listed "
            f"in {incomplete / _SKIPPED}; repair them, or leave them out with --skip_broken"
        )
    for split in data_set.splits:
        if not sum(result.records for task, result in results if task.split == split):
            reasons = [*(["broken"] if broken else []), *(f"left out ({reason})" for reason in sorted(set(left_out)))]
            raise UserError(
                f"{data_set.name}: all recordings of split {split} are {' or '.join(reasons)}; is it the right input?"
            )


def _list(path: pathlib.Path, results: _Results, reasons: Sequence[Mapping[str, str]]) -> list[str]:
    """Writes a line for each recording that has a reason, by shard, if any has; returns the reasons."""
    found = [
        (item, reason_of[item.name])
        for (task, _), reason_of in zip(results, reasons, strict=True)
        for item in task.items
        if item.name in reason_of
    ]
    lines = [f"{item.name}: {reason.replace(str(item.path), item.path.name)}\n" for item, reason in found]
    if lines:
        path.write_text("".join(lines), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
    return [reason for _, reason in found]


def _write_metadata(data_set: DataSet, results: _Results, directory: pathlib.Path) -> None:
    shards_of = {split: [result for task, result in results if task.split == split] for split in data_set.splits}
    tfds_layout.write_metadata(
        directory,
        name=data_set.name,
        version=data_set.version,
        features=tfds_layout.record_features(data_set.label_names, data_set.frame_shape),
        splits={
            split: ([shard.records for shard in shards], sum(shard.size for shard in shards))
            for split, shards in shards_of.items()
        },
        description=data_set.description,
        citation=data_set.citation,
        homepage=data_set.homepage,
    )


def _put_in_place(incomplete: pathlib.Path, directory: pathlib.Path) -> None:
    """Gives the finished set its name, in place of an older one if there is one."""
    shutil.rmtree(incomplete / shards.FINISHED)
    old = directory.with_name(f"{directory.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if directory.exists():
        directory.rename(old)
    incomplete.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def _print_summary(data_set: DataSet, results: _Results, kept: int, seconds: float, directory: pathlib.Path) -> None:
    counts = {
        split: sum(result.records for task, result in results if task.split == split) for split in data_set.splits
    }
    records = sum(counts.values())
    skipped = sum(len(result.broken) for _, result in results)
    left_out = Counter(reason for _, result in results for reason in result.left_out.values())
    other_length = sum(result.other_length for _, result in results)
    size = sum(path.stat().st_size for path in directory.iterdir())
    if skipped:
        print(f"skipped {skipped} broken recordings, listed in {directory / _SKIPPED}")
    for reason, count in left_out.items():
        print(f"left out {count} recordings ({reason}), listed in {directory / _LEFT_OUT}")
    if other_length:
        print(f"{other_length} recordings have another number of frames than their list says; the files were followed")
    if data_set.published and records != data_set.published:
        print(f"note: the authors publish {data_set.published} recordings, {records} were converted")
    speed = f"in {seconds:.1f} s, {records / seconds:.0f} recordings/s"
    if kept:
        speed = f"with {kept} of {len(results)} shards kept from an interrupted run, the others in {seconds:.1f} s"
    splits = ", ".join(f"{split} {count}" for split, count in counts.items())
    print(
        f"{data_set.name} {data_set.version}: {records} recordings ({splits}) {speed}, {size / 1e6:.1f} MB, "
        f"in {directory}"
    )
