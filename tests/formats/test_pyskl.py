"""pyskl's annotation pickles: what is read and written, and what every bad one says."""

import io
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

from dsta_jax.datasets.recording import Recording
from dsta_jax.errors import UserError
from dsta_jax.formats import pyskl
from tests.formats import made


def written(tmp_path, value: Any, protocol: int = 4) -> Any:
    return made.write_pickle(tmp_path / "data.pkl", value, protocol)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("two", [False, True])
def test_reads_what_others_wrote(tmp_path, two, protocol):
    value = made.annotations(two)
    found = pyskl.read(written(tmp_path, value, protocol))
    assert found.splits == value["split"] and not found.notes and not found.class_names
    assert made.numbers(found.entries["S001C002P003R001A001"]) == (0, 3, 2, 1)
    assert made.numbers(found.entries["second"]) == (1, 0, 0, 0)
    for annotation in value["annotations"]:
        recording = found.read(found.entries[annotation["frame_dir"]])
        np.testing.assert_array_equal(recording.frames_TxVxMxC, np.moveaxis(annotation["keypoint"], 0, 2))
        assert recording.frames_TxVxMxC.dtype == np.float16
        assert recording.image_shape == annotation.get("img_shape")
        assert recording.original_shape == annotation.get("original_shape")
        if two:
            np.testing.assert_array_equal(recording.score_TxVxM, np.moveaxis(annotation["keypoint_score"], 0, 2))
        else:
            assert recording.score_TxVxM is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f4", np.float64, np.int32])
@pytest.mark.parametrize("two", [False, True])
def test_python_reads_what_is_written(tmp_path, two, dtype):
    value = made.annotations(two, dtype)
    file = io.BytesIO()
    pyskl.write(file, pyskl.read(written(tmp_path, value)))
    with warnings.catch_warnings(action="error"):
        found = pickle.loads(file.getvalue())
    assert found["split"] == value["split"] and len(found["annotations"]) == 5
    for annotation, expected in zip(found["annotations"], value["annotations"], strict=True):
        assert annotation.keys() == expected.keys()
        for key, one in expected.items():
            assert type(annotation[key]) is type(one)
            np.testing.assert_array_equal(annotation[key], one)
            if isinstance(one, np.ndarray):
                assert annotation[key].dtype == one.dtype.newbyteorder("=")
                assert annotation[key].flags.c_contiguous and annotation[key].shape == one.shape


def test_what_is_optional(tmp_path):
    value = made.annotations(True)
    for annotation in value["annotations"]:
        del annotation["total_frames"], annotation["img_shape"]
    value["annotations"][0]["label"] = np.int64(2)
    value["annotations"][1]["frame_dir"] = np.str_("second")
    value["annotations"][2]["original_shape"] = np.array([5, 6])
    value["split"]["xsub_train"] = np.array(value["split"]["xsub_train"])
    found = pyskl.read(written(tmp_path, value))
    assert found.entries["S001C002P003R001A001"].label == 2 and type(found.entries["second"].name) is str
    assert found.read(found.entries["third one"]).original_shape == (5, 6)
    assert found.splits["xsub_train"] == ["fourth/sub", "S001C002P003R001A001", "second"]


def test_a_bare_list_is_one_split(tmp_path):
    found = pyskl.read(written(tmp_path, made.annotations()["annotations"]))
    assert found.splits == {"all": list(made.NAMES)}


def test_names_in_sets_are_sorted(tmp_path):
    value = made.annotations()
    value["split"]["xsub_train"] = {"second", "fourth/sub", "S001C002P003R001A001"}
    found = pyskl.read(written(tmp_path, value))
    assert found.splits["xsub_train"] == ["S001C002P003R001A001", "fourth/sub", "second"]


def test_what_is_not_read_is_said(tmp_path):
    value = made.annotations()
    value["annotations"][1] |= {"box_score": 1.0, "modality": "Pose"}
    value["split"]["xsub_val"] = ["third one", "absent", "gone"]
    found = pyskl.read(written(tmp_path, value))
    assert found.splits["xsub_val"] == ["third one"]
    assert [note.removeprefix(f"{tmp_path / 'data.pkl'}: ") for note in found.notes] == [
        "the annotations' keys 'box_score', 'modality' are not read",
        "split xsub_val names 2 recordings without annotation, 'absent' first",
    ]


def test_nobody_in_a_recording(tmp_path):
    value = made.annotations()
    value["annotations"][1]["keypoint"] = np.zeros((0, 3, 3, 3), np.float16)
    value["annotations"][1]["total_frames"] = 3
    found = pyskl.read(written(tmp_path, value))
    assert found.read(found.entries["second"]).frames_TxVxMxC.shape == (3, 3, 0, 3)


def with_annotation(number: int, **changes: Any) -> dict[str, Any]:
    value = made.annotations(two=True)
    value["annotations"][number] |= changes
    return value


def with_split(listed: Any, name: Any = "xsub_train") -> dict[str, Any]:
    return {"split": {name: listed}, "annotations": made.annotations()["annotations"]}


BAD_FILES: dict[str, tuple[Any, str]] = {
    "a number": (5, "5, expected a dict with the keys 'split' and 'annotations'"),
    "other keys": ({"data": []}, "'annotations' is None, expected a list; the keys are 'data'"),
    "no split": ({"annotations": []}, "'split' is None, expected a dict; the keys are 'annotations'"),
    "no annotations": ({"split": {}, "annotations": []}, "no recordings"),
    "no dict": ({"split": {}, "annotations": [3]}, "annotations[0] is 3, expected a dict"),
    "no name": (with_annotation(2, frame_dir=None), "annotations[2]: 'frame_dir' is None, expected the recording's"),
    "empty name": (with_annotation(2, frame_dir=""), "annotations[2]: '' as a recording's name"),
    "two lines": (with_annotation(2, frame_dir="a\nb"), "annotations[2]: 'a\\nb' as a recording's name"),
    "taken": (
        with_annotation(3, frame_dir="second"),
        "annotations[3]: the name second is taken by {path}: annotations[1]",
    ),
    "no label": (with_annotation(1, label="walk"), "annotations[1]: 'label' is 'walk', expected a whole number"),
    "fraction": (with_annotation(1, label=1.5), "annotations[1]: 'label' is 1.5, expected a whole number"),
    "truth": (with_annotation(1, label=True), "annotations[1]: 'label' is True, expected a whole number"),
    "many labels": (with_annotation(1, label=[1]), "annotations[1]: 'label' is a value of type list"),
    "negative": (with_annotation(1, label=-1), "annotations[1]: label -1, expected 0 to 99999"),
    "very large": (with_annotation(1, label=10**9), "annotations[1]: label 1000000000, expected 0 to 99999"),
    "split no list": (with_split("second"), "split xsub_train: 'second', expected a list of names"),
    "split of numbers": (with_split([3]), "split xsub_train: 3 as a name, expected text"),
    "split of lists": (with_split([["second"]]), "split xsub_train: a value of type list as a name"),
    "named twice": (with_split(["second", "second"]), "split xsub_train: 'second' a second time"),
    "split no name": (with_split(["second"], 3), "3 as a split's name, expected printable text"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(tmp_path, case):
    value, message = BAD_FILES[case]
    path = written(tmp_path, value)
    with pytest.raises(UserError) as caught:
        pyskl.read(path)
    assert str(caught.value).startswith(f"{path}: {message.format(path=path)}")


ARRAY = np.zeros((1, 4, 3, 2), np.float32)
BAD_RECORDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no keypoint": ({"keypoint": None}, "'keypoint' is None, expected an array M x T x V x 2 or 3"),
    "list": ({"keypoint": [[1.0]]}, "'keypoint' is a value of type list, expected an array"),
    "axes": ({"keypoint": ARRAY[0]}, "'keypoint' is float32 4 x 3 x 2, expected an array M x T x V x 2 or 3"),
    "text": ({"keypoint": ARRAY.astype("U1")}, "'keypoint' is <U1 1 x 4 x 3 x 2, expected"),
    "truth": ({"keypoint": ARRAY.astype(bool)}, "'keypoint' is bool 1 x 4 x 3 x 2, expected"),
    "channels": ({"keypoint": np.zeros((1, 4, 3, 4))}, "'keypoint' is float64 1 x 4 x 3 x 4, expected"),
    "no frames": ({"keypoint": ARRAY[:, :0]}, "'keypoint' is float32 1 x 0 x 3 x 2, expected an array"),
    "score's shape": ({"keypoint_score": ARRAY[..., 0].T}, "'keypoint_score' is float32 3 x 4 x 1, expected an array"),
    "score's type": ({"keypoint_score": 1.0}, "'keypoint_score' is 1.0, expected an array 1 x 4 x 3"),
    "frames": ({"total_frames": 9}, "'total_frames' is 9, but 'keypoint' has 4 frames"),
    "no number of frames": ({"total_frames": "4"}, "'total_frames' is '4', but"),
    "picture": ({"img_shape": (1, 2, 3)}, "'img_shape' is a value of type tuple, expected height and width"),
    "picture's type": ({"original_shape": (1.5, 2)}, "'original_shape' is a value of type tuple, expected height"),
    "picture's size": ({"img_shape": -1}, "'img_shape' is -1, expected height and width"),
}


@pytest.mark.parametrize("case", BAD_RECORDINGS)
def test_bad_recordings(tmp_path, case):
    changes, message = BAD_RECORDINGS[case]
    path = written(tmp_path, with_annotation(2, **changes))
    found = pyskl.read(path)
    for name in ("second", "fünf"):
        assert isinstance(found.read(found.entries[name]), Recording)
    with pytest.raises(UserError) as caught:
        found.read(found.entries["third one"])
    assert str(caught.value).startswith(f"{path}: annotations[2] (third one): {message}")


def test_lists_within_lists_are_not_looked_into(tmp_path):
    nested: Any = []
    for _ in range(100):
        nested = [nested, nested]
    found = pyskl.read(written(tmp_path, with_annotation(2, img_shape=nested, keypoint=nested)))
    with pytest.raises(UserError, match="'keypoint' is a value of type list"):
        found.read(found.entries["third one"])


def test_overlapping_splits_survive(tmp_path):
    value = made.annotations()
    value["split"] = {"one": ["second", "fünf"], "two": ["fünf", "third one"], "none": []}
    file = io.BytesIO()
    pyskl.write(file, pyskl.read(written(tmp_path, value)))
    assert pickle.loads(file.getvalue())["split"] == value["split"]


def test_names_that_no_split_has(tmp_path):
    value = made.annotations()
    value["split"] = {"train": [f"{name}.avi" for name in made.NAMES], "val": []}
    path = written(tmp_path, value)
    with pytest.raises(UserError) as caught:
        pyskl.read(path)
    assert str(caught.value).startswith(
        f"{path}: none of the names in split train, val is a frame_dir; found 'S001C002P003R001A001.avi', but the "
        "annotations are called 'S001C002P003R001A001'; write both alike"
    )


def test_nan_stays(tmp_path):
    value = made.annotations(two=True)
    value["annotations"][1]["keypoint"][0, 1, 2] = np.nan
    value["annotations"][1]["keypoint_score"][0, 2, 0] = np.nan
    found = pyskl.read(written(tmp_path, value))
    recording = found.read(found.entries["second"])
    assert np.isnan(recording.frames_TxVxMxC[1, 2, 0]).all() and np.isnan(recording.frames_TxVxMxC).sum() == 2
    assert np.isnan(recording.score_TxVxM[2, 0, 0]) and np.isnan(recording.score_TxVxM).sum() == 1


def test_arrays_have_the_older_names_that_numpy_1_knows(tmp_path):
    value = made.annotations(two=True)
    value["annotations"][1]["frame_dir"] = value["split"]["xsub_train"][2] = "cnumpy._core.multiarray"
    file = io.BytesIO()
    pyskl.write(file, pyskl.read(written(tmp_path, value)))
    assert file.getvalue().count(b"cnumpy.core.multiarray\n") == 5
    assert file.getvalue().count(b"numpy._core") == 2
    assert pickle.loads(file.getvalue())["annotations"][1]["frame_dir"] == "cnumpy._core.multiarray"


# Frames of a compact annotation, and its skeletons: in frame 0 one, in frame 2 three, the surest second.
SKELETONS_NxVxC = np.array([[[1, 2, 0.5]] * 3, [[3, 4, 0.25]] * 3, [[5, 6, 1]] * 3, [[7, 8, 0.5]] * 3], np.float16)
COMPACT = {"frame_dir": "a", "label": 1, "total_frames": 4, "frame_inds": np.array([0, 2, 2, 2])}


@pytest.mark.parametrize("raw_file", [None, "kp/1.pkl", "/elsewhere/k400/kp/1.pkl", "../x/1.pkl"])
def test_compact_annotations(tmp_path, raw_file):
    held = {"keypoint": SKELETONS_NxVxC}
    place = tmp_path / ("1.pkl" if raw_file and ".." in raw_file else "kp/1.pkl")
    place.parent.mkdir(exist_ok=True)
    made.write_pickle(place, {"a": held})
    path = written(tmp_path, [{**COMPACT, "box_score": [1], **({"raw_file": raw_file} if raw_file else held)}])
    found = pyskl.read(path, made.source(bodies=2))
    (note,) = found.notes
    assert note.endswith("the annotations' keys 'box_score' are not read")
    recording = found.read(found.entries["a"])
    assert recording.frames_TxVxMxC.shape == (4, 3, 2, 2) and recording.frames_TxVxMxC.dtype == np.float16
    assert recording.frames_TxVxMxC[:, 0, :, 0].tolist() == [[1, 0], [0, 0], [5, 7], [0, 0]]
    assert recording.score_TxVxM[:, 0].tolist() == [[0.5, 0], [0, 0], [1, 0.5], [0, 0]]
    whole = pyskl.read(path)
    assert whole.read(whole.entries["a"]).frames_TxVxMxC[2, 0, :, 0].tolist() == [5, 7, 3]


BAD_COMPACT = {
    "nothing": ({}, "neither 'keypoint' nor 'raw_file', expected one of them beside 'frame_inds'"),
    "no file": ({"raw_file": "kp/2.pkl"}, "no file 'kp/2.pkl' in {path}; unpack the files of keypoints there"),
    "another": ({"raw_file": "0.pkl"}, "'keypoint' is None, expected an array N x V x 3 beside 'frame_inds'"),
    "M x T x V x C": (
        {"keypoint": np.zeros((1, 4, 3, 2))},
        "'keypoint' is float64 1 x 4 x 3 x 2, expected an array N x V",
    ),
    "frames": (
        {"keypoint": SKELETONS_NxVxC, "total_frames": 2},
        "'frame_inds' is int64 4, expected 4 whole numbers from 0",
    ),
    "no total": ({"keypoint": SKELETONS_NxVxC, "total_frames": None}, "'total_frames' is None, expected 1 or more"),
    "a large total": (
        {"keypoint": SKELETONS_NxVxC, "total_frames": 1 << 40},
        "'total_frames' is 1099511627776, expected 1",
    ),
    "words": (
        {"keypoint": SKELETONS_NxVxC, "frame_inds": ["a"] * 4},
        "'frame_inds' is <U1 4, expected 4 whole numbers",
    ),
}


@pytest.mark.parametrize("case", BAD_COMPACT)
def test_bad_compact_annotations(tmp_path, case):
    changes, message = BAD_COMPACT[case]
    made.write_pickle(tmp_path / "0.pkl", {"b": {}})
    found = pyskl.read(written(tmp_path, [{**COMPACT, **changes}]))
    with pytest.raises(UserError) as caught:
        found.read(found.entries["a"])
    assert message.format(path=tmp_path) in str(caught.value)
