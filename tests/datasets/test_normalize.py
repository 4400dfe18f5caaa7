"""Normalisation: golden vectors, and what must hold for every sequence."""

import numpy as np
import pytest

from dsta_jax.datasets.layouts import COCO_17, HAND_22, KINECT_20, LAYOUTS, NTU_25, UTD_MHAD_20, Layout, Reference
from dsta_jax.datasets.normalize import mark_unseen, seen_joints, untrusted_joints, usable_reference
from dsta_jax.datasets.normalize import normalize as normalize_by

ALL = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
TURNED = [NTU_25, KINECT_20]


def normalize(
    frames_TxVxMxC: np.ndarray, layout: Layout, reference: Reference | None = None, confidence: bool = False
) -> np.ndarray:
    """By the layout's own reference, unless there is another."""
    return normalize_by(frames_TxVxMxC, layout, layout.reference if reference is None else reference, confidence)


def sequence(seed: int, layout: Layout, frames: int = 7, bodies: int = 1, channels: int = 3) -> np.ndarray:
    """A random walk of all joints."""
    shape = (frames, len(layout.joints), bodies, channels)
    return np.cumsum(np.random.default_rng(seed).normal(size=shape), axis=0, dtype=np.float32)


def joint(layout: Layout, name: str) -> int:
    return layout.joints.index(name)


@pytest.mark.parametrize("frames", [20, 47, 97, 150, 233])
def test_shrec_equals_the_golden_vectors_bit_by_bit(load_golden, frames):
    with load_golden("hand_preprocessing") as golden:
        raw_TxVxMxC = golden[f"T{frames}/raw_CTVM"].transpose(1, 2, 3, 0)
        expected_TxVxMxC = golden[f"T{frames}/normalized_CTVM"].transpose(1, 2, 3, 0)
    normalized_TxVxMxC = normalize(raw_TxVxMxC, HAND_22)
    assert normalized_TxVxMxC.dtype == np.float32
    np.testing.assert_array_equal(normalized_TxVxMxC, expected_TxVxMxC)


@ALL
@pytest.mark.parametrize("channels", [2, 3])
def test_place_and_size_make_no_difference(layout, channels):
    frames_TxVxMxC = sequence(1, layout, channels=channels)
    moved_TxVxMxC = frames_TxVxMxC * np.float32(3) + np.array([1, -2, 5], np.float32)[:channels]
    np.testing.assert_allclose(normalize(moved_TxVxMxC, layout), normalize(frames_TxVxMxC, layout), atol=3e-5)


def turns(seed: int) -> np.ndarray:
    """A random rotation of space."""
    turn_CxC, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return turn_CxC * np.linalg.det(turn_CxC)


@pytest.mark.parametrize("layout", TURNED, ids=lambda layout: layout.name)
def test_direction_makes_no_difference_where_the_reference_has_one(layout):
    frames_TxVxMxC = sequence(2, layout, bodies=2)
    turned_TxVxMxC = (frames_TxVxMxC @ turns(3).T).astype(np.float32)
    np.testing.assert_allclose(normalize(turned_TxVxMxC, layout), normalize(frames_TxVxMxC, layout), atol=3e-5)


@pytest.mark.parametrize("layout", TURNED, ids=lambda layout: layout.name)
def test_up_is_z_and_side_is_x_in_the_first_frame(layout):
    body_VxC = normalize(sequence(4, layout), layout)[0, :, 0]
    (low,), (high,) = layout.reference.up
    up_C = body_VxC[joint(layout, high)] - body_VxC[joint(layout, low)]
    np.testing.assert_allclose(up_C[:2], 0, atol=1e-6)
    assert up_C[2] > 0
    (start,), (end,) = layout.reference.side
    side_C = body_VxC[joint(layout, end)] - body_VxC[joint(layout, start)]
    assert side_C[1] == pytest.approx(0, abs=1e-6) and side_C[0] > 0


def test_up_is_y_in_the_plane():
    reference = Reference(center=("nose",), up=(("left_hip", "right_hip"), ("nose",)))
    frames_TxVxMxC = sequence(5, COCO_17, channels=2)
    body_VxC = normalize(frames_TxVxMxC, COCO_17, reference)[0, :, 0]
    hips_C = (body_VxC[11] + body_VxC[12]) / 2
    assert hips_C[0] == pytest.approx(0, abs=1e-6) and hips_C[1] < 0
    before_TxV, after_TxV = (
        np.linalg.norm(np.diff(x[:, :, 0], axis=1), axis=-1)
        for x in (frames_TxVxMxC, normalize(frames_TxVxMxC, COCO_17, reference))
    )
    np.testing.assert_allclose(after_TxV, before_TxV, rtol=1e-5)


def test_shrec_wrist_at_the_origin_and_unit_length():
    normalized_TxVxMxC = normalize(sequence(2, HAND_22), HAND_22)
    assert not normalized_TxVxMxC[0, 0].any()
    assert np.linalg.norm(normalized_TxVxMxC[0, 10]) == pytest.approx(1)


def test_utd_mhad_hip_at_the_origin_and_median_trunk_of_one():
    normalized_TxVxMxC = normalize(sequence(3, UTD_MHAD_20), UTD_MHAD_20)
    assert not normalized_TxVxMxC[0, 3].any()
    trunks_T = np.linalg.norm(normalized_TxVxMxC[:, 1, 0] - normalized_TxVxMxC[:, 3, 0], axis=-1)
    assert np.median(trunks_T) == pytest.approx(1)


def test_a_point_may_be_the_middle_of_two_joints():
    normalized_TxVxMxC = normalize(sequence(4, COCO_17, channels=2), COCO_17)
    np.testing.assert_allclose(normalized_TxVxMxC[0, [11, 12], 0].mean(0), 0, atol=1e-6)
    trunks_TxC = normalized_TxVxMxC[:, [5, 6], 0].mean(1) - normalized_TxVxMxC[:, [11, 12], 0].mean(1)
    assert np.median(np.linalg.norm(trunks_TxC, axis=-1)) == pytest.approx(1)


def test_shrec_takes_the_first_frame_with_a_length():
    frames_TxVxMxC = sequence(4, HAND_22)
    frames_TxVxMxC[0, 10] = frames_TxVxMxC[0, 0]
    normalized_TxVxMxC = normalize(frames_TxVxMxC, HAND_22)
    assert np.linalg.norm(normalized_TxVxMxC[1, 10] - normalized_TxVxMxC[1, 0]) == pytest.approx(1)


def test_nothing_to_normalise_by_changes_nothing():
    frames_TxVxMxC = sequence(5, HAND_22)
    np.testing.assert_array_equal(normalize(frames_TxVxMxC, HAND_22, Reference()), frames_TxVxMxC)


@ALL
def test_absent_frames_and_bodies_stay_exactly_zero(layout):
    frames_TxVxMxC = sequence(5, layout, bodies=2)
    frames_TxVxMxC[[0, 3], :, 0] = 0
    frames_TxVxMxC[2:, :, 1] = 0
    normalized_TxVxMxC = normalize(frames_TxVxMxC, layout)
    assert not normalized_TxVxMxC[[0, 3], :, 0].any()
    assert not normalized_TxVxMxC[2:, :, 1].any()
    np.testing.assert_array_equal(seen_joints(normalized_TxVxMxC).any(axis=1), seen_joints(frames_TxVxMxC).any(axis=1))
    np.testing.assert_allclose(
        normalized_TxVxMxC[1:, :, :1], normalize(frames_TxVxMxC[1:, :, :1], layout), rtol=1e-5, atol=1e-5
    )


def test_the_second_body_when_the_first_is_never_seen():
    frames_TxVxMxC = sequence(6, HAND_22, bodies=2)
    frames_TxVxMxC[:, :, 0] = 0
    normalized_TxVxMxC = normalize(frames_TxVxMxC, HAND_22)
    np.testing.assert_array_equal(normalized_TxVxMxC[:, :, 1:], normalize(frames_TxVxMxC[:, :, 1:], HAND_22))
    assert not normalized_TxVxMxC[:, :, 0].any()


# The channels, and how a joint that was not seen is recorded in them.
UNSEEN = {
    "xy": [0, 0],
    "xy NaN": [np.nan, np.nan],
    "xy half": [np.nan, 7],
    "xyc": [5, 3, 0],
    "xyc zeros": [0, 0, 0],
    "xyc NaN": [np.nan, 2, 0.9],
    "xyc no confidence": [5, 3, np.nan],
    "xyz NaN": [np.nan, np.nan, np.nan],
    "xyz half": [1, np.nan, 2],
    "xyzc": [5, 3, 1, 0],
    "xyzc NaN": [np.nan, 3, 1, 0.4],
}


def with_confidence(seed: int, layout: Layout, channels: str, bodies: int = 1) -> np.ndarray:
    """A random walk with confidences above 0, where the channels ask for them."""
    coordinates = len(channels.rstrip("c"))
    frames_TxVxMxC = sequence(seed, layout, bodies=bodies, channels=coordinates)
    if len(channels) == coordinates:
        return frames_TxVxMxC
    confidence = np.random.default_rng(seed).uniform(0.1, 1, (*frames_TxVxMxC.shape[:3], 1)).astype(np.float32)
    return np.concatenate([frames_TxVxMxC, confidence], axis=-1)


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_is_not_seen_is_nan_in_all_channels(unseen):
    channels = unseen.split()[0]
    frames_TxVxMxC = with_confidence(1, COCO_17, channels, bodies=2)
    frames_TxVxMxC[2, 5, 1] = UNSEEN[unseen]
    frames_TxVxMxC[4, :, 0] = UNSEEN[unseen]  # The whole body: absent.
    marked_TxVxMxC = mark_unseen(frames_TxVxMxC, channels)
    assert marked_TxVxMxC.dtype == np.float32
    assert np.isnan(marked_TxVxMxC[2, 5, 1]).all() and not marked_TxVxMxC[4, :, 0].any()
    rest = np.ones(frames_TxVxMxC.shape[:3], bool)
    rest[2, 5, 1] = rest[4, :, 0] = False
    np.testing.assert_array_equal(marked_TxVxMxC[rest], frames_TxVxMxC[rest])


def test_zero_is_a_place_in_three_coordinates():
    frames_TxVxMxC = sequence(1, COCO_17)
    frames_TxVxMxC[:, 3] = 0
    np.testing.assert_array_equal(mark_unseen(frames_TxVxMxC, "xyz"), frames_TxVxMxC)


# By which joints, and in which of seven frames they are not seen.
REFERENCES = {
    "center": Reference(center=("nose",)),
    "first scale": Reference(center=("nose",), scale=(("nose",), ("left_hip",))),
    "median scale": Reference(center=("left_hip", "right_hip"), scale=(("left_hip",), ("nose",)), scale_by="median"),
    "up": Reference(center=("nose",), up=(("left_hip",), ("nose",))),
    "side": Reference(center=("nose",), up=(("left_hip",), ("nose",)), side=(("right_hip",), ("left_hip",))),
}


@pytest.mark.parametrize("lost", [[0], [0, 1, 2], [0, 2, 5]])
@pytest.mark.parametrize("by", REFERENCES)
@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_is_not_seen_is_not_measured_by(unseen, by, lost):
    channels, reference = unseen.split()[0], REFERENCES[by]
    frames_TxVxMxC = with_confidence(3, COCO_17, channels)
    for name in reference.joints:
        frames_TxVxMxC[lost, joint(COCO_17, name)] = UNSEEN[unseen]
    rest = np.delete(np.arange(7), lost)
    marked_TxVxMxC = mark_unseen(frames_TxVxMxC, channels)
    found_TxVxMxC = normalize(marked_TxVxMxC, COCO_17, reference, channels.endswith("c"))
    expected_TxVxMxC = normalize(marked_TxVxMxC[rest], COCO_17, reference, channels.endswith("c"))
    np.testing.assert_allclose(found_TxVxMxC[rest], expected_TxVxMxC, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.isnan(found_TxVxMxC), np.isnan(marked_TxVxMxC))
    assert np.isfinite(found_TxVxMxC[lost][:, joint(COCO_17, "left_knee")]).all()


@pytest.mark.parametrize("unseen", UNSEEN)
def test_joints_that_are_measured_by_may_be_seen_in_different_frames(unseen):
    channels = unseen.split()[0]
    frames_TxVxMxC = with_confidence(4, COCO_17, channels)
    frames_TxVxMxC[:4, joint(COCO_17, "nose")] = UNSEEN[unseen]
    reference = Reference(center=("nose",), scale=(("left_hip",), ("left_knee",)))
    found_TxVxMxC = normalize(mark_unseen(frames_TxVxMxC, channels), COCO_17, reference, channels.endswith("c"))
    coordinates = len(channels.rstrip("c"))
    np.testing.assert_allclose(found_TxVxMxC[4, joint(COCO_17, "nose"), 0, :coordinates], 0, atol=1e-6)
    shin_C = found_TxVxMxC[0, 11, 0, :coordinates] - found_TxVxMxC[0, 13, 0, :coordinates]
    assert np.linalg.norm(shin_C) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("unseen", UNSEEN)
def test_the_second_body_when_the_first_lacks_the_reference(unseen):
    channels = unseen.split()[0]
    frames_TxVxMxC = with_confidence(5, COCO_17, channels, bodies=2)
    frames_TxVxMxC[:, 11:13, 0] = UNSEEN[unseen]
    marked_TxVxMxC, confidence = mark_unseen(frames_TxVxMxC, channels), channels.endswith("c")
    reference = usable_reference(marked_TxVxMxC, COCO_17, COCO_17.reference)
    assert reference is COCO_17.reference
    found_TxVxMxC = normalize(marked_TxVxMxC, COCO_17, reference, confidence)
    alone_TxVxMxC = normalize(marked_TxVxMxC[:, :, 1:], COCO_17, reference, confidence)
    np.testing.assert_array_equal(found_TxVxMxC[:, :, 1:], alone_TxVxMxC)


@pytest.mark.parametrize("unseen", UNSEEN)
def test_a_fallback_where_the_reference_is_never_seen(unseen):
    channels = unseen.split()[0]
    frames_TxVxMxC = with_confidence(6, COCO_17, channels)
    frames_TxVxMxC[:, 12] = UNSEEN[unseen]
    marked_TxVxMxC = mark_unseen(frames_TxVxMxC, channels)
    reference = usable_reference(marked_TxVxMxC, COCO_17, COCO_17.reference)
    assert reference is COCO_17.reference.fallback
    coordinates = len(channels.rstrip("c"))
    found_TxVxMxC = normalize(marked_TxVxMxC, COCO_17, reference, channels.endswith("c"))[..., :coordinates]
    np.testing.assert_allclose(found_TxVxMxC[0, 5:7, 0].mean(axis=0), 0, atol=1e-6)
    lengths_T = np.linalg.norm(found_TxVxMxC[:, 5, 0] - found_TxVxMxC[:, 6, 0], axis=-1)
    assert np.median(lengths_T) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("unseen", UNSEEN)
def test_no_fallback(unseen):
    channels = unseen.split()[0]
    frames_TxVxMxC = with_confidence(6, COCO_17, channels)
    frames_TxVxMxC[:4, 0] = frames_TxVxMxC[4:, 11] = UNSEEN[unseen]  # Never both in one frame.
    marked_TxVxMxC = mark_unseen(frames_TxVxMxC, channels)
    with pytest.raises(ValueError, match="nose, left_hip: never seen together in any of the 7 frames, .*skip_broken"):
        usable_reference(marked_TxVxMxC, COCO_17, Reference(center=("left_knee",), scale=(("nose",), ("left_hip",))))


def test_untrusted_joints():
    frames_TxVxMxC = with_confidence(7, COCO_17, "xyc")
    frames_TxVxMxC[0, 3, 0, 2] = frames_TxVxMxC[1, 4:6, 0, 2] = 0
    frames_TxVxMxC[2, 5] = 0
    frames_TxVxMxC[3, 5] = np.nan
    found = np.argwhere(untrusted_joints(frames_TxVxMxC, "xyc")).tolist()
    assert found == [[0, 3, 0], [1, 4, 0], [1, 5, 0]]
    assert not untrusted_joints(frames_TxVxMxC[..., :2], "xy").any()


def test_recordings_that_are_centered_already_keep_their_center():
    frames_TxVxMxC = sequence(9, HAND_22)
    frames_TxVxMxC -= frames_TxVxMxC[0, 0, 0]
    np.testing.assert_array_equal(normalize(frames_TxVxMxC, HAND_22, Reference(center=("wrist",))), frames_TxVxMxC)


@ALL
def test_the_input_is_left_alone(layout):
    frames_TxVxMxC = sequence(6, layout)
    before_TxVxMxC = frames_TxVxMxC.copy()
    normalize(frames_TxVxMxC, layout)
    normalize(frames_TxVxMxC, layout, Reference())[:] = 0
    np.testing.assert_array_equal(frames_TxVxMxC, before_TxVxMxC)


@ALL
def test_nobody_seen(layout):
    with pytest.raises(ValueError, match="no body is seen in any of the 4 frames"):
        normalize(np.zeros((4, len(layout.joints), 1, 3), np.float32), layout)


@ALL
def test_no_length_to_scale_by(layout):
    with pytest.raises(ValueError, match="is 0 in every frame: nothing to scale by"):
        normalize(np.ones((4, len(layout.joints), 1, 3), np.float32), layout)
