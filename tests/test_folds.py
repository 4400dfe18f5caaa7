"""Folds of an experiment: in groups, one by one, interrupted and resumed, they come to the same."""

import dataclasses
import json
import shutil
import signal

import ml_collections
import numpy as np
import pytest

import dsta_jax
from data_prep import conversion, convert
from dsta_jax import checkpoint, cross_validation, scores, train
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.members import variable_shapes
from tests import raw_recordings


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A set in DHG's layout: subjects 2, 5 and 9 make 14 gestures once."""
    directory = tmp_path_factory.mktemp("dhg")
    keys = [(gesture, 1, subject, 1) for subject in (2, 5, 9) for gesture in range(1, 15)]
    raw_recordings.write_dhg(directory / "raw", keys)
    convert.run("dhg", directory / "raw", conversion.Options(directory / "data"))
    return directory / "data"


@pytest.fixture
def config(config, data_dir) -> ml_collections.ConfigDict:
    """Three folds of two streams, 7 steps each."""
    config.benchmark, config.data.dir = "dhg14", str(data_dir)
    config.members_per_step = 4
    config.train.update({"epochs": 2.0, "decay_at": (0.5,), "learning_rate": 0.01})
    config.checkpoint.every_epochs = 1.0
    return config


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All folds trained, two and then one; made by the first test that asks, and not to be changed."""
    made = []

    def get(config):
        if not made:
            workdir = tmp_path_factory.mktemp("whole")
            results = Experiment(config).train(workdir)
            made.append((workdir, results))
        return made[0]

    return get


def fold_scores(workdir):
    return {
        (path.parents[2].name, path.stem): scores.load(path) for path in sorted(workdir.glob("folds/*/scores/test/*"))
    }


def assert_same_scores(workdir, other):
    found, expected = fold_scores(workdir), fold_scores(other)
    assert found.keys() == expected.keys()
    for key, one in found.items():
        assert one.sample_S.tolist() == expected[key].sample_S.tolist()
        np.testing.assert_allclose(one.score_SxK, expected[key].score_SxK, rtol=1e-3, atol=1e-4)


def test_each_fold_tests_on_the_subject_that_it_leaves_out(config):
    members = Experiment(config).members
    assert [fold.value for fold in members.folds] == [2, 5, 9]
    for fold in members.folds:
        assert set(fold.test.columns["subject"]) == {fold.value}
        assert set(fold.train.columns["subject"]) == {2, 5, 9} - {fold.value}
    assert len(set(members.names)) == len(members) == 6


def test_mean_deviation_and_each_subject(config, whole):
    workdir, results = whole(config)
    assert results == json.loads((workdir / "results.json").read_text())
    assert list(results["folds"]) == ["2", "5", "9"]
    for network in ("spatial_temporal", "fast_temporal", "fused"):
        accuracies = [fold[network] for fold in results["folds"].values()]
        assert results["mean"][network] == pytest.approx(np.mean(accuracies))
        assert results["deviation"][network] == pytest.approx(np.std(accuracies, ddof=1))
    for stream in config.streams:
        pooled = scores.load(workdir / "scores" / "test" / f"{stream}.npz")
        assert len(set(pooled.sample_S)) == 42
        assert pooled.top(1) == pytest.approx(results["mean"][stream])
        fold = scores.load(workdir / "folds" / "subject_05" / "scores" / "test" / f"{stream}.npz")
        assert fold.top(1) == pytest.approx(results["folds"]["5"][stream])
    text = cross_validation.report(results)
    assert "deviation" in text and max(map(len, text.splitlines())) <= 80


def groups(config, workdir):
    experiment = Experiment(config)
    return [[fold.value for fold in group.folds] for group in experiment._groups(experiment.members.folds, workdir)]


def steps(config, workdir):
    experiment = Experiment(config)
    return [checkpoint.latest_step(experiment.directory(fold, workdir)) for fold in experiment.members.folds]


def test_groups(config, whole, tmp_path):
    assert groups(config, tmp_path) == [[2, 5], [9]]
    config.members_per_step = 1
    assert groups(config, tmp_path) == [[2], [5], [9]]
    config.members_per_step = 100
    assert groups(config, tmp_path) == [[2, 5, 9]]
    assert set(steps(config, whole(config)[0])) == {Experiment(config).members.steps}


def test_a_fold_alone_and_among_others_is_the_same(config, whole, tmp_path):
    config.members_per_step = 2
    assert Experiment(config).train(tmp_path)
    assert_same_scores(tmp_path, whole(config)[0])


def test_interrupted_folds_go_on_each_by_itself(config, whole, tmp_path, monkeypatch):
    note, count = train.Reporter.note, {"steps": 0}

    def note_and_interrupt(reporter, *given):
        note(reporter, *given)
        count["steps"] += 1
        if count["steps"] == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(train.Reporter, "note", note_and_interrupt)
        assert Experiment(config).train(tmp_path) is None
    assert steps(config, tmp_path) == [3, 3, 0]
    config.members_per_step = 100  # those at step 3 go on together, the third begins
    assert Experiment(config).train(tmp_path)
    assert_same_scores(tmp_path, whole(config)[0])


def test_folds_whose_checkpoints_differ_are_not_trained_together(config, whole, tmp_path):
    shutil.copytree(whole(config)[0], tmp_path / "run")
    experiment = Experiment(config)
    members = dataclasses.replace(experiment.members, folds=experiment.members.folds[:2])
    directories = [experiment.directory(fold, tmp_path / "run") for fold in members.folds]
    for path in (directories[1] / "checkpoints" / "latest" / "7" / "model").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(UserError, match=r"at steps \[7, 4\], .* give the same command again"):
        train.train(members, directories)
    (directories[1] / "results.json").unlink()
    assert experiment.train(tmp_path / "run")
    assert steps(config, tmp_path / "run") == [7, 7, 7]


@pytest.mark.parametrize("behind", [(2,), (5, 9)])
def test_folds_of_which_some_are_a_save_behind_go_on_together_bit_for_bit(config, tmp_path, behind):
    """As a kill between their saves leaves them."""
    config.members_per_step = 100
    assert Experiment(config).train(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "run")
    for path in (tmp_path / "run").rglob("results.json"):
        path.unlink()
    for fold in behind:
        shutil.rmtree(tmp_path / "run" / "folds" / f"subject_{fold:02d}" / "checkpoints" / "latest" / "7")
    assert groups(config, tmp_path / "run") == [[2, 5, 9]]
    assert Experiment(config).train(tmp_path / "run")
    assert steps(config, tmp_path / "run") == [7, 7, 7]
    expected = fold_scores(tmp_path / "whole")
    for key, one in fold_scores(tmp_path / "run").items():
        np.testing.assert_array_equal(one.score_SxK, expected[key].score_SxK)


def first_losses(workdir, fold):
    """Of the first two steps, before differences of rounding have grown."""
    line = json.loads((workdir / "folds" / fold / "metrics.jsonl").read_text().splitlines()[0])
    return {key: value for key, value in line.items() if "loss" in key}


def test_over_four_devices(config, whole, tmp_path, use_devices):
    expected, _ = whole(config)
    use_devices(4)
    config.folds = (2, 5)
    assert Experiment(config).train(tmp_path)
    for fold in ("subject_02", "subject_05"):
        assert first_losses(tmp_path, fold) == pytest.approx(first_losses(expected, fold), rel=1e-3)


def test_the_best_of_each_fold_is_chosen_on_its_own_held_out_part(config, tmp_path):
    config.data.validation_fraction, config.data.validation_by = 0.3, "recording"
    experiment = Experiment(config)
    assert experiment.train(tmp_path)["checkpoint"] == "best"
    members = experiment.members
    shapes = checkpoint.with_sharding(variable_shapes(members.network, members.input_shape(8), 2), members.mesh(8))
    for fold in members.folds:
        directory = experiment.directory(fold, tmp_path)
        lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
        validated = [line["validation/accuracy/fast_temporal"] for line in lines if "learning_rate" not in line]
        _, choice = checkpoint.restore_best(directory, shapes)
        assert choice["accuracy"][1] == max(validated)


def test_some_folds(config, tmp_path):
    config.folds = (9,)
    (fold,) = Experiment(config).members.folds
    assert fold.value == 9
    config.folds = (9, 4)
    with pytest.raises(UserError, match=r"config.folds=.*: there is no subject 4, only \[2, 5, 9\]"):
        Experiment(config).train(tmp_path)


def test_folds_of_a_fixed_test_part(config, hands):
    config.benchmark, config.data.dir, config.folds = "synthetic14", str(hands), (1,)
    with pytest.raises(UserError, match="synthetic14 has a fixed test part, no folds"):
        _ = Experiment(config).members


def test_evaluation_of_the_folds_that_are_trained(config, whole, tmp_path):
    workdir, results = whole(config)
    assert Experiment(config).evaluate(workdir) == results
    (tmp_path / "config.json").write_bytes((workdir / "config.json").read_bytes())
    with pytest.raises(UserError, match="none of the 3 folds has a checkpoint: train first"):
        Experiment(config).evaluate(tmp_path)


def test_a_recogniser_of_one_fold(config, whole):
    workdir, _ = whole(config)
    with pytest.raises(UserError, match=r"fold=None, expected the subject that was left out, one of 02, 05, 09"):
        dsta_jax.load(workdir)
    recognizer = dsta_jax.load(workdir, fold=5)
    assert recognizer(raw_recordings.hand_frames(3)[:, :, None]).label in recognizer.benchmark.class_names
