"""--check: what it prints, what it writes, and what it answers."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from dsta_jax.check import report, survey
from dsta_jax.check.findings import Finding
from dsta_jax.data import records
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmark import Protocol
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.errors import UserError
from tests import raw_recordings
from tests.conftest import ROOT

# The set `tiny` of tests/raw_recordings.py: joints in a random walk, so nothing is as it should be.
TINY = f"{raw_recordings.TINY}[split]\nsubject = [2, 5, 9]\n"


@pytest.fixture
def tiny(tmp_path, config):
    """A function that writes a set and returns the configuration of its benchmark."""

    def write(recordings):
        raw_recordings.write_set(tmp_path / "data" / "tiny" / "1.0.0", {"all": [recordings]})
        (tmp_path / "tiny.toml").write_text(TINY)
        config.benchmark, config.data.dir = str(tmp_path / "tiny.toml"), str(tmp_path / "data")
        return config

    return write


def test_a_good_set(config, tmp_path, capsys):
    assert report.check(config, tmp_path / "check") == 0
    said = capsys.readouterr().out
    assert said.startswith("synthetic14: 56 recordings of 22 joints (hand_22), 1 body, channels xyz\nin ")
    assert "\n 13 shake                                           2      2\n" in said
    assert "\nNothing suspicious.\n" in said
    text = (tmp_path / "check" / "synthetic14.txt").read_text()
    assert said.startswith(text.rstrip("\n"))
    pytest.importorskip("matplotlib", reason="contact sheets need matplotlib, of the extra 'draw'")
    assert f"Look at {tmp_path / 'check' / 'synthetic14.png'}" in said
    assert (tmp_path / "check" / "synthetic14.png").stat().st_size > 50_000


def test_a_set_that_training_refuses(tiny, tmp_path, capsys):
    recordings = raw_recordings.records(9)
    recordings[4].frames_TxVxMxC[1, 2, 0] = np.inf
    recordings[7] = dataclasses.replace(recordings[7], frames_TxVxMxC=np.zeros((3, 3, 2, 3), np.float32))
    config = tiny(recordings)
    assert report.check(config, tmp_path / "check") == 1
    said = capsys.readouterr().out
    assert "1. ERROR: infinity in 1 of 9 recordings\n     recording_4: frame 1, right of body 0\n" in said
    assert "2. ERROR: nobody is seen in 1 of 9 recordings\n     recording_7: 3 frames\n" in said
    assert "problems, 2 of them errors: training would be wrong.\n" in said


def test_joints_that_are_not_seen_are_no_error(tiny, tmp_path, capsys):
    recordings = raw_recordings.records(9)  # of 1, 2, ... 9 frames
    for number in (3, 8):
        recordings[number].frames_TxVxMxC[0, 1] = np.nan
    recordings[8].frames_TxVxMxC[1, 2, 0] = np.nan
    assert report.check(tiny(recordings), tmp_path / "check") == 0
    said = " ".join(capsys.readouterr().out.split())
    # 2 bodies in 45 frames.
    assert "In frames with their body, 1.9% of the joints are not seen, most often left 4%, right 1%. " in said


def test_other_classes(tiny, tmp_path, capsys):
    config = tiny(raw_recordings.records(9))
    (tmp_path / "tiny.toml").write_text(TINY.replace('["a", "b", "c"]', '["a", "c", "b"]'))
    with pytest.raises(UserError, match="class 1 is 'b' in the set, but 'c' in benchmark tiny"):
        report.check(config, tmp_path / "check")


@pytest.mark.parametrize("stream, status", [("spatial", 0), ("slow_temporal", 1)])
def test_single_frames(tiny, tmp_path, capsys, stream, status):
    recordings = [
        dataclasses.replace(record, frames_TxVxMxC=record.frames_TxVxMxC[:1]) for record in raw_recordings.records(9)
    ]
    config = tiny(recordings)
    config.streams = (stream,)
    assert report.check(config, tmp_path / "check") == status
    said = " ".join(capsys.readouterr().out.split())
    assert "nothing moves in 9 of 9 recordings" in said and ("slow_temporal cannot learn" in said) == status


def test_warnings_do_not_fail(tiny, tmp_path, capsys):
    recordings = raw_recordings.records(9)
    recordings[1] = dataclasses.replace(recordings[1], frames_TxVxMxC=recordings[0].frames_TxVxMxC)
    assert report.check(tiny(recordings), tmp_path / "check") == 0
    said = capsys.readouterr().out
    assert "recording_0 (train) = recording_1 (test)" in said and "none of them an error." in said


def test_without_matplotlib_the_report_is_there(config, tmp_path, capsys, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with caplog.at_level("INFO", logger="dsta_jax.check.report"):
        assert report.check(config, tmp_path / "check") == 0
    assert "Nothing suspicious." in capsys.readouterr().out
    assert caplog.messages == ["no contact sheet without matplotlib: pip install 'dsta_jax[draw]'"]
    assert [path.name for path in (tmp_path / "check").iterdir()] == ["synthetic14.txt"]


def test_what_cannot_be_read_or_written(config, tmp_path):
    (tmp_path / "check").write_text("")
    with pytest.raises(UserError, match="check: cannot be written"):
        report.check(config, tmp_path / "check")
    config.benchmark = "utd_mhad"
    with pytest.raises(UserError, match="no data set utd_mhad in .* make it with"):
        report.check(config, tmp_path / "elsewhere")


def ntu(number):
    frames = np.random.default_rng(number).normal(size=(3, 25, 2, 3)).astype(np.float32)
    return "all", Record(f"S001C001P001R001A{number:03}", number % 120, number % 5, number % 3, 17, frames)


@pytest.mark.parametrize("name", ["ntu120_cs", "shrec28", "utd_mhad", "nw_ucla"])
def test_tables_are_80_columns_wide(name, tmp_path):
    benchmark = BENCHMARKS[name]
    joints, bodies, _ = benchmark.source.frame_shape
    recordings = [ntu(number) for number in range(300)]
    recordings[0][1].frames_TxVxMxC[:, 5:] = np.nan
    if joints < 25:
        for number, (split, record) in enumerate(recordings):
            frames = record.frames_TxVxMxC[:, :joints, :bodies]
            recordings[number] = split, dataclasses.replace(record, label=number % 10, frames_TxVxMxC=frames)
    seen = survey.gather(recordings, benchmark)
    text = report.describe(seen, tmp_path / "a" / "long" / "path")
    lines = [line for line in text.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    assert len(lines) < 80


def test_a_class_table_counts_each_recording_once():
    seen = survey.gather([ntu(number) for number in range(300)], BENCHMARKS["ntu120_cs"])
    rows = report.class_table(seen).splitlines()
    assert len(rows) == 1 + 60 + 1
    assert rows[-1].split() == ["all", "180", "120"]
    assert rows[1].split()[0] == "0" and "60" in rows[1].split()


def test_a_table_of_what_is_left_out_once(hands):
    found = records.read_set(records.find_data_set(hands, "synthetic_hands"))
    seen = survey.gather(found, dataclasses.replace(BENCHMARKS["synthetic14"], protocol=Protocol("subject")))
    text = report.describe(seen, hands)
    assert " subject  recordings  classes" in text and "train" not in text
    assert [line.split() for line in text.splitlines() if line.strip().endswith("14") and "28" in line] == [
        ["1", "28", "14", "2", "28", "14"]
    ]


def test_a_listing_shows_some_cases_and_the_file_all():
    found = [Finding("worse", tuple(f"case {n}" for n in range(7)), error=True), Finding("bad")]
    short, whole = report.listing(found, 5), report.listing(found)
    assert "case 4\n     and 2 more\n2. warning: bad" in short and "more" not in whole
    assert "case 6\n2. warning: bad\n\n2 problems, 1 of them an error: training would be wrong." in whole
    assert report.listing([]) == "Nothing suspicious."


def test_the_command(hands, tmp_path):
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "dsta_jax.main", "--config=configs/demo.py", f"--config.data.dir={hands}"),
            *("--check", f"--workdir={tmp_path / 'run'}"),
        ],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=300,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert "Nothing suspicious." in finished.stdout
    assert not (tmp_path / "run").exists() and (tmp_path / "check" / "synthetic14.txt").exists()
