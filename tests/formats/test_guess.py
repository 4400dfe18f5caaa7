"""What files are taken for: the text that is suggested works when it is pasted, and nothing is claimed that is open."""

import json
import pathlib
import re
import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dsta_jax.datasets import own
from dsta_jax.datasets.layouts import LAYOUTS
from dsta_jax.datasets.recording import Collection
from dsta_jax.errors import UserError
from dsta_jax.formats import guess
from dsta_jax.formats.readers import READERS
from tests.formats import made

RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(size=(24, 200)).round(3)
UNIFORM = RANDOM.uniform(size=(24, 200)).round(3)


def lines(rows: Any, separator: str = ",") -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def write(path: pathlib.Path, contents: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(contents, np.ndarray):
        np.save(path, contents)
    elif path.suffix == ".pkl":
        made.write_pickle(path, contents)
    else:
        path.write_text(contents if isinstance(contents, str) else json.dumps(contents))


def pasted(printed: str) -> tuple[str, dict[str, Any]]:
    """The TOML text, with something for each `...`, and what it says."""
    text = re.search(r"^name = .*?(?=^Then:)", printed, re.M | re.S)[0]
    assert "..." not in re.sub(r'"\.\.\."', "", text)
    counted = iter(range(1_000))
    text = re.sub(
        r"^classes = .*?\]$",
        lambda found: re.sub(r"\.\.\.", lambda _: f"c{next(counted)}", found[0]),
        text,
        flags=re.M | re.S,
    )
    joints = re.findall(r'^(".*?") = "\.\.\."$', text, re.M)
    text = re.sub(r'^(".*?") = "\.\.\."$', lambda found: f"{found[1]} = {joints[0]}", text, flags=re.M)
    return text, tomllib.loads(text)


HANDS = {f"{label}/{s}/{f}.npy": NORMAL[f, :63] for label in ("hello", "thanks") for s in range(5) for f in range(12)}
HOLISTIC = {name: np.tile(UNIFORM[0], 9)[:1662] for name in HANDS}
PEOPLE = {"people": [{"pose_keypoints_2d": UNIFORM[0, :75].tolist(), "hand_left_keypoints_2d": []}]}
OPENPOSE = {f"{label}/a/{label}_{f:012d}_keypoints.json": PEOPLE for label in ("hello", "thanks") for f in range(3)}
INSTANCE = {"keypoints": UNIFORM[:17, :2].tolist(), "keypoint_scores": [1] * 17}
KEYPOINT = NORMAL[:, :75].reshape(1, 24, 25, 3)
LONG = [[n, name, *NORMAL[n, :3]] for n in range(9) for name in ("HIP", "KNEE", "FOOT")]
WRISTS = [joint.upper() for joint in LAYOUTS["mediapipe_hand_21"].joints]
# Each is the files, what is guessed of, what is said of it, the TOML's keys, and the shape T x V x M x C of the first.
GUESSED: dict[str, tuple[dict[str, Any], str, list[str], dict[str, Any], tuple[int, ...]]] = {
    "a recording a line": (
        {"keypoint.csv": lines([n % 3, *NORMAL[n, :42]] for n in range(24))},
        "keypoint.csv",
        ["24 lines of 43 cells between commas", "24 recordings, one in each line, with its label", "who tests"],
        {
            "layout": "mediapipe_hand_21",
            "channels": "xy",
            "files": {"columns": ["label", "numbers"], "line": "recording", "test_every": 5},
        },
        (1, 21, 1, 2),
    ),
    "words for labels, behind": (
        {"pose.csv": lines([*NORMAL[n, :51], "left" if n % 2 else "right"] for n in range(24))},
        "pose.csv",
        ["coco_17 (17 joints) of xyz"],
        {
            "classes": ["left", "right"],
            "files": {"columns": ["numbers", "label"], "line": "recording", "test_every": 5},
        },
        (1, 17, 1, 3),
    ),
    "frames in directories": (
        HANDS,
        "",
        ["files such as hello/0/0.npy", "frames, a file each", "whether the uppermost directories are the labels"],
        {"layout": "mediapipe_hand_21", "classes": ["hello", "thanks"]},
        (12, 21, 1, 3),
    ),
    "holistic": (
        HOLISTIC,
        "",
        ["1662 = 33 x 4 + 468 x 3", "if the usual code wrote them"],
        {"bodies": 2},
        (12, 21, 2, 3),
    ),
    "OpenPose": (
        OPENPOSE,
        "",
        ["1 people with pose_keypoints_2d (75)"],
        {"layout": "openpose_25", "channels": "xyc"},
        (3, 25, 1, 2),
    ),
    "a frame and its number a line": (
        {"joints_s01.txt": lines(([3 + 2 * n, *NORMAL[n, :60]] for n in range(24)), " ")},
        "",
        ["between blanks", "kinect_20 (20 joints) of xyz; or utd_mhad_20", "Write ", "only their number is known"],
        {"files": {"columns": ["frame", "numbers"]}},
        (24, 20, 1, 3),
    ),
    "a joint a line": (
        {"a01.txt": lines(([*row, 1.0] for row in NORMAL.reshape(-1, 3)[:240].tolist()), " ")},
        "",
        ["240 lines are whole frames of 20"],
        {"channels": "xyzc", "files": {"line": "joint"}},
        (12, 20, 1, 3),
    ),
    "a long table of names": (
        {"long.csv": "frame,joint,x,y,z\n" + lines(LONG)},
        "long.csv",
        ["Joints: HIP, KNEE, FOOT.", "3 joints of your own of xyz"],
        {"files": {"line": "joint", "columns": ["frame", "joint", "x", "y", "z"], "header": True}},
        (9, 3, 1, 3),
    ),
    "a long table of a layout's names": (
        {"long.csv": lines([n, name, *NORMAL[n, :3]] for n in range(4) for name in WRISTS)},
        "long.csv",
        ["mediapipe_hand_21 (21 joints) of xyz"],
        {"layout": "mediapipe_hand_21"},
        (4, 21, 1, 3),
    ),
    "a long table of as many other names": (
        {"long.csv": lines([n, f"{name}_", *NORMAL[n, :3]] for n in range(4) for name in WRISTS)},
        "long.csv",
        ["21 joints of your own of xyz"],
        {"channels": "xyz"},
        (4, 21, 1, 3),
    ),
    "a long table of numbers": (
        {"long.csv": lines(([n, joint, *UNIFORM[n, :2]] for n in range(9) for joint in range(1, 18)), ";")},
        "",
        ["coco_17 (17 joints) of xy"],
        {"layout": "coco_17", "files": {"line": "joint", "columns": ["frame", "joint", "x", "y"], "first_joint": 1}},
        (9, 17, 1, 2),
    ),
    "recordings by name": (
        {
            "all.csv": "label,name,frame,"
            + ",".join(f"{c}{v}" for v in range(33) for c in "xyz")
            + "\n"
            + lines(["wave" if n < 12 else "stop", f"v{n // 6}", n % 6, *NORMAL[n, :99]] for n in range(24))
        },
        "all.csv",
        ["mediapipe_pose_33 (33 joints) of xyz"],
        {
            "classes": ["stop", "wave"],
            "files": {"columns": ["label", "name", "frame", "numbers"], "header": True, "test_every": 5},
        },
        (6, 33, 1, 3),
    ),
    "rows without layout": (
        {"a.csv": lines(NORMAL[:, :12])},
        "a.csv",
        ["not known"],
        {"layout": "...", "files": {"columns": ["...", "numbers"]}},
        (),
    ),
    "an array": (
        {"a.npy": NORMAL[:, :150].reshape(24, 2, 25, 3)},
        "a.npy",
        ["24 x 2 x 25 x 3", "frames x bodies x joints"],
        {"layout": "ntu_25", "bodies": 2},
        (24, 25, 2, 3),
    ),
    "an array by channels": (
        {"a.npy": NORMAL[:, :60].reshape(3, 24, 20)},
        "",
        ["by axes channel frame joint"],
        {"files": {"order": "channel frame joint"}},
        (24, 20, 1, 3),
    ),
    "an array of rows": (
        {"a.npy": NORMAL[:, :66]},
        "",
        ["a recording of 24 frames, a row each", "mediapipe_pose_33 (33 joints) of xy"],
        {"layout": "hand_22"},
        (24, 22, 1, 3),
    ),
    "AlphaPose": (
        {"a.json": [{"image_id": f"{n}.jpg", "keypoints": UNIFORM[n, :51].tolist(), "score": 1} for n in range(4)]},
        "a.json",
        ["a recording of AlphaPose's, or COCO's results"],
        {"layout": "coco_17", "channels": "xyc"},
        (4, 17, 1, 2),
    ),
    "MMPose": (
        {"a.json": {"instance_info": [{"frame_id": 1, "instances": [INSTANCE]}]}},
        "",
        ["a recording of MMPose's"],
        {"layout": "coco_17", "channels": "xyc"},
        (1, 17, 1, 2),
    ),
    "pyskl": (
        {
            "a.pkl": {
                "split": {"train": ["a"], "val": ["b"]},
                "annotations": [{"frame_dir": name, "label": 1, "keypoint": KEYPOINT} for name in "ab"],
            }
        },
        "a.pkl",
        ["splits train, val", "the annotations of pyskl"],
        {"layout": "ntu_25", "split": {"split": ["val"]}},
        (24, 25, 1, 3),
    ),
    "CTR-GCN": ({"a.npz": ""}, "a.npz", ["the file of CTR-GCN"], {"layout": "ntu_25", "bodies": 2}, (24, 25, 2, 3)),
}


@pytest.mark.parametrize("case", GUESSED)
def test_the_text_works_when_it_is_pasted(tmp_path, case):
    files, name, said, keys, shape = GUESSED[case]
    place = tmp_path / "my set"
    for file, contents in files.items():
        write(place / file, contents)
    if case == "CTR-GCN":
        np.savez(place / name, x_train=NORMAL[None, :, :150], y_train=[0], x_test=NORMAL[None, :, :150], y_test=[1])
    printed = guess.text(place / name)
    assert max(len(line) for line in printed.splitlines() if str(tmp_path) not in line) <= 80
    joined = " ".join(printed.split())
    assert all(one in joined for one in said), joined
    toml, values = pasted(printed)
    for key, value in keys.items():
        if isinstance(value, dict):
            assert {**values[key], **value} == values[key]
        else:
            assert values[key] == value
    if not shape:
        return
    (tmp_path / "mine.toml").write_text(toml)
    source = own.find(str(tmp_path / "mine.toml")).source
    found = read(place, place / name, printed, source)
    recording = found.read(next(iter(found.entries.values())))
    assert recording.frames_TxVxMxC.shape == shape and (recording.score_TxVxM is not None) == source.confidence


def read(directory: pathlib.Path, path: pathlib.Path, printed: str, source: Any) -> Collection:
    """What is read by the command that is printed."""
    form = re.search(r"--from=(\w+)", printed)[1]
    if "labels.csv" in printed and "Write" in printed:
        file = next(one for one in directory.iterdir())
        (directory / "labels.csv").write_text(f"file,label\n{file.name},0\n")
        path = directory
    return READERS[form](path, source)


RAW: dict[str, tuple[str, Any, str]] = {
    "NTU RGB+D": ("S001C001P001R001A001.skeleton", "", "--from=ntu60"),
    "UTD-MHAD": ("a1_s1_t1_skeleton.mat", "", "--from=utd_mhad"),
    "Northwestern-UCLA": ("a01_s01_e00_v01.json", {"skeletons": []}, "--from=nw_ucla"),
    "Kinetics-Skeleton": ("kinetics_val_label.json", {}, "--from=kinetics"),
    "SHREC'17": ("train_gestures.txt", "", "--from=shrec17"),
}


@pytest.mark.parametrize("case", RAW)
def test_raw_data_sets(tmp_path, case):
    name, contents, command = RAW[case]
    write(tmp_path / name, contents)
    printed = guess.text(tmp_path)
    assert command in printed and "[split]" not in printed and case.partition(" ")[0] in printed


def test_what_is_open_is_said_and_nothing_else(tmp_path):
    write(tmp_path / "a.npy", UNIFORM[:, :51].reshape(24, 17, 3))
    printed = " ".join(guess.text(tmp_path / "a.npy").split())
    assert "Not known: whether the third number of a joint is z, or a confidence" in printed
    assert "Not known: whether the joints stand in the layout's order; only their number is known" in printed
    write(tmp_path / "a.npy", NORMAL[:, :51].reshape(24, 17, 3))
    assert "a confidence" not in guess.text(tmp_path / "a.npy")  # Which is never negative.


def test_long_names_of_classes(tmp_path):
    names = [f"pick up something with hand {number}, and drop it" for number in range(9)]
    write(
        tmp_path / "a.csv",
        lines([f'"{name}"', *NORMAL[n, :60]] for n, name in enumerate(names * 2)).replace(", and", " and"),
    )
    _, values = pasted(guess.text(tmp_path / "a.csv"))
    assert values["classes"] == [name.replace(",", "") for name in names]


def test_a_list_is_there(tmp_path):
    write(tmp_path / "a.npy", NORMAL[:, :63])
    write(tmp_path / "labels.csv", "file,label\na.npy,0\n")
    printed = guess.text(tmp_path)
    assert "labels.csv lists them" in printed and "Write" not in printed


BAD: dict[str, tuple[Callable[[pathlib.Path], Any], str]] = {
    "nothing": (lambda path: None, "no such file or directory"),
    "an empty directory": (lambda path: path.mkdir(), "no files .npy, .csv, .txt, .json, .skeleton, .mat there, exp"),
    "an empty file": (lambda path: path.write_text("\n"), "no lines, expected numbers"),
    "bytes": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not readable as text in UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read(tmp_path, case):
    make, message = BAD[case]
    make(tmp_path / "a")
    with pytest.raises(UserError, match=f"a: {message}"):
        guess.text(tmp_path / "a")


def test_json_of_something_else(tmp_path):
    for contents in ({"shapes": []}, [], 3, {"annotations": [{}]}):
        write(tmp_path / "a.json", contents)
        with pytest.raises(UserError, match="expected JSON of OpenPose, AlphaPose, COCO or MMPose; save .npy files"):
            guess.text(tmp_path / "a.json")
