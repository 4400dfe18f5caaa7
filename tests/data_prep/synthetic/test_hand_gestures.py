"""Gliding from key to key, and turning hands."""

import numpy as np
import pytest

from data_prep.synthetic import hand_gestures
from data_prep.synthetic.hand_gestures import Pose
from data_prep.synthetic.kinematic_hand import rotation_about

KEYS = [
    (9.0, Pose(np.zeros(5))),
    (0.5, Pose(np.full(5, 2.0), shift=(1.0, 0.0, 0.0), orbit=4.0)),
    (0.0, Pose(np.zeros(5))),
    (1.5, Pose(np.full(5, 4.0), spread=1.0)),
]


def test_each_key_is_reached_at_its_time():
    np.testing.assert_array_equal(hand_gestures.when(KEYS), [0.0, 0.5, 0.5, 2.0])
    poses = hand_gestures.glide(KEYS, np.array([0.0, 0.25, 0.5, 1.25, 2.0, 5.0]))
    np.testing.assert_allclose(poses.curl[:, 3], [0.0, 1.0, 0.0, 2.0, 4.0, 4.0])
    np.testing.assert_allclose(poses.shift[:, 0], [0.0, 0.5, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(poses.spread, [0.2, 0.2, 0.2, 0.6, 1.0, 1.0])
    np.testing.assert_allclose(poses.orbit, [0.0, 2.0, 0.0, 0.0, 0.0, 0.0])


def test_hands_start_and_end_at_rest():
    time_T = np.linspace(0.5, 2.0, 1001)
    speed_T = np.gradient(hand_gestures.glide(KEYS, time_T).curl[:, 0], time_T)
    assert abs(speed_T[0]) < 0.01 and abs(speed_T[-1]) < 0.01 and (speed_T[1:-1] > 0).all()
    assert speed_T.max() == pytest.approx(15 / 8 * 4.0 / 1.5, rel=1e-3)


def test_strokes_bulge_to_the_left():
    shift_TxC = hand_gestures.glide(KEYS[:2], np.array([0.0, 0.25, 0.5]), bow=0.3).shift
    np.testing.assert_allclose(shift_TxC, [[0.0, 0.0, 0.0], [0.5, 0.3, 0.0], [1.0, 0.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotations_are_right_handed(axis):
    turned_CxC = rotation_about(axis, np.array([np.pi / 2]))[0]
    unit_CxC = np.eye(3)
    np.testing.assert_allclose(turned_CxC @ unit_CxC[(axis + 1) % 3], unit_CxC[(axis + 2) % 3], atol=1e-15)
    np.testing.assert_allclose(turned_CxC @ unit_CxC[axis], unit_CxC[axis])
