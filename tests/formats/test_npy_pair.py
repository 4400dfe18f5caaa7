"""The pair of files of ST-GCN and 2s-AGCN: what others wrote, round trips, and what every bad one says."""

import dataclasses
import json
import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

from dsta_jax.datasets.recording import Recording
from dsta_jax.errors import UserError
from dsta_jax.formats import npy_pair, padded, pyskl
from tests.faults.conversions import digest_of_pair
from tests.formats import made


def others_files(directory, split: str = "train", name: str = "train_data_joint.npy", protocol: int = 4, **changes):
    """Files as 2s-AGCN writes them: two recordings of 3 and 2 frames, padded to 6; joints 2, bodies 2."""
    array_NxCxTxVxM = np.zeros((2, 3, 6, 2, 2), np.float32)
    array_NxCxTxVxM[0, :, :3], array_NxCxTxVxM[1, :, :2, :, 0] = 1, 2
    array_NxCxTxVxM[0, :, 1] = 0
    directory.mkdir(exist_ok=True)
    np.save(directory / name, changes.get("array", array_NxCxTxVxM))
    pair = changes.get("pair", ([f"{split}_a", f"{split}_S001C001P002R001A001.skeleton"], [5, 0]))
    made.write_pickle(directory / f"{split}_label.pkl", pair, protocol)
    return array_NxCxTxVxM


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("ending", ["_data_joint.npy", "_data.npy"])
def test_reads_what_others_wrote(tmp_path, ending, protocol):
    others_files(tmp_path, "val", f"val{ending}", protocol, pair=(["a", "b"], np.array([5, 0])))
    array_NxCxTxVxM = others_files(tmp_path, "train", f"train{ending}", protocol)
    found = npy_pair.read(tmp_path)
    assert list(found.splits.items()) == [
        ("train", ["train_a", "train_S001C001P002R001A001.skeleton"]),
        ("val", ["a", "b"]),
    ]
    assert [one.label for one in found.entries.values()] == [5, 0, 5, 0]
    for name, row, frames in (("train_a", 0, 3), ("b", 1, 2)):
        frames_TxVxMxC = found.read(found.entries[name]).frames_TxVxMxC
        np.testing.assert_array_equal(frames_TxVxMxC, array_NxCxTxVxM[row].transpose(1, 2, 3, 0)[:frames])
    assert found.notes == (padded.UNSURE,)


def test_names_of_ntu_say_who(tmp_path):
    others_files(tmp_path, pair=(["S001C002P003R001A001.skeleton", "S017C003P040R002A060"], [0, 59]))
    found = npy_pair.read(tmp_path)
    assert [made.numbers(one) for one in found.entries.values()] == [(0, 3, 2, 1), (59, 40, 3, 17)]


def test_nobody_seen_is_one_frame(tmp_path):
    others_files(tmp_path, array=np.zeros((2, 3, 6, 2, 2), np.float32))
    found = npy_pair.read(tmp_path)
    assert found.read(found.entries["train_a"]).frames_TxVxMxC.shape == (1, 2, 2, 3)


def round_trip(tmp_path, collection):
    outlines = {name: padded.outline(collection.read(one)) for name, one in collection.entries.items()}
    npy_pair.write(tmp_path / "npy", collection, outlines)
    return npy_pair.read(tmp_path / "npy")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("two", [False, True])
def test_round_trip_is_exact(tmp_path, two, dtype):
    value = made.annotations(two, dtype)
    if two and dtype == np.float16:
        value["annotations"][1] |= {
            "keypoint": np.zeros((0, 3, 3, 2), dtype),
            "keypoint_score": np.ones((0, 3, 3), dtype),
        }
    original = pyskl.read(made.write_pickle(tmp_path / "a.pkl", value))
    found = round_trip(tmp_path, original)
    made.assert_same(found, original)
    assert not found.notes
    array = np.load(tmp_path / "npy" / "xsub_train_data_joint.npy", mmap_mode="r")
    assert array.shape == (3, 3, 300, 3, 2) and array.dtype == dtype
    names, labels = pickle.loads((tmp_path / "npy" / "xsub_train_label.pkl").read_bytes())
    assert (names, labels) == (["fourth/sub", "S001C002P003R001A001", "second"], [0, 0, 1])
    assert sorted(path.name for path in (tmp_path / "npy").iterdir()) == [
        f"xsub_{split}_{ending}"
        for split in ("train", "val")
        for ending in ("beside.json", "data_joint.npy", "label.pkl")
    ]


def test_without_what_stands_beside_zeros_at_the_end_are_padding(tmp_path):
    original = pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations()))
    round_trip(tmp_path, original)
    for path in (tmp_path / "npy").glob("*_beside.json"):
        path.unlink()
    found = npy_pair.read(tmp_path / "npy")
    assert {name: found.read(one).frames_TxVxMxC.shape for name, one in found.entries.items()} == {
        name: (frames, 3, 2, 3) for name, frames in zip(made.NAMES, (2, 1, 4, 5, 4), strict=True)
    }


def test_a_benchmark_says_what_the_third_channel_is(tmp_path):
    others_files(tmp_path)
    with pytest.raises(UserError, match=r"2 joints of 3 channels, expected 5 of 3 \(xyc\) as in made, by --benchmark"):
        npy_pair.read(tmp_path, made.source(joints=5, channels="xyc"))
    for channels, scored in (("xyz", False), ("xyc", True)):
        found = npy_pair.read(tmp_path, made.source(joints=2, channels=channels))
        assert (found.read(found.entries["train_a"]).score_TxVxM is not None) == scored and not found.notes


def test_an_empty_split(tmp_path):
    others_files(tmp_path)
    others_files(tmp_path, "val", "val_data.npy", array=np.zeros((0, 3, 6, 2, 2), np.float32), pair=([], []))
    assert npy_pair.read(tmp_path).splits["val"] == []


def test_nan_is_no_padding(tmp_path):
    array_NxCxTxVxM = others_files(tmp_path)
    array_NxCxTxVxM[1, :, 4, 1, 1] = np.nan
    others_files(tmp_path, array=array_NxCxTxVxM)
    found = npy_pair.read(tmp_path)
    frames_TxVxMxC = found.read(found.entries["train_S001C001P002R001A001.skeleton"]).frames_TxVxMxC
    np.testing.assert_array_equal(frames_TxVxMxC, array_NxCxTxVxM[1].transpose(1, 2, 3, 0)[:5])


ARRAY = np.zeros((2, 3, 6, 2, 2), np.float32)
BAD_PAIRS: dict[str, tuple[Any, str]] = {
    "more names": ((["a"] * 3, [0] * 3), "3 names, but train_data_joint.npy holds 2 recordings"),
    "fewer labels": ((["a", "b"], [0]), "2 names, but 1 labels"),
    "no pair": (["a", "b", "c"], "a value of type list, expected a pair of names and labels"),
    "no lists": (("ab", [1, 2]), "'ab' as the names, expected a list"),
    "no names": (([1, 2], [1, 2]), "entry 0: name 1, label 1, expected text and a number"),
    "no numbers": ((["a", "b"], [1, 2.5]), "entry 1: name 'b', label 2.5, expected text and a number"),
    "rows": ((["a", "b"], np.zeros((2, 2))), "entry 0: name 'a', label a value of type list, expected"),
    "twice": ((["a", "a"], [1, 2]), "entry 1: the name a is taken by .*entry 0"),
    "negative": ((["a", "b"], [1, -2]), "entry 1: label -2, expected 0 to 99999"),
}
BAD_ARRAYS: dict[str, tuple[np.ndarray, str]] = {
    "axes": (ARRAY[0], r"an array of shape \(3, 6, 2, 2\), expected recordings x channels"),
    "channels": (ARRAY[:, :1], "1 channels, expected 2 or 3 coordinates"),
    "no frames": (ARRAY[:, :, :0], r"an array of shape \(2, 3, 0, 2, 2\), expected"),
}
# What is changed in a directory, from the files to the files that are there then.
BAD_DIRECTORIES: dict[str, tuple[dict[str, bytes | None], str]] = {
    "two arrays": ({"train_data.npy": b""}, "beside it are both of train_data_joint.npy and"),
    "no array": ({"train_data_joint.npy": None}, "beside it are neither of train_data_joint.npy and"),
    "no labels": ({"train_label.pkl": None}, "train_data_joint.npy: no train_label.pkl beside it"),
    "nothing": ({"train_label.pkl": None, "train_data_joint.npy": None}, "no files SPLIT_label.pkl there"),
    "bad note": ({"train_beside.json": b"{"}, "train_beside.json: not readable as what is beside an array of 2"),
    "deep note": ({"train_beside.json": b"[" * 100_000}, "train_beside.json: not readable as what is beside"),
}


def refused(directory, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        npy_pair.read(directory)
    assert str(caught.value).startswith(str(directory)) and str(caught.value).isprintable()


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_bad_labels(tmp_path, case):
    pair, message = BAD_PAIRS[case]
    others_files(tmp_path, pair=pair)
    refused(tmp_path, message)


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays(tmp_path, case):
    array, message = BAD_ARRAYS[case]
    others_files(tmp_path, array=array)
    refused(tmp_path, message)


@pytest.mark.parametrize("case", BAD_DIRECTORIES)
def test_bad_directories(tmp_path, case):
    changes, message = BAD_DIRECTORIES[case]
    others_files(tmp_path)
    for name, data in changes.items():
        (tmp_path / name).unlink() if data is None else (tmp_path / name).write_bytes(data)
    refused(tmp_path, message)


def test_no_directory(tmp_path):
    refused(tmp_path / "absent", "not a directory, expected one with SPLIT_data_joint.npy")


def changed_note(directory, **changes: Any) -> None:
    path = directory / "xsub_train_beside.json"
    value = json.loads(path.read_text())
    for key, change in changes.items():
        (value["columns"] if key in value["columns"] else value)[key] = change
    path.write_text(json.dumps(value))


BAD_NOTES: dict[str, tuple[dict[str, Any], str]] = {
    "lengths": ({"frames": [5, 2]}, "frames: not 3 entries"),
    "no length": ({"frames": [5, 2, 0]}, r"frames\[2\]: 0"),
    "text": ({"bodies": [1, "2", 1]}, r"bodies\[1\]: '2'"),
    "subject": ({"subject": [1, "anna", None]}, r"subject\[2\]: None"),
    "picture": ({"image_shape": [None, [1, 2], [1]]}, r"image_shape\[2\]: a value of type list"),
    "names": ({"name": ["fourth/sub", "another", "second"]}, "its names are not those of xsub_train_label.pkl"),
    "joints": ({"joints": 0}, "split, joints, bodies or channels"),
    "classes": ({"class_names": "ab"}, "class_names"),
    "columns": ({"columns": 3}, "not readable as what is beside"),
}


@pytest.mark.parametrize("case", BAD_NOTES)
def test_bad_notes(tmp_path, case):
    changes, message = BAD_NOTES[case]
    round_trip(tmp_path, pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations())))
    changed_note(tmp_path / "npy", **changes)
    with pytest.raises(UserError, match=message):
        npy_pair.read(tmp_path / "npy")


@pytest.mark.parametrize("changes", [{"frames": [5, 1, 3]}, {"frames": [5, 301, 3]}, {"bodies": [1, 1, 1]}])
def test_notes_that_do_not_fit_the_array(tmp_path, changes):
    round_trip(tmp_path, pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations())))
    changed_note(tmp_path / "npy", **changes)
    found = npy_pair.read(tmp_path / "npy")
    with pytest.raises(UserError, match="that stand beside the array; copy both again"):
        for one in found.entries.values():
            found.read(one)


def test_outputs_that_are_there(tmp_path):
    check = npy_pair.check_output
    check(tmp_path / "new", {"train": []}, overwrite=False)
    others_files(tmp_path / "there")
    with pytest.raises(UserError, match="train_data_joint.npy: is there already; add --overwrite"):
        check(tmp_path / "there", {"train": [], "val": []}, overwrite=False)
    check(tmp_path / "there", {"train": [], "val": []}, overwrite=True)
    with pytest.raises(UserError, match="would be read as a part of what is written; choose another --out"):
        check(tmp_path / "there", {"val": []}, overwrite=True)
    with pytest.raises(UserError, match="split 'a/b': its name begins a file's name"):
        check(tmp_path / "new", {"a/b": []}, overwrite=False)
    with pytest.raises(UserError, match="a file, expected a directory or nothing"):
        check(tmp_path / "there" / "train_label.pkl", {"train": []}, overwrite=True)


def written(directory, seed: int) -> str:
    """Two splits of recordings that have the same names and shapes whatever the seed, but other labels and values."""
    random = np.random.default_rng(seed)
    names = [f"{split}_{number}" for split in ("train", "val") for number in range(3)]
    recordings = {name: Recording(random.normal(size=(4, 3, 1, 3))) for name in names}
    found = made.collection(recordings, {"train": names[:3], "val": names[3:]})
    entries = {name: dataclasses.replace(one, label=(one.label + seed) % 3) for name, one in found.entries.items()}
    outlines = {name: padded.outline(one) for name, one in recordings.items()}
    npy_pair.write(directory, dataclasses.replace(found, entries=entries), outlines)
    return digest_of_pair(directory)


def test_a_kill_at_any_moment_leaves_the_old_the_new_or_what_is_refused(tmp_path, monkeypatch):
    """The directory as it is before and after each call that names or removes a file."""
    old, left = written(tmp_path / "pair", 0), []

    def read_around(call):
        def run(*given, **options):
            left.append(digest_of_pair(tmp_path / "pair"))
            call(*given, **options)
            left.append(digest_of_pair(tmp_path / "pair"))

        return run

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(pathlib.Path, name, read_around(getattr(pathlib.Path, name)))
        new = written(tmp_path / "pair", 1)
    old_first, *refused, new_last = dict.fromkeys(left)
    assert (old_first, new_last) == (old, new) and refused
    assert all(one.startswith("error: ") and "_label.pkl beside it" in one for one in refused)
