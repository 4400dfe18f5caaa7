"""Draws by key, and ways through time."""

import numpy as np
import pytest

from data_prep.synthetic import motion


def test_draws_depend_on_the_key_alone():
    first, again, other = (motion.generator(*key).uniform(size=5) for key in ((1, 2, 3), (1, 2, 3), (1, 2, 4)))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_ease_is_at_each_key_at_its_time():
    seconds_K = np.array([9.0, 0.5, 0.0, 1.5])
    left_T, eased_T = motion.ease(seconds_K, np.array([0.0, 0.25, 0.5, 1.25, 2.0, 5.0]))
    np.testing.assert_array_equal(left_T, [0, 0, 2, 2, 2, 2])
    np.testing.assert_allclose(eased_T, [0.0, 0.5, 0.0, 0.5, 1.0, 1.0])


def test_least_jerk_starts_and_ends_at_rest():
    part_T = np.linspace(0.0, 1.0, 1001)
    speed_T = np.gradient(motion.least_jerk(part_T), part_T)
    assert abs(speed_T[0]) < 1e-3 and abs(speed_T[-1]) < 1e-3 and (speed_T[1:-1] > 0).all()
    assert speed_T.max() == pytest.approx(15 / 8, abs=1e-3)


def test_wander_is_smooth_and_of_unit_size():
    tracks_TxW = motion.wander(motion.generator(0), frames=400, width=300, cycles=2.0)
    assert tracks_TxW.std() == pytest.approx(1.0, abs=0.1)
    assert np.abs(np.diff(tracks_TxW, axis=0)).max() < 0.1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotations_are_right_handed(axis):
    turned_CxC = motion.rotation_about(axis, np.array(np.pi / 2))
    unit_CxC = np.eye(3)
    np.testing.assert_allclose(turned_CxC @ unit_CxC[(axis + 1) % 3], unit_CxC[(axis + 2) % 3], atol=1e-15)
    np.testing.assert_allclose(turned_CxC @ unit_CxC[axis], unit_CxC[axis])
