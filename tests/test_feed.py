"""Batches of a training in which most bodies are absent: their rows, and that sharing a row changes nothing."""

import json

import jax
import numpy as np
import pytest

from configs import own
from dsta_jax import feed, train
from dsta_jax import run as run_lib
from dsta_jax.data import packing
from tests import raw_recordings

BENCHMARK = """
name = "tiny"
classes = ["a", "b", "c"]
bodies = 2
[layout.parents]
left = "root"
right = "root"
root = "root"
[split]
subject = [1, 2, 3]
"""


@pytest.fixture
def run(tmp_path, config):
    """Recordings of one body, but for every fifth of two; 12 steps of batches of 4."""
    recordings = raw_recordings.records(27)
    for number, record in enumerate(recordings):
        record.frames_TxVxMxC[:, :, 1] *= number % 5 == 4
    raw_recordings.write_set(tmp_path / "data" / "tiny" / "1.0.0", {"all": [recordings]})
    path = tmp_path / "tiny.toml"
    path.write_text(BENCHMARK)
    mine = own.get_config("spatial_temporal,fast_temporal")
    mine.benchmark, mine.data.dir = str(path), str(tmp_path / "data")
    mine.data.update({"sampled_frames": 10, "frames": 8, "rotation_degrees": 10.0})
    mine.model, mine.log = config.model, config.log
    mine.train.update({"epochs": 2.0, "batch_size": 4, "decay_epochs": (1.0,)})
    (run,) = run_lib.prepare(mine)
    return run


def losses(directory):
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if "loss" in key} for line in lines]


@pytest.mark.parametrize("devices", [1, 2])
def test_sharing_a_row_changes_no_loss(run, tmp_path, monkeypatch, use_devices, devices):
    use_devices(devices)
    made = []
    make = feed.Feed._make
    monkeypatch.setattr(feed.Feed, "_make", lambda self, step: made.append(make(self, step)) or made[-1])
    monkeypatch.setattr(packing, "_WORTH", 1.0)
    for name in ("packed", "dense"):
        (tmp_path / name).mkdir()
        assert train.train([run], [tmp_path / name])
        monkeypatch.setattr(packing, "choose", lambda *_: None)
    packed, dense = made[: run.steps], made[run.steps :]
    assert len({batch.x.shape[1] for batch in packed}) == 2, "the usual number of rows, and the other"
    assert max(batch.x.shape[1] for batch in packed) <= 8 == dense[0].x.shape[1]
    for one, other in zip(losses(tmp_path / "packed"), losses(tmp_path / "dense"), strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_batches_have_the_shapes_that_are_compiled(run):
    mesh = run.mesh(4)
    source = feed.Feed([run, run], mesh)
    needed = [int((np.asarray(batch.share)[0].sum(0) > 0).sum()) for batch in source.batches(0)]
    counts = source.row_counts
    for batch, rows in zip(source.batches(0), map(counts.of, needed), strict=True):
        expected = source.shapes(rows)
        assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), batch) == jax.tree.map(
            lambda leaf: (leaf.shape, leaf.dtype), expected
        )
    assert counts.most == max(needed)


def test_batches_of_one_body_keep_their_rows(run):
    one = run.train.select(run.train.body_NxM.all(axis=1))
    object.__setattr__(run, "train", one)
    source = feed.Feed([run], run.mesh(4))
    assert source.row_counts is None
    batch = next(source.batches(0))
    assert batch.share is None and batch.x.shape[1] == 8 == source.shapes(None).x.shape[1]
