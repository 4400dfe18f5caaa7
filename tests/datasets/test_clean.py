"""From a recording to the frames of a record: what is kept, counted and refused."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.clean import NobodySeen, clean
from dsta_jax.datasets.layouts import COCO_17, Reference
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.recording import Recording

XYC = Source("own", COCO_17, ("a", "b"), bodies=2, channels="xyc")
XYZ = Source("own", COCO_17, ("a", "b"), reference=Reference(center=("nose",)), channels="xyz")


def recording(bodies: int = 1, coordinates: int = 2, score: bool = True, dtype=np.float64) -> Recording:
    random = np.random.default_rng(0)
    frames_TxVxMxC = random.uniform(1, 9, (5, 17, bodies, coordinates)).astype(dtype)
    return Recording(frames_TxVxMxC, random.uniform(0.1, 1, (5, 17, bodies)) if score else None)


def test_what_is_missing_is_filled_up_and_what_is_too_much_left_out():
    found = clean(recording(), XYC)
    assert found.frames_TxVxMxC.dtype == np.float32 and found.frames_TxVxMxC.shape == (5, 17, 2, 3)
    assert not found.frames_TxVxMxC[:, :, 1].any()
    expected_TxVxMxC = normalize(
        recording().frames_with_score.astype(np.float32), COCO_17, COCO_17.reference, confidence=True
    )
    np.testing.assert_array_equal(found.frames_TxVxMxC[:, :, :1], expected_TxVxMxC)
    without = clean(recording(), dataclasses.replace(XYC, channels="xy"))
    np.testing.assert_array_equal(without.frames_TxVxMxC, found.frames_TxVxMxC[..., :2])


def test_what_is_counted():
    frames = recording(bodies=2)
    frames.frames_TxVxMxC[1, 3, 0] = np.nan
    frames.score_TxVxM[2, 4:6, 0] = 0
    frames.score_TxVxM[3:, :, 1] = 0  # Absent, but coordinates are there.
    found = clean(frames, XYC)
    assert (found.joints, found.unseen, found.untrusted) == (17 * 10, 3, 2 + 2 * 17)
    assert found.reference is COCO_17.reference and found.empty == 0
    assert np.isnan(found.frames_TxVxMxC[1, 3, 0]).all() and not found.frames_TxVxMxC[3:, :, 1].any()


def test_every_nan_has_the_same_bits():
    frames = recording(coordinates=3, score=False, dtype=np.float32)
    frames.frames_TxVxMxC[1, 3] = -np.float32(np.nan)
    found = clean(frames, XYZ).frames_TxVxMxC
    assert found[1, 3, 0].tobytes() == np.full(3, np.nan, np.float32).tobytes()


def test_a_fallback_is_told():
    frames = recording()
    frames.score_TxVxM[:, 11] = 0
    assert clean(frames, XYC).reference is COCO_17.reference.fallback


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, 3e38, -1e25])
def test_infinity(value):
    frames = recording(coordinates=3, score=False)
    frames.frames_TxVxMxC[2, 5, 0, 1] = value
    with pytest.raises(ValueError) as caught:
        clean(frames, XYZ)
    assert str(caught.value).startswith(
        f"frame 2 (from 0), joint left_shoulder, body 0: y is {value}, expected a number below 1e18, or NaN for a"
    )
    scored = recording()
    scored.score_TxVxM[3, 0, 0] = value
    with pytest.raises(ValueError, match="frame 3 .from 0., joint nose, body 0: c is "):
        clean(scored, XYC)


def test_too_large_after_normalisation():
    frames = recording(coordinates=3, score=False, dtype=np.float32)
    frames.frames_TxVxMxC[:] *= np.float32(1e16)
    tiny = Reference(scale=(("nose",), ("left_eye",)))
    frames.frames_TxVxMxC[:, 0] = 0
    frames.frames_TxVxMxC[:, 1] = 1e-20
    with pytest.raises(ValueError, match=r"joint right_eye, body 0: x is .*e\+[0-9]+, too large after normalisation"):
        clean(frames, dataclasses.replace(XYZ, reference=tiny))


def test_far_from_the_origin():
    near = recording(coordinates=3, score=False)
    far = near.frames_TxVxMxC + 1e4
    found_TxVxMxC, expected_TxVxMxC = (clean(Recording(one), XYZ).frames_TxVxMxC for one in (far, near.frames_TxVxMxC))
    np.testing.assert_allclose(found_TxVxMxC, expected_TxVxMxC, atol=2e-3)
    far += 1e6
    far[0, 0] = 0  # a place that is not known says nothing
    far[1, 1, 0, 2] = np.nan
    with pytest.raises(
        ValueError, match=r"over 7.96, but is 1.01e\+06 from the origin, where single precision loses up to"
    ):
        clean(Recording(far), XYZ)
    clean(Recording(far.astype(np.float32)), XYZ)  # what was lost is not known
    clean(Recording(np.round(far[2:]).astype(np.int64)), XYZ)  # nothing is lost


def test_a_point_far_away_that_does_not_move():
    still = np.full((3, 17, 1, 3), 1e6 + 0.01)
    assert not clean(Recording(still), XYZ).frames_TxVxMxC.any()


def test_frames_in_which_nobody_is_seen_are_counted():
    frames = recording()
    frames.score_TxVxM[1:3] = 0
    assert clean(frames, XYC).empty == 2


NOBODY = {
    "zeros": (np.zeros((3, 17, 1, 3)), None, "nobody is seen"),
    "NaN": (np.full((3, 17, 1, 3), np.nan), None, "nobody is seen"),
    "no frames": (np.zeros((0, 17, 1, 3)), None, "nobody is seen"),
    "no bodies": (np.zeros((3, 17, 0, 2)), np.zeros((3, 17, 0)), "nobody is seen"),
    "no confidence": (np.ones((3, 17, 1, 2)), np.zeros((3, 17, 1)), "no confidence is above 0"),
}


@pytest.mark.parametrize("case", NOBODY)
def test_nobody(case):
    frames_TxVxMxC, score_TxVxM, reason = NOBODY[case]
    with pytest.raises(NobodySeen, match=reason):
        clean(Recording(frames_TxVxMxC, score_TxVxM), XYZ if score_TxVxM is None else XYC)


NOT_FITTING = {
    "frames": (
        Recording(np.broadcast_to(np.float32(1), (1_000_001, 17, 1, 3))),
        "1000001 frames, expected at most 1000000; cut it into several recordings",
    ),
    "joints": (
        Recording(np.ones((5, 18, 1, 3))),
        "18 joints of 3 coordinates without confidence, expected 17 (coco_17)",
    ),
    "coordinates": (Recording(np.ones((5, 17, 1, 2))), "17 joints of 2 coordinates without confidence, expected 17"),
    "bodies": (Recording(np.ones((5, 17, 2, 3))), "2 bodies, expected 1 at most"),
}


@pytest.mark.parametrize("case", NOT_FITTING)
def test_what_does_not_fit(case):
    made, message = NOT_FITTING[case]
    with pytest.raises(ValueError) as caught:
        clean(made, XYZ)
    assert message in str(caught.value)


def test_more_numbers_than_memory_holds():
    long, crowd = Recording(np.broadcast_to(np.float32(1), (200_000, 17, 1, 3))), dataclasses.replace(XYZ, bodies=100)
    with pytest.raises(ValueError, match=r"1020000000 numbers \(200000 x 17 x 100 x 3\), .* lower the number"):
        clean(long, crowd)


def test_a_confidence_that_is_not_there():
    with pytest.raises(ValueError, match="17 joints of 2 coordinates without confidence, expected 17 .coco_17. of xyc"):
        clean(recording(score=False), XYC)


def test_joints_at_the_origin_are_counted():
    frames = recording(coordinates=3, score=False)
    frames.frames_TxVxMxC[:2, 5] = 0  # lost, perhaps
    frames.frames_TxVxMxC[:, 6] = 0  # what the recording is centred on
    assert clean(frames, XYZ).at_origin == 2 * frames.frames_TxVxMxC.shape[2]
    assert clean(recording(coordinates=3, score=False), XYZ).at_origin == 0
