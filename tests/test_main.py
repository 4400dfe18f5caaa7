"""The command line, as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT

TINY = [
    "--config.data.sampled_frames=10", "--config.data.frames=8", "--config.model.input_channels=4",
    "--config.model.channels=(4,8)", "--config.model.embedding=(2,2)", "--config.model.strides=(2,1)",
    "--config.model.heads=2", "--config.train.epochs=4", "--config.train.batch_size=8",
    "--config.train.decay_epochs=(2,3)", "--config.evaluate.batch_size=8", "--config.log.every_steps=2",
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
        (["--config=configs/none.py"], "--config=configs/none.py: there is no file configs/none.py"),
        (["--config=configs/shrec14.py:bones"], "'bones' after the colon: expected 'small' or some of"),
        (["--wrkdir=x"], "Unknown command line flag 'wrkdir'. Did you mean: workdir ?"),
        (["--mode=evaluate"], "--mode=evaluate needs --workdir"),
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
    said = _command("--help").stdout
    assert "--config=configs/shrec14.py:spatial" in said and "--workdir" in said


def test_train_interrupt_resume_evaluate(hands, tmp_path):
    workdir = tmp_path / "run"
    words = [
        *TINY,
        "--config=configs/demo.py:spatial,fast_temporal",
        f"--config.data.dir={hands}",
        f"--workdir={workdir}",
    ]
    words.insert(0, words.pop(len(TINY)))  # the configuration file comes before what overrides it
    with subprocess.Popen(
        [sys.executable, "-m", "dsta_jax.main", *words], cwd=ROOT, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        metrics = workdir / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and metrics.read_text()):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=200)[1]
    if process.returncode == 130:  # it may be faster than the signal
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
