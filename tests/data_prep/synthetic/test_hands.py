"""Synthetic hands: their layouts, their determinism, and that they are neither trivial nor impossible."""

import hashlib
import pathlib

import numpy as np
import pytest

from data_prep.synthetic import hands, raw_set
from data_prep.synthetic.hands import ONE_FINGER, WHOLE_HAND, Take
from dsta_jax.datasets import dhg, shrec17
from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.datasets.shrec17 import GESTURES
from dsta_jax.errors import UserError

SEED = 3  # Of the small sets.
GESTURE = {name: number for number, name in enumerate(GESTURES, start=1)}
PEOPLE = range(1, 13)


def clean(gesture: str, finger: int, subject: int) -> np.ndarray:
    """A recording without camera noise and unsteadiness: T x V x C."""
    return hands.make(0, Take(GESTURE[gesture], finger, subject, 1), disturbed=False)


def bone_lengths(frames_TxVxC: np.ndarray) -> np.ndarray:
    return np.linalg.norm(frames_TxVxC - frames_TxVxC[:, HAND_22.parents], axis=-1)


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    directory = tmp_path_factory.mktemp("synthetic") / "set"
    assert raw_set.write(hands.shrec_set(SEED, subjects=3, essais=1), directory)
    return directory


# The hand.


@pytest.mark.parametrize("finger", [ONE_FINGER, WHOLE_HAND])
@pytest.mark.parametrize("gesture", GESTURES)
def test_bones_keep_their_length(gesture: str, finger: int) -> None:
    lengths_TxV = bone_lengths(clean(gesture, finger, subject=1))
    np.testing.assert_allclose(lengths_TxV, np.broadcast_to(lengths_TxV[0], lengths_TxV.shape), atol=1e-12)
    assert (lengths_TxV[0, 1:] > 0.01).all() and (lengths_TxV[0, 1:] < 0.12).all()

    disturbed_TxV = bone_lengths(hands.make(0, Take(GESTURE[gesture], finger, 1, 1)))
    np.testing.assert_allclose(np.median(disturbed_TxV, axis=0), lengths_TxV[0], atol=0.003)


def test_people_have_hands_of_their_own() -> None:
    lengths_SxV = np.stack([bone_lengths(clean("grab", WHOLE_HAND, subject))[0] for subject in PEOPLE])
    assert len(np.unique(lengths_SxV[:, 1].round(5))) == len(PEOPLE)
    same_person_V = bone_lengths(clean("shake", ONE_FINGER, subject=1))[0]
    np.testing.assert_allclose(same_person_V, lengths_SxV[0], atol=1e-12)


def test_joints_stand_in_the_layouts_order() -> None:
    """In an open hand, tips are farther from the wrist than bases, and the thumb's tip farthest from the little one."""
    frames_TxVxC = clean("expand", WHOLE_HAND, subject=2)
    widest_VxC = frames_TxVxC[np.argmax(extension(frames_TxVxC))]
    from_wrist_V = np.linalg.norm(widest_VxC - widest_VxC[HAND_22.joints.index("wrist")], axis=-1)
    for finger in ("thumb", "index", "middle", "ring", "little"):
        parts = [from_wrist_V[HAND_22.joints.index(f"{finger}_{part}")] for part in ("base", "first", "second", "tip")]
        assert parts == sorted(parts), finger
    tips = [HAND_22.joints.index(f"{finger}_tip") for finger in ("thumb", "index", "middle", "ring", "little")]
    from_little_5 = np.linalg.norm(widest_VxC[tips] - widest_VxC[tips[-1]], axis=-1)
    assert np.argmax(from_little_5) == 0


# The gestures, without disturbance.


def extension(frames_TxVxC: np.ndarray) -> np.ndarray:
    """How far the index finger's tip is from its base, relative to the finger's length, in each frame."""
    base, tip = HAND_22.joints.index("index_base"), HAND_22.joints.index("index_tip")
    length = bone_lengths(frames_TxVxC)[0, base + 1 : tip + 1].sum()
    return np.linalg.norm(frames_TxVxC[:, tip] - frames_TxVxC[:, base], axis=-1) / length


def fastest_step(frames_TxVxC: np.ndarray) -> np.ndarray:
    """How the wrist moves where it is fastest, metres a frame: C."""
    steps_TxC = np.diff(frames_TxVxC[:, HAND_22.joints.index("wrist")], axis=0)
    return steps_TxC[np.argmax(np.linalg.norm(steps_TxC, axis=-1))]


def turning(path_TxC: np.ndarray) -> float:
    """How a path bends, seen by the user and weighed by its speed: positive counter-clockwise."""
    step_TxC = np.diff(path_TxC, axis=0)
    return float(np.sum(step_TxC[:-1, 0] * step_TxC[1:, 1] - step_TxC[:-1, 1] * step_TxC[1:, 0]))


@pytest.mark.parametrize("finger", [ONE_FINGER, WHOLE_HAND])
@pytest.mark.parametrize(
    ("gesture", "axis", "sign"),
    [("swipe right", 0, 1), ("swipe left", 0, -1), ("swipe up", 1, 1), ("swipe down", 1, -1)],
)
def test_swipes_are_fastest_along_their_direction(gesture: str, axis: int, sign: int, finger: int) -> None:
    steps_SxC = np.stack([fastest_step(clean(gesture, finger, subject)) for subject in PEOPLE])
    assert (sign * steps_SxC[:, axis] > 0).all()
    assert (np.abs(steps_SxC).argmax(axis=1) == axis).all()


@pytest.mark.parametrize("finger", [ONE_FINGER, WHOLE_HAND])
def test_grab_closes_and_expand_opens(finger: int) -> None:
    for subject in PEOPLE:
        for gesture, sign in (("grab", -1), ("expand", 1)):
            change_T = np.diff(extension(clean(gesture, finger, subject)))
            assert sign * change_T[np.argmax(np.abs(change_T))] > 0, (gesture, subject)


@pytest.mark.parametrize("finger", [ONE_FINGER, WHOLE_HAND])
def test_pinch_brings_thumb_and_index_finger_together(finger: int) -> None:
    thumb, index = HAND_22.joints.index("thumb_tip"), HAND_22.joints.index("index_tip")
    for subject in PEOPLE:
        frames_TxVxC = clean("pinch", finger, subject)
        distance_T = np.linalg.norm(frames_TxVxC[:, thumb] - frames_TxVxC[:, index], axis=-1)
        assert distance_T.min() < 0.5 * distance_T.max()


def test_rotations_turn_in_opposite_senses() -> None:
    wrist, index, little = (HAND_22.joints.index(name) for name in ("wrist", "index_base", "little_base"))
    for gesture, sign in (("rotation clockwise", -1), ("rotation counter-clockwise", 1)):
        for subject in PEOPLE:
            circle_TxC = clean(gesture, ONE_FINGER, subject)[:, wrist]
            assert sign * turning(circle_TxC) > 0, (gesture, subject)
            hand_TxVxC = clean(gesture, WHOLE_HAND, subject)
            across_TxC = hand_TxVxC[:, little] - hand_TxVxC[:, index]
            roll_T = np.unwrap(np.arctan2(across_TxC[:, 1], across_TxC[:, 0]))
            step_T = np.diff(roll_T)
            assert sign * step_T[np.argmax(np.abs(step_T))] > 0, (gesture, subject)


def test_shake_goes_to_and_fro_and_tap_does_not() -> None:
    def turns_back(gesture: str, subject: int) -> int:
        step_T = np.diff(clean(gesture, WHOLE_HAND, subject)[:, HAND_22.joints.index("wrist"), 0])
        quick_T = step_T[np.abs(step_T) > 0.006]
        return int(np.sum(np.diff(np.sign(quick_T)) != 0))

    for subject in PEOPLE:
        assert turns_back("shake", subject) >= 3
        assert turns_back("tap", subject) <= 2


# The set.


def test_lists_are_complete_and_divide_the_people(small_set: pathlib.Path) -> None:
    found = shrec17.find(small_set)
    assert {found.entries[name].subject for name in found.splits["train"]} == {1, 2}
    assert {found.entries[name].subject for name in found.splits["test"]} == {3}
    assert {one.path for one in found.entries.values()} == set(small_set.rglob(shrec17.SKELETON_FILE))
    assert len(found.entries) == 14 * 2 * 3
    for one in found.entries.values():
        assert len(found.read(one).frames_TxVxMxC) == one.listed_frames
        assert 20 <= one.listed_frames <= 120


def test_default_set_divides_twelve_people() -> None:
    files = hands.shrec_set().files
    lists = (shrec17.TRAIN_LIST, shrec17.TEST_LIST)
    subjects = {name: {int(line.split()[2]) for line in files[name]().decode().splitlines()} for name in lists}
    assert subjects == {shrec17.TRAIN_LIST: set(range(1, 9)), shrec17.TEST_LIST: set(range(9, 13))}
    assert len(files) == 1008 + 2


def test_text_has_66_columns_of_five_decimals(small_set: pathlib.Path) -> None:
    take = Take(GESTURE["swipe X"], ONE_FINGER, 2, 1)
    lines = (small_set / take.name / shrec17.SKELETON_FILE).read_text(encoding="ascii").splitlines()
    assert all(len(line.split(" ")) == 66 for line in lines)
    assert all(len(number.split(".")[1]) == 5 for line in lines for number in line.split(" "))
    read_TxVxC = np.array([line.split() for line in lines], dtype=np.float64).reshape(-1, 22, 3)
    np.testing.assert_allclose(read_TxVxC, hands.make(SEED, take), atol=0.500001e-5)


def test_text_has_no_negative_zero() -> None:
    assert hands.text_of(np.full((1, 22, 3), -1e-7)) == " ".join(["0.00000"] * 66) + "\n"


def test_another_seed_gives_other_recordings() -> None:
    take = Take(1, 1, 1, 1)
    assert hands.text_of(hands.make(0, take)) != hands.text_of(hands.make(1, take))


def test_a_recording_depends_on_no_other(small_set: pathlib.Path) -> None:
    """A set of more people and essais contains the smaller one."""
    for take in (Take(14, 2, 3, 1), Take(1, 1, 1, 1)):
        assert (small_set / take.name / shrec17.SKELETON_FILE).read_text(encoding="ascii") == hands.text_of(
            hands.make(SEED, take)
        )


def test_a_change_of_what_is_written_raises_the_generation() -> None:
    """When this fails on purpose, raise GENERATION and put the new digest here."""
    text = hands.text_of(hands.make(0, Take(14, WHOLE_HAND, 1, 1)))
    assert (hands.GENERATION, hashlib.sha256(text.encode()).hexdigest()[:16]) == (1, "2108381acbb4bea7")


# DHG-14/28.


@pytest.fixture(scope="module")
def dhg_set(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    directory = tmp_path_factory.mktemp("dhg") / "set"
    raw_set.write(hands.dhg_set(SEED, subjects=2, essais=1), directory)
    return directory


def test_dhg_has_a_file_and_a_line_for_each_recording(dhg_set: pathlib.Path) -> None:
    found = dhg.find(dhg_set).entries.values()
    assert {one.path for one in found} == set(dhg_set.rglob("skeleton*.txt"))
    assert len(found) == 14 * 2 * 2
    for one in found:
        frames, (start, end) = len(shrec17.read(one).frames_TxVxMxC), one.crop
        assert 20 <= frames <= 210
        assert 9 <= start < start + 5 <= end < frames - 9


def test_dhgs_hands_rest_before_and_after() -> None:
    for gesture in GESTURE.values():
        take = Take(gesture, WHOLE_HAND, 1, 1)
        frames_TxVxC = hands.make(0, take, disturbed=False, rests=True)
        for end in (frames_TxVxC[:8], frames_TxVxC[-8:]):
            np.testing.assert_allclose(end, np.broadcast_to(end[:1], end.shape), atol=1e-9)


@pytest.mark.parametrize("gesture", ["swipe right", "swipe left", "swipe up", "swipe down", "swipe V"])
def test_dhgs_gestures_are_where_the_list_says(gesture: str) -> None:
    """What a hand does fastest is its gesture."""
    for subject in PEOPLE:
        take = Take(GESTURE[gesture], WHOLE_HAND, subject, 1)
        first, last = hands.gesture_frames(0, take)
        frames_TxVxC = hands.make(0, take, disturbed=False, rests=True)
        steps_T = np.linalg.norm(np.diff(frames_TxVxC[:, 0], axis=0), axis=-1)
        assert first <= steps_T.argmax() < last


def test_dhgs_gestures_begin_when_the_hand_is_in_place_and_end_before_it_goes() -> None:
    ways = []
    for subject in PEOPLE:
        take = Take(GESTURE["shake"], WHOLE_HAND, subject, 1)
        first, last = hands.gesture_frames(0, take)
        wrist_TxC = hands.make(0, take, disturbed=False, rests=True)[:, 0]
        ways.append([np.linalg.norm(wrist_TxC[first] - wrist_TxC[0]), np.linalg.norm(wrist_TxC[-1] - wrist_TxC[last])])
    assert (np.median(ways, axis=0) > 0.02).all()


def test_both_layouts_show_the_same_gesture() -> None:
    take = Take(GESTURE["swipe V"], ONE_FINGER, 4, 2)
    first, last = hands.gesture_frames(0, take)
    rested_TxVxC = hands.make(0, take, disturbed=False, rests=True)[first : last + 1]
    cropped_TxVxC = hands.make(0, take, disturbed=False)
    gap = min(
        np.abs(cropped_TxVxC[start : start + len(rested_TxVxC)] - rested_TxVxC).max()
        for start in range(len(cropped_TxVxC) - len(rested_TxVxC) + 1)
    )
    assert gap < 0.03, "but for a part of a frame"


@pytest.mark.parametrize("settings", [{"seed": -1}, {"subjects": 1}, {"essais": 0}])
def test_refuses_impossible_settings(settings: dict[str, int]) -> None:
    for make_set in (hands.shrec_set, hands.dhg_set):
        with pytest.raises(
            UserError, match=r"--seed=.* --subjects=.* --essais=.*, expected 0 or more, 2 or more and 1"
        ):
            make_set(**settings)


# How hard it is.


def resampled(frames_TxVxC: np.ndarray, frames: int = 20) -> np.ndarray:
    """The sequence at `frames` equally spaced times, as one vector."""
    at_F = np.linspace(0, len(frames_TxVxC) - 1, frames)
    flat_TxD = frames_TxVxC.reshape(len(frames_TxVxC), -1)
    return np.stack([np.interp(at_F, np.arange(len(flat_TxD)), flat_T) for flat_T in flat_TxD.T]).ravel()


def nearest_mean_accuracy(vectors_NxD: np.ndarray, gesture_N: np.ndarray, is_test_N: np.ndarray) -> float:
    """How many test recordings lie nearest to the mean of their own gesture's training recordings."""
    train_NxD, train_gesture_N = vectors_NxD[~is_test_N], gesture_N[~is_test_N]
    means_GxD = np.stack([train_NxD[train_gesture_N == gesture].mean(axis=0) for gesture in GESTURE.values()])
    distances_NxG = np.linalg.norm(vectors_NxD[is_test_N][:, np.newaxis] - means_GxD, axis=-1)
    return float(np.mean(distances_NxG.argmin(axis=1) + 1 == gesture_N[is_test_N]))


@pytest.fixture(scope="module")
def default_set() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Recordings, gestures from 1, and which are for testing."""
    takes = hands.takes(seed=0, subjects=12, essais=3)
    gesture_N = np.array([take.gesture for take in takes])
    is_test_N = np.array([take.subject >= 9 for take in takes])
    return [hands.make(0, take) for take in takes], gesture_N, is_test_N


def test_nearest_mean_fails_on_coordinates(default_set: tuple[list[np.ndarray], np.ndarray, np.ndarray]) -> None:
    recordings, gesture_N, is_test_N = default_set
    vectors_NxD = np.stack([resampled(frames_TxVxC) for frames_TxVxC in recordings])
    assert 0.1 < nearest_mean_accuracy(vectors_NxD, gesture_N, is_test_N) < 0.6


def test_nearest_mean_fails_on_normalised_coordinates(
    default_set: tuple[list[np.ndarray], np.ndarray, np.ndarray],
) -> None:
    recordings, gesture_N, is_test_N = default_set
    normalised = [
        (frames_TxVxC - frames_TxVxC[0, 0]) / np.linalg.norm(frames_TxVxC[0, 10] - frames_TxVxC[0, 0])
        for frames_TxVxC in recordings
    ]
    vectors_NxD = np.stack([resampled(frames_TxVxC) for frames_TxVxC in normalised])
    assert 0.15 < nearest_mean_accuracy(vectors_NxD, gesture_N, is_test_N) < 0.6


def test_lengths_are_spread(default_set: tuple[list[np.ndarray], np.ndarray, np.ndarray]) -> None:
    frames_N = np.array([len(frames_TxVxC) for frames_TxVxC in default_set[0]])
    assert frames_N.min() >= 20 and frames_N.max() <= 120
    assert np.std(frames_N) > 10
