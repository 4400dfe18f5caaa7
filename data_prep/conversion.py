"""From a collection of recordings to TFRecord files in the layout of TFDS, by a pool of processes.

A set is written to `OUT/NAME/VERSION.incomplete` and renamed to `OUT/NAME/VERSION` when it is complete, so a reader
finds it whole or not at all. The unit of work is a shard of `RECORDINGS_PER_SHARD` recordings, hence the bytes do not
depend on the number of processes, and an interrupted conversion of the same input goes on where it stopped. A set for a
bucket is made on this machine, and copied when it is complete. Beside the shards, `conversion.json` says what the set
was made from, and what was found on the way.
"""

import contextlib
import dataclasses
import hashlib
import pathlib
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

import dsta_jax.datasets
from dsta_jax.data import records
from dsta_jax.datasets.benchmark import Benchmark, Source
from dsta_jax.datasets.recording import ORIGINS, Collection
from dsta_jax.errors import UserError
from dsta_jax.files import sole_writer, writable
from dsta_jax.storage import is_local, remove_directory, write_object

from . import broken, duplicate_report, pool, shards, tfds_layout

RECORDINGS_PER_SHARD = 128
REPORT = "conversion.json"
_COMPLETE = "dataset_info.json"  # Readers look for it first.


@dataclasses.dataclass(frozen=True)
class Options:
    """Where and how a set is written."""

    out: pathlib.Path  # The directory of converted sets.
    workers: int = 1  # Processes that convert.
    skip_broken: bool = False  # Whether broken recordings are left out.
    overwrite: bool = False  # Whether a set that is there is replaced.


def convert(
    source: Source, collection: Collection, options: Options, benchmarks: Sequence[Benchmark] = ()
) -> pathlib.Path:
    """Converts the recordings of all splits; returns the set's directory. UserError when some are broken."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", source.name):
        raise UserError(f"name {source.name!r}: expected lower-case letters, digits and _, a letter first")
    directory = options.out / source.name / source.version
    with writable(options.out), sole_writer(directory.parent), contextlib.ExitStack() as stack:
        if is_local(directory):
            incomplete, there = directory.with_name(f"{directory.name}.incomplete"), directory
            _finish_replacing(directory)
        else:
            incomplete = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) / "set"
            there = directory / _COMPLETE
        if there.exists() and not options.overwrite:
            _compare_with_existing(directory, _made_from(source, collection))
        else:
            _convert(source, collection, options, benchmarks, directory, incomplete)
    return directory


def _convert(
    source: Source,
    collection: Collection,
    options: Options,
    benchmarks: Sequence[Benchmark],
    directory: pathlib.Path,
    incomplete: pathlib.Path,
) -> None:
    started, made_from = time.monotonic(), _made_from(source, collection)
    _keep_only_shards_of(incomplete, made_from)
    tasks = _tasks(source, collection, incomplete)
    kept = {task.path: done for task in tasks if (done := shards.finished(task)) is not None}
    done_now = _run([task for task in tasks if task.path not in kept], collection, options.workers)
    results = [kept.get(task.path) or done_now[task.path] for task in tasks]
    found = shards.together(results)
    same, notes = duplicate_report.find(collection, found.fingerprints, benchmarks)
    shards.write_json(incomplete / REPORT, {**made_from, **_report(collection, found), "identical": same})
    broken.report(list(found.broken.values()), len(collection.selected), incomplete / REPORT, options.skip_broken)
    _refuse_empty_splits(collection, found)
    counts = _write_metadata(source, tasks, results, incomplete)
    _put_in_place(incomplete, directory)
    for line in (*_what_was_found(source, found, directory / REPORT), *notes):
        print(f"note: {line}")
    seconds = time.monotonic() - started
    speed = f"in {seconds:.1f} s, {found.records / seconds:.0f} recordings/s"
    if kept:
        speed = f"with {len(kept)} of {len(tasks)} shards kept from an interrupted run, the others in {seconds:.1f} s"
    splits = ", ".join(f"{split} {count}" for split, count in counts.items())
    print(
        f"{source.name} {source.version}: {found.records} recordings ({splits}) {speed}, "
        f"{records.total_bytes(directory) / 1e6:.1f} MB, in {directory}"
    )


def _made_from(source: Source, collection: Collection) -> dict[str, str]:
    """Digests of the input (the files' names, sizes and times, and the set's description) and of the code."""
    described = dataclasses.replace(source, find=None, prepare=())
    inputs = hashlib.sha256(repr((described, RECORDINGS_PER_SHARD, collection.splits)).encode())
    state_of = {path: _state(path) for path in {one.path for one in collection.selected}}
    for one in collection.selected:
        place = dataclasses.replace(one, path=pathlib.Path(one.path.name))
        inputs.update(repr((place, state_of[one.path])).encode())
    code = hashlib.sha256()
    datasets = pathlib.Path(str(dsta_jax.datasets.__file__)).parent
    modules = [*pathlib.Path(__file__).parent.rglob("*.py"), *datasets.glob("*.py"), pathlib.Path(records.__file__)]
    for path in sorted(modules):
        code.update(path.read_bytes())
    return {"input": inputs.hexdigest(), "code": code.hexdigest()}


def _state(path: pathlib.Path) -> tuple[int, int]:
    try:
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns
    except OSError:
        return -1, -1


def _compare_with_existing(directory: pathlib.Path, made_from: Mapping[str, str]) -> None:
    """Says that the set is there already, or raises UserError when it was made from something else."""
    report = shards.read_json(directory / REPORT)
    if not isinstance(report, dict) or report.get("input") != made_from["input"]:
        raise UserError(f"{directory}: a set made from other recordings is there; add --overwrite to replace it")
    missing = len(report.get("broken", ())) + len(report.get("left_out", ()))
    without = f", without {missing} recordings that {directory / REPORT} lists" if missing else ""
    print(f"already converted: {directory}{without}")


def _keep_only_shards_of(incomplete: pathlib.Path, made_from: dict[str, str]) -> None:
    """Empties the directory unless an interrupted run of the same code wrote it from the same input."""
    report = shards.read_json(incomplete / REPORT)
    if incomplete.exists() and (not isinstance(report, dict) or {**report, **made_from} != report):
        shutil.rmtree(incomplete)
    (incomplete / shards.FINISHED).mkdir(parents=True, exist_ok=True)
    shards.write_json(incomplete / REPORT, made_from)


def _tasks(source: Source, collection: Collection, directory: pathlib.Path) -> list[shards.Task]:
    origins = {key: {getattr(one, key) for one in collection.selected} - {""} for key in ORIGINS}
    words = tuple(key for key, values in origins.items() if any(isinstance(value, str) for value in values))
    tasks = []
    for split, names in collection.splits.items():
        entries = tuple(collection.entries[name] for name in names)
        starts = range(0, len(entries), RECORDINGS_PER_SHARD)
        for shard, start in enumerate(starts):
            path = directory / records.shard_name(source.name, split, shard, len(starts))
            tasks.append(shards.Task(path, split, entries[start : start + RECORDINGS_PER_SHARD], source, words))
    return tasks


def _run(tasks: Sequence[shards.Task], collection: Collection, workers: int) -> dict[pathlib.Path, shards.Result]:
    """Writes the shards, with a progress bar on a terminal."""
    results = {}
    calls = [(task, collection.read) for task in tasks]
    with tqdm(total=sum(len(task.entries) for task in tasks), unit=" recordings", disable=None) as progress:
        for index, result in pool.run(shards.write, calls, workers if collection.parallel else 1):
            results[tasks[index].path] = result
            progress.update(len(tasks[index].entries))
    return results


def _report(collection: Collection, found: shards.Result) -> dict[str, Any]:
    """What is worth keeping of what was found; reasons name no directories."""
    path_of = {name: collection.entries[name].path for name in found.broken}
    reasons = {name: reason.replace(str(path_of[name]), path_of[name].name) for name, reason in found.broken.items()}
    others = (
        "records",
        "frames",
        "empty",
        "joints",
        "unseen",
        "untrusted",
        "at_origin",
        "other_length",
        "left_out",
        "fallback",
    )
    return {**{key: getattr(found, key) for key in others}, "broken": reasons}


def _refuse_empty_splits(collection: Collection, found: shards.Result) -> None:
    for split, names in collection.splits.items():
        if not found.fingerprints.keys() & set(names):
            reasons = ["broken"] * any(name in found.broken for name in names)
            reasons += sorted({f"left out ({found.left_out[name]})" for name in names if name in found.left_out})
            raise UserError(f"all recordings of split {split} are {' or '.join(reasons)}; is it the right input?")


def _write_metadata(
    source: Source, tasks: Sequence[shards.Task], results: Sequence[shards.Result], directory: pathlib.Path
) -> dict[str, int]:
    """Describes the set; returns how many records each split has."""
    splits: dict[str, tuple[list[int], int]] = {}
    for task, result in zip(tasks, results, strict=True):
        lengths, size = splits.get(task.split, ([], 0))
        splits[task.split] = [*lengths, result.records], size + result.size
    features = tfds_layout.record_features(source.label_names, source.frame_shape, tasks[0].words)
    described = {key: getattr(source, key) for key in ("name", "version", "description", "citation", "homepage")}
    tfds_layout.write_metadata(directory, features=features, splits=splits, **described)
    return {split: sum(lengths) for split, (lengths, _) in splits.items()}


def _put_in_place(incomplete: pathlib.Path, directory: pathlib.Path) -> None:
    """Gives the finished set its name, in place of an older one if there is one."""
    shutil.rmtree(incomplete / shards.FINISHED)
    if not is_local(directory):
        _copy_to_bucket(incomplete, directory)
        return
    if directory.exists():
        directory.rename(directory.with_name(f"{directory.name}.old"))
    incomplete.rename(directory)
    _finish_replacing(directory)


def _copy_to_bucket(made: pathlib.Path, directory: pathlib.Path) -> None:
    """The file without which nobody takes it for a set goes first, and comes last."""
    (directory / _COMPLETE).unlink(missing_ok=True)
    remove_directory(directory)
    for path in sorted(made.iterdir(), key=lambda path: path.name == _COMPLETE):
        write_object(directory / path.name, path.read_bytes())


def _finish_replacing(directory: pathlib.Path) -> None:
    """Removes the set that was replaced; if the program was killed before the new one came, the old one stays."""
    old = directory.with_name(f"{directory.name}.old")
    if old.exists() and not directory.exists():
        old.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def _what_was_found(source: Source, found: shards.Result, report: pathlib.Path) -> list[str]:
    """What is to be known of the recordings, a line each."""
    lines = []
    if found.broken:
        lines.append(f"left out {len(found.broken)} broken recordings, listed in {report}")
    for reason, count in Counter(found.left_out.values()).items():
        lines.append(f"left out {count} recordings ({reason}), listed in {report}")
    for joints, count in Counter(found.fallback.values()).items():
        own = f"because {', '.join(source.normalized_by.joints)} are never seen together in them; listed in {report}"
        lines.append(f"{count} of {found.records} recordings are normalised by {joints}, {own}")
    if found.empty:
        lines.append(f"nobody is seen in {found.empty} of {found.frames} frames, which training leaves out")
    if found.unseen:
        lines.append(f"{_share(found.unseen, found.joints)} were not seen")
    if found.untrusted:
        meaning = "they count as not seen and their coordinates are not used"
        remedy = "to use them give channels without c, or set their confidence above 0"
        share = _share(found.untrusted, found.joints)
        lines.append(f"{share} have coordinates but confidence 0: {meaning}; {remedy}")
    if found.at_origin:
        remedy = "if they were not seen, write nan for them"
        lines.append(f"{_share(found.at_origin, found.joints)} are at exactly 0 0 0, in some frames only: {remedy}")
    if count := found.other_length:
        lines.append(f"{count} recordings have another number of frames than their list says; the files were followed")
    if source.published and found.records != source.published:
        lines.append(f"the authors publish {source.published} recordings, {found.records} were converted")
    return lines


def _share(count: int, joints: int) -> str:
    share = count / joints
    return f"{count} of {joints} joints ({f'{share:.1%}' if share >= 0.001 else 'less than 0.1%'})"
