"""Frames for training and testing, and random numbers that must never change."""

import collections

import numpy as np
import pytest

from dsta_jax.data import sampling
from dsta_jax.data.sampling import Purpose

# Of the first 300 lengths those for which i * length // 150 is not int(i * (length / 150)) for all i.
DIFFERENT_LENGTHS = [87, 105, 110, 158, 171, 174, 194, 210, 220, 246]


# Testing.


def frames_for_testing(length, sampled, cropped):
    """Of one sequence."""
    return sampling.test_frames(np.array([length]), sampled, cropped)[0]


def test_test_frames_of_several_sequences():
    length_B = np.array([1, 87, 300])
    frames_BxT = sampling.test_frames(length_B, 150, 128)
    np.testing.assert_array_equal(frames_BxT, [frames_for_testing(length, 150, 128) for length in length_B])


@pytest.mark.parametrize("length", [20, 47, 97, 150, 233])
def test_authors_test_frames(load_golden, length):
    golden = load_golden("hand_preprocessing")
    for stream in ("", "temporal_interval1_", "temporal_interval2_"):
        whole_CTVM = golden[f"T{length}/{stream}CTVM" if stream else f"T{length}/normalized_CTVM"]
        sampled_CTVM = golden[f"T{length}/{stream}test_sample_CTVM"]
        frames = frames_for_testing(whole_CTVM.shape[1], 150, 128)
        np.testing.assert_array_equal(whole_CTVM[:, frames], sampled_CTVM, stream)


def test_test_frames_are_the_literal_ones():
    different = []
    for length in range(1, 301):
        spread = [int(i * (length / 150)) for i in range(150)]
        np.testing.assert_array_equal(frames_for_testing(length, 150, 128), spread[11:139])
        np.testing.assert_array_equal(frames_for_testing(length, 150, 150), spread)
        if spread != [i * length // 150 for i in range(150)]:
            different.append(length)
    assert different == DIFFERENT_LENGTHS


def test_test_frames_are_the_central_ones():
    np.testing.assert_array_equal(frames_for_testing(36, 36, 32), np.arange(2, 34))
    np.testing.assert_array_equal(frames_for_testing(5, 5, 2), [1, 2])
    np.testing.assert_array_equal(frames_for_testing(1, 9, 7), np.zeros(7))


# Training.


def train_frames(length, sampled, cropped, words):
    """Of one sequence."""
    return sampling.train_frames(np.array([length]), sampled, cropped, words[None])[0]


def train_words(length, sampled):
    return int(sampling.train_words(np.array([length]), sampled)[0])


def draw(length, sampled, cropped, number):
    words = sampling.random_words(train_words(length, sampled), 1, Purpose.FRAMES, 0, number)
    return train_frames(length, sampled, cropped, words)


def literal_draw(length, sampled, cropped, words):
    """The tickets in order, of equal ones the first before; the lowest are drawn."""
    tickets = words[: -(-sampled // length) * length]
    drawn = np.sort(np.argsort(tickets, kind="stable")[:sampled] % length)
    first = int(sampling.to_unit(words[len(tickets) :])[0] * (sampled - cropped + 1))
    return drawn[first : first + cropped]


@pytest.mark.parametrize("tickets", [3, 20, 2**64 - 1])
def test_draws_are_the_literal_ones(tickets):
    """Of several sequences together, with equal tickets and the greatest possible among them."""
    random = np.random.default_rng(0)
    for _ in range(50):
        length_B = random.integers(1, 60, size=8)
        words_BxW = random.integers(2**64 - tickets, 2**64, size=(8, 90), dtype=np.uint64)
        expected = [literal_draw(length, 25, 20, words_W) for length, words_W in zip(length_B, words_BxW, strict=True)]
        np.testing.assert_array_equal(sampling.train_frames(length_B, 25, 20, words_BxW), expected)


@pytest.mark.parametrize("length", [1, 2, 7, 50, 74, 75, 76, 149, 150, 151, 233, 300])
def test_train_frames(length):
    copies = -(-150 // length)
    for number in range(20):
        whole, cropped = draw(length, 150, 150, number), draw(length, 150, 128, number)
        for frames, count in ((whole, 150), (cropped, 128)):
            assert frames.shape == (count,)
            assert np.all(np.diff(frames) >= 0) and frames[0] >= 0 and frames[-1] < length
            assert np.bincount(frames).max() <= copies
        windows = np.lib.stride_tricks.sliding_window_view(whole, 128)
        assert np.any(np.all(windows == cropped, axis=1))  # the crop is a row of the same draw


def test_all_draws_are_possible_and_as_probable_as_they_should_be():
    """Three frames twice each, four of the six drawn: 15 equally probable pairs are left out."""
    count = 3000
    found = collections.Counter(tuple(draw(3, 4, 4, number).tolist()) for number in range(count))
    probability = {
        (0, 0, 1, 1): 1 / 15,
        (0, 0, 2, 2): 1 / 15,
        (1, 1, 2, 2): 1 / 15,
        (0, 0, 1, 2): 4 / 15,
        (0, 1, 1, 2): 4 / 15,
        (0, 1, 2, 2): 4 / 15,
    }
    assert set(found) == set(probability)
    for frames, p in probability.items():
        assert abs(found[frames] - count * p) < 5 * np.sqrt(count * p * (1 - p)), frames


def test_all_crops_are_equally_probable():
    """A sequence as long as the draw: nothing is left to draw, the first frame is the crop's."""
    count, crops = 2000, 5
    found = np.bincount([draw(12, 12, 8, number)[0] for number in range(count)], minlength=crops)
    assert len(found) == crops
    assert np.all(np.abs(found - count / crops) < 5 * np.sqrt(count / crops * (1 - 1 / crops)))


@pytest.mark.parametrize("length", [40, 233])
def test_frames_are_drawn_uniformly_in_the_mean(length):
    count, copies = 400, -(-150 // length)
    found = sum(np.bincount(draw(length, 150, 150, number), minlength=length) for number in range(count))
    assert found.sum() == 150 * count
    taken = 150 / (copies * length)  # how probable each copy is
    deviation = np.sqrt(count * copies * taken * (1 - taken))
    assert np.all(np.abs(found - count * copies * taken) < 5 * deviation)
    assert found.std() > 0.2 * deviation  # and they are drawn, not dealt out


# Random numbers.


def test_random_words_never_change():
    """Batches, and so all results, hang on these: no version of numpy may change them."""
    words = sampling.random_words(3, seed=7, purpose=Purpose.FRAMES, epoch=2, sample=5)
    assert words.dtype == np.uint64
    assert words.tolist() == [4389977026148109314, 14743406198469571577, 760539507844678273]
    assert sampling.permutation(8, seed=7, purpose=Purpose.ORDER, epoch=2).tolist() == [7, 3, 2, 6, 5, 4, 0, 1]
    long = sampling.random_words(train_words(40, 12), 7, Purpose.FRAMES, 2, 5)
    assert train_frames(40, 12, 8, long).tolist() == [13, 14, 15, 18, 29, 34, 37, 39]
    short = sampling.random_words(train_words(5, 12), 7, Purpose.FRAMES, 2, 5)
    assert train_frames(5, 12, 12, short).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4]
    assert [purpose.value for purpose in Purpose] == [0, 1, 2, 3]


def test_random_words_are_a_function_of_their_arguments():
    arguments = {"seed": 3, "purpose": Purpose.FRAMES, "epoch": 4, "sample": 5}
    words = sampling.random_words(50, **arguments)
    np.testing.assert_array_equal(sampling.random_words(50, **arguments), words)
    np.testing.assert_array_equal(sampling.random_words(20, **arguments), words[:20])
    assert len(set(words.tolist())) == 50


def test_words_of_several_samples():
    """Those of a generator for each."""
    epoch_B, sample_B = np.array([0, 3, 3, 0, 2**40]), np.array([5, 0, 2**33, 5, 1])
    for count in (1, 7, 8, 301):
        words_BxW = sampling.sample_words(count, 2**50, Purpose.FRAMES, epoch_B, sample_B)
        for words_W, epoch, sample in zip(words_BxW, epoch_B.tolist(), sample_B.tolist(), strict=True):
            philox = np.random.Philox(key=(2**50, 1), counter=(0, sample, epoch, 0))
            np.testing.assert_array_equal(words_W, philox.random_raw(count))


def test_random_words_differ_for_each_argument():
    seen = {}
    for seed in (0, 1, 2**40):
        for purpose in Purpose:
            for epoch in range(4):
                for sample in range(4):
                    for word in sampling.random_words(200, seed, purpose, epoch, sample).tolist():
                        assert seen.setdefault(word, (seed, purpose, epoch, sample)) == (seed, purpose, epoch, sample)
    assert len(seen) == 3 * 4 * 4 * 4 * 200


def test_to_unit():
    extremes = np.array([0, 1 << 11, 1 << 63, 2**64 - 1], np.uint64)
    numbers = sampling.to_unit(extremes)
    assert numbers.dtype == np.float64
    assert numbers.tolist() == [0.0, 2.0**-53, 0.5, 1 - 2.0**-53]
    uniform = sampling.to_unit(sampling.random_words(20_000, 0, Purpose.FRAMES))
    assert uniform.min() >= 0 and uniform.max() < 1
    counts, _ = np.histogram(uniform, bins=10, range=(0, 1))
    assert np.all(np.abs(counts - 2000) < 5 * np.sqrt(2000 * 0.9))


def test_permutation():
    for count in (1, 2, 17, 500):
        order = sampling.permutation(count, 3, Purpose.ORDER, 1)
        np.testing.assert_array_equal(np.sort(order), np.arange(count))
    orders = {
        tuple(sampling.permutation(30, seed, purpose, epoch).tolist())
        for seed in range(3)
        for purpose in (Purpose.ORDER, Purpose.VALIDATION)
        for epoch in range(3)
    }
    assert len(orders) == 3 * 2 * 3


def test_permutations_are_fair():
    """Every sample comes first about as often as any other."""
    count, size = 2000, 5
    first = [sampling.permutation(size, 0, Purpose.ORDER, epoch)[0] for epoch in range(count)]
    found = np.bincount(first, minlength=size)
    assert np.all(np.abs(found - count / size) < 5 * np.sqrt(count / size * (1 - 1 / size)))
