"""Twins: recordings of different names with the very same frames."""

import hashlib

import numpy as np


def fingerprint(frames_TxVxMxC: np.ndarray) -> str:
    """32 hexadecimal digits that two recordings share when the frames in which somebody is seen are the same."""
    seen_T = frames_TxVxMxC.any(axis=(1, 2, 3))
    return hashlib.blake2b(frames_TxVxMxC[seen_T].tobytes(), digest_size=16).hexdigest()


def groups(fingerprint_N: np.ndarray) -> list[np.ndarray]:
    """The recordings that share a fingerprint with another one, by group, in the order of each group's first."""
    _, group_N, count_G = np.unique(fingerprint_N, return_inverse=True, return_counts=True)
    shared = dict.fromkeys(group_N[count_G[group_N] > 1].tolist())
    return [np.flatnonzero(group_N == group) for group in shared]


def leaked(fingerprint_N: np.ndarray, is_test_N: np.ndarray) -> np.ndarray:
    """N booleans: True for the recordings for testing that have a twin among those for training."""
    return is_test_N & np.isin(fingerprint_N, fingerprint_N[~is_test_N])
