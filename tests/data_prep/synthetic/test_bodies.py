"""Synthetic bodies in NTU RGB+D's files: what they hold, that their people are found, and how hard they are."""

import collections
import dataclasses
import hashlib
import pathlib

import numpy as np
import pytest

from data_prep.synthetic import bodies
from data_prep.synthetic.bodies import NOBODY, Recording, Settings, Take
from data_prep.synthetic.kinect import Camera
from data_prep.synthetic.ntu_text import text_of
from dsta_jax.datasets import ntu
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.ntu_bodies import normalize_ntu, select_bodies
from dsta_jax.errors import UserError

SEED = 0
# A part of the default set in which all actions, people and cameras are.
PART = bodies.takes(Settings())[::11]


@dataclasses.dataclass(frozen=True)
class Sample:
    """A recording, its file as the reader reads it, and the bodies that were chosen."""

    take: Take
    recording: Recording
    read: ntu.Skeletons
    chosen_TxVxMxC: np.ndarray


def contents(seed: int, take: Take) -> bytes:
    return bodies.ntu_set(Settings(seed)).contents(take)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    directory, samples = tmp_path_factory.mktemp("ntu"), []
    for take in PART:
        path, recording = directory / take.name, bodies.make(SEED, take)
        path.write_bytes(text_of(bodies.columns_of(recording, Camera.of(SEED, take.setup, take.camera))))
        read = ntu.read_skeletons(path)
        samples.append(Sample(take, recording, read, select_bodies(read)))
    return samples


def people(recording: Recording) -> set[int]:
    return set(recording.person_K.tolist()) - {NOBODY}


def test_names_say_what_they_hold():
    takes = bodies.takes(Settings(subjects=3, setups=2))
    names = [ntu.parse_name(pathlib.Path(take.name)) for take in takes]
    assert [dataclasses.astuple(name) for name in names] == [dataclasses.astuple(take) for take in takes]
    assert len({take.name for take in takes}) == 3 * 2 * 2 * 3 * 20


def test_every_protocol_has_recordings_on_both_sides():
    takes = bodies.takes(Settings())
    columns = {name: np.array([getattr(take, name) for take in takes]) for name in ("subject", "camera", "setup")}
    for name in ("ntu60_cs", "ntu60_cv", "ntu120_cs", "ntu120_ce", "ntu120_xset"):
        assert 0.3 < BENCHMARKS[name].is_test({**columns, "split": np.array(["all"])}).mean() < 0.7
    assert len(takes) == 1920


def test_files_hold_the_recordings(samples):
    for sample in samples:
        recording, read = sample.recording, sample.read
        assert read.frames == recording.frames
        np.testing.assert_array_equal(read.frame_K, recording.frame_K)
        assert read.id_K == tuple(recording.id_K.tolist())
        np.testing.assert_allclose(read.joints_KxVxC, recording.joints_KxVxC, rtol=1e-6, atol=1e-9)


def test_lengths(samples):
    frames_N = np.array([sample.recording.frames for sample in samples if sample.recording.frames])
    assert 20 <= frames_N.min() < 60 < 110 < frames_N.max() <= 300
    assert 60 < frames_N.mean() < 110


def test_joints_are_where_kinect_sees(samples):
    joints_NxC = np.concatenate([sample.recording.joints_KxVxC.reshape(-1, 3) for sample in samples])
    assert joints_NxC[:, 2].min() > 1.0 and joints_NxC[:, 2].max() < 7.0
    tracked_NxV = np.concatenate([sample.recording.tracked_KxV for sample in samples])
    assert 0.8 < tracked_NxV.mean() < 0.99


def test_the_bodies_that_are_chosen_are_those_who_act(samples):
    """The generator knows who they are, so that it can be said how often the authors' rules find them."""
    right, furnished, pairs = [], 0, 0
    for sample in samples:
        recording, person_of = sample.recording, {}
        if not len(recording.frame_K):
            continue
        for frame, person, joints_VxC in zip(
            recording.frame_K, recording.person_K, sample.read.joints_KxVxC, strict=True
        ):
            person_of[(frame, joints_VxC.tobytes())] = person
        chosen_TxMxVxC = sample.chosen_TxVxMxC.transpose(0, 2, 1, 3)
        found = {
            person_of[(frame, chosen_TxMxVxC[frame, body].tobytes())]
            for frame, body in zip(*np.nonzero(chosen_TxMxVxC.any(axis=(2, 3))), strict=True)
        }
        right.append(found == people(recording))
        furnished += NOBODY in recording.person_K
        pairs += len(people(recording)) == 2
    assert np.mean(right) > 0.98
    assert furnished > 15 and pairs > 40


def test_what_goes_wrong_before_a_camera(samples):
    """Nothing of it is so rare that a set lacks it, or so frequent that it would be the task."""
    seen = collections.Counter()
    for sample in samples:
        recording = sample.recording
        bodies_T = np.bincount(recording.frame_K, minlength=max(recording.frames, 1))
        seen["furniture"] += NOBODY in recording.person_K
        seen["nobody at first"] += bodies_T[0] == 0
        seen["nobody at last"] += bodies_T[-1] == 0
        seen["nobody in between"] += (np.diff((bodies_T > 0).astype(int)) == 1).sum() > (bodies_T[0] == 0)
        seen["another number"] += any(
            len(set(recording.id_K[recording.person_K == person])) > 1 for person in people(recording)
        )
        pairs = set(zip(recording.frame_K.tolist(), recording.id_K.tolist(), strict=True))
        seen["a number twice"] += len(pairs) < len(recording.id_K)
    for what, least, most in (
        ("furniture", 0.05, 0.2),
        ("nobody at first", 0.02, 0.12),
        ("nobody at last", 0.01, 0.1),
        ("nobody in between", 0.02, 0.15),
        ("another number", 0.003, 0.05),
        ("a number twice", 0.003, 0.03),
    ):
        assert least < seen[what] / len(samples) < most, what


def test_very_few_files_show_nobody(tmp_path):
    """Four of the default set's; one of them has no frames at all."""
    for take, frames in ((Take(2, 3, 4, 1, 6), 0), (Take(2, 1, 5, 1, 35), 62)):
        path = tmp_path / take.name
        path.write_bytes(contents(SEED, take))
        read = ntu.read_skeletons(path)
        assert read.frames == frames and not len(read.frame_K)
        assert not select_bodies(read).any()


def test_a_recording_depends_on_its_own_key_alone():
    take = Take(2, 3, 4, 1, 58)
    first = contents(5, take)
    for other in (Take(1, 1, 1, 1, 1), Take(2, 2, 4, 1, 58)):
        assert contents(5, other) != first
    assert contents(5, take) == first
    assert contents(6, take) != first


def test_a_change_of_what_is_written_raises_the_generation():
    """When this fails on purpose, raise GENERATION and put the new digest here."""
    joints_KxVxC = bodies.make(0, Take(1, 2, 3, 2, 58)).joints_KxVxC
    digest = hashlib.sha256(np.round(joints_KxVxC, 4).astype(np.float32).tobytes()).hexdigest()[:16]
    assert (bodies.GENERATION, digest) == (1, "c61c3d0da0a18267")


@pytest.mark.parametrize("change", [{"seed": -1}, {"subjects": 0}, {"subjects": 107}, {"setups": 0}, {"setups": 33}])
def test_impossible_settings(change):
    with pytest.raises(UserError, match=r"--subjects of 1 to 106, --setups of 1 to 32; got"):
        bodies.ntu_set(Settings(**change))


# How hard it is.


def resampled(frames_TxVxMxC: np.ndarray, frames: int = 20) -> np.ndarray:
    """The frames in which somebody is seen, at equally spaced times, as one vector."""
    seen_TxD = frames_TxVxMxC[frames_TxVxMxC.any(axis=(1, 2, 3))].reshape(-1, frames_TxVxMxC[0].size)
    return seen_TxD[np.linspace(0, len(seen_TxD) - 1, frames).round().astype(int)].ravel()


def nearest_mean_accuracy(samples: list[Sample], vectors_NxD: np.ndarray) -> float:
    """Of the recordings of test subjects, how many are nearest to the mean of their own action's for training."""
    subject_N, action_N = np.array([(sample.take.subject, sample.take.action) for sample in samples]).T
    is_test_N = BENCHMARKS["ntu60_cs"].is_test({"subject": subject_N})
    actions = np.unique(action_N)
    means_AxD = np.stack([vectors_NxD[~is_test_N & (action_N == action)].mean(axis=0) for action in actions])
    distance_NxA = np.linalg.norm(vectors_NxD[is_test_N][:, np.newaxis] - means_AxD, axis=-1)
    return float(np.mean(actions[distance_NxA.argmin(axis=1)] == action_N[is_test_N]))


def test_nearest_mean_fails_on_coordinates(samples):
    seen = [sample for sample in samples if sample.chosen_TxVxMxC.any()]
    raw_NxD = np.stack([resampled(sample.chosen_TxVxMxC) for sample in seen])
    assert 0.1 < nearest_mean_accuracy(seen, raw_NxD) < 0.5
    normalised_NxD = np.stack([resampled(normalize_ntu(sample.chosen_TxVxMxC)) for sample in seen])
    assert 0.3 < nearest_mean_accuracy(seen, normalised_NxD) < 0.75
