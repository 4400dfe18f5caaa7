"""A few hundred inputs for each fuzzer, and that a fuzzer finds what is there to be found."""

import random
import time

import pytest

from tests.fuzz import fuzz_pickle, fuzz_skeleton, harness

FUZZERS = {"skeleton": fuzz_skeleton, "pickle": fuzz_pickle}


@pytest.mark.parametrize("name", FUZZERS)
def test_damaged_inputs(name):
    fuzzer = FUZZERS[name]
    assert harness.run_random(fuzzer.check, fuzzer.INPUTS, fuzzer.HOSTILE, count=200, seed=random.getrandbits(32)) > 0


@pytest.mark.parametrize("name", FUZZERS)
def test_inputs_that_hypothesis_chooses(name):
    fuzzer = FUZZERS[name]
    harness.run_hypothesis(fuzzer.check, fuzzer.INPUTS, fuzzer.HOSTILE, count=100, seed=random.getrandbits(32))


@pytest.mark.parametrize("name", FUZZERS)
def test_whole_inputs(name):
    fuzzer = FUZZERS[name]
    assert all(fuzzer.check(data) for data in fuzzer.INPUTS)


def test_what_a_fuzzer_finds(monkeypatch, tmp_path):
    monkeypatch.setattr(harness.tempfile, "tempdir", str(tmp_path))

    def wrong(data: bytes) -> bool:
        assert b"\xff" not in data
        return True

    with pytest.raises(AssertionError):
        harness.run_random(wrong, [b"input"], [b"\xff"], count=1000, seed=1)
    (kept,) = tmp_path.iterdir()
    assert b"\xff" in kept.read_bytes()


def test_a_hang_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(harness.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(harness, "SECONDS", 0.05)

    def hang(_: bytes) -> bool:
        end = time.process_time() + 5
        while time.process_time() < end:
            pass
        return True

    for engine in (harness.run_random, harness.run_hypothesis):
        with pytest.raises(harness.Hang):
            engine(hang, [b"input"], [b""], 1, 0)


def test_the_same_seed_gives_the_same_inputs():
    seen: dict[int, list[bytes]] = {0: [], 1: [], 2: []}
    for number, inputs in seen.items():
        harness.run_random(lambda data, kept=inputs: not kept.append(data), [b"some input"], [b"x"], 20, number // 2)
    assert seen[0] == seen[1] != seen[2]
