"""Curves and times of a training, of one directory and of several."""

import json

import numpy as np
import pytest

from dsta_jax import logs
from dsta_jax.report import history


def write(directory, losses, cut=""):
    directory.mkdir()
    lines = [
        json.dumps({"step": 10 * number, "epoch": number / 2, "learning_rate": 1.0, "train/loss/spatial": loss})
        for number, loss in enumerate(losses, 1)
    ]
    validation = json.dumps({"step": 20, "validation/accuracy/spatial": 0.5})
    (directory / "metrics.jsonl").write_text("\n".join([*lines, validation, cut]))
    return directory


def test_curves_of_one_training(tmp_path):
    found = history.curves([write(tmp_path / "run", [4, 3, 2], cut='{"step": 40, "trai')])
    assert set(found) == {"train/loss/spatial", "validation/accuracy/spatial"}
    np.testing.assert_allclose(found["train/loss/spatial"], ([0.5, 1.0, 1.5], [4, 3, 2]))
    np.testing.assert_allclose(found["validation/accuracy/spatial"], ([1.0], [0.5]))


def test_curves_of_folds_are_means_where_all_have_a_line(tmp_path):
    found = history.curves([write(tmp_path / "a", [4, 3, 2]), write(tmp_path / "b", [2, 2])])
    np.testing.assert_allclose(found["train/loss/spatial"], ([0.5, 1.0], [3, 2.5]))


def test_long_curves_are_means_of_neighbours(tmp_path):
    epoch_E, loss_E = history.curves([write(tmp_path / "run", np.arange(1000.0))])["train/loss/spatial"]
    assert len(epoch_E) == len(loss_E) == 200
    np.testing.assert_allclose(loss_E[:2], [2, 7])


def test_nothing_is_there(tmp_path):
    assert history.curves([tmp_path]) == {}
    assert history.seconds([tmp_path]) is None


def test_time_is_that_of_all_starts_and_trainings_side_by_side_count_once(tmp_path, monkeypatch):
    def train(name, start, end):
        monkeypatch.setattr(logs.time, "time", lambda: start)
        monkeypatch.setattr(logs.time, "time_ns", lambda: int(start * 1e9))
        metrics = logs.Metrics(tmp_path / name, 0)
        monkeypatch.setattr(logs.time, "time", lambda: end)
        metrics.write(1, {"train/loss/spatial": 1.0})
        metrics.close()

    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    train("a", 1000.0, 1100.0)
    train("b", 1050.0, 1130.0)
    train("a", 2000.0, 2005.0)
    assert history.seconds([tmp_path / "a"]) == pytest.approx(105)
    assert history.seconds([tmp_path / "a", tmp_path / "b"]) == pytest.approx(135)
    damaged = next((tmp_path / "b" / "tensorboard").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-3])
    assert history.seconds([tmp_path / "b"]) == pytest.approx(0)
