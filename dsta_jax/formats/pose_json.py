"""What estimators of poses write as JSON, told apart by its keys.

OpenPose: an object for each frame, `people`, each with flat lists such as `pose_keypoints_2d` (x, y, confidence) and
`pose_keypoints_3d` (x, y, z, confidence). AlphaPose and COCO's results: a list of people with `image_id`, `keypoints`
(x, y, confidence) and perhaps `idx`. COCO's annotations: `images`, and `annotations` with `image_id`, `keypoints` and
perhaps `track_id`. MMPose: `instance_info`, a list of `frame_id` and `instances`, each with `keypoints` (V x 2 or 3)
and `keypoint_scores`; or such instances alone, of one picture. A file is a recording, or one frame of it.

People with numbers in all frames are followed by them; otherwise those of the highest confidence come first.
"""

import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import MOST_FRAMES, check_size, integer
from dsta_jax.errors import UserError, shown
from dsta_jax.files import read_json
from dsta_jax.formats.kinetics import numbers

_HAND, _FACE = 21, 70  # Joints of OpenPose's lists; those of the body differ between its models.
_EXPECTED = (
    "OpenPose's people, AlphaPose's or COCO's list of image_id and keypoints, COCO's images and annotations, "
    "or MMPose's instance_info"
)
# A person: where it stands, and what the file says of it.
_People = list[tuple[str, Mapping[str, Any]]]


def read(path: pathlib.Path, source: Source, keypoints: Sequence[str]) -> np.ndarray:
    """Reads T x M x V x C, M at most the source's; of OpenPose's lists those that are named, one after the other."""
    frames = _frames(path, read_json(path))
    if not frames or len(frames) > MOST_FRAMES:
        raise UserError(f"{path}: {len(frames)} frames, expected 1 to {MOST_FRAMES}")
    joints, most, channels = source.frame_shape
    bodies = min(most, max(1, *(len(people) for people in frames)) * _hands(keypoints, joints))
    try:
        check_size(len(frames), bodies, joints, channels)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    frames_TxMxVxC = np.full((len(frames), bodies, joints, channels), np.nan, np.float32)
    found = [[_person(place, said, source, keypoints) for place, said in people] for people in frames]
    ids = [[integer(said.get("idx", said.get("track_id"))) for _, said in people] for people in frames]
    for frame, chosen in enumerate(_chosen(found, ids, most)):
        for body, pose_MxVxC in chosen:
            for hand, pose_VxC in enumerate(pose_MxVxC):
                if (slot := body * len(pose_MxVxC) + hand) < bodies:
                    frames_TxMxVxC[frame, slot] = pose_VxC
    return frames_TxMxVxC


def _frames(path: pathlib.Path, contents: Any) -> list[_People]:
    """The people of each frame, in the order of the frames."""
    first = contents[0] if isinstance(contents, list) and contents else None
    if isinstance(contents, dict):
        if "people" in contents:
            return [_objects(f"{path}: people", contents["people"])]
        if "instance_info" in contents:
            infos = _objects(f"{path}: instance_info", contents["instance_info"])
            numbers_of = [integer(info.get("frame_id", row)) for row, (_, info) in enumerate(infos)]
            if None in numbers_of or len(set(numbers_of)) < len(infos):
                raise UserError(f"{path}: instance_info has frame_id twice or not as a number, expected 1, 2, ...")
            frames = [_objects(f"{place}: instances", info.get("instances")) for place, info in infos]
            return [frames[row] for row in sorted(range(len(frames)), key=lambda row: numbers_of[row] or 0)]
        if "images" in contents and "annotations" in contents:
            images = _objects(f"{path}: images", contents["images"])
            name_of = {str(image.get("id")): str(image.get("file_name", image.get("id"))) for _, image in images}
            return _by_image(path, _objects(f"{path}: annotations", contents["annotations"]), name_of)
    elif isinstance(first, dict) and "image_id" in first:
        return _by_image(path, _objects(str(path), contents), None)
    elif isinstance(first, dict) and "keypoints" in first:
        return [_objects(str(path), contents)]
    keys = ", ".join(map(str, contents if isinstance(contents, dict) else first if isinstance(first, dict) else ()))
    raise UserError(f"{path}: {f'keys {keys[:80]}' if keys else shown(contents)}, expected {_EXPECTED}")


def _objects(place: str, values: Any) -> _People:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise UserError(f"{place}: {shown(values)}, expected a list of objects")
    return [(f"{place}[{number}]", value) for number, value in enumerate(values)]


def _by_image(path: pathlib.Path, people: _People, name_of: Mapping[str, str] | None) -> list[_People]:
    """The people of each picture; the numbers in the pictures' names say the order."""
    people_of: dict[str, _People] = {name: [] for name in name_of.values()} if name_of else {}
    for place, said in people:
        if "image_id" not in said or (name_of is not None and str(said["image_id"]) not in name_of):
            raise UserError(f"{place}: image_id {shown(said.get('image_id'))}, expected that of a picture in the file")
        image = str(said["image_id"])
        people_of.setdefault(name_of[image] if name_of else image, []).append((place, said))
    directories = sorted({name.rpartition("/")[0] for name in people_of})
    if len(directories) > 1:
        found = f"pictures of {len(directories)} directories, {shown(directories[0])} first"
        raise UserError(f"{path}: {found}, expected those of one recording; write a file for each")
    return [people_of[name] for name in sorted(people_of, key=_natural)]


def _natural(name: str) -> list[tuple[int, str]]:
    """What puts frame_9 before frame_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name[:1000])]


def _chosen(
    found: list[list[tuple[float, np.ndarray]]], ids: list[list[int | None]], most: int
) -> list[list[tuple[int, np.ndarray]]]:
    """For each frame, the places and the poses of the people who are kept."""
    if all(None not in frame and len(set(frame)) == len(frame) for frame in ids):
        score_of: dict[int | None, float] = {}
        for people, names in zip(found, ids, strict=True):
            for (score, _), name in zip(people, names, strict=True):
                score_of[name] = score_of.get(name, 0) + score
        kept = sorted(score_of, key=lambda name: -score_of[name])[:most]
        frames = [dict(zip(names, people, strict=True)) for people, names in zip(found, ids, strict=True)]
        return [[(kept.index(name), frame[name][1]) for name in kept if name in frame] for frame in frames]
    best = [sorted(people, key=lambda person: -person[0])[:most] for people in found]
    return [[(body, pose) for body, (_, pose) in enumerate(people)] for people in best]


def _person(place: str, said: Mapping[str, Any], source: Source, keypoints: Sequence[str]) -> tuple[float, np.ndarray]:
    """A person's confidence, and M x V x C; M is 2 where each hand counts as a body."""
    joints = len(source.layout.joints)
    if "keypoints" in said:
        letters, pose_VxN = _listed(place, said, joints)
    else:
        letters = "xyzc" if keypoints[0].endswith("_3d") else "xyc"
        pose_VxN = _of_openpose(place, said, keypoints, joints, len(letters))
    if missing := set(source.channels) - set(letters):
        raise UserError(f"{place}: channels {letters}, but the benchmark's are {source.channels}: no {min(missing)}")
    confidence_V = pose_VxN[:, letters.index("c")] if "c" in letters else np.zeros(1)
    pose_VxC = pose_VxN[:, [letters.index(channel) for channel in source.channels]]
    return float(np.nan_to_num(confidence_V).mean()), pose_VxC.reshape(-1, joints, len(source.channels))


def _listed(place: str, said: Mapping[str, Any], joints: int) -> tuple[str, np.ndarray]:
    """The channels and the joints, V x N, of `keypoints`: flat, or a list for each joint with scores beside it."""
    values = said["keypoints"]
    nested = isinstance(values, list) and bool(values) and isinstance(values[0], list)
    if not nested:
        return "xyc", numbers(f"{place}: keypoints", values, 3 * joints).reshape(joints, 3)
    if len(values) != joints:
        raise UserError(f"{place}: keypoints of {len(values)} joints, expected {joints}")
    width = 3 if len(values[0]) == 3 else 2
    pose_VxN = np.stack([numbers(f"{place}: keypoints[{row}]", one, width) for row, one in enumerate(values)])
    if "keypoint_scores" not in said:
        return "xyz"[:width], pose_VxN
    score_V = numbers(f"{place}: keypoint_scores", said["keypoint_scores"], joints)
    return f"{'xyz'[:width]}c", np.column_stack([pose_VxN, score_V])


def _hands(keypoints: Sequence[str], joints: int) -> int:
    """How many bodies a person is: two where there are two lists and each has all joints."""
    return len(keypoints) if joints == _HAND and all("hand" in key for key in keypoints) else 1


def _of_openpose(place: str, said: Mapping[str, Any], keypoints: Sequence[str], joints: int, width: int) -> np.ndarray:
    """The joints of some of OpenPose's lists, one after the other; an empty list was not seen."""
    sizes = {key: _HAND if "hand" in key else _FACE if "face" in key else 0 for key in keypoints}
    rest = joints * _hands(keypoints, joints) - sum(sizes.values())
    poses = []
    for key in keypoints:
        size = sizes[key] or rest
        if key not in said:
            there = ", ".join(one for one in said if "keypoints" in one)[:150]
            raise UserError(f"{place}: no {key}, expected one that keypoints in [files] names; there are {there}")
        if size <= 0 or said[key] and isinstance(said[key], list) and len(said[key]) != size * width:
            found = f"{len(said[key]) // width} joints in {key}"
            raise UserError(
                f"{place}: {found}, expected {max(size, 0)}, so that {', '.join(keypoints)} are {joints} in all"
            )
        seen = said[key] != []
        poses.append(numbers(f"{place}: {key}", said[key], size * width) if seen else np.full(size * width, np.nan))
    if rest > 0 and all(sizes.values()):
        raise UserError(f"{place}: {', '.join(keypoints)} have {sum(sizes.values())} joints, expected {joints}")
    return np.concatenate(poses).reshape(-1, width)
