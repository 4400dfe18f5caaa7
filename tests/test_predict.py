"""A trained run as a function of raw recordings."""

import pathlib
import shutil

import jax.numpy as jnp
import numpy as np
import pytest

import dsta_jax
from dsta_jax import evaluate, scores
from dsta_jax.data.dataset import DataSet
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment


def recording(label: int, seed: int, frames: int = 20) -> np.ndarray:
    """A hand of 21 joints, some of whose joints swing, by class."""
    rng = np.random.default_rng([label, seed])
    joints_VxC = np.random.default_rng(7).normal(size=(21, 3))
    moved_TxVxC = np.tile(joints_VxC, (frames, 1, 1)) + rng.normal(size=(frames, 21, 3)) * 0.01
    moved_TxVxC[:, 4 + 4 * label, 1] += np.sin(np.arange(frames) / 2)
    return 100 * moved_TxVxC + rng.normal(size=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two streams on recordings in memory, and the recordings; made once."""
    made = []

    def get(config):
        if not made:
            frames = [recording(number % 3, number, 12 + number % 9) for number in range(24)]
            frames[3][4, 6] = np.nan
            labels = [("wave", "point", "stop")[number % 3] for number in range(24)]
            split = ["train" if number < 15 else "test" for number in range(24)]
            data = DataSet.from_arrays(frames, labels, layout="mediapipe_hand_21", split=split)
            config.evaluate.batch_size = 4
            directory = tmp_path_factory.mktemp("runs") / "mine"
            Experiment(config, data).train(directory)
            made.append((directory, frames))
        return made[0]

    return get


def test_answers_are_the_evaluations(config, run):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    for answers in (recognizer(frames[15:]), [recognizer(each) for each in frames[15:]]):
        for stream in recognizer.streams:
            evaluated = scores.load(directory / "scores" / "test" / f"{stream}.npz")
            found = np.array([answer.streams[stream].score_K for answer in answers])
            np.testing.assert_allclose(found, evaluated.score_SxK, atol=1e-5)
        fused = np.array([answer.score_K for answer in answers])
        each = np.array([[answer.streams[stream].score_K for stream in recognizer.streams] for answer in answers])
        assert (fused >= each.min(axis=1) - 1e-6).all() and (fused <= each.max(axis=1) + 1e-6).all()


def test_an_answer(config, run):
    directory, frames = run(config)
    answer = dsta_jax.load(directory)(frames[0])
    assert answer.label in ("wave", "point", "stop")
    assert answer.probability_K.sum() == pytest.approx(1)
    top = answer.top(5)
    assert len(top) == 3 and top[0] == (answer.label, pytest.approx(answer.probability))
    assert [probability for _, probability in top] == sorted((probability for _, probability in top), reverse=True)
    assert set(answer.streams) == {"spatial_temporal", "fast_temporal"}


def test_needs_the_working_directory_alone(config, run, tmp_path, monkeypatch):
    directory, frames = run(config)
    shutil.copytree(directory, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dsta_jax.data.dataset.load", lambda *_: pytest.fail("read a data set"))
    moved, there = dsta_jax.load("moved"), dsta_jax.load(directory)
    np.testing.assert_array_equal(moved(frames[1]).score_K, there(frames[1]).score_K)


def test_place_and_size_change_nothing(config, run):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    moved = recognizer(3 * frames[2] + [5, -2, 7])
    np.testing.assert_allclose(moved.score_K, recognizer(frames[2]).score_K, atol=1e-3)


def test_no_recordings(config, run):
    assert dsta_jax.load(run(config)[0])([]) == []


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.ones((5, 20, 3)), r"recording 0: 20 joints of 3 coordinates without confidence, expected 21"),
        (np.zeros((5, 21, 2)), "recording 0: an array of float64 5 x 21 x 2, expected numbers: frames x 21 joints x 3"),
        (np.zeros((0, 21, 3)), "recording 0: nobody is seen in any of its 0 frames"),
        (np.zeros((5, 21, 3)), "recording 0: nobody is seen in any of its 5 frames"),
        (np.full((5, 21, 3), np.nan), "recording 0: nobody is seen"),
        (np.full((5, 21, 3), "a"), "recording 0: an array of <U1 5 x 21 x 3, expected numbers"),
        (np.full((5, 21, 3), np.inf), r"frame 0 \(from 0\), joint wrist, body 0: x is inf, expected a number"),
        (np.ones((5, 21, 3)), "the distance of wrist and middle_mcp is 0 in every frame"),
    ],
)
def test_what_is_no_recording(config, run, frames, message):
    with pytest.raises(UserError, match=message):
        dsta_jax.load(run(config)[0])(frames)


def test_scores_that_are_not_finite_are_no_answer(config, run, monkeypatch):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    compiled = evaluate.compiled_step
    monkeypatch.setattr(evaluate, "compiled_step", lambda *how: lambda *given: jnp.nan * compiled(*how)(*given))
    with pytest.raises(UserError, match="the scores of 1 of 1 recordings are not finite"):
        recognizer(frames[0])


def test_a_fold_of_a_fixed_test_part(config, run):
    with pytest.raises(UserError, match="fold=2, but arrays has a fixed test part, no folds"):
        dsta_jax.load(run(config)[0], fold=2)


def test_no_run(tmp_path):
    with pytest.raises(UserError, match=r"config.json is not there: .* is not the working directory of a run"):
        dsta_jax.load(tmp_path)


def test_the_example_of_the_package(config, run):
    """Every public name is there, and nothing else is promised."""
    assert all(getattr(dsta_jax, name) is not None for name in dsta_jax.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = dsta_jax.nonsense
    assert pathlib.Path(dsta_jax.__file__).with_name("py.typed").exists()
