"""Synthetic bodies in NTU RGB+D's files: what they hold, what is awkward about them, and that actions differ."""

import collections
import hashlib
import pathlib

import numpy as np
import pytest

from data_prep.synthetic import ntu, raw_set
from data_prep.synthetic.ntu import Take
from dsta_jax.errors import UserError

# A part of the default set in which all actions, people and cameras are.
PART = dict(list(ntu.ntu_set().files.items())[::13])
Bodies = list[tuple[int, int, np.ndarray]]


def read(text: bytes) -> tuple[int, Bodies]:
    """How many frames there are, and each body's frame, number and joints_VxC."""
    lines = iter(text.decode().removesuffix("\r\n").split("\r\n"))
    bodies = []
    frames = int(next(lines))
    for frame in range(frames):
        for _ in range(int(next(lines))):
            number = int(next(lines).split(" ")[0])
            joints_VxC = np.array([next(lines).split(" ", 3)[:3] for _ in range(int(next(lines)))], float)
            bodies.append((frame, number, joints_VxC))
    assert next(lines, None) is None
    return frames, bodies


def is_lying(joints_VxC: np.ndarray) -> bool:
    return np.ptp(joints_VxC[:, 0]) > np.ptp(joints_VxC[:, 1])


@pytest.fixture(scope="module")
def recordings() -> dict[str, tuple[int, Bodies]]:
    return {name: read(make()) for name, make in PART.items()}


def test_every_take_has_a_file():
    names = list(ntu.ntu_set(subjects=3, setups=2).files)
    assert len(set(names)) == 3 * 2 * 2 * 3 * 20
    assert all(len(name) == len("S001C001P001R001A001.skeleton") for name in names)
    for letter, numbers in {"S": {1, 2}, "C": {1, 2, 3}, "P": {1, 2, 3}, "R": {1, 2}, "A": set(ntu.ACTIONS)}.items():
        assert {int(name[name.index(letter) + 1 :][:3]) for name in names} == numbers


def test_the_figure_stands_upright():
    figure_VxC = ntu._FIGURE_VxC
    head, foot_left, foot_right, hand_left, hand_right = figure_VxC[[3, 15, 19, 7, 11]]
    assert head[1] > 0.5 and foot_left[1] < -0.5 and foot_right[1] < -0.5
    np.testing.assert_array_equal(hand_left, hand_right * (-1, 1, 1))
    assert hand_left[0] > 0
    assert np.ptp(figure_VxC[:, 1]) > 2 * np.ptp(figure_VxC[:, 0])


def test_lengths_and_places(recordings):
    frames = [frames for frames, _ in recordings.values()]
    assert 40 <= min(frames) < 50 < 110 < max(frames) < 120
    depths = np.concatenate([joints_VxC[:, 2] for _, bodies in recordings.values() for _, _, joints_VxC in bodies])
    assert depths.min() > 1 and depths.max() < 7


def test_cameras_see_the_same_performance():
    """What two cameras see is the same but for a turn, a shift and noise: distances of joints."""
    one, two, other = (
        {frame: joints_VxC for frame, _, joints_VxC in read(ntu.contents(0, Take(1, camera, 2, 1, action)))[1]}
        for camera, action in ((1, 5), (2, 5), (2, 6))
    )

    def distances(frames):
        return np.array(
            [np.linalg.norm(frames[t][[7, 11, 15, 19]] - frames[t][[19, 15, 11, 7]], axis=1) for t in range(40)]
        )

    assert one.keys() == two.keys() and len(one) >= 40
    assert np.abs(distances(one) - distances(two)).mean() < 0.03
    assert np.abs(distances(one) - distances(other)).mean() > 0.05
    assert np.linalg.norm(one[0] - two[0], axis=1).mean() > 0.1, "from another direction"


def test_two_people_do_the_last_actions(recordings):
    people = collections.defaultdict(list)
    for name, (frames, bodies) in recordings.items():
        upright = [frame for frame, _, joints_VxC in bodies if not is_lying(joints_VxC)]
        at_once = np.bincount(upright, minlength=frames)
        people[int(name[-12:-9]) >= 50].append(np.median(at_once))
    assert np.mean(np.equal(people[False], 1)) > 0.85 and np.mean(np.equal(people[True], 2)) > 0.85


def test_what_goes_wrong_before_a_camera(recordings):
    """Nothing of it is so rare that a set lacks it, or so frequent that it would be the task."""
    seen: dict[str, int] = collections.Counter()
    for name, (frames, bodies) in recordings.items():
        people, at_once = (
            1 + (int(name[-12:-9]) >= 50),
            np.bincount([frame for frame, _, _ in bodies], minlength=frames),
        )
        numbers = {number for _, number, _ in bodies}
        lying = [is_lying(joints_VxC) for _, _, joints_VxC in bodies]
        order = [[number for frame, number, _ in bodies if frame == t] for t in range(frames)]
        seen["furniture"] += sum(lying) > 0.1 * len(lying)
        seen["nobody at first"] += at_once[0] == 0
        seen["nobody in between"] += 0 in at_once[at_once.argmax() :]
        seen["another number"] += len(numbers) > people + any(lying)
        seen["a number twice"] += any(len(set(numbers)) < len(numbers) for numbers in order)
        seen["the other order"] += people == 2 and order[-1] == sorted(order[-1], reverse=True)
    for what, least, most in (
        ("furniture", 0.05, 0.2),
        ("nobody at first", 0.02, 0.12),
        ("nobody in between", 0.02, 0.15),
        ("another number", 0.02, 0.12),
        ("a number twice", 0.01, 0.1),
        ("the other order", 0.05, 0.25),
    ):
        assert least < seen[what] / len(recordings) < most, (what, seen[what], len(recordings))


def test_in_few_files_nobody_is_seen():
    empty = [name for name, make in ntu.ntu_set(subjects=2).files.items() if b" " not in make()]
    assert 0 < len(empty) < 6


def test_numbers_have_seven_digits_and_lines_end_as_in_the_data_set():
    lines = ntu.contents(0, Take(1, 1, 1, 1, 1)).decode().split("\r\n")
    assert lines[-1] == "" and not any("\n" in line for line in lines)
    words = [word for line in lines if line.count(" ") == 11 for word in line.split()[:3]]
    assert all(word == f"{float(word):.7g}" for word in words)
    assert np.mean([len(word.strip("-").replace(".", "").lstrip("0")) == 7 for word in words]) > 0.8


def test_a_recording_depends_on_its_own_key_alone():
    take = Take(2, 3, 4, 1, 54)
    first = ntu.contents(5, take)
    for seed, other in ((5, Take(1, 1, 1, 1, 1)), (5, take._replace(camera=2)), (6, take)):
        assert ntu.contents(seed, other) != first
    assert ntu.contents(5, take) == first
    assert ntu.ntu_set(seed=5, subjects=4).files["S002C003P004R001A054.skeleton"]() == first


def test_any_number_of_workers_writes_the_same_bytes(tmp_path):
    small = raw_set.RawSet({}, dict(list(PART.items())[:60]))
    for workers in (1, 2):
        raw_set.write(small, tmp_path / str(workers), workers=workers)
    for name in small.files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_change_of_what_is_written_raises_the_generation():
    """When this fails on purpose, raise GENERATION and put the new digest here."""
    _, bodies = read(ntu.contents(0, Take(1, 2, 3, 2, 54)))
    joints_KxVxC = np.array([joints_VxC for _, _, joints_VxC in bodies])
    digest = hashlib.sha256(np.round(joints_KxVxC, 3).astype(np.float32).tobytes()).hexdigest()[:16]
    assert (ntu.GENERATION, digest) == (2, "58ba3706af4af8e0")


@pytest.mark.parametrize("change", [{"seed": -1}, {"subjects": 0}, {"subjects": 107}, {"setups": 0}, {"setups": 33}])
def test_impossible_settings(change):
    with pytest.raises(
        UserError, match=r"--seed=.* --subjects=.* --setups=.*, expected 0 or more, 1 to 106 and 1 to 32"
    ):
        ntu.ntu_set(**change)


def test_actions_can_be_told_apart_but_not_at_a_glance(recordings):
    """By the nearest mean of the figures' own coordinates, trained on six people and tested on two others."""
    vectors, actions, subjects = [], [], []
    for name, (_, bodies) in recordings.items():
        if bodies:
            _, number, first_VxC = bodies[0]
            own_TxVxC = np.array([joints_VxC - joints_VxC[0] for _, other, joints_VxC in bodies if other == number])
            chosen = np.linspace(0, len(own_TxVxC) - 1, 16).round().astype(int)
            vectors.append(own_TxVxC[chosen].ravel() / np.ptp(first_VxC[:, 1]))
            actions.append(int(name[-12:-9]))
            subjects.append(int(pathlib.Path(name).stem[9:12]))
    vector_NxD, action_N, is_test_N = np.array(vectors), np.array(actions), np.array(subjects) > 6
    means = [vector_NxD[~is_test_N & (action_N == action)].mean(axis=0) for action in ntu.ACTIONS]
    distance_NxA = np.linalg.norm(vector_NxD[is_test_N][:, np.newaxis] - np.array(means), axis=-1)
    right = np.array(ntu.ACTIONS)[distance_NxA.argmin(axis=1)] == action_N[is_test_N]
    assert 0.1 < right.mean() < 0.7
