"""Normalisation: golden vectors, and what must hold for every sequence."""

import numpy as np
import pytest

from dsta_jax.skeleton import normalize
from tests.raw_recordings import hand_frames

BOTH = pytest.mark.parametrize("function", [normalize.normalize_shrec, normalize.normalize_utd_mhad])


def sequence(seed: int, frames: int = 7, bodies: int = 1) -> np.ndarray:
    return np.stack([hand_frames(seed + body, frames)[:, :20] for body in range(bodies)], axis=2)


@pytest.mark.parametrize("frames", [20, 47, 97, 150, 233])
def test_shrec_equals_the_golden_vectors_bit_by_bit(shared, frames):
    with np.load(shared / "golden" / "hand_preprocessing.npz") as golden:
        raw_TxVxMxC = golden[f"T{frames}/raw_CTVM"].transpose(1, 2, 3, 0)
        expected_TxVxMxC = golden[f"T{frames}/normalized_CTVM"].transpose(1, 2, 3, 0)
    normalized_TxVxMxC = normalize.normalize_shrec(raw_TxVxMxC)
    assert normalized_TxVxMxC.dtype == np.float32
    np.testing.assert_array_equal(normalized_TxVxMxC, expected_TxVxMxC)


@BOTH
def test_place_and_size_make_no_difference(function):
    frames_TxVxMxC = sequence(1)
    moved_TxVxMxC = frames_TxVxMxC * np.float32(3) + np.array([1, -2, 5], np.float32)
    np.testing.assert_allclose(function(moved_TxVxMxC), function(frames_TxVxMxC), atol=1e-5)


def test_shrec_wrist_at_the_origin_and_unit_length():
    normalized_TxVxMxC = normalize.normalize_shrec(sequence(2))
    assert not normalized_TxVxMxC[0, 0].any()
    assert np.linalg.norm(normalized_TxVxMxC[0, 10]) == pytest.approx(1)


def test_utd_mhad_hip_at_the_origin_and_median_trunk_of_one():
    normalized_TxVxMxC = normalize.normalize_utd_mhad(sequence(3))
    assert not normalized_TxVxMxC[0, 3].any()
    trunks_T = np.linalg.norm(normalized_TxVxMxC[:, 1, 0] - normalized_TxVxMxC[:, 3, 0], axis=-1)
    assert np.median(trunks_T) == pytest.approx(1)


def test_shrec_takes_the_first_frame_with_a_length():
    frames_TxVxMxC = sequence(4)
    frames_TxVxMxC[0, 10] = frames_TxVxMxC[0, 0]
    normalized_TxVxMxC = normalize.normalize_shrec(frames_TxVxMxC)
    assert np.linalg.norm(normalized_TxVxMxC[1, 10] - normalized_TxVxMxC[1, 0]) == pytest.approx(1)


@BOTH
def test_absent_frames_and_bodies_stay_exactly_zero(function):
    frames_TxVxMxC = sequence(5, bodies=2)
    frames_TxVxMxC[[0, 3], :, 0] = 0
    frames_TxVxMxC[2:, :, 1] = 0
    normalized_TxVxMxC = function(frames_TxVxMxC)
    assert not normalized_TxVxMxC[[0, 3], :, 0].any()
    assert not normalized_TxVxMxC[2:, :, 1].any()
    np.testing.assert_array_equal(normalize.seen_bodies(normalized_TxVxMxC), normalize.seen_bodies(frames_TxVxMxC))
    np.testing.assert_allclose(normalized_TxVxMxC[1:, :, :1], function(frames_TxVxMxC[1:, :, :1]))


@BOTH
def test_the_input_is_left_alone(function):
    frames_TxVxMxC = sequence(6)
    before_TxVxMxC = frames_TxVxMxC.copy()
    function(frames_TxVxMxC)
    np.testing.assert_array_equal(frames_TxVxMxC, before_TxVxMxC)


@BOTH
def test_nobody_seen(function):
    with pytest.raises(ValueError, match="no body is seen in any of the 4 frames"):
        function(np.zeros((4, 20, 1, 3), np.float32))


@BOTH
def test_no_length_to_scale_by(function):
    with pytest.raises(ValueError, match="length 0 in every frame"):
        function(np.ones((4, 20, 1, 3), np.float32))
