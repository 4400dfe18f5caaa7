"""The command that converts SHREC'17: what it reads from the lists, and its one-line errors."""

import subprocess
import sys

import pytest

from data_prep import conversion, shrec
from dsta_jax.data import records
from dsta_jax.datasets.shrec17 import TEST_LIST, TRAIN_LIST
from dsta_jax.errors import UserError
from tests import raw_recordings

TRAIN = [(1, 1, 2, 1), (1, 2, 2, 1), (14, 2, 28, 5)]
TEST = [(7, 1, 3, 1)]


@pytest.fixture
def raw_dir(tmp_path):
    raw_recordings.write_shrec(tmp_path / "raw", TRAIN, TEST)
    return tmp_path / "raw"


def run(raw_dir, tmp_path):
    shrec.run(conversion.Options(raw_dir, tmp_path / "out", workers=1))
    return records.find_data_set(tmp_path / "out", "shrec17")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "data_prep.shrec", *arguments], cwd=raw_recordings.ROOT, capture_output=True, text=True
    )


def test_names_labels_and_subjects(raw_dir, tmp_path):
    found = [
        (split, record.name, record.label, record.subject, record.camera, record.setup)
        for split in ("train", "test")
        for record in raw_recordings.read_split(run(raw_dir, tmp_path), split)
    ]
    assert found == [
        ("train", "gesture_1/finger_1/subject_2/essai_1", 0, 2, 0, 0),
        ("train", "gesture_1/finger_2/subject_2/essai_1", 1, 2, 0, 0),
        ("train", "gesture_14/finger_2/subject_28/essai_5", 27, 28, 0, 0),
        ("test", "gesture_7/finger_1/subject_3/essai_1", 12, 3, 0, 0),
    ]


def test_another_number_of_frames_than_the_list_says_is_counted(raw_dir, tmp_path, capsys):
    (raw_dir / TEST_LIST).write_text(raw_recordings.list_line(TEST[0], 99) + "\n")
    run(raw_dir, tmp_path)
    assert "1 recordings have another number of frames than their list says" in capsys.readouterr().out


def test_an_incomplete_set_is_noted(raw_dir, tmp_path, capsys):
    run(raw_dir, tmp_path)
    assert "note: the authors publish 2800 recordings, 4 were converted" in capsys.readouterr().out


def test_a_list_that_names_a_missing_recording(raw_dir, tmp_path, capsys):
    with (raw_dir / TRAIN_LIST).open("a") as file:
        file.write(raw_recordings.list_line((2, 1, 2, 1), 9) + "\n")
    with pytest.raises(UserError, match="1 of 5 recordings are broken"):
        run(raw_dir, tmp_path)
    assert "gesture_2/finger_1/subject_2/essai_1/skeletons_world.txt: no such file" in capsys.readouterr().err


def test_a_recording_in_both_lists(raw_dir, tmp_path):
    with (raw_dir / TEST_LIST).open("a") as file:
        file.write(raw_recordings.list_line(TRAIN[2], 9) + "\n")
    with pytest.raises(UserError, match="both name gesture_14/finger_2/subject_28/essai_5, 1 recordings in all"):
        run(raw_dir, tmp_path)


@pytest.mark.parametrize("name", [TRAIN_LIST, TEST_LIST])
def test_a_missing_list(raw_dir, tmp_path, name):
    (raw_dir / name).unlink()
    with pytest.raises(UserError, match=f"{name}: no such file"):
        run(raw_dir, tmp_path)


def test_the_command(raw_dir, tmp_path):
    arguments = (f"--raw_dir={raw_dir}", f"--out_dir={tmp_path / 'out'}", "--name=my_hands", "--workers=1")
    first = command(*arguments)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("my_hands 1.0.0: 4 recordings (train 3, test 1) in ")
    assert records.find_data_set(tmp_path / "out", "my_hands").name == "1.0.0"


def test_broken_recordings_end_the_command(raw_dir, tmp_path):
    (raw_dir / "gesture_7/finger_1/subject_3/essai_1/skeletons_world.txt").write_text("")
    ended = command(f"--raw_dir={raw_dir}", f"--out_dir={tmp_path / 'out'}")
    assert ended.returncode == 1
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == [
        "1 broken recordings",
        f"  {raw_dir / 'gesture_7/finger_1/subject_3/essai_1/skeletons_world.txt'}",
        "error",
    ]


BAD_COMMANDS = {
    "no flag": ([], "--raw_dir is missing: directory of the raw recordings"),
    "no out_dir": (["--raw_dir=."], "--out_dir is missing: directory of converted sets"),
    "no directory": (["--raw_dir=nowhere", "--out_dir=out"], "--raw_dir=nowhere: no such directory"),
    "no dashes": (["raw_dir=."], "unexpected argument 'raw_dir=.'"),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_bad_commands(case):
    arguments, message = BAD_COMMANDS[case]
    ended = command(*arguments)
    assert ended.returncode == 1 and ended.stderr.startswith(f"error: {message}")
    assert ended.stderr.count("\n") == 1 and not ended.stdout


def test_help_names_all_flags():
    printed = command("--help").stdout
    for flag in ("--raw_dir", "--out_dir", "--workers", "skip_broken", "overwrite", "--name"):
        assert flag in printed
