"""A conversion says which recordings are identical, and for which benchmarks that matters."""

import dataclasses
import json

import pytest

from data_prep import conversion, nw_ucla
from dsta_jax.datasets.benchmarks import BENCHMARKS
from tests.raw_recordings import hand_frames

NAMES = ("a01_s01_e00_v01", "a01_s01_e00_v02", "a02_s02_e00_v02", "a02_s02_e00_v03", "a03_s03_e00_v03")


def convert(tmp_path, seeds, monkeypatch=None, **changes):
    raw_dir = tmp_path / "raw"
    raw_dir.mkdir()
    for name, seed in zip(NAMES, seeds, strict=True):
        contents = {"file_name": name, "skeletons": hand_frames(seed)[:, :20].tolist()}
        (raw_dir / f"{name}.json").write_text(json.dumps(contents))
    if changes:
        changed = dataclasses.replace(BENCHMARKS["nw_ucla"], **changes)
        monkeypatch.setattr(nw_ucla, "of_data_set", lambda name: (changed,))
    nw_ucla.run(conversion.Options(raw_dir, tmp_path / "out", workers=1))
    return tmp_path / "out" / "nw_ucla" / nw_ucla.VERSION / "twins.txt"


def test_twins_across_train_and_test(tmp_path, capsys):
    path = convert(tmp_path, seeds=(0, 0, 1, 1, 2))
    assert path.read_text() == f"{NAMES[0]} {NAMES[1]}\n{NAMES[2]} {NAMES[3]}\n"
    said = capsys.readouterr().out
    assert "note: 4 of 5 recordings are identical to another one, see twins.txt\n" in said
    assert "note: nw_ucla: 1 of 2 recordings for testing are identical to one for training\n" in said


def test_twins_within_the_training_part(tmp_path, capsys):
    convert(tmp_path, seeds=(0, 0, 1, 2, 3))
    said = capsys.readouterr().out
    assert "2 of 5 recordings are identical" in said and "for testing" not in said


@pytest.mark.parametrize(("column", "shared"), [("subject", 2), ("camera", 4)])
def test_twins_of_different_folds(tmp_path, capsys, monkeypatch, column, shared):
    convert(tmp_path, (0, 0, 1, 2, 1), monkeypatch, protocol=column)
    said = capsys.readouterr().out
    assert f"nw_ucla: {shared} recordings are identical to one of another {column}" in said


def test_no_twins(tmp_path, capsys):
    assert not convert(tmp_path, seeds=range(5)).exists()
    assert "identical" not in capsys.readouterr().out
