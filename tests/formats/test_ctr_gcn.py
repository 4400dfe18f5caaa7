"""CTR-GCN's file: what others wrote, round trips, and what every bad one says."""

import json
from typing import Any

import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.files import complete_file
from dsta_jax.formats import ctr_gcn, padded, pyskl
from tests.formats import made

T = 8


def others_arrays() -> dict[str, np.ndarray]:
    """As CTR-GCN's preparation makes them, but of 8 frames: 3 recordings train and 2 test, of 5, 6, ... frames."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 3), ("test", 2)):
        x_NxTxF = random.normal(size=(count, T, 150)).astype(np.float32)
        for row in range(count):
            x_NxTxF[row, 5 + row :] = 0
            x_NxTxF[row, :, 75:] *= row % 2  # One or two bodies.
        arrays |= {f"x_{part}": x_NxTxF, f"y_{part}": np.eye(60)[[59, 0, 7][:count]]}
    return arrays


def written(tmp_path, **changes: Any):
    arrays = {**others_arrays(), **changes}
    np.savez(tmp_path / "a.npz", **{name: array for name, array in arrays.items() if array is not None})
    return tmp_path / "a.npz"


def test_reads_what_others_wrote(tmp_path):
    path = written(tmp_path)
    found = ctr_gcn.read(path)
    assert found.splits == {"train": ["train_0", "train_1", "train_2"], "test": ["test_0", "test_1"]}
    assert [one.label for one in found.entries.values()] == [59, 0, 7, 59, 0]
    assert found.notes == (f"{path}: the recordings have no names, and get numbers",)
    for part, count in (("train", 3), ("test", 2)):
        for row in reversed(range(count)):
            frames_TxVxMxC = found.read(found.entries[f"{part}_{row}"]).frames_TxVxMxC
            expected_TxMxVxC = others_arrays()[f"x_{part}"][row, : 5 + row].reshape(-1, 2, 25, 3)
            np.testing.assert_array_equal(frames_TxVxMxC, expected_TxMxVxC.transpose(0, 2, 1, 3))


def test_labels_may_be_numbers_and_a_part_may_be_missing(tmp_path):
    for labels in (np.array([3, 1, 0]), np.array([[3], [1], [0]]), np.array([[3.0], [1], [0]], np.float32)):
        found = ctr_gcn.read(written(tmp_path, y_train=labels, x_test=None, y_test=None))
        assert [one.label for one in found.entries.values()] == [3, 1, 0] and list(found.splits) == ["train"]
    found = ctr_gcn.read(written(tmp_path, y_train=np.ones((3, 1)), x_test=None, y_test=None))
    assert [one.label for one in found.entries.values()] == [1, 1, 1]


def test_further_parts_are_read_and_may_be_empty(tmp_path):
    arrays = others_arrays()
    found = ctr_gcn.read(written(tmp_path, x_val=arrays["x_test"], y_val=arrays["y_test"]))
    assert {split: len(names) for split, names in found.splits.items()} == {"train": 3, "test": 2, "val": 2}
    empty = ctr_gcn.read(written(tmp_path, x_test=arrays["x_test"][:0], y_test=arrays["y_test"][:0]))
    assert empty.splits["test"] == []


def test_another_skeleton_by_its_benchmark(tmp_path):
    x_train = np.ones((3, T, 60), np.float32)
    with pytest.raises(UserError, match="60 numbers a frame, expected 150: 2 bodies x 25 joints x 3 channels of"):
        ctr_gcn.read(written(tmp_path, x_train=x_train))
    path = written(tmp_path, x_train=x_train, x_test=None)
    found = ctr_gcn.read(path, made.source(joints=20))
    assert found.read(found.entries["train_1"]).frames_TxVxMxC.shape == (T, 20, 1, 3)
    with pytest.raises(UserError, match="60 numbers a frame, expected 66: 1 bodies x 22 joints x 3 channels of"):
        ctr_gcn.read(path, made.source(joints=22))


def round_trip(tmp_path, collection):
    outlines = {name: padded.outline(collection.read(one)) for name, one in collection.entries.items()}
    with complete_file(tmp_path / "out.npz") as file:
        ctr_gcn.write(file, collection, outlines)
    return ctr_gcn.read(tmp_path / "out.npz")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("two", [False, True])
def test_round_trip_is_exact(tmp_path, two, dtype):
    original = pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations(two, dtype)))
    found = round_trip(tmp_path, original)
    made.assert_same(found, original)
    assert not found.notes
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["x_train"].shape == (3, 300, 2 * 3 * 3) and arrays["x_train"].dtype == dtype
        assert np.where(arrays["y_test"] > 0)[1].tolist() == [2, 1]  # As CTR-GCN reads them.
        first_TxMxVxC = arrays["x_train"][0].reshape(300, 2, 3, 3)
    frames_TxVxMxC = original.read(original.entries["fourth/sub"]).frames_with_score
    np.testing.assert_array_equal(first_TxMxVxC[:5].transpose(0, 2, 1, 3), frames_TxVxMxC)


def test_a_single_class_stays_class_0(tmp_path):
    annotations = [{**one, "label": 0} for one in made.annotations()["annotations"]]
    original = pyskl.read(made.write_pickle(tmp_path / "a.pkl", {**made.annotations(), "annotations": annotations}))
    assert {one.label for one in round_trip(tmp_path, original).entries.values()} == {0}


def test_the_same_recordings_give_the_same_bytes(tmp_path):
    original = pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations()))
    round_trip(tmp_path, original)
    first = (tmp_path / "out.npz").read_bytes()
    round_trip(tmp_path, original)
    assert (tmp_path / "out.npz").read_bytes() == first
    assert first[:6] == b"PK\x03\x04\x2d\x00"  # Version 4.5: an array may have more than 4 GB.


def test_the_parts_of_splits():
    assert ctr_gcn.part_of({"xsub_train": [], "xsub_val": []}) == {"xsub_train": "train", "xsub_val": "test"}
    assert ctr_gcn.part_of({"b": [], "training": []}) == {"b": "test", "training": "train"}
    assert ctr_gcn.part_of({"all": []}) == {"all": "test"}
    for splits in (("train", "val", "test"), ("a", "b"), ("train_a", "train_b")):
        with pytest.raises(UserError, match="expected two, one with 'train' in its name and another; choose with"):
            ctr_gcn.part_of(dict.fromkeys(splits, []))


ARRAYS = others_arrays()
BAD_FILES: dict[str, tuple[dict[str, Any], str]] = {
    "others": ({"x_train": None, "x_test": None}, "arrays y_train, y_test; expected x_train, y_train, x_test, y_test"),
    "no labels": (
        {"y_train": None},
        "y_train: not readable as an array in numpy's format .*no item named 'y_train.npy'",
    ),
    "axes": ({"x_train": ARRAYS["x_train"][0]}, r"x_train: an array of shape \(8, 150\), expected recordings x frames"),
    "no recordings": (
        {"x_test": ARRAYS["x_test"][:0]},
        r"y_test: an array of shape \(2, 60\), expected labels of 0",
    ),
    "other number": ({"y_test": np.arange(3)}, r"y_test: an array of shape \(3,\), expected labels of 2 recordings"),
    "two ones": ({"y_test": np.ones((2, 60))}, r"y_test\[0\]: 60 numbers that are not 0, expected a single 1"),
    "no one": ({"y_test": np.zeros((2, 60))}, r"y_test\[0\]: 0 numbers that are not 0, expected a single 1"),
    "not one": ({"y_test": 2 * np.eye(2)}, r"y_test\[0\]: 1 numbers that are not 0, expected a single 1"),
    "fraction": ({"y_test": np.array([1, 1.5])}, r"y_test\[1\]: 1.5, expected a whole number"),
    "NaN": ({"y_test": np.array([1, np.nan])}, r"y_test\[1\]: nan, expected a whole number"),
    "no column": ({"y_test": np.zeros((2, 0))}, r"y_test: an array of shape \(2, 0\), expected labels of 2"),
    "fraction in a column": ({"y_test": np.array([[1], [1.5]])}, r"y_test\[1\]: 1.5, expected a whole number"),
    "negative": ({"y_test": np.array([1, -1])}, r"x_test: entry 1: label -1, expected 0 to 99999"),
    "no note": (
        {"beside_test": np.zeros((1, 5), np.uint8)},
        "beside_test: not readable as what is beside an array of 2",
    ),
}


def test_more_recordings_than_anybody_has(tmp_path, monkeypatch):
    monkeypatch.setattr(ctr_gcn, "MOST_RECORDINGS", 1)
    np.savez(tmp_path / "a.npz", **ARRAYS)
    with pytest.raises(UserError, match=r"x_train: \d recordings, expected at most 1"):
        ctr_gcn.read(tmp_path / "a.npz")


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(tmp_path, case):
    changes, message = BAD_FILES[case]
    path = written(tmp_path, **changes)
    with pytest.raises(UserError, match=message) as caught:
        ctr_gcn.read(path)
    assert str(caught.value).startswith(f"{path}: ") and str(caught.value).isprintable()


def test_notes_that_do_not_fit(tmp_path):
    original = pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations()))
    round_trip(tmp_path, original)
    with np.load(tmp_path / "out.npz") as arrays:
        all_arrays = dict(arrays)
    note = json.loads(all_arrays["beside_test"].tobytes())
    for change, message in (
        ({"joints": 4}, "x_test: 18 numbers a frame, expected 24: 2 bodies x 4 joints x 3 channels by beside_test"),
        ({"split": "xsub_train"}, "two parts are one split, of xsub_train, xsub_train, by what stands beside them"),
    ):
        text = json.dumps(note | change).encode()
        np.savez(tmp_path / "b.npz", **(all_arrays | {"beside_test": np.frombuffer(text, np.uint8)[None]}))
        with pytest.raises(UserError, match=message):
            ctr_gcn.read(tmp_path / "b.npz")
    with pytest.raises(UserError, match="3 joints of 3 channels, expected 25 of 3"):
        ctr_gcn.read(tmp_path / "out.npz", made.source(joints=25))
