"""A survey: what is kept of recordings, and which are chosen to be looked at."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.check import survey
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmarks import BENCHMARKS

HANDS, NTU = BENCHMARKS["shrec28"], BENCHMARKS["ntu60_cv"]


def hand(number, frames=12, label=0, **given):
    steps = np.random.default_rng(number).normal(size=(frames, 22, 1, 3))
    record = Record(f"hand_{number}", label, 1, 0, 0, np.cumsum(steps, axis=0).astype(np.float32))
    return dataclasses.replace(record, **given)


def gather(*records, split="train", benchmark=HANDS):
    return survey.gather([(split, record) for record in records], benchmark)


def test_what_is_kept_of_a_recording():
    frames = hand(0).frames_TxVxMxC.copy()
    frames[[0, 7]] = 0
    seen = gather(hand(0, frames_TxVxMxC=frames, label=5), hand(1, label=99))
    first = seen.facts[0]
    assert (first.name, first.split, first.frames, first.seen, first.not_finite) == ("hand_0", "train", 12, 10, "")
    assert first.record.frames_TxVxMxC.size == 0
    assert first.length_B.shape == (21,) and np.isfinite(first.change_B).all() and first.bone_ratio > 0
    assert not first.still_V.any() and first.still_V.shape == (22,)
    assert seen.class_N.tolist() == [5, -1]
    assert seen.columns["split"].tolist() == ["train", "train"] and not seen.is_test_N.any()


def test_of_two_bodies_all_are_looked_at():
    steps = np.random.default_rng(0).normal(size=(12, 25, 2, 3))
    frames = np.cumsum(steps, axis=0).astype(np.float32)
    frames[:, 3, 1] = 1
    facts = gather(Record("two", 0, 1, 1, 1, frames), benchmark=NTU).facts[0]
    assert np.flatnonzero(facts.still_V).tolist() == [3]
    frames[4, 24, 1, 2] = np.inf
    facts = gather(Record("two", 0, 1, 1, 1, frames), benchmark=NTU).facts[0]
    assert facts.not_finite == "frame 4, right_thumb of body 1"
    assert facts.fingerprint == "" and not facts.still_V.any() and facts.jumps == () and np.isnan(facts.bone_ratio)


def test_where_nan_is_first():
    frames = hand(0).frames_TxVxMxC.copy()
    frames[2, 1, 0, 0] = frames[8, 3] = np.nan
    assert gather(hand(0, frames_TxVxMxC=frames)).facts[0].not_finite == "frame 2, palm, and 1 more joints"


@pytest.mark.parametrize("frames", [np.zeros((3, 22, 1, 3)), np.ones((1, 22, 1, 3)), np.full((11, 22, 1, 3), 1e30)])
def test_odd_recordings_are_no_trouble(frames):
    seen = gather(hand(0, frames_TxVxMxC=frames.astype(np.float32)), hand(1))
    assert np.isnan(seen.facts[0].bone_ratio) and np.isfinite(seen.distances.mean()).all()
    assert seen.samples[0].name == "hand_1"


def test_one_sample_a_class_whatever_the_order():
    hands = [hand(number, label=number % 3) for number in range(12)]
    chosen = {label: record.name for label, record in gather(*hands).samples.items()}
    assert sorted(chosen) == [0, 1, 2]
    assert {label: record.name for label, record in gather(*hands[::-1]).samples.items()} == chosen


def test_samples_are_of_the_training_part_where_it_has_the_class():
    hands = [("test", hand(number, label=number % 2)) for number in range(8)] + [("train", hand(8, label=1))]
    samples = survey.gather(hands, HANDS).samples
    assert samples[1].name == "hand_8" and samples[0].label == 0
