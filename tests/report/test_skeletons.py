"""Recordings for the player: the joints come back from their bytes; bodies that are absent are not there."""

import base64

import numpy as np
import pytest

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.layouts import HAND_22, UTD_MHAD_20
from dsta_jax.report import skeletons


def points(clip, joints):
    whole = np.frombuffer(base64.b64decode(clip["points"]), "<i2")
    return whole.reshape(clip["frames"], clip["bodies"], joints, clip["coordinates"])


def test_joints_come_back_up_to_a_factor(made_data):
    data = made_data(("a", "b"), bodies=2)
    clip = skeletons.clip(data, 1)
    assert (clip["frames"], clip["bodies"], clip["coordinates"]) == (60, 2, 3)
    assert clip["seconds"] == pytest.approx(70 / 30)
    pose_TxVxMxC = skeletons.poses(data, 1)[np.linspace(0, 69, 60).astype(int)]
    expected = pose_TxVxMxC.swapaxes(1, 2) / np.abs(pose_TxVxMxC).max() * 32000
    np.testing.assert_allclose(points(clip, 22), expected, atol=1)


def test_what_is_not_seen(made_data):
    data = made_data(("a", "b"), bodies=2)
    start_M = data.start_NxM[0]
    data.frames_FxVxC[start_M[0] + 3, 5] = np.nan  # a joint
    data.frames_FxVxC[start_M[1] + 4] = 0  # a body
    pose_TxVxMxC = skeletons.poses(data, 0)
    unseen = np.argwhere(np.isnan(pose_TxVxMxC[..., 0]))
    assert unseen.tolist() == [[3, 5, 0], *([4, joint, 1] for joint in range(22))]
    assert (points(skeletons.clip(data, 0), 22) == -32768).sum() == 3 + 66


def test_a_body_that_is_never_seen_takes_no_room(made_data):
    data = made_data(("a", "b"), bodies=2)
    data.start_NxM[0, 0] = -1
    assert skeletons.clip(data, 0)["bodies"] == 1


def test_confidences_are_no_coordinates(made_data):
    data = made_data(("a", "b"), channels="xyc")
    assert skeletons.clip(data, 0)["coordinates"] == 2


def test_how_a_body_is_drawn():
    drawing = skeletons.drawing(Source("set", UTD_MHAD_20, ("a",)))
    assert drawing["joints"] == 20 and len(drawing["bones"]) == 19
    assert {drawing["right"], drawing["up"], drawing["depth"]} == {0, 1, 2}
    assert "" in drawing["colors"] and len(set(drawing["colors"])) == 3, "left, right and the page's ink"
    flat = skeletons.drawing(Source("set", HAND_22, ("a",), channels="xy"))
    assert (flat["right"], flat["up"], flat["down"]) == (0, 1, True)
