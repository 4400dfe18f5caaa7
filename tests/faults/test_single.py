"""Single faults: disks, files of checkpoints, clocks. Others are tested where what they hit is tested."""

import logging
import shutil
import signal
import subprocess
import time

import jax
import numpy as np
import pytest

from dsta_jax import checkpoint, train
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from tests.faults import trainings

DAY = 86400


@pytest.fixture
def small(config):
    """A training of six steps that is saved three times."""
    config.streams = ("spatial_temporal",)
    config.train.update({"epochs": 3.0, "batch_size": 16})
    config.checkpoint.every_epochs, config.evaluate.every_epochs = 1.0, 3.0
    config.log.every_steps = 1
    return config


def compared(workdir):
    """What a run wrote, but for its speed."""
    return {name: value for name, value in trainings.outcome(workdir).items() if name != "config.json"}


@pytest.fixture
def mounted(tmp_path):
    """A function that mounts something on a new directory."""
    directory = tmp_path / "mounted"
    directory.mkdir()

    def mount(*words):
        if not shutil.which("mount") or subprocess.run(["mount", *words, directory], check=False).returncode:
            pytest.skip("needs the right to mount a file system")
        return directory

    yield mount
    while subprocess.run(["umount", "--lazy", directory], check=False, stderr=subprocess.DEVNULL).returncode == 0:
        pass


def one_line(error) -> str:
    said = str(error.value)
    assert "\n" not in said
    return said


def test_a_full_disk_stops_a_run_in_one_line_and_it_goes_on_when_there_is_room(small, mounted, tmp_path):
    Experiment(small).train(tmp_path / "undisturbed")
    disk = mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs")
    said = []
    for free in range(0, 600_000, 40_000):
        (disk / "filler").unlink(missing_ok=True)
        left = shutil.disk_usage(disk).free - free
        (disk / "filler").write_bytes(bytes(max(0, left)))
        try:
            Experiment(small).train(disk / "run")
            break
        except UserError as error:
            assert "\n" not in str(error)
            said.append(str(error))
    assert any("make room, and give the same command again" in one for one in said), said
    assert any("No space left on device" in one for one in said), said
    (disk / "filler").unlink()
    assert Experiment(small).train(disk / "run")
    assert compared(disk / "run") == compared(tmp_path / "undisturbed")


def test_a_workdir_that_may_only_be_read(small, mounted, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(train, "train", lambda *_: True)
        assert Experiment(small).train(run) is None, "interrupted before its first step"
    before = compared(run)
    directory = mounted("--bind", str(tmp_path / "run"))
    subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
    with pytest.raises(UserError, match=r"mounted.*Read-only file system") as error:
        Experiment(small).train(directory)
    one_line(error)
    assert compared(run) == before


@pytest.fixture(scope="module")
def saved():
    """Where a training with two checkpoints lies, once it was made."""
    return {}


@pytest.mark.parametrize("damage", ["deleted", "cut", "flipped"])
def test_every_file_of_a_checkpoint(small, saved, tmp_path, tmp_path_factory, caplog, damage):
    """Damage to any one of them is passed over with a line, or changes no number that is evaluated."""
    if not saved:
        saved["run"] = tmp_path_factory.mktemp("saved")
        assert Experiment(small).train(saved["run"])
    shutil.copytree(saved["run"], run := tmp_path / "run")
    members = Experiment(small).members
    mesh = members.mesh(16)
    shapes = checkpoint._items(jax.eval_shape(train._init(members, members.names)))["model"]
    expected, last = checkpoint.restore_model(run, "latest", shapes, mesh)
    expected = jax.device_get(expected)
    latest = run / "checkpoints" / "latest"
    files = sorted(path for path in (latest / str(last)).rglob("*") if path.is_file() and path.stat().st_size)
    random, passed_over = np.random.default_rng(0), 0
    for path in files:
        whole = path.read_bytes()
        place = int(random.integers(8 * len(whole)))
        if damage == "deleted":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(whole[: place // 8])
        else:
            flipped = bytearray(whole)
            flipped[place // 8] ^= 1 << place % 8
            path.write_bytes(flipped)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "dsta_jax"):
            found, step = checkpoint.restore_model(run, "latest", shapes, mesh)
        if step == last:
            jax.tree.map(np.testing.assert_array_equal, jax.device_get(found), expected)
        else:
            (line,) = [one.getMessage() for one in caplog.records if one.name.startswith("dsta_jax")]
            assert f"latest/{last}" in line and f"passed over, step {step} is taken instead" in line
            passed_over += 1
        path.write_bytes(whole)
    assert passed_over, "no file mattered"


@pytest.fixture
def clock(monkeypatch):
    """A function that sets the clock, so many seconds from what it really is."""
    now, now_ns, offset = time.time, time.time_ns, 0

    def put(seconds):
        nonlocal offset
        offset = seconds

    monkeypatch.setattr(time, "time", lambda: now() + offset)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + offset * 10**9)
    return put


@pytest.fixture
def at_step(monkeypatch):
    """A function that has something done after so many steps from now."""
    note, wanted, count = train.Reporter.note, {}, 0

    def noting(reporter, *given):
        nonlocal count
        note(reporter, *given)
        count += 1
        wanted.pop(count, lambda: None)()

    monkeypatch.setattr(train.Reporter, "note", noting)
    return lambda step, call: wanted.update({count + step: call})


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_jumps_between_two_starts(small, tmp_path, clock, at_step, jump):
    Experiment(small).train(tmp_path / "undisturbed")
    at_step(3, lambda: signal.raise_signal(signal.SIGINT))
    assert Experiment(small).train(tmp_path / "run") is None
    clock(jump)
    assert Experiment(small).train(tmp_path / "run")
    assert compared(tmp_path / "run") == compared(tmp_path / "undisturbed")


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_jumps_while_a_run_trains(small, tmp_path, clock, at_step, jump):
    """Orbax gives a save up that seems to take more than its ten minutes; the same command goes on."""
    Experiment(small).train(tmp_path / "undisturbed")
    at_step(3, lambda: clock(jump))
    try:
        Experiment(small).train(tmp_path / "run")
    except UserError as error:
        assert "a checkpoint could not be saved" in str(error) and "\n" not in str(error)
    assert Experiment(small).train(tmp_path / "run")
    assert compared(tmp_path / "run") == compared(tmp_path / "undisturbed")
