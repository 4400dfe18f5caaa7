"""The command that writes synthetic recordings, in three layouts, and what the converters make of them."""

import json
import subprocess
import sys

import pytest

from data_prep import conversion, convert
from data_prep.synthetic import hands, raw_set
from data_prep.synthetic import ntu as synthetic_ntu
from dsta_jax.data import records
from dsta_jax.errors import UserError
from tests import raw_recordings

HANDS = {"seed": 2, "subjects": 2, "essais": 1}
BODIES = {"seed": 2, "subjects": 1, "setups": 1}
SMALLEST = {
    "shrec": hands.shrec_set(**HANDS),
    "dhg": hands.dhg_set(**HANDS),
    "ntu": synthetic_ntu.ntu_set(**BODIES),
}


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "data_prep.synthetic", "--workers=1", *arguments],
        cwd=raw_recordings.ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("layout", "settings"),
    [
        ("shrec", {**HANDS, "generation": hands.GENERATION}),
        ("dhg", {"layout": "dhg", **HANDS, "generation": hands.GENERATION}),
        ("ntu", {"layout": "ntu", **BODIES, "generation": synthetic_ntu.GENERATION}),
    ],
)
def test_settings_are_kept(tmp_path, layout, settings):
    assert raw_set.write(SMALLEST[layout], tmp_path / "set")
    assert json.loads((tmp_path / "set" / raw_set.SETTINGS_FILE).read_text()) == settings
    assert not raw_set.write(SMALLEST[layout], tmp_path / "set")


def test_layouts_do_not_take_each_others_place(tmp_path):
    raw_set.write(SMALLEST["shrec"], tmp_path / "set")
    with pytest.raises(UserError, match=r"found a set of {'seed': 2.*expected {'layout': 'dhg'"):
        raw_set.write(SMALLEST["dhg"], tmp_path / "set")


def test_the_converter_takes_the_hands(tmp_path):
    raw_set.write(SMALLEST["shrec"], tmp_path / "raw")
    convert.run("shrec17", tmp_path / "raw", conversion.Options(tmp_path / "out"))
    directory = records.find_data_set(tmp_path / "out", "shrec17")
    assert [len(list(raw_recordings.read_split(directory, split))) for split in ("train", "test")] == [28, 28]


def test_the_converter_takes_dhgs_hands(tmp_path):
    raw_set.write(SMALLEST["dhg"], tmp_path / "raw")
    convert.run("dhg", tmp_path / "raw", conversion.Options(tmp_path / "out"))
    read = list(raw_recordings.read_split(records.find_data_set(tmp_path / "out", "dhg"), "all"))
    assert len(read) == 14 * 2 * 2 and {record.subject for record in read} == {1, 2}
    assert 5 < min(len(record.frames_TxVxMxC) for record in read) < 40, "without the rests"


def test_the_converter_takes_the_bodies(tmp_path):
    raw_set.write(SMALLEST["ntu"], tmp_path / "raw")
    convert.run("ntu60", tmp_path / "raw", conversion.Options(tmp_path / "out"))
    read = list(raw_recordings.read_split(records.find_data_set(tmp_path / "out", "ntu60"), "all"))
    assert 118 <= len(read) <= 120
    assert {record.camera for record in read} == {1, 2, 3} and {record.subject for record in read} == {1}
    with_two = [record for record in read if record.frames_TxVxMxC[:, :, 1].any()]
    assert 30 <= len(with_two) <= 60


def test_the_command(tmp_path):
    arguments = (f"--out_dir={tmp_path / 'set'}", "--layout=ntu", "--seed=2", "--subjects=1", "--setups=1")
    ended = command(*arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{tmp_path / 'set'}: written\n"
    assert len(list((tmp_path / "set").glob("S001C00?P001R00?A???.skeleton"))) == 120
    assert command(*arguments).stdout.endswith("holds this set already, nothing to do\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layout=ntu", "--essais=2"], "--essais is not of --layout=ntu, which has --seed, --subjects, --setups"),
        (["--layout=dhg", "--setups=2"], "--setups is not of --layout=dhg, which has --seed, --subjects, --essais"),
        (["--subjects=1"], "--seed=0 --subjects=1 --essais=3, expected 0 or more, 2 or more and 1 or more"),
        (["more"], "expected flags only, got 'more'"),
        (["--out_dir="], "--out_dir is missing"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, arguments, message):
    ended = command(f"--out_dir={tmp_path / 'set'}", *arguments)
    assert ended.returncode == 1 and not ended.stdout
    assert ended.stderr.startswith("error: ") and message in ended.stderr and ended.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
