"""A small network compiled for eight chips that are not here: what they send to each other."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import types

import jax
import pytest

from benchmarks import ahead, shapes, sides, targets
from benchmarks.shapes import Case
from dsta_jax.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def libtpu() -> str:
    """The directory that has libtpu, apart from other packages, or nothing where it is among them."""
    directory = pathlib.Path(os.environ.get("DSTA_JAX_LIBTPU", ROOT / ".venv-libtpu"))
    if (directory / "libtpu").is_dir():
        return str(directory)
    if importlib.util.find_spec("libtpu") is None:
        pytest.skip(
            f"needs libtpu: {directory} is not there; pip install --no-deps --target {directory} -r "
            f"launch/requirements/libtpu.txt"
        )
    return ""


@pytest.fixture
def row_for_chips(tmp_path, libtpu):
    """The row of a tiny network of eight samples a batch, compiled for eight chips, in a process of its own."""

    def row(*words: str) -> dict:
        path = tmp_path / "results.jsonl"
        command = [sys.executable, "-m", "benchmarks.compiled", "--target=v5e:2x4", "--network=tiny", "--batch=8"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), libtpu])}
        environment.pop("XLA_FLAGS", None)
        done = subprocess.run(
            [*command, *words, f"--json={path}"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 100
        (found,) = json.loads(path.read_text())["rows"]
        return found

    return row


def test_members_send_nothing(row_for_chips):
    row = row_for_chips("--shape=shrec", "--members=8")
    assert (row["devices_of_members"], row["devices_of_batches"]) == (8, 1) and row["sent"] == []
    assert row["fits"] == "yes" and 0 < row["gb"] < row["padded_gb"]


def test_data_parallel_sends_gradients_and_statistics(row_for_chips):
    row = row_for_chips("--shape=ntu", "--members=1", "--single=0")
    assert (row["devices_of_members"], row["devices_of_batches"]) == (1, 8)
    assert {(each["kind"], each["devices"]) for each in row["sent"]} == {("all-reduce", 8)}
    sent = {each["what"]: each for each in row["sent"]}
    assert sent.keys() == {"BatchNorm", "gradients", "loss, accuracy"}
    # Nine of them have four channels each: a shift, a mean and a square forth, two sums back, and none of features.
    assert sent["BatchNorm"]["kb"] <= 9 * 5 * 4 * 4 / 1e3
    assert sent["loss, accuracy"]["kb"] == 8 / 1e3


@pytest.mark.parametrize("target", ["v5e", "v5e:", "h100:0", "h100:2x2", "v9:2x4", ""])
def test_targets_that_are_not_known(target):
    with pytest.raises(UserError, match=f"--target={target}: expected a TPU and its topology, such as v5e:2x4"):
        targets.devices(target)


@pytest.mark.parametrize(("target", "package"), [("v5e:2x4", "libtpu"), ("h200", "jax-cuda13-plugin")])
def test_what_compiles_is_not_installed(target, package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=f"is not installed; pip install .*{'tpu' if package == 'libtpu' else package}"):
        targets.devices(target)


def test_a_step_that_does_not_fit(monkeypatch):
    def compile_it(options):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory")

    case = Case("shrec", "tiny", 8, samples=8)
    members = shapes.members_of(case)
    step = targets.Training(members, members.mesh(8), 8, 1, types.SimpleNamespace(compile=compile_it))
    monkeypatch.setattr(targets, "training", lambda case, devices: step)
    chip = types.SimpleNamespace(device_kind="TPU v5 lite", platform="tpu")
    row = ahead.row_of(sides.Spec("train", "jax", case), [chip])
    assert row["fits"] == "no" and row["sent"] == []
    assert "ours does not fit: RESOURCE_EXHAUSTED: XLA:TPU compile permanent error" in ahead.below(row)
