"""The command line, as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from dsta_jax import checkpoint
from tests.conftest import ROOT

TINY = [
    "--config.data.sampled_frames=10", "--config.data.frames=8", "--config.model.input_channels=4",
    "--config.model.channels=(4,8)", "--config.model.embedding=(2,2)", "--config.model.strides=(2,1)",
    "--config.model.heads=2", "--config.train.epochs=4", "--config.train.batch_size=8",
    "--config.train.decay_at=(0.5,0.75)", "--config.evaluate.batch_size=8", "--config.log.every_steps=2",
]  # fmt: skip


def _environment():
    return {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "", "COLUMNS": "80"}


def _command(*words):
    return subprocess.run(
        [sys.executable, "-m", "dsta_jax.main", *words],
        capture_output=True, text=True, cwd=ROOT, env=_environment(), check=False, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.train.epoch=3"], "the configuration has no field 'epoch', did you mean 'epochs'?"),
        (["--config.zzz=3"], "the configuration has no such field ("),
        (["--config.train.epochs=abc"], "flag --config.train.epochs=abc: could not convert string to float: 'abc'"),
        (["--config.train.batch_size=3.5"], "flag --config.train.batch_size=3.5: invalid literal for int()"),
        (["--config=configs/none.py"], "--config=configs/none.py: there is no such config; expected a .py file"),
        (["--config=mine.toml"], "--config=mine.toml: a benchmark's file; train on it by --config=own:small"),
        (["--config.train.epochs=-1"], "config.train.epochs=-1.0: expected a number above 0"),
        (["--config=configs/shrec14.py:bones"], "'bones' after the colon: expected 'small' or some of"),
        (["--wrkdir=x"], "Unknown command line flag 'wrkdir'. Did you mean: workdir ?"),
        (["--mode=evaluate"], "--mode=evaluate needs --workdir"),
        (["--mode=evaluate", "--workdir=/nowhere", "--config=demo"], "--mode=evaluate takes the configuration of"),
        (["--mode=evaluate", "--workdir=/nowhere"], "/nowhere/config.json is not there"),
        (["runs/demo"], "unknown argument 'runs/demo': options begin with --"),
    ],
)
def test_wrong_commands_are_one_line(words, message):
    finished = _command(*words)
    assert finished.returncode == 1
    lines = finished.stderr.splitlines()
    assert len(lines) == 1, finished.stderr
    assert lines[0].startswith("error: " + message)


def test_help():
    finished = _command("--help")
    assert finished.returncode == 0 and not finished.stderr
    assert "--config=shrec14:spatial" in finished.stdout and "--workdir" in finished.stdout
    assert max(map(len, finished.stdout.splitlines())) <= 80


def test_of_a_flag_given_twice_the_last_counts():
    finished = _command("--config.streams=('spatial',)", "--config.streams=('bones',)")
    assert finished.stderr.startswith("error: config.streams=('bones',): expected some of spatial_temporal")


def test_a_working_directory_that_is_a_file(tmp_path, hands):
    (tmp_path / "file").write_text("")
    finished = _command(*TINY, f"--config.data.dir={hands}", f"--workdir={tmp_path / 'file' / 'below'}")
    assert finished.returncode == 1 and "Traceback" not in finished.stderr
    assert "cannot be a working directory" in finished.stderr.splitlines()[-1]


def test_train_interrupt_resume_evaluate(hands, tmp_path):
    workdir = tmp_path / "run"
    words = [
        *TINY,
        "--config.train.epochs=40",  # long enough for a signal to come before its end
        "--config=configs/demo.py:spatial,fast_temporal",
        f"--config.data.dir={hands}",
        f"--workdir={workdir}",
    ]
    words.insert(0, words.pop(len(TINY) + 1))  # the configuration file comes before what overrides it
    with subprocess.Popen(
        [sys.executable, "-m", "dsta_jax.main", *words], cwd=ROOT, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        metrics = workdir / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and metrics.read_text()):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=200)[1]
    assert process.returncode == 130, said
    assert "the same command goes on from here" in said
    assert "Traceback" not in said
    finished = _command(*words)
    assert finished.returncode == 0, finished.stderr
    assert "fused" in finished.stdout and f"Everything is in {workdir}" in finished.stdout
    results = json.loads((workdir / "results.json").read_text())
    again = _command(*words)
    assert "finished already" in again.stderr and "fused" in again.stdout
    (workdir / "results.json").unlink()
    evaluated = _command("--mode=evaluate", f"--workdir={workdir}")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads((workdir / "results.json").read_text()) == results
    other = _command(*words, "--config.train.weight_decay=0.1")
    assert other.returncode == 1
    assert "config.train.weight_decay was 0.0005, is 0.1" in other.stderr


def test_interrupted_while_it_compiles(hands, tmp_path):
    metrics = tmp_path / "run" / "metrics.jsonl"
    words = ["--config=configs/demo.py", *TINY, f"--config.data.dir={hands}", f"--workdir={metrics.parent}"]
    environment = {**_environment(), "JAX_ENABLE_COMPILATION_CACHE": "false"}
    with subprocess.Popen(
        [sys.executable, "-m", "dsta_jax.main", *words], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not metrics.exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=200)[1]
    assert process.returncode == 130 and "goes on from" in said and "Traceback" not in said, said


def test_ctrl_c_behind_a_pipe_saves_although_the_pipes_reader_dies(hands, tmp_path):
    """As `... 2>&1 | tee log` is stopped: the shell sends Ctrl-C to all, and `tee` is gone before we have saved."""
    workdir = tmp_path / "run"
    words = [*TINY, "--config.train.epochs=200", f"--config.data.dir={hands}", f"--workdir={workdir}"]
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with subprocess.Popen(
        [sys.executable, "-m", "dsta_jax.main", "--config=demo:spatial", *words],
        cwd=ROOT, env=_environment(), stdout=reader.stdin, stderr=reader.stdin,
    ) as process:  # fmt: skip
        reader.stdin.close()
        metrics = workdir / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and metrics.read_text()):
            time.sleep(0.02)
        reader.kill()
        reader.wait()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=200)
    assert process.returncode == 130
    assert checkpoint.latest_step(workdir) > 0
