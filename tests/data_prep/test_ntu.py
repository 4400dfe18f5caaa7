"""The command that converts NTU RGB+D: names, versions, the list of missing skeletons, samples without anybody."""

import subprocess
import sys

import numpy as np
import pytest
from dsta_jax.datasets.ntu_bodies import normalize_ntu, select_bodies

from data_prep import conversion, ntu
from dsta_jax.data import dataset, records
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.ntu import read_skeletons
from dsta_jax.errors import UserError
from tests import raw_recordings

OLD = ["S001C001P001R001A001", "S002C002P003R002A060", "S017C003P040R001A011"]
NEW = ["S018C001P041R001A061", "S032C003P106R002A120"]
NOBODY = raw_recordings.ntu_text([[], []])


@pytest.fixture
def raw_dir(tmp_path):
    """Five samples in two directories, as the two archives have them."""
    raw_recordings.write_ntu(tmp_path / "raw" / "first", OLD)
    raw_recordings.write_ntu(tmp_path / "raw" / "second", NEW)
    return tmp_path / "raw"


def run(raw_dir, tmp_path, actions=60, missing_list=None, **options):
    ntu.run(conversion.Options(raw_dir, tmp_path / "out", workers=1, **options), actions, missing_list)
    directory = records.find_data_set(tmp_path / "out", f"ntu{actions}")
    return list(raw_recordings.read_split(directory, "all"))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "data_prep.ntu", "--workers=1", *arguments],
        cwd=raw_recordings.ROOT,
        capture_output=True,
        text=True,
    )


def test_names_labels_columns_and_values(raw_dir, tmp_path):
    found = run(raw_dir, tmp_path, 120)
    assert [(r.name, r.label, r.subject, r.camera, r.setup) for r in found] == [
        (OLD[0], 0, 1, 1, 1),
        (OLD[1], 59, 3, 2, 2),
        (OLD[2], 10, 40, 3, 17),
        (NEW[0], 60, 41, 1, 18),
        (NEW[1], 119, 106, 3, 32),
    ]
    for record in found:
        (path,) = raw_dir.rglob(f"{record.name}.skeleton")
        assert record.frames_TxVxMxC.shape == (3, 25, 2, 3)
        expected_TxVxMxC = normalize_ntu(select_bodies(read_skeletons(path)))
        np.testing.assert_array_equal(record.frames_TxVxMxC, expected_TxVxMxC)


def test_another_versions_samples_are_counted(raw_dir, tmp_path, capsys):
    assert [record.name for record in run(raw_dir, tmp_path)] == OLD
    printed = capsys.readouterr().out
    assert "actions 1 to 60 in setups 1 to 17: 2 of the 5 files are of others, and not converted" in printed
    assert "note: the authors publish 56578 recordings, 3 were converted" in printed


def test_only_another_versions_samples(raw_dir, tmp_path):
    with pytest.raises(UserError, match=r"none of its 2 files \*.skeleton is left for --version=60"):
        run(raw_dir / "second", tmp_path)


def test_the_list_of_missing_skeletons(raw_dir, tmp_path, capsys):
    path = tmp_path / "missing.txt"
    path.write_text(f"2 samples have missing skeletons.\n\n{OLD[1]}\nS009C001P001R001A001\n")
    (raw_dir / "first" / f"{OLD[1]}.skeleton").write_text("")  # It is not even read.
    assert [record.name for record in run(raw_dir, tmp_path, missing_list=path)] == [OLD[0], OLD[2]]
    assert f"left out 1 recordings on the list {path}, which names 2" in capsys.readouterr().out


@pytest.mark.parametrize("text", [NOBODY, "0\r\n"])
def test_samples_without_anybody_are_left_out_and_listed(raw_dir, tmp_path, capsys, text):
    (raw_dir / "first" / f"{OLD[1]}.skeleton").write_text(text)
    assert [record.name for record in run(raw_dir, tmp_path)] == [OLD[0], OLD[2]]
    listing = records.find_data_set(tmp_path / "out", "ntu60") / "left_out.txt"
    assert listing.read_text() == f"{OLD[1]}: nobody is seen\n"
    assert f"left out 1 recordings (nobody is seen), listed in {listing}" in capsys.readouterr().out
    run(raw_dir, tmp_path)
    assert f"without 1 listed in {listing}" in capsys.readouterr().out


def test_broken_samples(raw_dir, tmp_path, capsys):
    path = raw_dir / "first" / f"{OLD[0]}.skeleton"
    path.write_text(path.read_text()[:-200])
    (raw_dir / "first" / f"{OLD[1]}.skeleton").write_text(NOBODY)
    with pytest.raises(UserError, match="1 of 3 recordings are broken"):
        run(raw_dir, tmp_path)
    assert f"{path}:8" in capsys.readouterr().err
    assert [record.name for record in run(raw_dir, tmp_path, skip_broken=True)] == OLD[2:]


def test_a_body_without_a_spine_is_broken(raw_dir, tmp_path, capsys):
    path = raw_dir / "first" / f"{OLD[0]}.skeleton"
    path.write_text(raw_recordings.ntu_text([[(1, np.ones((25, 3), np.float32))]]))
    run(raw_dir, tmp_path, skip_broken=True)
    assert f"{path}: the distance of spine_base and spine_shoulder is 0" in capsys.readouterr().err


def test_a_misnamed_file(raw_dir, tmp_path):
    (raw_dir / "S1C1P1R1A1.skeleton").write_text("")
    with pytest.raises(UserError, match="name 'S1C1P1R1A1', expected SsssCcccPpppRrrrAaaa"):
        run(raw_dir, tmp_path)


def test_a_sample_twice(raw_dir, tmp_path):
    raw_recordings.write_ntu(raw_dir / "second", OLD[:1])
    with pytest.raises(UserError, match=f"{OLD[0]} is twice in the set"):
        run(raw_dir, tmp_path)


def test_an_empty_directory(tmp_path):
    with pytest.raises(UserError, match=r"no files \*.skeleton there"):
        run(tmp_path, tmp_path)


def test_every_protocol_reads_the_conversion(raw_dir, tmp_path):
    run(raw_dir, tmp_path)
    run(raw_dir, tmp_path, 120)
    test_names = {}
    for name in ("ntu60_cs", "ntu60_cv", "ntu120_cs", "ntu120_ce", "ntu120_xset"):
        benchmark = BENCHMARKS[name]
        train, test = dataset.train_and_test(dataset.load(tmp_path / "out", benchmark), benchmark)
        assert set(train.name_N) | set(test.name_N) == set(OLD if "60" in name else OLD + NEW)
        test_names[name] = sorted(test.name_N)
    assert test_names == {
        "ntu60_cs": OLD[1:],
        "ntu60_cv": OLD[:1],
        "ntu120_cs": [*OLD[1:], *NEW],
        "ntu120_ce": [OLD[1], *NEW],
        "ntu120_xset": [OLD[0], OLD[2]],
    }


def test_the_command(raw_dir, tmp_path):
    path = tmp_path / "missing.txt"
    path.write_text(f"{OLD[1]}\n")
    arguments = (f"--raw_dir={raw_dir}", f"--out_dir={tmp_path / 'out'}", f"--missing_list={path}")
    ended = command(*arguments, "--version=120")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ntu120 1.0.0: 4 recordings (all 4) in " in ended.stdout
    ended = command(f"--raw_dir={raw_dir}", f"--out_dir={tmp_path / 'out'}", "--missing_list=nowhere.txt")
    assert ended.returncode == 1 and ended.stderr.startswith("error: nowhere.txt: not a readable text file")


def test_real_samples(shared, tmp_path):
    found = run(shared / "data" / "ntu_fixtures", tmp_path)
    lengths = [len(record.frames_TxVxMxC) for record in found]
    assert lengths == [82, 70, 100, 71, 124]
    assert [bool(record.frames_TxVxMxC[:, :, 1].any()) for record in found] == [False, True, False, False, False]
