"""Which frames of a sequence the network sees (Sec. 4.2), and the random numbers for it.

Random numbers are Philox's raw words, a pure function of their key: numpy promises these, and not what its
distributions make of them, to stay the same for ever.
"""

import enum

import numpy as np


class Purpose(enum.IntEnum):
    """What random numbers are for; each purpose has a sequence of its own."""

    ORDER = 0
    FRAMES = 1
    AUGMENTATION = 2
    VALIDATION = 3


def random_words(count: int, seed: int, purpose: Purpose, epoch: int = 0, sample: int = 0) -> np.ndarray:
    """`count` uint64 words that depend on the arguments alone."""
    philox = np.random.Philox(key=(seed, int(purpose)), counter=(0, sample, epoch, 0))
    return philox.random_raw(count)


def to_unit(words: np.ndarray) -> np.ndarray:
    """uint64 words as float64 numbers from 0 (included) to 1 (excluded)."""
    return (words >> np.uint64(11)) * 2.0**-53


def permutation(count: int, seed: int, purpose: Purpose, epoch: int = 0) -> np.ndarray:
    """A random order of 0 .. count - 1."""
    return np.argsort(random_words(count, seed, purpose, epoch), kind="stable")


def test_frames(length: int, sampled: int, cropped: int) -> np.ndarray:
    """Frames for testing: `sampled` spread evenly over the sequence, of which the central `cropped`.

    Args:
      length: frames of the stream.
      sampled: 150 in the paper.
      cropped: 128 in the paper.

    Returns:
      T = cropped frame numbers. The i-th of the spread is int(i * (length / sampled)) in double precision, as the
      authors compute it; integer division gives other frames for some lengths.
    """
    spread = (np.arange(sampled) * (length / sampled)).astype(np.int64)
    first = (sampled - cropped) // 2
    return spread[first : first + cropped]


def train_frames(length: int, sampled: int, cropped: int, words: np.ndarray) -> np.ndarray:
    """Frames for training: a sorted random draw without replacement, and a random crop of it.

    Args:
      length: frames of the stream.
      sampled: how many are drawn, from ceil(sampled / length) copies of the frames (150 in the paper).
      cropped: how many in a row of the draw are kept (128 in the paper).
      words: `train_words(length, sampled)` random words.

    Returns:
      T = cropped frame numbers, ascending.
    """
    tickets = words[:-1]
    drawn = np.sort(np.argsort(tickets, kind="stable")[:sampled] % length)
    first = int(to_unit(words[-1:])[0] * (sampled - cropped + 1))
    return drawn[first : first + cropped]


def train_words(length: int, sampled: int) -> int:
    """How many random words `train_frames` needs: one for each copy of each frame, and one for the crop."""
    return -(-sampled // length) * length + 1
