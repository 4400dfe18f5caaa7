"""The command that writes synthetic recordings, in three layouts, and what the converters make of them."""

import json
import subprocess
import sys

import pytest

from data_prep import conversion, dhg, ntu, shrec, synthetic
from data_prep.synthetic import bodies, hands, raw_set
from dsta_jax.data import records
from dsta_jax.errors import UserError
from tests import raw_recordings

SMALLEST = {
    "shrec": hands.Settings(seed=2, subjects=2, essais=1),
    "dhg": hands.Settings(seed=2, subjects=2, essais=1),
    "ntu": bodies.Settings(seed=2, subjects=1, setups=1),
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
        ("shrec", {"seed": 2, "subjects": 2, "essais": 1, "generation": hands.GENERATION}),
        ("dhg", {"layout": "dhg", "seed": 2, "subjects": 2, "essais": 1, "generation": hands.GENERATION}),
        ("ntu", {"layout": "ntu", "seed": 2, "subjects": 1, "setups": 1, "generation": bodies.GENERATION}),
    ],
)
def test_settings_are_kept(tmp_path, layout, settings):
    assert synthetic.write(tmp_path / "set", SMALLEST[layout], layout)
    assert json.loads((tmp_path / "set" / raw_set.SETTINGS_FILE).read_text()) == settings
    assert not synthetic.write(tmp_path / "set", SMALLEST[layout], layout)


def test_layouts_do_not_take_each_others_place(tmp_path):
    synthetic.write(tmp_path / "set", SMALLEST["shrec"])
    with pytest.raises(UserError, match=r"found a set of {'seed': 2.*expected {'layout': 'dhg'"):
        synthetic.write(tmp_path / "set", SMALLEST["dhg"], "dhg")


def test_the_converter_takes_the_hands(tmp_path):
    synthetic.write(tmp_path / "raw", SMALLEST["shrec"])
    shrec.run(conversion.Options(tmp_path / "raw", tmp_path / "out", workers=1))
    directory = records.find_data_set(tmp_path / "out", shrec.NAME)
    assert [len(list(records.read_split(directory, split))) for split in ("train", "test")] == [28, 28]


def test_the_converter_takes_dhgs_hands(tmp_path):
    synthetic.write(tmp_path / "raw", SMALLEST["dhg"], "dhg")
    dhg.run(conversion.Options(tmp_path / "raw", tmp_path / "out", workers=1))
    read = list(records.read_split(records.find_data_set(tmp_path / "out", dhg.NAME), "all"))
    assert len(read) == 14 * 2 * 2 and {record.subject for record in read} == {1, 2}
    assert 5 < min(len(record.frames_TxVxMxC) for record in read) < 40, "without the rests"


def test_the_converter_takes_the_bodies(tmp_path):
    synthetic.write(tmp_path / "raw", SMALLEST["ntu"], "ntu")
    for actions in (60, 120):
        ntu.run(conversion.Options(tmp_path / "raw", tmp_path / "out", workers=1), actions)
        read = list(records.read_split(records.find_data_set(tmp_path / "out", f"ntu{actions}"), "all"))
        assert 118 <= len(read) <= 120
        assert {record.camera for record in read} == {1, 2, 3} and {record.subject for record in read} == {1}
        with_two = [record for record in read if record.frames_TxVxMxC[:, :, 1].any()]
        assert 30 <= len(with_two) <= 45


def test_the_command(tmp_path):
    out_dir = f"--out_dir={tmp_path / 'set'}"
    ended = command(out_dir, "--layout=ntu", "--seed=2", "--subjects=1", "--setups=1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{tmp_path / 'set'}: wrote 120 recordings of 1 people\n"
    assert len(list((tmp_path / "set").glob("S001C00?P001R00?A???.skeleton"))) == 120
    ended = command(out_dir, "--layout=ntu", "--seed=2", "--subjects=1", "--setups=1")
    assert ended.stdout.endswith("holds this set already, nothing to do\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layout=ntu", "--essais=2"], "--essais is not of --layout=ntu, which has --seed, --subjects, --setups"),
        (["--layout=dhg", "--setups=2"], "--setups is not of --layout=dhg, which has --seed, --subjects, --essais"),
        (["--subjects=1"], "--subjects of 2 or more"),
        (["more"], "expected flags only, got 'more'"),
        (["--out_dir="], "--out_dir is missing"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, arguments, message):
    ended = command(f"--out_dir={tmp_path / 'set'}", *arguments)
    assert ended.returncode == 1 and not ended.stdout
    assert ended.stderr.startswith("error: ") and message in ended.stderr and ended.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
