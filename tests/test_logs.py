"""Metrics without gaps or doubles, and a bar that fits."""

import contextlib
import json

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
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_resumed_run_drops_later_lines(tmp_path):
    with _metrics(tmp_path, 0) as metrics:
        for step in range(1, 8):
            metrics.write(step, {})
    with _metrics(tmp_path, 4) as metrics:
        assert _steps(tmp_path) == [1, 2, 3, 4]
        metrics.write(5, {})
    assert _steps(tmp_path) == [1, 2, 3, 4, 5]


def test_a_line_cut_by_a_crash_is_dropped(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"ste')
    with _metrics(tmp_path, 9):
        pass
    assert _steps(tmp_path) == [1, 2]


def test_bar_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with Progress(0, 10) as progress:
        progress.show("loss 12.345, acc 100.0%, lr 0.0021, 12345/s")
        for _ in range(10):
            progress.advance()
    shown = capsys.readouterr().err.replace("\r", "\n").splitlines()
    assert any("acc 100.0%" in line for line in shown)
    assert max(map(len, shown)) <= 80
