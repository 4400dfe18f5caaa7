"""Benchmarks: classes and protocols, against the official lists and counts."""

import pathlib

import numpy as np
import pytest

from dsta_jax.datasets import ntu, shrec17, utd_mhad
from dsta_jax.datasets.benchmarks import BENCHMARKS, SHREC_FINE_GESTURES, SHREC_GESTURES


def columns(**given) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in given.items()}


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=BENCHMARKS)
def test_every_class_has_a_label_and_every_label_a_class(benchmark):
    assert sorted(set(benchmark.class_of_label)) == list(range(len(benchmark.class_names)))
    assert len(set(benchmark.class_names)) == len(benchmark.class_names)
    assert BENCHMARKS[benchmark.name] is benchmark
    assert all("{data_dir}" in command for command in benchmark.prepare)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("shrec14", 14), ("shrec28", 28), ("synthetic14", 14), ("utd_mhad", 27), ("ntu60_cs", 60), ("ntu120_ce", 120)],
)
def test_class_counts(name, classes):
    assert len(BENCHMARKS[name].class_names) == classes


def test_shrec_names_are_in_the_order_of_the_labels():
    for label, name in enumerate(SHREC_FINE_GESTURES):
        assert name.startswith(SHREC_GESTURES[label // 2])
        assert name.endswith(("one finger", "whole hand")[label % 2])


def test_shrec_classes_are_those_of_the_official_lists(shared):
    recordings = [
        recording
        for split in ("train", "test")
        for recording in shrec17.read_list(shared / "data" / "shrec17_lists" / f"{split}_gestures.txt")
    ]
    for recording in recordings:
        label = recording.label28 - 1
        assert BENCHMARKS["shrec14"].class_of_label[label] == recording.label14 - 1
        assert BENCHMARKS["shrec28"].class_of_label[label] == label


def test_shrec_tests_on_the_test_list():
    is_test = BENCHMARKS["shrec14"].is_test(columns(split=["train", "test", "train"]))
    assert is_test.tolist() == [False, True, False]


def test_utd_mhad_divides_by_odd_and_even_subjects(shared):
    paths = (shared / "data" / "utd_mhad" / "Skeleton").glob(utd_mhad.FILE_PATTERN)
    subjects = [utd_mhad.parse_file_name(path).subject for path in paths]
    is_test = BENCHMARKS["utd_mhad"].is_test(columns(subject=subjects))
    assert (int((~is_test).sum()), int(is_test.sum())) == (431, 430)


@pytest.fixture(scope="module")
def ntu_columns(shared) -> dict[int, dict[str, np.ndarray]]:
    """The columns of all samples with skeletons, for 60 and for 120 actions."""
    found = {}
    for actions in (60, 120):
        lines = (shared / "data" / "ntu_lists" / f"ntu{actions}_available_names.txt").read_text().split()
        names = [ntu.parse_name(pathlib.Path(line)) for line in lines]
        found[actions] = {
            column: np.array([getattr(name, column) for name in names])
            for column in ("subject", "camera", "setup", "action")
        }
    return found


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("ntu60_cs", 40_091, 16_487),
        ("ntu60_cv", 37_646, 18_932),
        ("ntu120_cs", 63_026, 50_919),
        ("ntu120_ce", 59_477, 54_468),
        ("ntu120_xset", 54_468, 59_477),
    ],
)
def test_ntu_counts(ntu_columns, name, train, test):
    benchmark = BENCHMARKS[name]
    found = ntu_columns[len(benchmark.class_names)]
    is_test = benchmark.is_test(found)
    assert (int((~is_test).sum()), int(is_test.sum())) == (train, test)
    assert set(found["action"]) == set(range(1, len(benchmark.class_names) + 1))
    assert (len(benchmark.layout.joints), benchmark.bodies) == (25, 2)


def test_ntu_actions_have_their_numbers():
    names = {1: "drink water", 11: "read", 27: "jump up", 41: "sneeze or cough", 50: "punch or slap somebody"}
    names |= {58: "shake hands", 60: "walk apart", 61: "put on headphones", 80: "squat down", 103: "yawn"}
    names |= {106: "hit somebody with something", 112: "high-five", 120: "rock-paper-scissors"}
    for number, name in names.items():
        assert BENCHMARKS["ntu120_cs"].class_names[number - 1] == name
    assert BENCHMARKS["ntu60_cs"].class_names == BENCHMARKS["ntu120_cs"].class_names[:60]
