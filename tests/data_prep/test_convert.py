"""The command that converts: what it prints, and its one-line errors."""

import subprocess
import sys

import pytest
from absl import flags

from data_prep import convert
from dsta_jax.formats import ctr_gcn, pyskl
from tests import raw_recordings
from tests.formats import made


def command(*arguments: str) -> tuple[int, str, str]:
    words = [sys.executable, "-m", "data_prep.convert", *arguments]
    finished = subprocess.run(words, capture_output=True, text=True, env=raw_recordings.environment(), check=False)
    return finished.returncode, finished.stdout, finished.stderr


def test_the_command(tmp_path):
    made.write_pickle(tmp_path / "a.pkl", made.annotations())
    status, printed, errors = command(
        "--from=pyskl", "--to=npz", f"--in={tmp_path / 'a.pkl'}", f"--out={tmp_path / 'a.npz'}"
    )
    assert (status, errors) == (0, "")
    assert printed.startswith("npz: 5 recordings (xsub_train 3, xsub_val 2) in ") and printed.count("\n") == 1
    made.assert_same(ctr_gcn.read(tmp_path / "a.npz"), pyskl.read(tmp_path / "a.pkl"))


def test_the_command_for_raw_files(tmp_path):
    raw_recordings.write_shrec(tmp_path / "raw", [(1, 1, 2, 1), (14, 2, 28, 5)], [(7, 1, 3, 1)])
    arguments = ("--from=shrec17", f"--in={tmp_path / 'raw'}", f"--out={tmp_path / 'data'}", "--name=my_hands")
    status, printed, errors = command(*arguments, "--workers=2")
    assert (status, errors) == (0, "")
    assert printed.startswith("my_hands 1.0.0: 3 recordings (train 2, test 1) in ") and printed.count("\n") == 1
    (tmp_path / "raw/gesture_7/finger_1/subject_3/essai_1/skeletons_world.txt").write_text("")
    status, printed, errors = command(*arguments, "--overwrite")
    assert (status, printed) == (1, "")
    assert [line.split(":")[0].split("/")[0] for line in errors.splitlines()] == ["1 broken recordings", "  ", "error"]


def test_the_command_for_described_files(tmp_path):
    (tmp_path / "mine.toml").write_text(raw_recordings.TINY)
    lines = "".join(f"{'abc'[row % 3]},{row},2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9\n" for row in range(6))
    (tmp_path / "keypoint.csv").write_text(lines)
    status, printed, errors = command(
        "--from=folder",
        f"--in={tmp_path / 'keypoint.csv'}",
        f"--benchmark={tmp_path / 'mine.toml'}",
        '--files=line = "recording", columns = ["label", "numbers"]',
        "--to=pyskl",
        f"--out={tmp_path / 'a.pkl'}",
    )
    assert (status, errors) == (0, "") and "pyskl: 6 recordings (all 6) in " in printed
    found = pyskl.read(tmp_path / "a.pkl")
    assert [one.label for one in found.entries.values()] == [0, 1, 2] * 2
    assert found.read(found.entries["line_4"]).frames_TxVxMxC[0, 0, 0].tolist() == [3, 2, 3]


def test_the_command_that_guesses(tmp_path):
    (tmp_path / "hand.csv").write_text("".join(f"{row % 2}{',0.5' * 42}\n" for row in range(4)))
    status, printed, errors = command(f"--guess={tmp_path / 'hand.csv'}")
    assert (status, errors) == (0, "") and 'columns = ["label", "numbers"]' in printed
    status, printed, errors = command(f"--guess={tmp_path / 'absent.csv'}")
    assert (status, printed) == (1, "") and errors.endswith("absent.csv: no such file or directory\n")


def test_a_directory_whose_name_is_no_text(tmp_path):
    raw_recordings.write_shrec(tmp_path / "a\udcff", [(1, 1, 2, 1)], [(7, 1, 3, 1)])
    strict = {**raw_recordings.environment(), "PYTHONIOENCODING": "utf-8:strict"}
    words = [sys.executable, "-m", "data_prep.convert", "--from=shrec17", f"--in={tmp_path}/a\udcff"]
    finished = subprocess.run([*words, f"--out={tmp_path}/b\udcff"], capture_output=True, env=strict, check=False)
    assert (finished.returncode, finished.stderr) == (0, b"") and rb"b\udcff" in finished.stdout


BAD_COMMANDS = {
    "nothing": ([], "--from is missing: the format of the recordings; see --help"),
    "no in": (["--from=dhg"], "--in is missing: where the recordings are, a file or a directory; see --help"),
    "no out": (["--from=dhg", "--in=."], "--out is missing: where they are to be written, a file or a directory"),
    "no directory": (["--from=dhg", "--in=nowhere", "--out=x"], "--in=nowhere: no such directory"),
    "no dashes": (["from=dhg"], "unexpected argument 'from=dhg'; options are written --NAME=VALUE, see --help"),
    "no benchmark": (["--from=npy", "--in=.", "--out=x"], "--to=tfrecord needs --benchmark: a name, or a file NAME.to"),
    "files without a benchmark": (
        ["--from=folder", "--in=.", "--out=x", "--files=header = true"],
        "--files needs --benchmark, which says joints, channels and classes",
    ),
    "files that make no sense": (
        ["--from=folder", "--in=.", "--out=x", "--benchmark=shrec14", "--files=lines = 3"],
        "--files: unknown key 'lines', expected some of columns, ",
    ),
    "a name for others": (
        ["--from=shrec17", "--in=.", "--out=x", "--to=npz", "--name=y"],
        "--name is for --to=tfrecord, not npz",
    ),
    "a list for others": (
        ["--from=dhg", "--in=.", "--out=x", "--missing_list=y"],
        "--missing_list is for --from=ntu60 and ntu120, not dhg",
    ),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_bad_commands(monkeypatch, capsys, case):
    arguments, message = BAD_COMMANDS[case]
    values = flags.FlagValues()
    convert.define_flags(values)
    monkeypatch.setattr(convert.flags, "FLAGS", values)
    with pytest.raises(SystemExit) as caught:
        convert.main(values(["convert", *arguments]))
    printed = capsys.readouterr()
    assert caught.value.code == 1 and printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1 and not printed.out


def test_help():
    status, printed, errors = command("--help")
    assert (status, errors) == (0, "")
    assert printed.count("python -m data_prep.convert") == 5
    assert max(map(len, printed.splitlines())) <= 80
    for name in (
        "from",
        "to",
        "in",
        "out",
        "benchmark",
        "files",
        "name",
        "splits",
        "missing_list",
        "workers",
        "overwrite",
    ):
        assert f"--{name}:" in printed or f"--[no]{name}:" in printed
    for name in (*convert.RAW, *convert.FORMATS):
        assert f"\n  {name} " in printed
