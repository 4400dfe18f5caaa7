"""JSON of pose estimators: what is read of each kind, and what bad ones say."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.formats import folder, pose_json
from tests.formats import made

POSE = ("pose_keypoints_2d",)
HANDS = ("hand_left_keypoints_2d", "hand_right_keypoints_2d")
FRAMES_TxVxC = np.arange(1, 28, dtype=np.float32).reshape(3, 3, 3) / 32  # x, y and a confidence below 1.
FLAT = FRAMES_TxVxC.reshape(3, 9).tolist()


def written(tmp_path, contents: Any, name: str = "a.json") -> pathlib.Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(contents if isinstance(contents, str) else json.dumps(contents))
    return path


def read(tmp_path, contents: Any, keypoints: Any = POSE, **of: Any) -> np.ndarray:
    return pose_json.read(written(tmp_path, contents), made.source(**{"channels": "xyc", **of}), keypoints)


def instance(frame: int) -> dict[str, Any]:
    return {
        "keypoints": FRAMES_TxVxC[frame, :, :2].tolist(),
        "keypoint_scores": FRAMES_TxVxC[frame, :, 2].tolist(),
        "bbox": [[0, 0, 1, 1]],
    }


KINDS: dict[str, Any] = {
    "AlphaPose": [
        {"image_id": f"{name}.jpg", "category_id": 1, "keypoints": FLAT[t], "score": 2.5, "idx": 7}
        for t, name in ((2, 10), (0, 8), (1, 9))
    ],
    "COCO's results": [{"image_id": 8 + t, "keypoints": FLAT[t], "score": 0.5} for t in (1, 2, 0)],
    "COCO's annotations": {
        "images": [{"id": 50 - t, "file_name": f"v/{8 + t}.jpg"} for t in range(3)],
        "annotations": [{"id": t, "image_id": 50 - t, "keypoints": FLAT[t]} for t in range(3)],
    },
    "MMPose": {
        "meta_info": {},
        "instance_info": [{"frame_id": t + 1, "instances": [instance(t)]} for t in (2, 0, 1)],
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_are_the_same_recording(tmp_path, kind):
    np.testing.assert_array_equal(read(tmp_path, KINDS[kind])[:, 0], FRAMES_TxVxC)
    np.testing.assert_array_equal(read(tmp_path, KINDS[kind], channels="xy")[:, 0], FRAMES_TxVxC[..., :2])


def test_one_frame_each(tmp_path):
    person = {"pose_keypoints_2d": FLAT[1], "hand_left_keypoints_2d": []}
    np.testing.assert_array_equal(read(tmp_path, {"version": 1.3, "people": [person]})[0, 0], FRAMES_TxVxC[1])
    np.testing.assert_array_equal(read(tmp_path, [instance(1)])[0, 0], FRAMES_TxVxC[1])
    assert np.isnan(read(tmp_path, {"people": []})).all() and read(tmp_path, {"people": []}).shape == (1, 1, 3, 3)


def test_three_coordinates(tmp_path):
    xyz_VxC = np.arange(9.0).reshape(3, 3)
    one = {"keypoints": xyz_VxC.tolist(), "keypoint_scores": [1, 1, 0]}
    video = {"instance_info": [{"frame_id": 0, "instances": [one]}]}
    np.testing.assert_array_equal(read(tmp_path, video, channels="xyz")[0, 0], xyz_VxC)
    assert read(tmp_path, video, channels="xyzc")[0, 0, :, 3].tolist() == [1, 1, 0]
    people = {"people": [{"pose_keypoints_3d": np.arange(12).tolist()}]}
    found = read(tmp_path, people, ("pose_keypoints_3d",), channels="xyz")
    np.testing.assert_array_equal(found[0, 0], np.arange(12).reshape(3, 4)[:, :3])


def test_hands_are_bodies_or_follow_the_body(tmp_path):
    hand = np.arange(63).tolist()
    person = {"pose_keypoints_2d": FLAT[0], HANDS[0]: hand, HANDS[1]: []}
    both = read(tmp_path, {"people": [person]}, HANDS, joints=21, bodies=2)[0]
    assert both[0].ravel().tolist() == hand and np.isnan(both[1]).all()
    left = read(tmp_path, {"people": [person]}, HANDS[:1], joints=21)[0]
    assert left.shape == (1, 21, 3) and left.ravel().tolist() == hand
    joined = read(tmp_path, {"people": [person]}, (*POSE, *HANDS), joints=45)[0, 0]
    assert joined[:24].ravel().tolist() == FLAT[0] + hand and np.isnan(joined[24:]).all()


def test_the_surest_people_first(tmp_path):
    def person(score, **more):
        return {"image_id": 1, "keypoints": [score, 5, score] * 3, **more}

    found = read(tmp_path, [person(0.25), person(1), person(0.5)], bodies=2)
    assert found[0, :, 0, 0].tolist() == [1, 0.5]
    # Followed by their numbers, by what they have in all frames.
    one, other = person(0.75, idx=3), person(0.5, idx=9)
    later = {"image_id": 2, **{key: value for key, value in person(1, idx=9).items() if key != "image_id"}}
    two = read(tmp_path, [one, other, later], bodies=2)
    assert two[0, :, 0, 0].tolist() == [0.5, 0.75] and two[1, 0, 0, 0] == 1 and np.isnan(two[1, 1]).all()


def test_listed_files_and_directories(tmp_path):
    written(tmp_path, KINDS["AlphaPose"], "a.json")
    for t, number in enumerate((8, 9, 10)):
        written(tmp_path, {"people": [{"pose_keypoints_2d": FLAT[t]}]}, f"b/v1_{number}_keypoints.json")
    (tmp_path / "labels.csv").write_text("file,label\na.json,wave\nb,3\n")
    found = folder.read(tmp_path, made.source(channels="xyc"))
    assert [one.label for one in found.entries.values()] == [0, 2] and not found.notes
    for one in found.entries.values():
        np.testing.assert_array_equal(found.read(one).frames_with_score[:, :, 0], FRAMES_TxVxC)
    with pytest.raises(UserError, match="labels.csv: lists .json files; say by --benchmark which of their numbers"):
        folder.read(tmp_path)


PERSON = {"image_id": 1, "keypoints": FLAT[0]}
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no JSON": ("{", {}, ": not readable as JSON"),
    "deep": ("[" * 100_000, {}, ": not readable as JSON"),
    "another kind": (
        {"shapes": [], "version": 3},
        {},
        ": keys shapes, version, expected OpenPose's people, AlphaPose's",
    ),
    "a number": (3, {}, ": 3, expected OpenPose's people"),
    "an empty list": ([], {}, ": a value of type list, expected OpenPose's people"),
    "people that are none": ({"people": [3]}, {}, ": people: a value of type list, expected a list of objects"),
    "no frames": ({"instance_info": []}, {}, ": 0 frames, expected 1 to"),
    "frames without people": (
        {"instance_info": [{}]},
        {},
        ": instance_info[0]: instances: None, expected a list of ob",
    ),
    "a frame twice": (
        {"instance_info": [{"frame_id": 1, "instances": []}] * 2},
        {},
        ": instance_info has frame_id twice or not as a number, expected 1, 2, ...",
    ),
    "another picture": (
        {"images": [], "annotations": [PERSON]},
        {},
        ": annotations[0]: image_id 1, expected that of a picture in the file",
    ),
    "two videos": (
        [{**PERSON, "image_id": "a/1.jpg"}, {**PERSON, "image_id": "b/1.jpg"}],
        {},
        ": pictures of 2 directories, 'a' first, expected those of one recording; write a file for each",
    ),
    "other joints": ([PERSON], {"joints": 4}, "[0]: keypoints is 9 values, expected 12 numbers"),
    "other joints in lists": ([instance(0)], {"joints": 4}, "[0]: keypoints of 3 joints, expected 4"),
    "a word": ([{**PERSON, "keypoints": ["x"] * 9}], {}, "[0]: keypoints holds 'x', expected finite numbers, or null"),
    "no z": ([PERSON], {"channels": "xyz"}, "[0]: channels xyc, but the benchmark's are xyz: no z"),
    "no scores": ([{"keypoints": [[1, 2]] * 3}], {}, "[0]: channels xy, but the benchmark's are xyc: no c"),
    "no such list": (
        {"people": [{"pose_keypoints": [], "face_keypoints_2d": []}]},
        {},
        ": people[0]: no pose_keypoints_2d, expected one that keypoints in [files] names; there are pose_key",
    ),
    "other joints of OpenPose's": (
        {"people": [{"pose_keypoints_2d": FLAT[0]}]},
        {"joints": 4},
        ": people[0]: 3 joints in pose_keypoints_2d, expected 4, so that pose_keypoints_2d are 4 in all",
    ),
    "a hand of other joints": (
        {"people": [{HANDS[0]: [0] * 63}]},
        {"joints": 22, "keypoints": HANDS[:1]},
        ": people[0]: hand_left_keypoints_2d have 21 joints, expected 22",
    ),
    "more joints than there are": (
        {"people": [{HANDS[0]: [0] * 63, POSE[0]: [0] * 9}]},
        {"joints": 20, "keypoints": (*POSE, *HANDS[:1])},
        ": people[0]: 3 joints in pose_keypoints_2d, expected 0, so that",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    contents, of, message = BAD[case]
    with pytest.raises(UserError) as caught:
        read(tmp_path, contents, **of)
    assert str(caught.value).startswith(f"{tmp_path / 'a.json'}{message}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
