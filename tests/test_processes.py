"""Several processes: real ones, over virtual devices of this machine's processor; and how they find each other."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from dsta_jax import processes, scores
from dsta_jax.errors import UserError

LAUNCHED = {key for one in processes._LAUNCHERS for key in one[1:]} | {"JAX_COORDINATOR_ADDRESS", "SLURM_JOB_ID"}


@pytest.fixture
def initialized(monkeypatch):
    """What the runtime is asked for; nothing is started. No launcher is there yet."""
    asked = []
    for key in LAUNCHED | {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"}:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given, **_: asked.append(given))
    monkeypatch.setattr(processes, "_on_tpu", lambda: False)
    monkeypatch.setattr(processes.faulthandler, "disable", lambda: None)
    return asked


SLURM = {"SLURM_NTASKS": "4", "SLURM_PROCID": "2"}
SRUN = {**SLURM, "SLURM_STEP_NODELIST": "node[1-4]"}
OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"}


@pytest.mark.parametrize(
    ("environment", "given", "asked"),
    [
        ({}, (), []),
        ({}, ("host:1", 2, 1), [("host:1", 2, 1)]),
        (SRUN, (), [(None, 4, 2)]),
        (SRUN, ("host:1", 2, 0), [("host:1", 2, 0)]),
        ({**SRUN, "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, (), []),
        (SLURM, (None, 1, None), []),
        ({**OPEN_MPI, "OMPI_MCA_orte_hnp_uri": "1.0;tcp://10.0.0.1:1"}, (), [(None, 2, 1)]),
        (OPEN_MPI, ("host:1", None, None), [("host:1", 2, 1)]),
        ({**OPEN_MPI, "JAX_COORDINATOR_ADDRESS": "host:1"}, (), [("host:1", 2, 1)]),
    ],
)
def test_processes_are_found_or_given(initialized, monkeypatch, environment, given, asked):
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    processes.start(*given)
    assert initialized == asked


@pytest.mark.parametrize(
    ("environment", "given", "message"),
    [
        ({}, ("host:1", None, None), r"--processes and --process missing"),
        ({}, ("host:1", 2, None), r"--process missing: several processes need --coordinator=HOST:PORT"),
        ({}, (None, 2, 0), r"--coordinator missing"),
        ({}, ("host:1", 2, 2), r"--process=2 of --processes=2: expected a number from 0 to 1"),
        (SLURM, (), r"SLURM starts 4 processes, but this one was not started by srun.*--processes=1"),
        (OPEN_MPI, (), r"Open MPI starts 2 processes, but does not say where the first is.*--coordinator"),
        ({"PMI_SIZE": "3", "PMI_RANK": "0"}, (), r"MPI starts 3 processes"),
        ({"WORLD_SIZE": "3"}, ("host:1", None, None), r"torchrun starts 3 processes, but --process missing"),
        ({"KUBERNETES_SERVICE_HOST": "x", "JOB_COMPLETION_INDEX": "1"}, (), r"indexed job.*dsta_jax\[kubernetes\]"),
    ],
)
def test_what_is_half_there_is_an_error(initialized, monkeypatch, environment, given, message):
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match=message):
        processes.start(*given)
    assert not initialized


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Run:
    """A training of so many processes with so many virtual devices each."""

    def own_word(self, number):
        """What one process is told, and the others are not."""
        return f"--process={number}"

    def __init__(self, count, devices, out, *words):
        program = [sys.executable, "-m", "dsta_jax.main", f"--coordinator=127.0.0.1:{free_port()}", *words]
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
        environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
        self.logs = [out.with_name(f"{out.name}_{number}.txt") for number in range(count)]
        self.processes = []
        for number, log in enumerate(self.logs):
            own = [*program, f"--processes={count}", f"--process={number}", self.own_word(number)]
            with log.open("w") as file:
                self.processes.append(
                    subprocess.Popen(own, stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=out.parent)
                )

    def ended(self, seconds=300):
        """The exit status of each."""
        end = time.monotonic() + seconds
        return [process.wait(timeout=max(0.1, end - time.monotonic())) for process in self.processes]

    def said(self, number):
        return self.logs[number].read_text()


@pytest.fixture
def start(tmp_path, config):
    """Starts a tiny training by the command line; whatever still runs at the end of the test is killed."""
    runs = []
    words = ["--config=demo:spatial_temporal,fast_temporal", f"--config.data.dir={config.data.dir}"]
    for group in ("data", "model", "train", "evaluate", "checkpoint", "log"):
        words += [f"--config.{group}.{key}={value}" for key, value in config[group].items() if key != "dir"]

    def started(count, devices, *more):
        runs.append(Run(count, devices, tmp_path / f"run{len(runs)}", *words, *more))
        return runs[-1]

    yield started
    for run in runs:
        for process in run.processes:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()


def lines(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def losses(workdir):
    return {line["step"]: line["train/loss/spatial_temporal"] for line in lines(workdir)}


def wait_for_line(run, workdir, count):
    """Until so many lines of metrics are there."""
    while not (workdir / "metrics.jsonl").exists() or len(lines(workdir)) < count:
        assert all(process.poll() is None for process in run.processes), run.said(0)
        time.sleep(0.1)


def test_one_program_over_any_number_of_processes(start, tmp_path):
    """1 x 8, then 2 x 4 until SIGTERM to one of them, which 4 x 2 go on from: the same losses, lines and scores."""
    one, several = tmp_path / "one", tmp_path / "several"
    assert start(1, 8, f"--workdir={one}").ended() == [0]

    run = start(2, 4, f"--workdir={several}")
    wait_for_line(run, several, 2)
    run.processes[1].send_signal(signal.SIGTERM)
    assert run.ended() == [0, 0], run.said(0) + run.said(1)
    assert "the same command goes on from here" in run.said(0)
    stopped_at = max(losses(several))
    assert 4 <= stopped_at < max(losses(one)) and not (several / "results.json").exists()

    run = start(4, 2, f"--workdir={several}")
    assert run.ended() == [0] * 4, run.said(0)
    assert [run.said(number).count("fused") for number in range(4)] == [1, 0, 0, 0], "only the first process speaks"
    expected, found = losses(one), losses(several)
    assert list(found) == list(expected) and len(lines(several)) == len(found), "no line is missing or there twice"
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-4)
    for stream in ("spatial_temporal", "fast_temporal"):
        path = pathlib.Path("scores", "test", f"{stream}.npz")
        a, b = scores.load(one / path), scores.load(several / path)
        assert a.sample_S.tolist() == b.sample_S.tolist()
        np.testing.assert_allclose(a.score_SxK, b.score_SxK, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_others(start, tmp_path, killed):
    workdir = tmp_path / "run"
    run = start(2, 1, f"--workdir={workdir}", "--config.train.epochs=2000", "--config.train.batch_size=4")
    wait_for_line(run, workdir, 1)
    run.processes[killed].kill()
    status = run.ended(seconds=90)
    assert status[killed] == -signal.SIGKILL and status[1 - killed] != 0
    said = run.said(1 - killed)
    assert "another one is gone" in said or "another task died" in said


def test_processes_of_different_commands_are_an_error_once(start, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "own_word", lambda self, number: f"--config.seed={number}")
    run = start(2, 1, f"--workdir={tmp_path / 'run'}")
    assert run.ended() == [1, 1]
    assert "error: the configuration is not in process 1 what it is in process 0" in run.said(0)
    assert "error" not in run.said(1)
    assert not (tmp_path / "run").exists()
