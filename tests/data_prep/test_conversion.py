"""Converting: the same bytes however it is done, whole or not at all, nothing dropped in silence."""

import contextlib
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

from data_prep import conversion, shrec
from data_prep.lock import sole_writer
from data_prep.shards import Item, LeftOut
from dsta_jax.data import records
from dsta_jax.datasets.layouts import HAND_22, UTD_MHAD_20
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.shrec17 import SKELETON_FILE, recording_name
from dsta_jax.errors import UserError
from tests import raw_recordings

TRAIN, TEST = raw_recordings.keys_of(300), raw_recordings.keys_of(5, first_essai=9)
SHARDS = 4  # three of train, one of test

# A command that converts; until a file `go` exists, it reads no recording of the second and third shard to its end.
GATED = """
import os, pathlib, sys, time
from data_prep import conversion, shrec
from dsta_jax.errors import one_line_errors

gate = pathlib.Path(sys.argv[2])

def read_frames(item):
    (gate / f"pid_{os.getpid()}").touch()
    while item.subject > 5 and not (gate / "go").exists():
        time.sleep(0.01)
    return shrec.read_frames(item)

def main():
    options = conversion.Options(pathlib.Path(sys.argv[1]), gate / "out", workers=2)
    data_set = shrec.describe(options.raw_dir, "hands")
    conversion.convert(data_set, read_frames, options)

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
    shrec.run(conversion.Options(raw_dir, out_dir, workers=1), "hands")
    return out_dir / "hands" / "1.0.0"


def small_raw(tmp_path) -> pathlib.Path:
    raw_recordings.write_shrec(tmp_path / "raw", TRAIN[:6], TEST)
    return tmp_path / "raw"


def broken_raw(tmp_path) -> pathlib.Path:
    """Three of eleven recordings are broken, each in another way."""
    raw = small_raw(tmp_path)
    (raw / recording_name(*TRAIN[1]) / SKELETON_FILE).write_text("0.5 0.5\n")
    (raw / recording_name(*TRAIN[3]) / SKELETON_FILE).write_text(" ".join(["0"] * 66) + "\n")
    (raw / recording_name(*TEST[0]) / SKELETON_FILE).unlink()
    return raw


def read_names(directory, split) -> list[str]:
    return [record.name for record in raw_recordings.read_split(directory, split)]


def test_two_workers_write_the_same_bytes(raw_dir, converted, tmp_path, capfd):
    shrec.run(conversion.Options(raw_dir, tmp_path, workers=2), "hands")
    assert raw_recordings.contents(tmp_path / "hands" / "1.0.0") == raw_recordings.contents(converted)
    printed = capfd.readouterr()
    assert "hands 1.0.0: 305 recordings (train 300, test 5) in " in printed.out
    assert "recordings/s" in printed.out and str(tmp_path) in printed.out and not printed.err


def test_the_files_have_the_names_of_tfds(converted):
    assert sorted(path.name for path in converted.iterdir()) == [
        "dataset_info.json",
        "features.json",
        "fingerprint.json",
        "hands-test.tfrecord-00000-of-00001",
        *(f"hands-train.tfrecord-{shard:05d}-of-00003" for shard in range(3)),
        "label.labels.txt",
    ]
    assert records.read_info(converted).split_lengths == {"train": (128, 128, 44), "test": (5,)}


def test_metadata_name_no_place_and_no_time(converted, raw_dir):
    for name in ("dataset_info.json", "features.json", "fingerprint.json"):
        text = (converted / name).read_text()
        assert str(converted.parent.parent) not in text and str(raw_dir) not in text
        assert time.strftime("%Y-%m") not in text


def test_a_second_run_is_quick(raw_dir, converted, capsys):
    before = {path: path.stat().st_mtime_ns for path in converted.iterdir()}
    started = time.monotonic()
    shrec.run(conversion.Options(raw_dir, converted.parent.parent, workers=2), "hands")
    assert time.monotonic() - started < 1
    assert capsys.readouterr().out == f"already converted: {converted}\n"
    assert {path: path.stat().st_mtime_ns for path in converted.iterdir()} == before


def test_another_input_does_not_replace_a_set(tmp_path):
    raw, out = small_raw(tmp_path), tmp_path / "out"
    shrec.run(conversion.Options(raw, out, workers=1), "hands")
    changed = raw / recording_name(*TRAIN[0]) / SKELETON_FILE
    changed.write_text(changed.read_text() + changed.read_text())
    with pytest.raises(UserError, match="a set made from other recordings is there; add --overwrite"):
        shrec.run(conversion.Options(raw, out, workers=1), "hands")
    shrec.run(conversion.Options(raw, out, workers=1, overwrite=True), "hands")
    first = next(raw_recordings.read_split(out / "hands" / "1.0.0", "train"))
    assert len(first.frames_TxVxMxC) == 8
    assert [path.name for path in (out / "hands").iterdir()] == ["1.0.0"]


def test_broken_recordings_are_all_reported_and_nothing_loads(tmp_path, capsys):
    raw = broken_raw(tmp_path)
    with pytest.raises(UserError, match="3 of 11 recordings are broken, .*--skip_broken"):
        shrec.run(conversion.Options(raw, tmp_path / "out", workers=1), "hands")
    report = capsys.readouterr().err
    assert "3 broken recordings:" in report
    assert f"{raw / recording_name(*TRAIN[1]) / SKELETON_FILE}:1: 2 columns, expected 66" in report
    assert f"{raw / recording_name(*TRAIN[3]) / SKELETON_FILE}: no body is seen in any of the 1 frames" in report
    assert f"{raw / recording_name(*TEST[0]) / SKELETON_FILE}: no such file" in report
    with pytest.raises(UserError, match="no data set hands"):
        records.find_data_set(tmp_path / "out", "hands")


def test_broken_recordings_can_be_skipped(tmp_path, capsys):
    options = conversion.Options(broken_raw(tmp_path), tmp_path / "out", workers=1, skip_broken=True)
    shrec.run(options, "hands")
    directory = records.find_data_set(tmp_path / "out", "hands")
    assert read_names(directory, "train") == [recording_name(*TRAIN[i]) for i in (0, 2, 4, 5)]
    assert read_names(directory, "test") == [recording_name(*key) for key in TEST[1:]]
    skipped = (directory / "skipped.txt").read_text()
    assert [line.split(":")[0] for line in skipped.splitlines()] == [
        recording_name(*key) for key in (TRAIN[1], TRAIN[3], TEST[0])
    ]
    assert str(tmp_path) not in skipped
    printed = capsys.readouterr().out
    assert "skipped 3 broken recordings" in printed and "8 recordings (train 4, test 4)" in printed
    shrec.run(options, "hands")
    assert f"without 3 listed in {directory / 'skipped.txt'}" in capsys.readouterr().out


def test_a_split_of_broken_recordings_only(tmp_path):
    raw = small_raw(tmp_path)
    for key in TEST:
        (raw / recording_name(*key) / SKELETON_FILE).unlink()
    with pytest.raises(UserError, match="all recordings of split test are broken"):
        shrec.run(conversion.Options(raw, tmp_path / "out", workers=1, skip_broken=True), "hands")


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
    options = conversion.Options(raw, out, workers=1)
    with pytest.raises(UserError):
        shrec.run(options, "hands")
    with pytest.raises(UserError):
        shrec.run(options, "hands")
    shutil.rmtree(raw)
    raw_recordings.write_shrec(raw, TRAIN[:6], TEST)
    shrec.run(options, "hands")
    assert "kept" not in capsys.readouterr().out
    assert len(read_names(out / "hands" / "1.0.0", "train")) == 6
    assert not (out / "hands" / "1.0.0" / "skipped.txt").exists()


def test_two_conversions_at_once(tmp_path):
    with (
        sole_writer(tmp_path / "out" / "hands" / "1.0.0.incomplete"),
        pytest.raises(UserError, match="hands/1.0.0.incomplete: another program is writing there"),
    ):
        shrec.run(conversion.Options(small_raw(tmp_path), tmp_path / "out", workers=1), "hands")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        shrec.run(conversion.Options(small_raw(tmp_path), tmp_path / "file", workers=1), "hands")


def read_wrong_frames(item: Item) -> np.ndarray:
    shape = (2, 20, 1, 3) if item.label else (2, 22, 1, 3)
    return np.full(shape, np.nan if item.label == 2 else 1, np.float32)


def small_set(tmp_path, **changes) -> conversion.DataSet:
    items = [Item(f"item_{label}", tmp_path / "raw", label, subject=1) for label in range(3)]
    values: dict[str, Any] = {
        "name": "small",
        "version": "1.0.0",
        "layout": UTD_MHAD_20,
        "bodies": 1,
        "label_names": ("a", "b", "c"),
        "description": "",
        "citation": "",
        "homepage": "",
        "splits": {"all": items},
        **changes,
    }
    return conversion.DataSet(**values)


def test_frames_that_do_not_fit_are_broken(tmp_path, capsys):
    options = conversion.Options(tmp_path, tmp_path, workers=1, skip_broken=True)
    directory = conversion.convert(small_set(tmp_path), read_wrong_frames, options)
    assert read_names(directory, "all") == ["item_1"]
    report = capsys.readouterr().err
    assert "frames are float32 (2, 22, 1, 3), expected float32 (frames, *(20, 1, 3))" in report
    assert "NaN or infinity after normalisation" in report


def read_some_frames(item: Item) -> np.ndarray:
    if item.label == 1:
        raise LeftOut("nobody is seen")
    if item.label == 2:
        raise UserError(f"{item.path}: broken")
    return np.ones((2, 20, 1, 3), np.float32)


def test_recordings_with_nothing_in_them_are_left_out_without_being_broken(tmp_path, capsys):
    data_set = small_set(tmp_path)
    with pytest.raises(UserError, match="1 of 3 recordings are broken"):
        conversion.convert(data_set, read_some_frames, conversion.Options(tmp_path, tmp_path, workers=1))
    options = conversion.Options(tmp_path, tmp_path, workers=1, skip_broken=True)
    directory = conversion.convert(data_set, read_some_frames, options)
    assert read_names(directory, "all") == ["item_0"]
    assert (directory / "left_out.txt").read_text() == "item_1: nobody is seen\n"
    assert (directory / "skipped.txt").read_text() == "item_2: raw: broken\n"
    printed = capsys.readouterr().out
    assert f"left out 1 recordings (nobody is seen), listed in {directory / 'left_out.txt'}" in printed
    assert "skipped 1 broken recordings" in printed and "1 of 1 shards kept" in printed
    conversion.convert(data_set, read_some_frames, options)
    printed = capsys.readouterr().out
    assert f"1 listed in {directory / 'skipped.txt'} and 1 listed in {directory / 'left_out.txt'}" in printed


def test_a_split_with_nothing_in_it(tmp_path):
    items = [Item(f"item_{number}", tmp_path / "raw", 1, subject=1) for number in range(2)]
    with pytest.raises(UserError, match=r"all recordings of split all are left out \(nobody is seen\)"):
        conversion.convert(
            small_set(tmp_path, splits={"all": items}), read_some_frames, conversion.Options(tmp_path, tmp_path, 1)
        )


BAD_SETS: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": "Small-set"}, "name 'Small-set': expected lower-case letters"),
    "no recordings": ({"splits": {"all": []}}, "split all has no recordings"),
    "label": ({"label_names": ("a", "b")}, "label 2, expected 0 to 1"),
    "twice": (
        {
            "splits": {
                "train": [Item("x", pathlib.Path("p"), 0, 1)],
                "test": [Item("x", pathlib.Path("p"), 0, 1)],
            }
        },
        "x is twice in the set (train and test)",
    ),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_bad_sets(tmp_path, case):
    changes, message = BAD_SETS[case]
    with pytest.raises(UserError) as caught:
        conversion.convert(small_set(tmp_path, **changes), read_wrong_frames, conversion.Options(tmp_path, tmp_path, 1))
    assert message in str(caught.value)


def test_the_values_are_those_of_the_raw_recordings(converted, raw_dir):
    frames = {
        recording_name(*key): raw_recordings.hand_frames(seed, 4 + seed % 5) for seed, key in enumerate(TRAIN + TEST)
    }
    for _, record in records.read_set(converted):
        np.testing.assert_array_equal(record.frames_TxVxMxC, normalize(frames.pop(record.name)[:, :, None], HAND_22))
    assert not frames
