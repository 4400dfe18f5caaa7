"""NTU RGB+D's bodies: which are chosen, and how they are normalised; against the authors' preparation and its rules."""

import numpy as np
import pytest

from data_prep.synthetic import ntu as synthetic_ntu
from dsta_jax.datasets import ntu, ntu_skeleton
from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.ntu_skeleton import seen_first, select_bodies
from tests.datasets import ntu_line_by_line, ntu_rules
from tests.raw_recordings import ntu_body, ntu_text


def normalize_ntu(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    return normalize(seen_first(frames_TxVxMxC), NTU_25, NTU_25.reference)


def skeletons(*frames: dict[int, np.ndarray] | list[tuple[int, np.ndarray]]) -> ntu_skeleton.Skeletons:
    """Of each frame the bodies by id."""
    bodies = [
        (number, *body)
        for number, frame in enumerate(frames)
        for body in (frame.items() if isinstance(frame, dict) else frame)
    ]
    joints = np.array([joints_VxC for _, _, joints_VxC in bodies], np.float32).reshape(-1, 25, 3)
    return ntu_skeleton.Skeletons(
        len(frames), np.array([n for n, _, _ in bodies], int), tuple(i for _, i, _ in bodies), joints
    )


def sized(size: float, seed: int = 0) -> np.ndarray:
    """An upright body; its energy is proportional to its size."""
    return ntu_body(seed) * np.float32(size)


def lying(size: float) -> np.ndarray:
    """A body that is wider than high, with the energy of `sized(size)`."""
    return sized(size)[:, [1, 0, 2]]


def chosen(*frames) -> list[list[float]]:
    """How large the bodies of each frame are, for bodies made of `sized` and `lying`; 0 where there is none."""
    frames_TxVxMxC = select_bodies(skeletons(*frames))
    sizes_TxM = np.linalg.norm(frames_TxVxMxC, axis=(1, 3)) / np.linalg.norm(sized(1))
    return sizes_TxM.astype(float).round(3).tolist()


@pytest.mark.parametrize("sample", [1, 2, 3, 4, 5])
def test_equals_the_golden_vectors(shared, load_golden, sample):
    path = sorted((shared / "data" / "ntu_fixtures").glob(ntu.FILE_PATTERN))[sample - 1]
    with load_golden("ntu_preprocessing") as golden:
        bodies_TxVxMxC = golden[f"{path.stem}/bodies_MTVC"].transpose(1, 2, 0, 3)
        expected_TxVxMxC = golden[f"{path.stem}/normalized_CTVM"].transpose(1, 2, 3, 0)
    bodies = bodies_TxVxMxC.shape[2]
    frames_TxVxMxC = select_bodies(ntu_skeleton.read_skeletons(path))
    normalized_TxVxMxC = normalize_ntu(frames_TxVxMxC)
    assert frames_TxVxMxC.shape == normalized_TxVxMxC.shape == (len(bodies_TxVxMxC), 25, 2, 3)
    assert frames_TxVxMxC.dtype == normalized_TxVxMxC.dtype == np.float32
    np.testing.assert_array_equal(frames_TxVxMxC[:, :, :bodies], bodies_TxVxMxC)
    np.testing.assert_allclose(normalized_TxVxMxC[:, :, :bodies], expected_TxVxMxC, atol=1e-5)
    assert not frames_TxVxMxC[:, :, bodies:].any() and not normalized_TxVxMxC[:, :, bodies:].any()


def check_by_the_rules(path) -> bool:
    """Asserts that we make of a file what a literal reading of the rules makes of it; False when it has no spine."""
    frames, seen = ntu_line_by_line.read(path.read_bytes())
    bodies = [(frame, number, [[float(x) for x in joint] for joint in joints]) for frame, number, joints in seen]
    tracks = ntu_rules.select(frames, bodies)
    expected_TxVxMxC = np.zeros((frames, 25, 2, 3), np.float32)
    for body, track in enumerate(tracks):
        for frame, joints in track.items():
            expected_TxVxMxC[frame, :, body] = joints
    frames_TxVxMxC = select_bodies(ntu_skeleton.read_skeletons(path))
    np.testing.assert_array_equal(frames_TxVxMxC, expected_TxVxMxC)
    if not tracks or all(joints[0] == joints[20] for joints in tracks[0].values()):
        return False
    normalized_TxVxMxC = normalize_ntu(frames_TxVxMxC)
    expected_TxVxMxC = np.array(ntu_rules.normalize(frames, tracks))
    np.testing.assert_allclose(normalized_TxVxMxC, expected_TxVxMxC, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(normalized_TxVxMxC.any(axis=-1), expected_TxVxMxC.any(axis=-1))
    return True


@pytest.mark.parametrize("action", synthetic_ntu.ACTIONS)
def test_awkward_recordings_by_the_rules(tmp_path, monkeypatch, action):
    monkeypatch.setattr(synthetic_ntu, "CHANCES", (0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.0))
    take = synthetic_ntu.Take(setup=1, camera=2, subject=3, replication=1, action=action)
    path = tmp_path / "S001C002P003R001A001.skeleton"
    path.write_bytes(synthetic_ntu.contents(0, take))
    assert check_by_the_rules(path)


def hostile(random: np.random.Generator) -> list[list[tuple[int, np.ndarray]]]:
    """A few frames of bodies near the rules' limits: alike in energy, about as wide as high, numbers used twice."""
    size_of = {number: random.choice([0.6, 0.8, 1]) * random.uniform(0.9, 1.1) for number in range(1, 6)}

    def body(number: int) -> np.ndarray:
        joints_VxC = random.uniform(-1, 1, (25, 3)) * (random.uniform(0.6, 1), 1, random.uniform(0.4, 1))
        joints_VxC = joints_VxC * size_of[number] + random.normal(0, 2, 3)
        if random.uniform() < 0.1:
            joints_VxC[20] = joints_VxC[0]
        return joints_VxC.astype(np.float32)

    return [
        [(number, body(number)) for number in random.integers(1, 6, random.choice([0, 1, 2, 4])).tolist()]
        for _ in range(random.integers(1, 6))
    ]


@pytest.mark.parametrize("seed", range(6))
def test_hostile_recordings_by_the_rules(tmp_path, seed):
    random = np.random.default_rng(seed)
    path = tmp_path / "S001C001P001R001A001.skeleton"
    checked = 0
    while checked < 50:
        path.write_text(ntu_text(hostile(random)), newline="")
        checked += check_by_the_rules(path)


def test_one_body_stays_even_when_it_lies():
    assert chosen({4: lying(1)}, {4: lying(2)}) == [[1, 0], [2, 0]]


def test_most_energy_first():
    assert chosen({1: sized(1), 2: sized(3), 3: sized(2)}) == [[3, 2]]
    assert chosen({3: sized(2), 2: sized(1), 1: sized(3)}) == [[3, 2]]


def test_energy_is_that_of_the_frames_in_which_a_body_is_seen():
    assert chosen({1: sized(2)}, {1: sized(2), 2: sized(3)}, {1: sized(2)}) == [[0, 2], [3, 2], [0, 2]]


def test_where_a_body_stands_and_walks_is_no_energy():
    walk = np.array([40, 0, 0], np.float32)
    frames = select_bodies(skeletons({1: sized(1), 2: sized(2)}, {1: sized(1) + walk, 2: sized(2)}))
    np.testing.assert_array_equal(frames[0, :, 0], sized(2))


def test_a_small_lying_body_is_dropped():
    assert chosen({1: sized(2), 2: lying(1.69)}) == [[2, 0]]
    assert chosen({1: sized(2), 2: lying(1.71)}) == [[2, 1.71]]
    assert chosen({1: sized(2), 2: lying(1.6), 3: sized(0.5)}) == [[2, 0.5]]


def test_upright_is_asked_of_a_bodys_first_seen_frame():
    assert chosen({1: sized(2)}, {1: sized(2), 2: sized(1)}, {1: sized(2), 2: lying(1)}) == [[2, 0], [2, 1], [2, 1]]
    assert chosen({1: sized(2)}, {1: sized(2), 2: lying(1)}, {1: sized(2), 2: sized(1)}) == [[2, 0], [2, 0], [2, 0]]


def test_a_body_that_returns_is_the_same():
    assert chosen({9: sized(1)}, {}, {9: sized(2)}, {}) == [[1, 0], [0, 0], [2, 0], [0, 0]]


def test_an_id_twice_in_a_frame_is_two_bodies():
    assert chosen([(5, sized(3)), (5, sized(1))], {5: sized(3), 6: sized(1)}) == [[3, 1], [3, 1]]
    assert chosen([(5, sized(3)), (6, sized(1)), (5, sized(2))], {7: sized(2)}) == [[3, 2], [0, 2]]


def test_a_body_of_zeros_is_not_seen():
    nobody = sized(0)
    assert chosen({1: nobody, 2: sized(1)}, {1: sized(2)}) == [[0, 1], [2, 0]]
    assert not select_bodies(skeletons({1: nobody}, {})).any()


def test_nobody():
    frames_TxVxMxC = select_bodies(skeletons({}, {}))
    assert frames_TxVxMxC.shape == (2, 25, 2, 3) and not frames_TxVxMxC.any()


def sequence(seed: int, frames: int = 4) -> np.ndarray:
    """Two bodies with all joints seen: frames_TxVxMxC."""
    return np.stack(
        [np.stack([ntu_body(seed + 2 * frame + body) for body in range(2)], axis=1) for frame in range(frames)]
    )


def rotation(seed: int) -> np.ndarray:
    turn_CxC, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return turn_CxC * np.linalg.det(turn_CxC)


def test_the_first_frames_spine_and_elbow_give_origin_unit_and_axes():
    body_VxC = normalize_ntu(sequence(1))[0, :, 0]
    assert not body_VxC[0].any()
    np.testing.assert_allclose(body_VxC[20], [0, 0, 1], atol=1e-6)
    elbow_C = body_VxC[5] - body_VxC[20]
    assert elbow_C[0] > 0 and elbow_C[1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_place_size_and_direction_make_no_difference(seed):
    frames_TxVxMxC = sequence(seed)
    moved_TxVxMxC = (frames_TxVxMxC @ rotation(seed) * 3 + (1, -2, 5)).astype(np.float32)
    np.testing.assert_allclose(normalize_ntu(moved_TxVxMxC), normalize_ntu(frames_TxVxMxC), atol=2e-5)


def test_distances_are_kept_in_proportion():
    frames_TxVxMxC = sequence(2)
    before_MxM, after_MxM = (
        np.linalg.norm(frames[1, 3, :, None] - frames[1, 9, None], axis=-1)
        for frames in (frames_TxVxMxC, normalize_ntu(frames_TxVxMxC))
    )
    unit = np.linalg.norm(frames_TxVxMxC[0, 20, 0] - frames_TxVxMxC[0, 0, 0])
    np.testing.assert_allclose(after_MxM, before_MxM / unit, rtol=1e-5)


def test_absent_bodies_and_frames_stay_exactly_zero():
    frames_TxVxMxC = sequence(3, frames=6)
    frames_TxVxMxC[[2, 5]] = 0
    frames_TxVxMxC[3:, :, 1] = 0
    zero = (frames_TxVxMxC == 0).all(axis=-1)
    normalized_TxVxMxC = normalize_ntu(frames_TxVxMxC)
    assert not normalized_TxVxMxC[zero].any()
    assert normalized_TxVxMxC[~zero][1:].any(axis=-1).all()


def test_frames_move_to_the_front_when_nobody_is_in_the_first():
    frames_TxVxMxC = sequence(4, frames=5)
    frames_TxVxMxC[[0, 2]] = 0
    normalized_TxVxMxC = normalize_ntu(frames_TxVxMxC)
    np.testing.assert_array_equal(normalized_TxVxMxC[:3], normalize_ntu(frames_TxVxMxC[[1, 3, 4]]))
    assert not normalized_TxVxMxC[3:].any()


def test_the_first_body_may_come_later_than_the_second():
    frames_TxVxMxC = sequence(5)
    frames_TxVxMxC[0, :, 0] = 0
    normalized_TxVxMxC = normalize_ntu(frames_TxVxMxC)
    assert not normalized_TxVxMxC[0, :, 0].any() and normalized_TxVxMxC[0, :, 1].any()
    np.testing.assert_array_equal(normalized_TxVxMxC[1:], normalize_ntu(frames_TxVxMxC[1:]))


def test_the_unit_is_of_the_first_frame_in_which_the_spine_has_a_length():
    frames_TxVxMxC = sequence(6)
    frames_TxVxMxC[0, 20, 0] = frames_TxVxMxC[0, 0, 0]
    normalized_TxVxMxC = normalize_ntu(frames_TxVxMxC)
    spine_C = normalized_TxVxMxC[1, 20, 0] - normalized_TxVxMxC[1, 0, 0]
    assert np.linalg.norm(spine_C) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("side", [(0, 0, 2), (1, -2, 3)])
@pytest.mark.parametrize("spine", [(0, 0, 2), (0, 0, -2), (1e-7, 0, -2)])
def test_spines_along_z(spine, side):
    frames_TxVxMxC = sequence(7)
    frames_TxVxMxC[0, 20, 0] = frames_TxVxMxC[0, 0, 0] + spine
    frames_TxVxMxC[0, 5, 0] = frames_TxVxMxC[0, 20, 0] + side
    body_VxC = normalize_ntu(frames_TxVxMxC)[0, :, 0]
    np.testing.assert_allclose(body_VxC[20], [0, 0, 1], atol=1e-6)
    elbow_C = np.multiply(side, (1, 1, np.sign(spine[2]))) / 2
    np.testing.assert_allclose(body_VxC[5] - body_VxC[20], [np.hypot(*elbow_C[:2]), 0, elbow_C[2]], atol=1e-5)


def test_the_input_is_left_alone():
    frames_TxVxMxC = sequence(8)
    frames_TxVxMxC[0] = 0
    before_TxVxMxC = frames_TxVxMxC.copy()
    normalize_ntu(frames_TxVxMxC)
    np.testing.assert_array_equal(frames_TxVxMxC, before_TxVxMxC)


def test_nobody_to_normalize():
    with pytest.raises(ValueError, match="no body is seen in any of the 3 frames"):
        normalize_ntu(np.zeros((3, 25, 2, 3), np.float32))


def test_no_spine_to_scale_by():
    with pytest.raises(ValueError, match="the distance of spine_base and spine_shoulder is 0 in every frame"):
        normalize_ntu(np.ones((3, 25, 2, 3), np.float32))
