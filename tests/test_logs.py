"""Metrics without gaps or doubles, and a bar that fits."""

import contextlib
import json
import subprocess
import sys
import time

import pytest

from dsta_jax import logs
from dsta_jax.data import tfrecord
from dsta_jax.data.messages import Event
from dsta_jax.logs import Metrics, Progress


def _steps(workdir):
    return [json.loads(line)["step"] for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def _metrics(workdir, first_step):
    return contextlib.closing(Metrics(workdir, first_step))


def test_lines_and_events(tmp_path):
    with _metrics(tmp_path, 0) as metrics:
        metrics.write(1, {"loss": 0.5})
        metrics.write(2, {"loss": 0.25})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]
    (events,) = (tmp_path / "tensorboard").glob("events.out.tfevents.*")
    found = [Event.FromString(payload.content) for payload in tfrecord.read_file(events)]
    assert found[0].file_version == "brain.Event:2" and found[1].session_log.status == 1
    assert [(event.step, event.summary.value[0].tag, event.summary.value[0].simple_value) for event in found[2:]] == [
        (1, "loss", 0.5),
        (2, "loss", 0.25),
    ]


def test_resumed_run_drops_later_lines(tmp_path):
    with _metrics(tmp_path, 0) as metrics:
        for step in range(1, 8):
            metrics.write(step, {})
    with _metrics(tmp_path, 4) as metrics:
        assert _steps(tmp_path) == [1, 2, 3, 4]
        metrics.write(5, {})
    assert _steps(tmp_path) == [1, 2, 3, 4, 5]


def test_a_clock_that_is_set_back(tmp_path, monkeypatch):
    """TensorBoard reads the files by name: those of a later start must come later, whatever the time."""
    for number, day in enumerate((1000, 999, 1001, 1001)):
        monkeypatch.setattr(logs.time, "time_ns", lambda now=day * 86400 * 10**9: now)
        with _metrics(tmp_path, number) as metrics:
            metrics.write(number + 1, {})
    names = sorted(path.name for path in (tmp_path / "tensorboard").iterdir())
    assert [name.rpartition(".")[2] for name in names] == ["0", "1", "2", "3"]


def test_damaged_lines_cost_no_others(tmp_path):
    (tmp_path / "metrics.jsonl").write_bytes(b'{"step": 1}\n{"st\xff\x00p": 2}\n[]\n{"step": 3}\n')
    with _metrics(tmp_path, 9):
        pass
    assert _steps(tmp_path) == [1, 3]


@pytest.mark.parametrize("ending", ["| head -1", ">/dev/full 2>&1", ">&- 2>&-", "2>&1 | true"])
def test_losing_its_readers_stops_nothing(tmp_path, ending):
    program = (
        "import pathlib, sys; from dsta_jax import logs; logs.lose_no_work_for_want_of_readers()\n"
        "for number in range(20000): print(number); print(number, file=sys.stderr, flush=True)\n"
        "pathlib.Path(sys.argv[1]).write_text('saved')"
    )
    command = f'"{sys.executable}" -c "$1" "$2" {ending}; exit ${{PIPESTATUS[0]}}'
    finished = subprocess.run(
        ["bash", "-c", command, "-", program, str(tmp_path / "saved")], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0 and (tmp_path / "saved").read_text() == "saved"
    assert "Traceback" not in finished.stderr and "BrokenPipe" not in finished.stderr


def test_a_line_cut_by_a_crash_is_dropped(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"ste')
    with _metrics(tmp_path, 9):
        pass
    assert _steps(tmp_path) == [1, 2]


def test_bar_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with Progress(0, 12, steps_per_epoch=4) as progress:
        progress.show("loss 12.345, acc 100.0%")
        for step in range(1, 13):
            progress.reach(step)
        progress.phase("saving")
    shown = capsys.readouterr().err.replace("\r", "\n").splitlines()
    assert any("compiling the training step" in line for line in shown)
    assert any("step 12/12, epoch 3.0/3, loss 12.345, acc 100.0%, 00:00 left" in line for line in shown)
    assert any("step 12/12, saving" in line for line in shown) and "saving" not in shown[-1]
    assert max(map(len, shown)) <= 80


def test_the_time_that_is_left_is_of_the_last_steps(capsys, monkeypatch):
    """Compiling, before the first step's end, took an hour; a step takes 2 s now, and took 9 s long ago."""
    ends = iter([3600.0 + 9 * number for number in range(30)] + [4000.0 + 2 * number for number in range(70)])
    monkeypatch.setattr(logs.time, "monotonic", lambda: next(ends))
    progress = Progress(0, 200, steps_per_epoch=10, shown=False)
    for step in range(1, 101):
        progress.reach(step)
    assert progress._left() == "03:20"


def test_what_stalls_is_told_with_stacks(monkeypatch, capfd):
    monkeypatch.setattr(logs, "STALLED_SECONDS", 0.05)
    with logs.stacks_if_stalled("a step"):
        time.sleep(0.3)
    said = capfd.readouterr().err
    assert "nothing came of a step for 0.05 s" in said and "test_what_stalls_is_told_with_stacks" in said
    with logs.stacks_if_stalled("a batch"):
        pass
    time.sleep(0.1)
    assert not capfd.readouterr().err, "what comes in time is nobody's business"
