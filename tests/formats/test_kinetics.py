"""Kinetics-Skeleton: what is read, which people are kept, and what every bad file says."""

import json
from typing import Any

import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.formats import kinetics


def person(value: float, score: float) -> dict[str, Any]:
    return {"pose": [round(value + joint / 100, 3) for joint in range(36)], "score": [score] * 18}


def video(*frames: list[dict[str, Any]], first: int = 1, **changes: Any) -> dict[str, Any]:
    data = [{"frame_index": first + number, "skeleton": people} for number, people in enumerate(frames)]
    return {"data": data, "label": "waving", "label_index": 1, **changes}


def written(tmp_path, videos: dict[str, Any], labels: dict[str, Any] | None = None, split: str = "train"):
    folder = tmp_path / f"kinetics_{split}"
    folder.mkdir(exist_ok=True)
    for name, contents in videos.items():
        (folder / f"{name}.json").write_text(json.dumps(contents))
    said = {name: {"has_skeleton": True, "label": "waving", "label_index": 1} for name in videos}
    (tmp_path / f"kinetics_{split}_label.json").write_text(json.dumps(said if labels is None else labels))
    return tmp_path


def test_lists(tmp_path):
    other = {"label": "jumping", "label_index": 0}
    written(tmp_path, {}, {"v": {"has_skeleton": True, **other}}, "val")
    said = {"a": {"has_skeleton": True, "label": "waving", "label_index": 1}, "b": {"has_skeleton": False, **other}}
    found = kinetics.read(written(tmp_path, {}, said))
    assert list(found.splits.items()) == [("train", ["a"]), ("val", ["v"])]
    assert [(one.label, one.path.name) for one in found.entries.values()] == [(1, "a.json"), (0, "v.json")]
    assert found.class_names == ("jumping", "waving") and found.parallel
    assert found.notes == (
        f"{tmp_path / 'kinetics_train_label.json'}: 1 of 2 videos have no skeleton, and are left out",
    )


def test_names_of_some_classes_only(tmp_path):
    assert kinetics.read(written(tmp_path, {"a": video([])})).class_names is None


def test_the_people_of_the_highest_scores_are_kept(tmp_path):
    people = [person(0.1, 0.2), person(0.2, 0.9), person(0.3, 0.2), person(0.4, 0.5)]
    found = kinetics.read(written(tmp_path, {"a": video(people, [], people[:1])}))
    recording = found.read(found.entries["a"])
    frames_TxVxMxC, score_TxVxM = recording.frames_TxVxMxC, recording.score_TxVxM
    assert frames_TxVxMxC.shape == (3, 18, 2, 2) and frames_TxVxMxC.dtype == score_TxVxM.dtype == np.float32
    np.testing.assert_array_equal(frames_TxVxMxC[0, :, 0].reshape(-1), np.array(people[1]["pose"], np.float32))
    np.testing.assert_array_equal(frames_TxVxMxC[0, :, 1].reshape(-1), np.array(people[3]["pose"], np.float32))
    np.testing.assert_array_equal(frames_TxVxMxC[2, :, 0].reshape(-1), np.array(people[0]["pose"], np.float32))
    assert score_TxVxM[0, 5].tolist() == [np.float32(0.9), 0.5] and score_TxVxM[2, 0].tolist() == [np.float32(0.2), 0]
    assert not frames_TxVxMxC[1].any() and not frames_TxVxMxC[2, :, 1].any()
    four = kinetics.read_recording(found.entries["a"], bodies=3).frames_TxVxMxC
    np.testing.assert_array_equal(four[0, :, 2].reshape(-1), np.array(people[0]["pose"], np.float32))  # Of equal ones.


@pytest.mark.parametrize("first", [0, 1])
def test_frames_may_be_missing_and_count_from_0_or_1(tmp_path, first):
    contents = video([person(0.1, 1)], [], [person(0.2, 1)], first=first)
    del contents["data"][1]
    found = kinetics.read(written(tmp_path, {"a": contents}))
    frames_TxVxMxC = found.read(found.entries["a"]).frames_TxVxMxC
    assert frames_TxVxMxC.any(axis=(1, 2, 3)).tolist() == [True, False, True]


def test_only_people_who_are_seen_take_memory(tmp_path):
    found = kinetics.read(written(tmp_path, {"a": video([person(0.1, 1)] * 5, [])}))
    of = {bodies: kinetics.read_recording(found.entries["a"], bodies).frames_TxVxMxC.shape[2] for bodies in (1, 4, 100)}
    assert of == {1: 1, 4: 4, 100: 5}


def test_a_video_in_which_somebody_comes_late(tmp_path):
    contents = video(*[[person(0.1, 1)]] * 3, first=50)
    found = kinetics.read(written(tmp_path, {"a": contents}))
    frames_TxVxMxC = found.read(found.entries["a"]).frames_TxVxMxC
    assert np.flatnonzero(frames_TxVxMxC.any(axis=(1, 2, 3))).tolist() == [49, 50, 51] and len(frames_TxVxMxC) == 52


@pytest.mark.parametrize("step", [2, 5])
def test_steps_between_frames(tmp_path, step):
    contents = video(*[[person(0.1, 1)]] * 4)
    for number, one in enumerate(contents["data"]):
        one["frame_index"] = 1 + step * number
    found = kinetics.read(written(tmp_path, {"a": contents}))
    with pytest.raises(UserError, match=rf"frame_index goes in steps of {step}: .* number the frames 1, 2, 3, .*"):
        found.read(found.entries["a"])


def test_nan_is_a_joint_that_was_not_found(tmp_path):
    first, second = person(0.1, 0.2), person(0.3, 0.1)
    first["pose"][5] = first["score"][3] = float("nan")
    found = kinetics.read(written(tmp_path, {"a": video([second, first])}))
    recording = found.read(found.entries["a"])
    assert np.argwhere(np.isnan(recording.frames_TxVxMxC)).tolist() == [[0, 2, 0, 1]]
    assert np.argwhere(np.isnan(recording.score_TxVxM)).tolist() == [[0, 3, 0]]


SAID = {"has_skeleton": True, "label": "waving", "label_index": 1}
BAD_LISTS: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "not readable as JSON"),
    "deep": ("[" * 100_000, "not readable as JSON"),
    "a list": ("[]", "a value of type list, expected an object with a name for each video"),
    "no label": (json.dumps({"a": {}}), "'a': no label and label_index"),
    "no object": (json.dumps({"a": 3}), "'a': no label and label_index"),
    "label's type": (json.dumps({"a": SAID | {"label_index": "1"}}), "'a': no label and label_index"),
    "two names": (
        json.dumps({"a": SAID, "b": SAID | {"label": "other"}}),
        "b: label_index 1 is 'other', elsewhere 'waving'",
    ),
    "another place": (json.dumps({"../a": SAID}), "'../a': not the name of a file"),
    "negative": (json.dumps({"a": SAID | {"label_index": -1}}), "a: label -1, expected 0 to 99999"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists(tmp_path, case):
    text, message = BAD_LISTS[case]
    path = tmp_path / "kinetics_train_label.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        kinetics.read(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_no_lists_or_only_empty_ones(tmp_path):
    with pytest.raises(UserError, match="no files kinetics_SPLIT_label.json there"):
        kinetics.read(tmp_path)
    with pytest.raises(UserError, match="no recordings"):
        kinetics.read(written(tmp_path, {}, {}))
    written(tmp_path, {"a": video([])})
    with pytest.raises(UserError, match="the name a is taken by .*train_label.json: a"):
        kinetics.read(written(tmp_path, {"a": video([])}, split="val"))


def frame(**changes: Any) -> dict[str, Any]:
    return {"data": [{"frame_index": 1, "skeleton": [], **changes}]}


def people(**changes: Any) -> dict[str, Any]:
    return frame(skeleton=[person(0.1, 1), person(0.1, 1) | changes])


BAD_VIDEOS: dict[str, tuple[Any, str]] = {
    "a list": ([], "no list 'data'"),
    "no data": ({}, "no list 'data'"),
    "no frames": ({"data": []}, "no list 'data'"),
    "another label": (video([], label_index=3), "label_index 3, but 1 in the list of labels"),
    "no frame": ({"data": [3]}, "data[0]: no frame_index from 1"),
    "no index": (frame(frame_index="1"), "data[0]: no frame_index from 1"),
    "negative": (frame(frame_index=-1), "data[0]: no frame_index from 1"),
    "very many": (frame(frame_index=10**12), "data[0]: no frame_index from 1 to 100000"),
    "twice": ({"data": frame()["data"] * 2}, "data[1]: frame_index 1 a second time"),
    "a crowd": (frame(skeleton=[person(0.1, 1)] * 1001), "data[0]: 1001 people, expected at most 1000"),
    "no people": (frame(skeleton=0), "data[0]: skeleton is 0, expected a list of people"),
    "no person": (frame(skeleton=[1]), "data[0]: skeleton[0]: pose is None, expected 36 numbers"),
    "pose": (people(pose=[0.0] * 35), "data[0]: skeleton[1]: pose is 35 values, expected 36 numbers"),
    "text": (people(pose=["0"] * 36), "data[0]: skeleton[1]: pose holds '0', expected finite numbers, or null for"),
    "truth": (people(score=[True] * 18), "data[0]: skeleton[1]: score holds True, expected finite numbers"),
    "infinity": (people(score=[float("inf")] * 18), "data[0]: skeleton[1]: score holds inf, expected finite"),
    "large": (people(pose=[-1e300] * 36), "data[0]: skeleton[1]: pose holds -1e+300, expected finite numbers"),
    "very large": (people(pose=[10**400] * 36), "data[0]: skeleton[1]: pose holds 1000"),
}


@pytest.mark.parametrize("case", BAD_VIDEOS)
def test_bad_videos(tmp_path, case):
    contents, message = BAD_VIDEOS[case]
    found = kinetics.read(written(tmp_path, {"a": contents}))
    with pytest.raises(UserError) as caught:
        found.read(found.entries["a"])
    assert str(caught.value).startswith(f"{tmp_path / 'kinetics_train' / 'a.json'}: {message}")


def test_no_video(tmp_path):
    found = kinetics.read(written(tmp_path, {}, {"a": SAID}))
    with pytest.raises(UserError, match=r"kinetics_train/a\.json: no such file"):
        found.read(found.entries["a"])
