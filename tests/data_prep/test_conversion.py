"""Converting: the same bytes however it is done, whole or not at all, nothing dropped in silence."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from data_prep import conversion, convert
from dsta_jax.data import records
from dsta_jax.datasets.benchmark import Benchmark, Protocol, Source
from dsta_jax.datasets.layouts import COCO_17, HAND_22
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.recording import Collection, Entry, Recording
from dsta_jax.datasets.shrec17 import SKELETON_FILE, recording_name
from dsta_jax.errors import UserError
from dsta_jax.files import sole_writer
from tests import raw_recordings

TRAIN, TEST = raw_recordings.keys_of(300), raw_recordings.keys_of(5, first_essai=9)
SHARDS = 4  # three of train, one of test

# A command that converts; until a file `go` exists, it reads no recording of the second and third shard to its end.
GATED = """
import dataclasses, os, pathlib, sys, time
from data_prep import conversion
from dsta_jax.datasets import shrec17
from dsta_jax.errors import one_line_errors

gate = pathlib.Path(sys.argv[2])

def read(entry):
    (gate / f"pid_{os.getpid()}").touch()
    while entry.subject > 5 and not (gate / "go").exists():
        time.sleep(0.01)
    return shrec17.read(entry)

def main():
    collection = dataclasses.replace(shrec17.find(pathlib.Path(sys.argv[1])), read=read)
    options = conversion.Options(gate / "out", workers=2)
    conversion.convert(shrec17.SHREC17.renamed("hands"), collection, options)

if __name__ == "__main__":
    one_line_errors(main)()
"""


@pytest.fixture(scope="module")
def raw_dir(tmp_path_factory):
    """305 recordings in SHREC'17's layout; tests must not change them."""
    directory = tmp_path_factory.mktemp("raw")
    raw_recordings.write_shrec(directory, TRAIN, TEST)
    return directory


@pytest.fixture(scope="module")
def converted(raw_dir, tmp_path_factory):
    """The set converted in one process; tests must not change it."""
    out_dir = tmp_path_factory.mktemp("converted")
    run(raw_dir, out_dir)
    return out_dir / "hands" / "1.0.0"


def run(raw_dir, out_dir, **options) -> None:
    convert.run("shrec17", raw_dir, conversion.Options(out_dir, **options), name="hands")


def small_raw(tmp_path) -> pathlib.Path:
    raw_recordings.write_shrec(tmp_path / "raw", TRAIN[:6], TEST)
    return tmp_path / "raw"


def broken_raw(tmp_path) -> pathlib.Path:
    """Three of eleven recordings are broken, each in another way."""
    raw = small_raw(tmp_path)
    (raw / recording_name(*TRAIN[1]) / SKELETON_FILE).write_text("0.5 0.5\n")
    (raw / recording_name(*TRAIN[3]) / SKELETON_FILE).write_text(" ".join(["1"] * 66) + "\n")
    (raw / recording_name(*TEST[0]) / SKELETON_FILE).unlink()
    return raw


def read_names(directory, split) -> list[str]:
    return [record.name for record in raw_recordings.read_split(directory, split)]


def test_two_workers_write_the_same_bytes(raw_dir, converted, tmp_path, capfd):
    run(raw_dir, tmp_path, workers=2)
    assert raw_recordings.contents(tmp_path / "hands" / "1.0.0") == raw_recordings.contents(converted)
    printed = capfd.readouterr()
    assert "hands 1.0.0: 305 recordings (train 300, test 5) in " in printed.out
    assert "recordings/s" in printed.out and str(tmp_path) in printed.out and not printed.err


def test_the_files_have_the_names_of_tfds(converted):
    assert sorted(path.name for path in converted.iterdir()) == [
        "checksums.json",
        "conversion.json",
        "dataset_info.json",
        "features.json",
        "hands-test.tfrecord-00000-of-00001",
        *(f"hands-train.tfrecord-{shard:05d}-of-00003" for shard in range(3)),
        "label.labels.txt",
    ]
    assert records.read_info(converted).split_lengths == {"train": (128, 128, 44), "test": (5,)}


def test_metadata_name_no_place_and_no_time(converted, raw_dir):
    for name in ("dataset_info.json", "features.json", "conversion.json"):
        text = (converted / name).read_text()
        assert str(converted.parent.parent) not in text and str(raw_dir) not in text
        assert time.strftime("%Y-%m") not in text


def test_a_second_run_is_quick(raw_dir, converted, capsys):
    before = {path: path.stat().st_mtime_ns for path in converted.iterdir()}
    started = time.monotonic()
    run(raw_dir, converted.parent.parent, workers=2)
    assert time.monotonic() - started < 1
    assert capsys.readouterr().out == f"already converted: {converted}\n"
    assert {path: path.stat().st_mtime_ns for path in converted.iterdir()} == before


def test_another_input_does_not_replace_a_set(tmp_path):
    raw, out = small_raw(tmp_path), tmp_path / "out"
    run(raw, out)
    changed = raw / recording_name(*TRAIN[0]) / SKELETON_FILE
    changed.write_text(changed.read_text() + changed.read_text())
    with pytest.raises(UserError, match="a set made from other recordings is there; add --overwrite"):
        run(raw, out)
    run(raw, out, overwrite=True)
    first = next(raw_recordings.read_split(out / "hands" / "1.0.0", "train"))
    assert len(first.frames_TxVxMxC) == 8
    assert [path.name for path in (out / "hands").iterdir()] == ["1.0.0"]


def test_broken_recordings_are_all_reported_and_nothing_loads(tmp_path, capsys):
    raw = broken_raw(tmp_path)
    with pytest.raises(UserError, match="3 of 11 recordings are broken, .*--skip_broken"):
        run(raw, tmp_path / "out")
    report = capsys.readouterr().err
    assert "3 broken recordings:" in report
    assert f"{raw / recording_name(*TRAIN[1]) / SKELETON_FILE}:1: 2 columns, expected 66" in report
    assert (
        f"{raw / recording_name(*TRAIN[3]) / SKELETON_FILE}: the distance of wrist and middle_base is 0 in every frame"
        in report
    )
    assert f"{raw / recording_name(*TEST[0]) / SKELETON_FILE}: no such file" in report
    with pytest.raises(UserError, match="no data set hands"):
        records.find_data_set(tmp_path / "out", "hands")


def test_broken_recordings_can_be_skipped(tmp_path, capsys):
    raw = broken_raw(tmp_path)
    run(raw, tmp_path / "out", skip_broken=True)
    directory = records.find_data_set(tmp_path / "out", "hands")
    assert read_names(directory, "train") == [recording_name(*TRAIN[i]) for i in (0, 2, 4, 5)]
    assert read_names(directory, "test") == [recording_name(*key) for key in TEST[1:]]
    report = json.loads((directory / "conversion.json").read_text())
    assert list(report["broken"]) == [recording_name(*key) for key in (TRAIN[1], TRAIN[3], TEST[0])]
    assert str(tmp_path) not in str(report)
    printed = capsys.readouterr().out
    assert f"note: left out 3 broken recordings, listed in {directory / 'conversion.json'}" in printed
    assert "8 recordings (train 4, test 4)" in printed
    run(raw, tmp_path / "out", skip_broken=True)
    assert f", without 3 recordings that {directory / 'conversion.json'} lists" in capsys.readouterr().out


def test_a_split_of_broken_recordings_only(tmp_path):
    raw = small_raw(tmp_path)
    for key in TEST:
        (raw / recording_name(*key) / SKELETON_FILE).unlink()
    with pytest.raises(UserError, match="all recordings of split test are broken"):
        run(raw, tmp_path / "out", skip_broken=True)


@contextlib.contextmanager
def gated_command(raw_dir, tmp_path):
    """A running conversion that has finished no more than a part of its shards; all its processes are ended."""
    script = tmp_path / "gated.py"
    script.write_text(GATED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(raw_dir), str(tmp_path)],
        env=raw_recordings.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(lambda: len(list(tmp_path.glob("pid_*"))) >= 2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition, seconds=30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_conversion_leaves_nothing_that_loads_and_goes_on(raw_dir, converted, tmp_path):
    finished = tmp_path / "out" / "hands" / "1.0.0.incomplete" / "finished"
    with gated_command(raw_dir, tmp_path) as process:
        wait_for(lambda: list(finished.glob("*.json")))
        process.kill()
        process.wait()
        workers = [int(path.name.removeprefix("pid_")) for path in tmp_path.glob("pid_*")]
        wait_for(lambda: not any(is_running(pid) for pid in workers))
    with pytest.raises(UserError, match="no data set hands"):
        records.find_data_set(tmp_path / "out", "hands")

    (tmp_path / "go").touch()
    with gated_command(raw_dir, tmp_path) as process:
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert f"of {SHARDS} shards kept from an interrupted run" in printed
    assert raw_recordings.contents(tmp_path / "out" / "hands" / "1.0.0") == raw_recordings.contents(converted)


def test_ctrl_c_ends_with_one_line(raw_dir, tmp_path):
    with gated_command(raw_dir, tmp_path) as process:
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.2)
        (tmp_path / "go").touch()
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, printed, errors) == (130, "", "stopped\n")
    with pytest.raises(UserError, match="no data set hands"):
        records.find_data_set(tmp_path / "out", "hands")


def test_shards_of_an_interrupted_run_are_kept_only_for_the_same_input(tmp_path, capsys):
    raw, out = broken_raw(tmp_path), tmp_path / "out"
    for _ in range(2):
        with pytest.raises(UserError):
            run(raw, out)
    shutil.rmtree(raw)
    raw_recordings.write_shrec(raw, TRAIN[:6], TEST)
    run(raw, out)
    assert "kept" not in capsys.readouterr().out
    assert len(read_names(out / "hands" / "1.0.0", "train")) == 6
    assert not json.loads((out / "hands" / "1.0.0" / "conversion.json").read_text())["broken"]


def test_two_conversions_at_once(tmp_path):
    with (
        sole_writer(tmp_path / "out" / "hands"),
        pytest.raises(UserError, match="out/hands: another program is writing there"),
    ):
        run(small_raw(tmp_path), tmp_path / "out")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        run(small_raw(tmp_path), tmp_path / "file")


@pytest.mark.parametrize("new_is_there", [False, True])
def test_killed_while_a_set_is_replaced(tmp_path, capsys, new_is_there):
    """Between the old set's new name and the new set's; or before the old set was removed."""
    raw, out = small_raw(tmp_path), tmp_path / "out"
    run(raw, out)
    place = out / "hands" / "1.0.0"
    before = raw_recordings.contents(place)
    place.rename(out / "hands" / "1.0.0.old")
    if new_is_there:
        shutil.copytree(out / "hands" / "1.0.0.old", place)
        (out / "hands" / "1.0.0.old" / "dataset_info.json").unlink()
    capsys.readouterr()
    run(raw, out)
    assert capsys.readouterr().out == f"already converted: {place}\n"
    assert [path.name for path in (out / "hands").iterdir()] == ["1.0.0"]
    assert raw_recordings.contents(place) == before


SOURCE = Source("small", COCO_17, ("a", "b", "c"), channels="xyc")


def small(changes: dict[str, Recording | Exception], splits: dict[str, str], **origins: Any) -> Collection:
    """A collection of recordings a, b, ... with one label each; as `changes` say, or of random joints."""
    names = sorted({name for listed in splits.values() for name in listed})
    entries = {
        name: Entry(name, pathlib.Path("raw"), number % 3, **{key: values[number] for key, values in origins.items()})
        for number, name in enumerate(names)
    }

    def read(entry: Entry) -> Recording:
        found = changes.get(entry.name, joints(entry.name))
        if isinstance(found, Exception):
            raise found
        return found

    return Collection(entries, {split: list(listed) for split, listed in splits.items()}, read)


def joints(seed: str, lost: list[int] | None = None, untrusted: list[int] | None = None) -> Recording:
    random = np.random.default_rng(ord(seed))
    frames_TxVxMxC, score_TxVxM = random.uniform(1, 9, (4, 17, 1, 2)), random.uniform(0.1, 1, (4, 17, 1))
    score_TxVxM[:, (lost or []) + (untrusted or [])] = 0
    frames_TxVxMxC[:, lost or []] = 0
    return Recording(frames_TxVxMxC, score_TxVxM)


def report_of(directory: pathlib.Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "conversion.json").read_text())
    return found


def test_what_is_broken_and_what_is_empty(tmp_path, capsys):
    nobody = Recording(np.zeros((3, 17, 1, 2)), np.zeros((3, 17, 1)))
    changes = {"b": nobody, "c": UserError("raw: c: broken"), "d": ValueError("odd"), "e": OSError("gone")}
    collection = small(changes, {"all": "abcde"})
    with pytest.raises(UserError, match="3 of 5 recordings are broken"):
        conversion.convert(SOURCE, collection, conversion.Options(tmp_path))
    directory = conversion.convert(SOURCE, collection, conversion.Options(tmp_path, skip_broken=True))
    assert read_names(directory, "all") == ["a"]
    report = report_of(directory)
    assert report["left_out"] == {"b": "nobody is seen"}
    assert report["broken"] == {"c": "raw: c: broken", "d": "raw: d: odd", "e": "raw: e: gone"}
    printed = capsys.readouterr()
    assert "  raw: c: broken\n" in printed.err
    assert f"note: left out 1 recordings (nobody is seen), listed in {directory / 'conversion.json'}" in printed.out
    assert "1 of 1 shards kept" in printed.out
    conversion.convert(SOURCE, collection, conversion.Options(tmp_path))
    assert "without 4 recordings that" in capsys.readouterr().out


def test_a_split_with_nothing_in_it(tmp_path):
    nobody = Recording(np.ones((3, 17, 1, 2)), np.zeros((3, 17, 1)))
    message = r"all recordings of split test are left out \(no confidence is above 0\); is it the right input"
    with pytest.raises(UserError, match=message):
        conversion.convert(SOURCE, small({"b": nobody}, {"train": "a", "test": "b"}), conversion.Options(tmp_path))


def test_a_fallback_and_what_was_not_seen_are_counted(tmp_path, capsys):
    changes = {"a": joints("a", lost=[11, 12]), "c": joints("c", lost=[11]), "d": joints("d", untrusted=[0, 3])}
    directory = conversion.convert(SOURCE, small(changes, {"all": "abcd"}), conversion.Options(tmp_path))
    printed = capsys.readouterr().out
    assert (
        "note: 2 of 4 recordings are normalised by left_shoulder, right_shoulder, because left_hip, right_hip, "
        f"left_shoulder, right_shoulder are never seen together in them; listed in {directory / 'conversion.json'}\n"
    ) in printed
    assert "note: 20 of 272 joints (7.4%) were not seen\n" in printed
    assert (
        "note: 8 of 272 joints (2.9%) have coordinates but confidence 0: they count as not seen and their coordinates "
        "are not used; to use them give channels without c, or set their confidence above 0\n"
    ) in printed
    report = report_of(directory)
    assert report["fallback"] == dict.fromkeys("ac", "left_shoulder, right_shoulder")
    assert (report["joints"], report["unseen"], report["untrusted"]) == (272, 20, 8)
    for record in raw_recordings.read_split(directory, "all"):
        assert int(np.isnan(record.frames_TxVxMxC).all(axis=-1).sum()) == {"a": 8, "b": 0, "c": 4, "d": 8}[record.name]


def test_nothing_to_say(tmp_path, capsys):
    conversion.convert(SOURCE, small({}, {"all": "abc"}), conversion.Options(tmp_path))
    assert "note" not in capsys.readouterr().out


def test_joints_to_measure_by_that_are_never_seen_and_no_fallback(tmp_path, capsys):
    source = Source("small", COCO_17, ("a", "b", "c"), reference=COCO_17.reference.fallback, channels="xyc")
    collection = small({"b": joints("b", lost=[5])}, {"all": "abc"})
    with pytest.raises(UserError, match="1 of 3 recordings are broken"):
        conversion.convert(source, collection, conversion.Options(tmp_path))
    assert (
        "  raw: b: left_shoulder, right_shoulder: never seen together in any of the 4 frames, but place, size or "
        "direction are measured by them; name joints that are seen in the [normalize] table"
    ) in capsys.readouterr().err


def test_words(tmp_path):
    collection = small({}, {"all": "abc"}, subject=["anna", 0, 7], camera=[1, 2, 0], setup=["", 0, ""])
    directory = conversion.convert(SOURCE, collection, conversion.Options(tmp_path))
    found = [(one.subject, one.camera, one.setup) for one in raw_recordings.read_split(directory, "all")]
    assert found == [("anna", 1, 0), ("", 2, 0), ("7", 0, 0)]
    features = json.loads((directory / "features.json").read_text())["featuresDict"]["features"]
    assert "text" in features["subject"] and "text" not in features["camera"]


def test_another_column_or_class_is_another_input(tmp_path):
    conversion.convert(SOURCE, small({}, {"all": "abc"}), conversion.Options(tmp_path))
    for source, collection in (
        (SOURCE, small({}, {"all": "abc"}, subject=[1, 1, 1])),
        (SOURCE, small({}, {"train": "abc"})),
        (SOURCE, small({}, {"all": "ab"})),
        (Source("small", COCO_17, ("a", "b", "x"), channels="xyc"), small({}, {"all": "abc"})),
    ):
        with pytest.raises(UserError, match="a set made from other recordings is there; add --overwrite"):
            conversion.convert(source, collection, conversion.Options(tmp_path))


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (Protocol("camera", test=(2,)), "own: 1 of 3 recordings for testing are identical to one for training"),
        (Protocol("camera", train=(2,)), "own: 1 of 2 recordings for testing are identical to one for training"),
        (Protocol("camera", test=(1,)), "own: 1 of 2 recordings for testing are identical to one for training"),
        (Protocol("subject"), "own: 2 recordings are identical to one of another subject"),
        (Protocol("setup", test=(1,)), ""),
    ],
)
def test_identical_recordings(tmp_path, capsys, protocol, said):
    changes = {"b": joints("a"), "d": joints("c")}
    origins = {"camera": [1, 2, 2, 2, 1], "subject": [1, 2, 3, 3, 4], "setup": [1, 1, 2, 2, 3]}
    collection, benchmark = small(changes, {"all": "abcde"}, **origins), Benchmark.of_labels("own", SOURCE, protocol)
    directory = conversion.convert(SOURCE, collection, conversion.Options(tmp_path), [benchmark])
    assert report_of(directory)["identical"] == [["a", "b"], ["c", "d"]]
    printed = capsys.readouterr().out
    assert "note: 4 of 5 recordings are identical to another one\n" in printed
    assert f"note: {said}\n" in printed if said else "own:" not in printed


def test_a_name_that_is_none(tmp_path):
    with pytest.raises(UserError, match="name 'Small-set': expected lower-case letters, digits and _, a letter first"):
        conversion.convert(SOURCE.renamed("Small-set"), small({}, {"all": "abc"}), conversion.Options(tmp_path))


def test_the_values_are_those_of_the_raw_recordings(converted, raw_dir):
    frames = {
        recording_name(*key): raw_recordings.hand_frames(seed, 4 + seed % 5) for seed, key in enumerate(TRAIN + TEST)
    }
    for _, record in records.read_set(converted):
        expected_TxVxMxC = normalize(frames.pop(record.name)[:, :, None], HAND_22, HAND_22.reference)
        np.testing.assert_array_equal(record.frames_TxVxMxC, expected_TxVxMxC)
    assert not frames
