"""Benchmarks: classes and protocols, against the official lists and counts."""

import json
import pathlib

import numpy as np
import pytest

from dsta_jax.datasets import shrec17, utd_mhad
from dsta_jax.datasets.benchmark import Benchmark, Protocol
from dsta_jax.datasets.benchmarks import BENCHMARKS, SOURCES
from dsta_jax.datasets.recording import columns, entry
from dsta_jax.datasets.shrec17 import FINE_GESTURES, GESTURES


def known(**given) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in given.items()}


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=BENCHMARKS)
def test_every_class_has_a_label_and_every_label_a_class(benchmark):
    assert sorted(set(benchmark.class_of_label)) == list(range(len(benchmark.class_names)))
    assert len(benchmark.class_of_label) == len(benchmark.source.label_names)
    assert len(set(benchmark.class_names)) == len(benchmark.class_names)
    assert BENCHMARKS[benchmark.name] is benchmark and SOURCES[benchmark.source.name] is benchmark.source
    assert "{data_dir}" in benchmark.source.prepare[-1]


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=BENCHMARKS)
def test_what_decides_what_is_learned_survives_json(benchmark):
    found = Benchmark.from_dict(json.loads(json.dumps(benchmark.to_dict())))
    assert found.to_dict() == benchmark.to_dict()
    assert found.source.frame_shape == benchmark.source.frame_shape
    assert found.source.normalized_by == benchmark.source.normalized_by
    assert found.protocol == benchmark.protocol


@pytest.mark.parametrize("key", ["name", "data_set", "class_names", "label_names"])
def test_a_name_that_cannot_be_written(key):
    values = BENCHMARKS["shrec14"].to_dict()
    values[key] = ["a\ud800"] if isinstance(values[key], list) else "a\ud800"
    with pytest.raises(ValueError, match=r"'a\\ud800' as a name, expected printable text"):
        Benchmark.from_dict(values)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("shrec14", 14), ("shrec28", 28), ("synthetic14", 14), ("utd_mhad", 27), ("ntu60_cs", 60), ("ntu120_ce", 120)],
)
def test_class_counts(name, classes):
    assert len(BENCHMARKS[name].class_names) == classes


def test_synthetic_sets_are_the_real_ones_but_for_what_was_published():
    for name, real in (("synthetic_hands", "shrec17"), ("synthetic_dhg", "dhg"), ("synthetic_ntu", "ntu60")):
        made, source = SOURCES[name], SOURCES[real]
        assert made.synthetic and not source.synthetic
        assert (made.published, made.citation, made.homepage) == (0, "", "") and source.published and source.citation
        assert (made.find, made.layout, made.normalized_by) == (source.find, source.layout, source.normalized_by)


def test_shrec_names_are_in_the_order_of_the_labels():
    for label, name in enumerate(FINE_GESTURES):
        assert name.startswith(GESTURES[label // 2])
        assert name.endswith(("one finger", "whole hand")[label % 2])


def test_shrec_classes_are_those_of_the_official_lists(shared):
    for name in (shrec17.TRAIN_LIST, shrec17.TEST_LIST):
        path = shared / "data" / "shrec17_lists" / name
        for line, (_, one) in zip(path.read_text().splitlines(), shrec17.read_list(path), strict=True):
            label14, label28 = map(int, line.split()[4:6])
            assert BENCHMARKS["shrec14"].class_of_label[one.label] == label14 - 1
            assert BENCHMARKS["shrec28"].class_of_label[one.label] == label28 - 1


def test_shrec_tests_on_the_test_list():
    is_test = BENCHMARKS["shrec14"].protocol.is_test(known(split=["train", "test", "train"]))
    assert is_test.tolist() == [False, True, False]


def test_utd_mhad_divides_by_odd_and_even_subjects(shared):
    found = utd_mhad.find(shared / "data" / "utd_mhad")
    is_test = BENCHMARKS["utd_mhad"].protocol.is_test(columns(found))
    assert (int((~is_test).sum()), int(is_test.sum())) == (431, 430)


@pytest.fixture(scope="module")
def ntu_columns(shared) -> dict[int, dict[str, np.ndarray]]:
    """The columns of all recordings with skeletons, for 60 and for 120 actions."""
    found = {}
    for actions in (60, 120):
        lines = (shared / "data" / "ntu_lists" / f"ntu{actions}_available_names.txt").read_text().split()
        entries = [entry(pathlib.PurePath(line).stem, pathlib.Path(line), label=int(line[17:20])) for line in lines]
        found[actions] = {
            column: np.array([getattr(one, column) for one in entries])
            for column in ("subject", "camera", "setup", "label")
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
    is_test = benchmark.protocol.is_test(found)
    assert (int((~is_test).sum()), int(is_test.sum())) == (train, test)
    assert set(found["label"]) == set(range(1, len(benchmark.class_names) + 1))
    assert benchmark.source.frame_shape == (25, 2, 3)
    assert benchmark.source.published == train + test


def test_ntu_actions_have_their_numbers():
    names = {1: "drink water", 11: "read", 27: "jump up", 41: "sneeze or cough", 50: "punch or slap somebody"}
    names |= {58: "shake hands", 60: "walk apart", 61: "put on headphones", 80: "squat down", 103: "yawn"}
    names |= {106: "hit somebody with something", 112: "high-five", 120: "rock-paper-scissors"}
    for number, name in names.items():
        assert BENCHMARKS["ntu120_cs"].class_names[number - 1] == name
    assert BENCHMARKS["ntu60_cs"].class_names == BENCHMARKS["ntu120_cs"].class_names[:60]


@pytest.mark.parametrize("values", [[1, 2, 3], ["1", "2", "3"]])
def test_numbers_and_the_same_numbers_as_words(values):
    assert Protocol("subject", test=(2,)).is_test(known(subject=values)).tolist() == [False, True, False]
    assert Protocol("subject", train=(2, 3)).is_test(known(subject=values)).tolist() == [True, False, False]
    assert Protocol("subject").is_test(known(subject=values), fold=3).tolist() == [False, False, True]


def test_words():
    found = known(subject=["anna", "ben", "Anna"], split=["Test", " train ", "TEST"])
    assert Protocol("subject", test=("anna",)).is_test(found).tolist() == [True, False, False]
    assert Protocol("subject").is_test(found, fold="ben").tolist() == [False, True, False]
    assert Protocol("split", test=("test",)).is_test(found).tolist() == [True, False, True]


def test_raw_recordings_of_a_synthetic_set_never_go_to_a_bucket():
    make, convert = BENCHMARKS["synthetic14"].source.commands("gs://bucket/data")
    assert make.endswith("--out_dir=data/raw/synthetic_hands")
    assert "--in=data/raw/synthetic_hands --out=gs://bucket/data " in convert
