"""Fusion by sample name."""

import dataclasses

import numpy as np
import pytest

from dsta_jax import fusion, scores
from dsta_jax.errors import UserError
from tests.test_scores import make


def _shuffled(part, seed=1):
    order = np.random.default_rng(seed).permutation(len(part.sample_S))
    changes = {field: getattr(part, field)[order] for field in ("sample_S", "label_S", "score_SxK")}
    return dataclasses.replace(part, **changes)


def test_mean_by_name_whatever_the_order():
    one, two = make(), make("fast_temporal", seed=1)
    fused = fusion.fuse([one, _shuffled(two)])
    np.testing.assert_allclose(fused.score_SxK, (one.score_SxK + two.score_SxK) / 2, rtol=1e-6)
    assert fused.sample_S.tolist() == one.sample_S.tolist()


def test_a_fused_score_is_inside_its_parts():
    parts = [make(seed=seed) for seed in range(4)]
    fused = fusion.fuse(parts, [3, 1, 0.5, 2]).score_SxK
    stacked = np.stack([part.score_SxK for part in parts])
    assert (fused <= stacked.max(0) + 1e-6).all()
    assert (fused >= stacked.min(0) - 1e-6).all()


def test_weights():
    one, two = make(), make(seed=1)
    np.testing.assert_allclose(fusion.fuse([one, two], [1, 0]).score_SxK, one.score_SxK, rtol=1e-6)
    expected = 0.25 * one.score_SxK + 0.75 * two.score_SxK
    np.testing.assert_allclose(fusion.fuse([one, two], [1, 3]).score_SxK, expected, rtol=1e-5)
    np.testing.assert_allclose(fusion.fuse([one, one]).score_SxK, one.score_SxK, rtol=1e-6)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, float("nan")]])
def test_impossible_weights(weights):
    with pytest.raises(UserError, match="--weights"):
        fusion.fuse([make(), make(seed=1)], weights)


def test_runs_that_differ_are_refused():
    one = make()
    others = {
        "only spatial has d; only other has x": make("other", samples=("a", "b", "c", "x")),
        "only spatial has d": make("other", samples=("a", "b", "c"), labels=(0, 0, 1)),
        "different labels for b": make("other", labels=(0, 1, 1, 2)),
        "different classes": make("other", classes=7),
        "sample a more than once": make("other", samples=("a", "a", "c", "d")),
    }
    for message, other in others.items():
        with pytest.raises(UserError, match=message):
            fusion.fuse([one, other])


def test_many_differences_are_counted():
    names = [f"n{i}" for i in range(9)]
    with pytest.raises(UserError, match="only spatial has 9 samples, such as n0, n1, n2;"):
        fusion.fuse([make(samples=names, labels=[0] * 9), make("other")])


def _run(directory, *parts):
    for part in parts:
        scores.save(part, directory / "scores" / "test" / f"{part.name}.npz")
    return str(directory)


def test_command(tmp_path, capsys):
    joints, bones = make("spatial_temporal"), make("spatial", seed=1)
    one = _run(tmp_path / "one", joints)
    two = _run(tmp_path / "two", _shuffled(bones))
    fusion.main([one, two, "--weights=1,2", f"--out={tmp_path / 'fused.npz'}"])
    said = capsys.readouterr().out
    assert "one/scores/test/spatial_temporal.npz" in said and "fused" in said and "Fused, " in said
    written = scores.load(tmp_path / "fused.npz")
    np.testing.assert_allclose(written.score_SxK, (joints.score_SxK + 2 * bones.score_SxK) / 3, rtol=1e-5)
    fusion.main([f"{one}/scores/test/spatial_temporal.npz"])
    assert "spatial_temporal.npz" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["{}/none"], 1, "error: {}/none holds no scores/test"),
        (["{}/one", "--weights=1,x"], 2, "expected numbers, such as 1,1,0.5"),
        (["{}/one", "--weights=1,2"], 1, "error: --weights has 2 numbers for 1 networks"),
        (["{0}/one", "--out={0}/one/scores/test/spatial.npz/both.npz"], 1, "spatial.npz: cannot be written"),
        (["{0}/one", "{0}/one"], 1, "one/scores/test/spatial.npz is given twice; to count it double, use --weights"),
        ([], 2, "required: RUN"),
    ],
)
def test_wrong_commands(tmp_path, capsys, arguments, status, message):
    _run(tmp_path / "one", make())
    with pytest.raises(SystemExit) as ended:
        fusion.main([argument.format(tmp_path) for argument in arguments])
    assert ended.value.code == status
    assert message.format(tmp_path) in capsys.readouterr().err
