"""Which frames of a sequence the network sees (Sec. 4.2), and the random numbers for it.

Random numbers are Philox's raw words, a pure function of their key: numpy promises these, and not what its
distributions make of them, to stay the same for ever.
"""

import enum

import numpy as np

# Greater than or equal to every ticket.
_NO_TICKET = np.uint64(2**64 - 1)


class Purpose(enum.IntEnum):
    """What random numbers are for; each purpose has a sequence of its own."""

    ORDER, FRAMES, AUGMENTATION, VALIDATION = range(4)


def random_words(count: int, seed: int, purpose: Purpose, epoch: int = 0, sample: int = 0) -> np.ndarray:
    """`count` uint64 words that depend on the arguments alone; more of them begin with the same ones."""
    return sample_words(count, seed, purpose, np.array([epoch]), np.array([sample]))[0]


def sample_words(count: int, seed: int, purpose: Purpose, epoch_B: np.ndarray, sample_B: np.ndarray) -> np.ndarray:
    """B x W: `random_words` of each sample, W = count."""
    philox = np.random.Philox(key=(seed, int(purpose)))
    state = philox.state
    words_BxW = np.empty((len(sample_B), count), np.uint64)
    for words_W, epoch, sample in zip(words_BxW, epoch_B, sample_B, strict=True):
        state["state"]["counter"] = np.array([0, sample, epoch, 0], np.uint64)
        philox.state = state  # takes a fraction of the time of a new generator
        words_W[:] = philox.random_raw(count)
    return words_BxW


def to_unit(words: np.ndarray) -> np.ndarray:
    """uint64 words as float64 numbers from 0 (included) to 1 (excluded)."""
    return (words >> np.uint64(11)) * 2.0**-53


def permutation(count: int, seed: int, purpose: Purpose, epoch: int = 0) -> np.ndarray:
    """A random order of 0 .. count - 1."""
    return np.argsort(random_words(count, seed, purpose, epoch), kind="stable")


def test_frames(length_B: np.ndarray, sampled: int, cropped: int) -> np.ndarray:
    """B x T frame numbers for testing: `sampled` (150) spread evenly over each sequence, the central `cropped` (128).

    The i-th of the spread is int(i * (length / sampled)) in double precision, as the authors compute it; integer
    division gives other frames for some lengths.
    """
    first = (sampled - cropped) // 2
    spread_T = np.arange(first, first + cropped)
    return (spread_T * (length_B[:, None] / sampled)).astype(np.int64)


def train_frames(length_B: np.ndarray, sampled: int, cropped: int, words_BxW: np.ndarray) -> np.ndarray:
    """B x T frame numbers for training, ascending: a random draw without replacement, and a random crop of it.

    Of ceil(sampled / length) copies of a sequence's frames, `sampled` are drawn (150 in the paper), and of the draw
    `cropped` in a row are kept (128). Each sample needs at least `train_words` words; those beyond do not matter.
    """
    crop_Bx1 = train_words(length_B, sampled)[:, None] - 1  # the word after the tickets
    ticket_W = np.arange(int(crop_Bx1.max()))
    drawn_BxW = _lowest(np.where(ticket_W < crop_Bx1, words_BxW[:, ticket_W], _NO_TICKET), sampled)
    frame_BxW = ticket_W % length_B[:, None]
    frame_BxS = np.sort(frame_BxW[drawn_BxW].reshape(len(length_B), sampled), axis=1)
    unit_Bx1 = to_unit(np.take_along_axis(words_BxW, crop_Bx1, axis=1))
    first_Bx1 = (unit_Bx1 * (sampled - cropped + 1)).astype(np.int64)
    return np.take_along_axis(frame_BxS, first_Bx1 + np.arange(cropped), axis=1)


def _lowest(ticket_BxW: np.ndarray, count: int) -> np.ndarray:
    """B x W booleans: the `count` lowest tickets of each row; of equal ones the first."""
    last_Bx1 = np.partition(ticket_BxW, count - 1, axis=1)[:, count - 1 : count]
    below_BxW, last_BxW = ticket_BxW < last_Bx1, ticket_BxW == last_Bx1
    left_Bx1 = count - below_BxW.sum(axis=1, keepdims=True)
    return below_BxW | (last_BxW & (np.cumsum(last_BxW, axis=1) <= left_Bx1))


def train_words(length_B: np.ndarray, sampled: int) -> np.ndarray:
    """How many random words `train_frames` needs: one for each copy of each frame, and one for the crop."""
    return -(-sampled // length_B) * length_B + 1
