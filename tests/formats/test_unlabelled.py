"""Recordings without labels: every format that is converted, files and directories, and broken ones among good ones."""

import json
import os

import numpy as np
import pytest

from dsta_jax.datasets import own_files
from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.benchmarks import SOURCES
from dsta_jax.datasets.clean import clean
from dsta_jax.datasets.recording import Collection
from dsta_jax.errors import UserError
from dsta_jax.formats import ctr_gcn, npy_pair, padded, pyskl, unlabelled
from tests import raw_recordings
from tests.formats import made

SOURCE = made.source(joints=2)
FRAMES_TxVxC = np.arange(66, dtype=np.float32).reshape(11, 2, 3) / 8 + 1
FLAT = FRAMES_TxVxC.reshape(11, 6)


def find(path, source: Source = SOURCE, files: str | None = None) -> Collection:
    found = unlabelled.find(path, source, None if files is None else own_files.of_text(files))
    assert all(one.label == 0 for one in found.entries.values())
    assert list(found.splits) == ["all"] and sorted(found.splits["all"]) == sorted(found.entries)
    return found


def frames(found: Collection, name: str) -> np.ndarray:
    return found.read(found.entries[name]).frames_TxVxMxC[:, :, 0]


def write(directory) -> None:
    """The same recording in several files."""
    (directory / "sub").mkdir(parents=True)
    np.save(directory / "a.npy", FRAMES_TxVxC)
    np.save(directory / "sub" / "rows.npy", FLAT)
    np.savetxt(directory / "a.csv", FLAT, delimiter=",")
    np.savetxt(directory / "text.txt", FLAT)
    person = [{"keypoints": one.tolist()} for one in FRAMES_TxVxC]
    infos = [{"frame_id": number, "instances": [one]} for number, one in enumerate(person)]
    (directory / "pose.json").write_text(json.dumps({"instance_info": infos}))
    made.write_pickle(directory / "two.pkl", [annotation("x"), {**annotation("y"), "label": None}])
    for number, one in enumerate(FLAT):
        for name in ("0", "1"):
            (directory / "words" / name).mkdir(parents=True, exist_ok=True)
            np.save(directory / "words" / name / f"{number}.npy", one)


def annotation(name: str) -> dict:
    return {"frame_dir": name, "label": 3, "keypoint": FRAMES_TxVxC[None]}


NAMES = ["a.csv", "a.npy", "pose", "sub/rows", "text", "two/x", "two/y", "words/0", "words/1"]


def test_a_directory_is_all_that_is_in_it(tmp_path):
    write(tmp_path / "own")
    found = find(tmp_path / "own")
    assert sorted(found.entries) == NAMES
    for name in NAMES:
        np.testing.assert_array_equal(frames(found, name), FRAMES_TxVxC)


PLACES = {"a.csv": ["a"], "sub": ["rows"], "sub/rows.npy": ["rows"], "two.pkl": ["x", "y"], "words/1": ["1"]}


@pytest.mark.parametrize("place", PLACES)
def test_one_place(tmp_path, place):
    write(tmp_path / "own")
    found = find(tmp_path / "own" / place)
    assert list(found.entries) == PLACES[place]
    for one in found.entries:
        np.testing.assert_array_equal(frames(found, one), FRAMES_TxVxC)


def test_broken_files_stay(tmp_path):
    write(tmp_path / "own")
    for name in ("b.npy", "b.pkl", "b.npz", "b.json", "b.skeleton"):
        (tmp_path / "own" / name).write_text("nothing")
    os.mkfifo(tmp_path / "own" / "pipe.csv")
    found = find(tmp_path / "own")
    assert len(found.entries) == len(NAMES) + 6
    for name in ("b.npy", "b.pkl", "b.npz", "b.json", "b.skeleton", "pipe"):
        with pytest.raises(UserError, match=f"{name}.*: "):
            found.read(found.entries[name])
    np.testing.assert_array_equal(frames(found, "text"), FRAMES_TxVxC)


def test_a_list_need_have_no_labels(tmp_path):
    write(tmp_path / "own")
    (tmp_path / "own" / "labels.csv").write_text("file\na.npy\nsub/rows.npy\n")
    assert list(find(tmp_path / "own").entries) == ["a", "sub/rows"]
    (tmp_path / "own" / "labels.csv").write_text("file,label,subject\na.npy,unheard of,anna\n")
    assert list(find(tmp_path / "own").entries) == ["a"]


def test_described_files(tmp_path):
    for number in range(3):
        (tmp_path / "own").mkdir(exist_ok=True)
        lines = np.column_stack([np.full(11, 7), np.arange(11), FLAT])
        np.savetxt(tmp_path / "own" / f"{number}.csv", lines, delimiter=";")
    (tmp_path / "own" / "3.csv").write_text("1;2\n")
    columns = 'columns = ["skip", "frame", "numbers"]'
    found = find(tmp_path / "own", files=columns)
    assert list(found.entries) == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(frames(found, "2"), FRAMES_TxVxC)
    with pytest.raises(UserError, match="3.csv:1: 2 cells, expected 3 or more: skip, frame, numbers"):
        found.read(found.entries["3"])
    assert list(find(tmp_path / "own" / "0.csv", files=columns).entries) == ["0"]


def test_described_files_of_many(tmp_path):
    for name in ("a", "b"):
        np.savetxt(tmp_path / f"{name}.csv", np.column_stack([np.arange(11), FLAT]), delimiter=",")
    (tmp_path / "c.csv").write_text("label,1,2,x\n")
    found = find(tmp_path, files='line = "recording", columns = ["label", "numbers"]')
    assert len(found.entries) == 23 and not found.parallel
    np.testing.assert_array_equal(frames(found, "b/line_3"), FRAMES_TxVxC[2:3])
    with pytest.raises(UserError, match="c.csv: nothing but a header|c.csv:1: "):
        found.read(found.entries["c"])


@pytest.mark.parametrize("place", ["", "words", "words/0"])
def test_described_frames_in_any_directory(tmp_path, place):
    write(tmp_path / "own")
    found = find(tmp_path / "own" / place, files='path = "{label}/*/{frame}.npy", test_every = 2')
    assert list(found.entries) == {"": ["words/0", "words/1"], "words": ["0", "1"], "words/0": ["0"]}[place]
    for name in found.entries:
        np.testing.assert_array_equal(frames(found, name), FRAMES_TxVxC)


def test_a_pickle_is_one_whatever_is_said_of_files(tmp_path):
    write(tmp_path / "own")
    assert list(find(tmp_path / "own" / "two.pkl", files='columns = ["skip", "numbers"]').entries) == ["x", "y"]


def test_openpose(tmp_path):
    for video in ("v1", "v2"):
        (tmp_path / video).mkdir()
        for number in range(8, 11):
            people = [{"pose_keypoints_2d": [number, 1, 0.5] * 2}]
            (tmp_path / video / f"{video}_{number}_keypoints.json").write_text(json.dumps({"people": people}))
    found = find(tmp_path, made.source(joints=2, channels="xyc"))
    assert list(found.entries) == ["v1", "v2"]
    assert frames(found, "v2")[:, 0, 0].tolist() == [8, 9, 10]
    assert list(find(tmp_path / "v1", made.source(joints=2, channels="xyc")).entries) == ["v1"]


@pytest.mark.parametrize("form", ["npz", "npy", "npy alone"])
def test_arrays_of_many(tmp_path, form):
    recordings = pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations()))
    outlines = {name: padded.outline(recordings.read(one)) for name, one in recordings.entries.items()}
    source, place = made.source(bodies=2), tmp_path / "out"
    place.mkdir()
    if form == "npz":
        with (place / "a.npz").open("wb") as file:
            ctr_gcn.write(file, recordings, outlines)
        place /= "a.npz"
    else:
        npy_pair.write(place, recordings, outlines)
        if form == "npy alone":
            place /= "xsub_train_data_joint.npy"
    found = find(place, source)
    names = ["0", "1", "2"] if form == "npy alone" else list(recordings.entries)
    assert set(found.entries) == set(names)
    for name, expected in zip(names, recordings.splits["xsub_train"] if form == "npy alone" else names, strict=True):
        whole = recordings.read(recordings.entries[expected]).frames_TxVxMxC
        ours = found.read(found.entries[name]).frames_TxVxMxC
        np.testing.assert_array_equal(ours[: len(whole), :, : whole.shape[2]], whole[: len(ours)])


def test_raw_files_of_the_data_sets(tmp_path):
    raw_recordings.write_shrec(tmp_path / "shrec", [(1, 1, 2, 1), (14, 2, 28, 5)], [(7, 1, 3, 1)])
    (tmp_path / "shrec/gesture_1/finger_1/subject_2/essai_1/general_information.txt").write_text("1 2\n")
    found = find(tmp_path / "shrec", SOURCES["shrec17"])
    assert len(found.entries) == 3
    name = "gesture_7/finger_1/subject_3/essai_1/skeletons_world"
    np.testing.assert_array_equal(frames(found, name), raw_recordings.hand_frames(2, 6))


RAW = {
    "ntu60": ("ntu_fixtures", 5),
    "nw_ucla": ("nw_ucla/all_sqe/a01_s01_e00_v01.json", 1),
    "utd_mhad": ("utd_mhad/Skeleton/a1_s1_t1_skeleton.mat", 1),
}


@pytest.mark.parametrize("name", RAW)
def test_raw_files_of_other_data_sets(shared, name):
    path, count = RAW[name]
    found = find(shared / "data" / path, SOURCES[name])
    assert len(found.entries) == count
    for one in found.entries.values():
        clean(found.read(one), SOURCES[name])


def test_dhg_is_cut_as_its_list_says(tmp_path):
    name = "gesture_1/finger_1/subject_2/essai_1"
    raw_recordings.write_skeletons(tmp_path / name / "skeleton_world.txt", raw_recordings.hand_frames(0, 9))
    (tmp_path / "informations_troncage_sequences.txt").write_text("1 1 2 1 2 5\n")
    found = find(tmp_path, SOURCES["dhg"])
    assert len(frames(found, name)) == 4


def test_kinetics_videos(tmp_path):
    pose = {"pose": [0.5] * 36, "score": [1] * 18}
    video = {"data": [{"frame_index": 1, "skeleton": [pose]}], "label": "x", "label_index": 7}
    (tmp_path / "a.json").write_text(json.dumps(video))
    found = find(tmp_path / "a.json", made.source(joints=18, channels="xyc"))
    assert found.read(found.entries["a"]).frames_TxVxMxC.shape[:2] == (1, 18)


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="absent: no such file or directory"):
        find(tmp_path / "absent")
    (tmp_path / "readme.md").write_text("nothing")
    with pytest.raises(UserError, match=r": no recordings there; say by a table \[files\] how its files are written"):
        find(tmp_path)
