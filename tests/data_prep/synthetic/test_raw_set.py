"""Sets are written whole or not at all; what was stopped or killed goes on."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from data_prep.synthetic import raw_set
from data_prep.synthetic.raw_set import SETTINGS_FILE, RawSet
from dsta_jax.errors import UserError
from dsta_jax.files import sole_writer
from tests import raw_recordings

TAKES = 60


def contents(take: int) -> bytes:
    return b"%d\n" % take


def killed(take: int) -> bytes:
    if take == TAKES // 2:
        os._exit(9)
    return contents(take)


def interrupted(take: int) -> bytes:
    if take == TAKES // 2:
        raise KeyboardInterrupt
    return contents(take)


def full(take: int) -> bytes:
    raise OSError(28, "No space left on device")


def some_set(seed: int = 0, make=contents) -> RawSet:
    return RawSet({"seed": seed}, {f"{take % 3}/{take}.txt": partial(make, take) for take in range(TAKES)})


def files(directory: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def expected(seed: int = 0) -> dict[str, bytes]:
    return {
        **{name: make() for name, make in some_set().files.items()},
        SETTINGS_FILE: json.dumps({"seed": seed}, indent=2).encode() + b"\n",
    }


def kill_a_run(out_dir: pathlib.Path) -> None:
    """Another process that is gone in the middle of it."""
    code = "import pathlib, sys; from tests.data_prep.synthetic import test_raw_set as t;"
    code += "t.raw_set.write(t.some_set(make=t.killed), pathlib.Path(sys.argv[1]))"
    ended = subprocess.run([sys.executable, "-c", code, str(out_dir)], env=raw_recordings.environment())
    assert ended.returncode == 9


@pytest.mark.parametrize("workers", [1, 2])
def test_a_set_is_written(tmp_path, workers):
    out_dir = tmp_path / "below" / "set"
    assert raw_set.write(some_set(), out_dir, workers=workers)
    assert files(out_dir) == expected()
    assert [path.name for path in out_dir.parent.iterdir()] == ["set"]


def test_an_empty_directory_is_filled(tmp_path):
    assert raw_set.write(some_set(), tmp_path / "set")
    (tmp_path / "empty").mkdir()
    assert raw_set.write(some_set(), tmp_path / "empty")
    assert files(tmp_path / "empty") == expected()


def test_a_set_that_is_there_is_left_alone(tmp_path):
    raw_set.write(some_set(), tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert not raw_set.write(some_set(), tmp_path / "set")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_an_interrupted_run_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        raw_set.write(some_set(make=interrupted), tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["set.incomplete"]
    (first,) = (tmp_path / "set.incomplete").rglob("0.txt")
    written = first.stat().st_mtime_ns
    assert raw_set.write(some_set(), tmp_path / "set")
    assert files(tmp_path / "set") == expected()
    assert (tmp_path / "set" / "0" / "0.txt").stat().st_mtime_ns == written, "it was not written twice"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_killed_run_goes_on(tmp_path):
    kill_a_run(tmp_path / "set")
    (first,) = (tmp_path / "set.incomplete").rglob("0.txt")
    first.with_name("33.txt.incomplete").write_bytes(b"half a fi")
    assert raw_set.write(some_set(), tmp_path / "set")
    assert files(tmp_path / "set") == expected()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_another_set_left_is_not_used(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        raw_set.write(some_set(make=interrupted), tmp_path / "set")
    (first,) = (tmp_path / "set.incomplete").rglob("0.txt")
    first.write_bytes(b"of seed 0\n")
    assert raw_set.write(some_set(seed=1), tmp_path / "set")
    assert files(tmp_path / "set") == expected(seed=1)


@pytest.mark.parametrize("removals", range(4))
def test_killed_while_one_set_replaces_another(tmp_path, monkeypatch, removals):
    out_dir = tmp_path / "set"
    raw_set.write(some_set(seed=1), out_dir)
    rmtree, calls = shutil.rmtree, []

    def dies(path):
        calls.append(path)
        if len(calls) > removals:
            raise KeyboardInterrupt
        rmtree(path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", dies)
        patch.setattr(pathlib.Path, "unlink", dies)
        with pytest.raises(KeyboardInterrupt):
            raw_set.write(some_set(), out_dir, overwrite=True)
    assert (out_dir / SETTINGS_FILE).exists(), "what is left is known to be a synthetic set"
    assert raw_set.write(some_set(make=interrupted), out_dir, overwrite=True), "nothing had to be made again"
    assert files(out_dir) == expected()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_killed_while_the_settings_were_written(tmp_path):
    (tmp_path / "set.incomplete").mkdir()
    (tmp_path / "set.incomplete" / SETTINGS_FILE).write_text('{"se')
    assert raw_set.write(some_set(), tmp_path / "set")
    assert files(tmp_path / "set") == expected()


def test_another_set_is_refused_then_replaced(tmp_path):
    raw_set.write(some_set(seed=1), tmp_path / "set")
    with pytest.raises(UserError, match=r"found a set of {'seed': 1}, expected {'seed': 0}; give --overwrite"):
        raw_set.write(some_set(), tmp_path / "set")
    assert raw_set.write(some_set(), tmp_path / "set", overwrite=True)
    assert files(tmp_path / "set") == expected()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_things_are_refused(tmp_path, overwrite):
    (tmp_path / "thesis.txt").write_text("years of work")
    for out_dir in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(UserError, match=f"{out_dir}: holds something other than synthetic recordings"):
            raw_set.write(some_set(), out_dir, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_other_things_beside_it_are_refused(tmp_path):
    (tmp_path / "set.incomplete").mkdir()
    (tmp_path / "set.incomplete" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="set.incomplete: holds something other than synthetic recordings"):
        raw_set.write(some_set(), tmp_path / "set")
    assert files(tmp_path) == {"set.incomplete/thesis.txt": b"years of work"}


def test_missing_files_are_noticed(tmp_path):
    raw_set.write(some_set(), tmp_path)
    (tmp_path / "2" / "5.txt").unlink()
    with pytest.raises(UserError, match="1 files are missing, first 2/5.txt; give --overwrite"):
        raw_set.write(some_set(), tmp_path)
    (tmp_path / SETTINGS_FILE).write_text("{")
    with pytest.raises(UserError, match=f"{SETTINGS_FILE}: found a set of unreadable settings, expected"):
        raw_set.write(some_set(), tmp_path)


def test_a_second_run_at_the_same_time(tmp_path):
    with (
        sole_writer(tmp_path / "set.incomplete"),
        pytest.raises(UserError, match="set.incomplete: another program is writing there"),
    ):
        raw_set.write(some_set(), tmp_path / "set")
    assert raw_set.write(some_set(), tmp_path / "set")


def test_a_full_disk_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        raw_set.write(some_set(make=full), tmp_path / "set", workers=2)


def test_draws_depend_on_the_key_alone():
    first, again, other = (raw_set.generator(*key).uniform(size=5) for key in ((1, 2, 3), (1, 2, 3), (1, 2, 4)))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
