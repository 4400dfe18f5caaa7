"""Stick figures before they are drawn: colours, directions, frames."""

import numpy as np
import pytest

from dsta_jax.check import figures
from dsta_jax.check.figures import MIDDLE, Sample, Strip
from dsta_jax.datasets.layouts import HAND_22, LAYOUTS, NTU_25, UTD_MHAD_20, Layout


def strip(frames_TxVxMxC, layout=HAND_22, channels="xyz"):
    return Strip(Sample("class", "name", frames_TxVxMxC), channels, figures.views(layout, channels))


def walk(frames, joints=22, bodies=1, channels=3, seed=0):
    steps = np.random.default_rng(seed).normal(size=(frames, joints, bodies, channels))
    return np.cumsum(steps, axis=0).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_each_joint_belongs_to_one_limb(layout):
    joints = [joint for limb in figures.limbs(layout) for joint in limb.joints]
    assert sorted(joints) == list(range(len(layout.joints)))
    colors = [limb.color for limb in figures.limbs(layout)]
    assert len(set(colors)) == len(colors)


def test_what_a_limb_is():
    assert [limb.name for limb in figures.limbs(UTD_MHAD_20)] == ["left", "right", "middle"]
    names = ["thumb", "index", "middle", "ring", "little", "wrist, palm"]
    assert [limb.name for limb in figures.limbs(HAND_22)] == names
    own = Layout("own", ("a", "b", "c", "d"), (0, 0, 1, 1))
    assert [(limb.name, limb.joints) for limb in figures.limbs(own)] == [("c", (2,)), ("d", (3,)), ("a, b", (0, 1))]
    (line,) = figures.limbs(Layout("line", ("a", "b"), (0, 0)))
    assert line.joints == (0, 1) and line.color == MIDDLE


@pytest.mark.parametrize(
    ("layout", "channels", "expected"),
    [
        (NTU_25, "xyz", [("front", [0, 2]), ("side", [1, 2])]),
        (UTD_MHAD_20, "xyz", [("front", [0, 1]), ("side", [2, 1])]),
        (UTD_MHAD_20, "xyzc", [("front", [0, 1]), ("side", [2, 1])]),
        (UTD_MHAD_20, "xyc", [("front", [0, -1])]),
        (NTU_25, "xy", [("front", [0, 1])]),
    ],
)
def test_directions(layout, channels, expected):
    point_C = np.array([10.0, 20.0, 30.0])[: 3 if "z" in channels else 2]
    for view, (name, directions) in zip(figures.views(layout, channels), expected, strict=True):
        assert view.name == name
        assert view.project(point_C).tolist() == [np.sign(d or 1) * point_C[abs(d)] for d in directions]


def test_frames_are_the_middles_of_equal_parts_of_the_seen_ones():
    frames = walk(64)
    frames[:4] = 0
    assert strip(frames).frames == [9, 19, 29, 39, 49, 59]
    assert strip(frames[:6]).frames == [4, 5]
    assert strip(frames[4:5]).frames == [0]


def test_figures_stand_around_the_middle_of_what_is_seen():
    frames = walk(30, bodies=2)
    frames[:, :, 1] = 0
    drawn = strip(frames)
    assert drawn.bodies == 1
    for row in drawn.rows:
        for points in row:
            assert np.isnan(points[:, 1]).all()
            np.testing.assert_allclose(figures.box(points).mean(axis=0), 0, atol=1e-5)
            assert (np.ptp(figures.box(points), axis=0) <= drawn.extent_2).all()


def test_an_unseen_joint_is_not_drawn():
    frames = walk(5, channels=2)
    frames[2, 7] = 0
    points = strip(frames, channels="xy").rows[0][2]
    assert np.argwhere(np.isnan(points[:, 0, 0])).tolist() == [[7]]


def test_the_clearest_body_is_the_one_that_is_spread_out():
    frames = walk(6, seed=3)
    from_the_side = frames[..., [2, 1, 0]] * np.array([0.01, 1, 1], np.float32)
    points, where = figures.clearest([strip(from_the_side), strip(frames)], HAND_22)
    assert where.startswith("name, frame ")
    assert points.tolist() in frames[:, :, 0, :2].tolist()
