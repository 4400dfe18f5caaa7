"""A run's networks: the best, or the latest; of one fold."""

import numpy as np
import pytest

from dsta_jax import checkpoint, workdir
from dsta_jax.errors import UserError
from dsta_jax.weights import trained


def test_the_runs_own(tiny, trained_run):
    run = trained_run(tiny)
    found = trained.read(run)
    assert found.place == run and found.config.streams == ("spatial_temporal", "spatial")
    assert found.benchmark.to_dict() == workdir.read(run).benchmark.to_dict()
    assert found.model["params"]["classifier"]["kernel"].shape == (2, 6, 2)
    assert all(isinstance(leaf, np.ndarray) for leaf in found.model["params"]["classifier"].values())


def test_no_checkpoint(tiny, trained_run, tmp_path):
    (tmp_path / "config.json").write_bytes((trained_run(tiny) / "config.json").read_bytes())
    with pytest.raises(UserError, match="holds no checkpoint: train first"):
        trained.read(tmp_path)
    assert not checkpoint.latest_step(tmp_path)
