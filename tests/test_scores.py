"""Score files and what scores are worth."""

import os

import numpy as np
import pytest

from dsta_jax import scores
from dsta_jax.errors import UserError
from dsta_jax.scores import Scores


def make(name="spatial", samples=("a", "b", "c", "d"), labels=(0, 0, 1, 2), seed=0, classes=6):
    score_SxK = np.random.default_rng(seed).normal(size=(len(samples), classes)).astype(np.float32)
    return Scores(name, np.array(samples), np.array(labels), score_SxK, tuple(f"class {k}" for k in range(classes)))


def _answering(answers, labels=(0, 0, 1, 2)):
    part = make(labels=labels)
    part.score_SxK[:] = np.eye(6)[list(answers)]
    return part


def test_accuracies():
    part = _answering((0, 5, 1, 0))
    assert part.top(1) == 0.5
    assert part.mean_class() == pytest.approx((0.5 + 1 + 0) / 3)
    assert part.confusion_KxK()[0].tolist() == [1, 0, 0, 0, 0, 1]


def test_top_k_is_exact():
    part = make(samples=[str(i) for i in range(50)], labels=np.arange(50) % 6, seed=3)
    order_SxK = np.argsort(-part.score_SxK, axis=1)
    for k in (1, 2, 5, 6):
        expected = np.mean([label in order[:k] for label, order in zip(part.label_S, order_SxK, strict=True)])
        assert part.top(k) == pytest.approx(expected)


def test_a_tie_is_not_an_answer():
    part = make()
    part.score_SxK[:] = 1
    assert part.top(1) == 0
    assert part.top(5) == 0
    assert part.top(6) == 1


@pytest.mark.parametrize("classes", [3, 6])
def test_scores_that_are_not_finite_are_no_answers(classes):
    part = make(classes=classes)
    part.score_SxK[:] = np.nan
    assert part.metrics() == {"top1": 0, **({"top5": 0} if classes > 5 else {}), "mean_class": 0}
    part.score_SxK[:] = np.eye(classes)[part.label_S]
    part.score_SxK[0, 0], part.score_SxK[1, 2] = np.nan, np.inf
    assert part.top(1) == 0.5 and part.confusion_KxK().diagonal().sum() == 2


def test_top_1_mean_class_and_confusion_agree_on_ties():
    part = make(labels=(0, 1, 2, 3))
    part.score_SxK[:] = np.eye(6)[part.label_S]
    part.score_SxK[1, 4] = 1
    assert part.top(1) == part.mean_class() == 0.75
    assert part.confusion_KxK()[1].tolist() == [0, 0, 0, 0, 1, 0]


def test_costliest_confusion():
    assert _answering((5, 5, 1, 2)).costliest_confusion() == "'class 0' is taken for 'class 5' 2 of 2 times"
    assert _answering((0, 0, 1, 2)).costliest_confusion() == "no sample is taken for another class"


def test_file_keeps_everything(tmp_path):
    part = make(samples=("gesture_1/é", "b", "c", "d"))
    path = tmp_path / "scores" / "spatial.npz"
    scores.save(part, path)
    loaded = scores.load(path)
    assert loaded.name == "spatial"
    assert loaded.class_names == part.class_names
    for field in ("sample_S", "label_S", "score_SxK"):
        np.testing.assert_array_equal(getattr(loaded, field), getattr(part, field))
    assert [file.name for file in path.parent.iterdir()] == ["spatial.npz"]


def test_damaged_files(tmp_path):
    path = tmp_path / "spatial.npz"
    with pytest.raises(UserError, match=r"spatial\.npz is not there"):
        scores.load(path)
    scores.save(make(), path)
    whole = path.read_bytes()
    for damaged in (b"", b"hello", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"spatial\.npz: not readable as a score file .*; evaluate the run again"):
            scores.load(path)
    np.savez(path, samples=np.array(["a"]))
    with pytest.raises(UserError, match=r"spatial\.npz: not readable as a score file .*labels"):
        scores.load(path)


STRANGE = {
    "fewer labels": ({"labels": np.zeros(3, int)}, r"\(4,\) samples, \(3,\) labels and scores \(4, 6\)"),
    "no samples": ({"samples": np.array([], str), "labels": np.zeros(0, int), "scores": np.zeros((0, 6))}, "samples"),
    "labels beyond the classes": ({"labels": np.array([0, 1, 2, 6])}, "labels 0 to 6 of 6 classes"),
    "negative labels": ({"labels": np.array([0, -1, 2, 3])}, "labels -1 to 3 of 6 classes"),
    "labels in words": ({"labels": np.array(list("abcd"))}, "its arrays are not of samples, labels, scores and class"),
    "one score each": ({"scores": np.zeros(4)}, "its arrays are not of samples, labels, scores and class names"),
    "other classes": ({"class_names": np.array(["a", "b"])}, "its arrays are not of samples, labels, scores and class"),
    "numbers for samples": ({"samples": np.arange(4)}, "its arrays are not of samples, labels, scores and class names"),
    "objects": ({"samples": np.array([{}] * 4, object)}, "Object arrays cannot be loaded"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_files_of_other_arrays(tmp_path, case):
    changes, message = STRANGE[case]
    part = make()
    arrays = {"samples": part.sample_S, "labels": part.label_S, "scores": part.score_SxK}
    np.savez(tmp_path / "a.npz", **{**arrays, "class_names": np.array(part.class_names), **changes})
    with pytest.raises(UserError, match=message):
        scores.load(tmp_path / "a.npz")


def test_a_file_that_would_never_end(tmp_path):
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(UserError, match="a.npz: a pipe or a device, expected a regular file"):
        scores.load(tmp_path / "a.npz")


def test_table_is_aligned():
    text = scores.table({"spatial": make().metrics(), "a longer name": make(seed=1).metrics()})
    assert len({len(line) for line in text.splitlines()}) == 1
