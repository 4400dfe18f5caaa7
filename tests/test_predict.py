"""A trained run as a function of raw recordings."""

import csv
import json
import pathlib
import shutil

import jax.numpy as jnp
import numpy as np
import pytest

import dsta_jax
from dsta_jax import cli, evaluate, predict_files, scores
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


def test_files_are_what_their_arrays_are(config, run, tmp_path):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    np.save(tmp_path / "wave.npy", frames[0])
    (tmp_path / "more").mkdir()
    np.save(tmp_path / "more" / "b.npy", frames[1])
    (tmp_path / "more" / "a.npy").write_bytes(b"nonsense")
    np.save(tmp_path / "more" / "c.npy", np.ones((5, 22, 3)))
    expected = recognizer(frames[:2])
    assert recognizer(tmp_path / "wave.npy").score_K == pytest.approx(expected[0].score_K, abs=1e-5)
    several = recognizer([str(tmp_path / "wave.npy"), str(tmp_path / "more" / "b.npy")])
    np.testing.assert_allclose([one.score_K for one in several], [one.score_K for one in expected], atol=1e-5)

    found = dict(recognizer.of_files([tmp_path / "wave.npy", tmp_path / "more", tmp_path / "none.npy"]))
    assert [name.rpartition("/")[2].removesuffix(".npy") for name in found] == ["wave", "a", "b", "c", "none"]
    wave, broken, other, more_joints, missing = found.values()
    np.testing.assert_allclose([wave.score_K, other.score_K], [one.score_K for one in expected], atol=1e-5)
    assert isinstance(broken, UserError) and isinstance(missing, UserError) and "no such file" in str(missing)
    assert "c.npy: 5 x 22 x 3, expected frames x joints x channels" in str(more_joints)
    assert "hand_22" in more_joints.table and " 0 wrist" in more_joints.table
    (tmp_path / "table.csv").write_text("\n".join([",".join(["1.5"] * 66)] * 5))
    ((_, of_table),) = recognizer.of_files([tmp_path / "table.csv"])
    assert "table.csv:1: 66 numbers, expected 63" in str(of_table) and of_table.table == more_joints.table
    with pytest.raises(UserError, match="holds more than one recording; of_files answers for all"):
        recognizer(tmp_path / "more")


def test_one_answer_does_not_slow_those_that_follow_down(config, run, monkeypatch):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    recognizer(frames[0])
    sizes = []
    scores_of = evaluate.scores_of
    monkeypatch.setattr(
        evaluate,
        "scores_of",
        lambda members, *rest: sizes.append(members.config.evaluate.batch_size) or scores_of(members, *rest),
    )
    recognizer(frames[:4])
    assert sizes == [4]


def test_segments_are_the_windows_answers(config, run):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    long = np.concatenate([frames[0], np.full((30, 21, 3), np.nan), frames[1]])
    found = recognizer.segments(long, window=10, stride=5)
    assert found[0].first == 0 and found[-1].end == len(long)
    gap = range(len(frames[0]) + 10, len(frames[0]) + 20)
    assert not [one for one in found if set(range(one.first, one.end)) & set(gap)], "nobody is in view"
    (whole,) = recognizer.segments(frames[0], window=1000, stride=15)
    answer = recognizer(frames[0])
    assert (whole.first, whole.end, whole.label) == (0, len(frames[0]), answer.label)
    assert whole.probability == pytest.approx(answer.probability, abs=1e-5)
    with pytest.raises(UserError, match="recording 0: nobody is seen"):
        recognizer.segments(np.zeros((30, 21, 3)))


def test_live_answers_are_those_of_the_window(config, run):
    directory, frames = run(config)
    recognizer = dsta_jax.load(directory)
    with recognizer.live(fps=30, window=8, every=4, smoothing=0) as stream:
        said = [stream.push(frame, number / 30) for number, frame in enumerate(frames[0])]
        assert [number for number, one in enumerate(said) if one is not None] == list(range(3, len(frames[0]), 4))
        np.testing.assert_allclose(said[11].score_K, recognizer(frames[0][4:12]).score_K, atol=1e-4)
        assert [stream.push(None) for _ in range(16)][-1] is None, "nobody has been in view for a whole window"


@pytest.fixture
def recordings(config, run, tmp_path):
    """The run's directory, and one of two good files, one broken, and one of other joints."""
    directory, frames = run(config)
    (tmp_path / "in").mkdir()
    for number in (0, 1):
        np.save(tmp_path / "in" / f"good_{number}.npy", frames[number])
    (tmp_path / "in" / "broken.npy").write_bytes(b"nonsense")
    np.save(tmp_path / "in" / "other.npy", np.ones((5, 22, 3)))
    return str(directory), str(tmp_path / "in")


def test_dsta_predict(config, run, recordings, tmp_path, capsys):
    directory, files = recordings
    expected = dsta_jax.load(directory)(run(config)[1][:2])
    assert cli.main(["predict", directory, files, "--top=2", f"--gif={tmp_path / 'gifs'}"]) == 1
    printed = capsys.readouterr()
    rows = [line.split("  ", 1) for line in printed.out.splitlines()]
    assert [name.strip() for name, _ in rows] == ["good_0", "good_1"]
    for (_, said), answer in zip(rows, expected, strict=True):
        assert said.strip() == ", ".join(f"{label} {part:.3f}" for label, part in answer.top(2))
    assert printed.err.startswith("2 of 4 recordings are broken:\n")
    assert "broken.npy" in printed.err and "expected: 21 joints" in printed.err and "found: 22 joints" in printed.err
    assert sorted(path.name for path in (tmp_path / "gifs").iterdir()) == ["good_0.gif", "good_1.gif"]


@pytest.mark.parametrize("words", [["--json"], ["--csv"], ["--json", "--window=8", "--fps=10"]])
def test_dsta_predict_for_programs(recordings, capsys, words):
    directory, files = recordings
    assert cli.main(["predict", directory, files, *words]) == 1
    lines = capsys.readouterr().out.splitlines()
    if words[0] == "--csv":
        rows = list(csv.DictReader(lines))
        assert [bool(row["label"]) for row in rows] == [not row["error"] for row in rows]
    else:
        rows = [json.loads(line) for line in lines]
        said = "segments" if len(words) > 1 else "label"
        assert all((said in row) != ("error" in row) for row in rows)
    assert sorted(row["recording"].rpartition("/")[2].removesuffix(".npy") for row in rows) == [
        "broken", "good_0", "good_1", "other",
    ]  # fmt: skip


def test_files_of_the_runs_own_kind_are_hinted_at(recordings, capsys, monkeypatch):
    directory, files = recordings
    recognizer = dsta_jax.load(directory)
    recognizer.described_by = "mine.toml"
    monkeypatch.setattr(predict_files.Recognizer, "load", lambda *_, **__: recognizer)
    assert cli.main(["predict", directory, files]) == 1
    assert capsys.readouterr().err.endswith("if it has a table [files]: --files=mine.toml\n")
    assert cli.main(["predict", directory, f"{files}/good_0.npy"]) == 0
    assert not capsys.readouterr().err


def test_files_without_a_table(recordings, tmp_path, capsys):
    (tmp_path / "mine.toml").write_text('name = "mine"\nclasses = ["a", "b"]\nlayout = "mediapipe_hand_21"\n')
    with pytest.raises(SystemExit):
        cli.main(["predict", *recordings, f"--files={tmp_path / 'mine.toml'}"])
    assert "mine.toml: no table [files] there, expected one" in capsys.readouterr().err
