"""Twins: what is the same recording under another name."""

import numpy as np

from dsta_jax.data import duplicates


def recording(seed, unseen=()):
    frames = np.random.default_rng(seed).normal(size=(4, 3, 2, 3)).astype(np.float32)
    frames[list(unseen)] = 0
    return frames


def test_a_fingerprint_is_of_the_seen_frames():
    whole = recording(0, unseen=(1, 3))
    assert duplicates.fingerprint(whole) == duplicates.fingerprint(whole[[0, 2]])
    assert duplicates.fingerprint(whole) != duplicates.fingerprint(whole[[2, 0]])
    assert duplicates.fingerprint(whole) != duplicates.fingerprint(np.nextafter(whole, np.float32(9)))
    assert len(duplicates.fingerprint(whole)) == 32


def test_groups():
    found = duplicates.groups(np.array(["c", "a", "b", "a", "c", "a", "d"]))
    assert [group.tolist() for group in found] == [[0, 4], [1, 3, 5]]
    assert duplicates.groups(np.array(["a", "b"])) == []


def test_leaked():
    fingerprint_N = np.array(["a", "a", "b", "c", "c", "d"])
    is_test_N = np.array([False, True, True, True, True, False])
    assert duplicates.leaked(fingerprint_N, is_test_N).tolist() == [False, True, False, False, False, False]
