"""Evaluation: exact over ragged batches, from the working directory alone, on any number of devices."""

import json
import shutil

import numpy as np
import pytest

from dsta_jax import evaluate, experiment, parallel, scores
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained working directory; made by the first test that asks, and not to be changed."""
    made = []

    def get(config):
        if not made:
            directory = tmp_path_factory.mktemp("trained") / "run"
            assert Experiment(config).train(directory)
            made.append(directory)
        return made[0]

    return get


def _scores(directory):
    return {path.stem: scores.load(path) for path in (directory / "scores" / "test").iterdir()}


def test_scores_do_not_depend_on_batches_or_devices(config, trained, tmp_path, use_devices):
    directory = tmp_path / "run"
    shutil.copytree(trained(config), directory)
    found = []
    for batch_size, devices in ((8, 8), (5, 8), (64, 8), (8, 1)):
        config.evaluate.batch_size = batch_size
        use_devices(devices)
        Experiment(config).evaluate(directory)
        found.append(_scores(directory))
    for other in found[1:]:
        for stream, expected in found[0].items():
            assert other[stream].sample_S.tolist() == expected.sample_S.tolist()
            np.testing.assert_allclose(other[stream].score_SxK, expected.score_SxK, atol=1e-5)


def test_fewer_recordings_than_devices(config, trained, use_devices):
    run = experiment.of_run(trained(config))
    (fold,) = run.members.folds
    few, found = fold.test.select(np.arange(3)), []
    for devices in (1, 8):
        use_devices(devices)
        mesh = parallel.make_mesh(2, config.evaluate.batch_size)
        assert mesh.size == devices
        model, _ = evaluate.restore(run.members, trained(config), mesh)
        found.append(evaluate.score(run.members, model, few))
    for one, eight in zip(*found, strict=True):
        assert eight.sample_S.tolist() == few.name_N.tolist()
        np.testing.assert_allclose(one.score_SxK, eight.score_SxK, atol=1e-5)


def test_needs_the_workdir_alone_and_no_optimiser(config, trained, tmp_path, strict_transfers):
    directory = tmp_path / "moved"
    shutil.copytree(trained(config), directory)
    for path in (directory / "checkpoints" / "latest").glob("*/train"):
        shutil.rmtree(path)
    run = experiment.of_run(directory)
    results = run.evaluate(directory)
    assert results == json.loads((directory / "results.json").read_text())
    (fold,) = run.members.folds
    assert results["samples"] == len(fold.test) == 28
    assert set(results["accuracy"]) == {"spatial_temporal", "fast_temporal", "fused"}
    parts = _scores(directory)
    fused = np.mean([parts[stream].score_SxK for stream in run.members.streams], axis=0)
    accuracy = np.mean(fused.argmax(1) == parts["spatial_temporal"].label_S)
    assert results["accuracy"]["fused"]["top1"] == pytest.approx(accuracy)
    assert sorted(parts["spatial_temporal"].sample_S) == sorted(fold.test.name_N)
    text = evaluate.report(results)
    assert "fused" in text and "costliest confusion" in text
    assert max(map(len, text.splitlines())) < 120


def test_unfinished_training_is_said(config, trained):
    results = Experiment(config).evaluate(trained(config))
    assert "train again" not in evaluate.report(results)
    assert "Training is at step 3 of 14" in evaluate.report({**results, "trained": 3})


def test_no_checkpoint(config, trained, tmp_path):
    (tmp_path / "config.json").write_bytes((trained(config) / "config.json").read_bytes())
    with pytest.raises(UserError, match="checkpoints/latest holds no checkpoint: train first"):
        Experiment(config).evaluate(tmp_path)
