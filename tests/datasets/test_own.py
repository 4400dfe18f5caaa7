"""Benchmarks from a file: everything that it can say, and what is refused."""

import json
import os
import pathlib
import textwrap

import numpy as np
import pytest

from dsta_jax.datasets import own
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.layouts import COCO_17, MEDIAPIPE_HAND_21, Reference
from dsta_jax.datasets.nw_ucla import NW_UCLA
from dsta_jax.errors import UserError

SHORT = """
    name = "mine"
    classes = ["wave", "point"]
    layout = "mediapipe_hand_21"
"""
GLOVE = """
    name = "mine"
    classes = ["wave", "point"]
    bodies = 2
    channels = "xyc"
    [layout.parents]
    tip = "wrist"
    wrist = "wrist"
    thumb = "wrist"
    [normalize]
    center = ["tip", "thumb"]
    scale = ["wrist", ["tip", "thumb"]]
    scale_by = "median"
    up = ["wrist", "tip"]
    [split]
    subject = [2, 3]
"""


def read(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(textwrap.dedent(text))
    return own.find(str(path))


def columns(**given):
    return {name: np.array(values) for name, values in given.items()}


def test_the_short_form(tmp_path):
    benchmark = read(tmp_path, SHORT)
    source = benchmark.source
    assert (benchmark.name, source.name, benchmark.class_names) == ("mine", "mine", ("wave", "point"))
    assert (benchmark.class_of_label, source.label_names) == ((0, 1), benchmark.class_names)
    assert source.layout is MEDIAPIPE_HAND_21 and source.normalized_by is MEDIAPIPE_HAND_21.reference
    assert source.frame_shape == (21, 1, 3)
    assert (source.channels, source.confidence, benchmark.left_out) == ("xyz", False, None)
    assert benchmark.protocol.is_test(columns(split=["train", "test"])).tolist() == [False, True]
    assert str(tmp_path / "mine.toml") in source.prepare[0]


def test_joints_of_ones_own(tmp_path):
    benchmark = read(tmp_path, GLOVE)
    source = benchmark.source
    assert source.frame_shape == (3, 2, 3) and source.confidence
    layout = source.layout
    assert (layout.name, layout.joints, layout.parents) == ("mine", ("tip", "wrist", "thumb"), (1, 1, 1))
    assert source.normalized_by == Reference(
        center=("tip", "thumb"),
        scale=(("wrist",), ("tip", "thumb")),
        scale_by="median",
        up=(("wrist",), ("tip",)),
    )
    assert benchmark.protocol.is_test(columns(subject=[1, 2, 3, 4])).tolist() == [False, True, True, False]


def test_a_shipped_layout_with_another_way_to_normalise(tmp_path):
    source = read(tmp_path, SHORT + "[normalize]\n").source
    assert (source.layout, source.normalized_by) == (MEDIAPIPE_HAND_21, Reference())


def test_a_fallback(tmp_path):
    text = SHORT.replace("mediapipe_hand_21", "coco_17") + '[normalize]\ncenter = "nose"\n'
    source = read(tmp_path, text).source
    assert source.layout is COCO_17 and source.normalized_by == Reference(
        center=("nose",)
    )  # Not the layout's fallback.
    source = read(tmp_path, text + '[normalize.fallback]\ncenter = ["left_ear", "right_ear"]\n').source
    fallback = Reference(center=("left_ear", "right_ear"))
    assert source.normalized_by == Reference(center=("nose",), fallback=fallback)
    assert source.normalized_by.choices == (source.normalized_by, fallback)


def test_another_division_of_a_built_in_data_set(tmp_path):
    classes = json.dumps(NW_UCLA.label_names)
    text = f'name = "nw_ucla"\nclasses = {classes}\nlayout = "kinect_20"\n[split]\nsubject = [1, 2]\n'
    benchmark = read(tmp_path, text)
    assert benchmark.source.frame_shape == NW_UCLA.frame_shape and benchmark.protocol.test == (1, 2)


def test_points_that_are_no_depth(tmp_path):
    text = SHORT.replace('"point"', '"a.b.c.d.e.f.g", "1.2.3.4.5.6.7", \'1.2.3.4.5.6.7\'  # see a.b.c.d.e.f.g\n')
    assert read(tmp_path, text.replace("'1.2", "'0.2")).class_names == (
        *("wave", "a.b.c.d.e.f.g", "1.2.3.4.5.6.7", "0.2.3.4.5.6.7"),
    )


def test_leaving_out_each_subject(tmp_path):
    benchmark = read(tmp_path, SHORT + '[split]\nleave_out = "subject"\n')
    assert benchmark.left_out == "subject"
    assert benchmark.protocol.is_test(columns(subject=[1, 2, 1]), fold=2).tolist() == [False, True, False]


def test_words_for_subjects(tmp_path):
    benchmark = read(tmp_path, SHORT + '[split]\nsubject = ["anna", "ben"]\n')
    found = benchmark.protocol.is_test(columns(subject=["ben", "carl", "anna"]))
    assert found.tolist() == [True, False, True]


def test_parts_that_the_recordings_name(tmp_path):
    benchmark = read(tmp_path, SHORT + '[split]\nsplit = ["xsub_val", "extra"]\n')
    found = benchmark.protocol.is_test(columns(split=["xsub_train", "xsub_val", "extra"]))
    assert found.tolist() == [False, True, True]


BAD = {
    "no name": (SHORT.replace("name", "#"), "the key name is missing, expected lower-case letters"),
    "name": (SHORT.replace('"mine"', '"My Set"'), "name is 'My Set', expected lower-case letters"),
    "one class": (SHORT.replace(', "point"', ""), "classes is \"['wave']\", expected a list of two or more"),
    "same class": (SHORT.replace("point", "wave"), "expected a list of two or more different names"),
    "layout": (SHORT.replace("_21", "_22"), "layout is 'mediapipe_hand_22', expected one of hand_22"),
    "no layout": (SHORT.replace("layout", "#"), "the key layout is missing, expected one of hand_22"),
    "unknown key": (SHORT + "joints = 21", "unknown key 'joints', expected some of name, classes"),
    "bodies": (SHORT + "bodies = 0", "bodies is '0', expected a whole number from 1"),
    "true bodies": (SHORT + "bodies = true", "bodies is 'True', expected a whole number from 1"),
    "channels": (SHORT + 'channels = "yx"', "channels is 'yx', expected one of xyz, xy"),
    "unknown parent": (GLOVE.replace('thumb = "wrist"', 'thumb = "palm"'), "[parents] thumb is 'palm', expected the"),
    "two roots": (GLOVE.replace('thumb = "wrist"', 'thumb = "thumb"'), "joints [1, 2] are their own parent"),
    "no parents": (SHORT.replace('layout = "mediapipe_hand_21"', "[layout]"), "[layout] 0 joints in the table parents"),
    "unknown joint": (
        SHORT + '[normalize]\ncenter = "palm"',
        "[normalize] center is 'palm', expected a joint of mediapipe_hand_21, or a list of them",
    ),
    "unknown joint of the fallback": (
        SHORT + '[normalize.fallback]\nscale = ["wrist", "palm"]',
        "[fallback] scale is \"['wrist', 'palm']\", expected a joint of mediapipe_hand_21",
    ),
    "a fallback of the fallback": (SHORT + "[normalize.fallback.fallback]", "[fallback] unknown key 'fallback'"),
    "one point": (SHORT + '[normalize]\nscale = ["wrist"]', "[normalize] scale is \"['wrist']\", expected two points"),
    "number": (SHORT + "[normalize]\ncenter = 0", "[normalize] center is '0', expected a joint of mediapipe_hand_21"),
    "no points": (SHORT + "[normalize]\ncenter = []", "[normalize] center is '[]', expected a joint"),
    "side alone": (SHORT + '[normalize]\nside = ["wrist", "thumb_tip"]', "expected up, too"),
    "side as up": (
        SHORT + '[normalize]\nup = ["wrist", "thumb_tip"]\nside = ["thumb_tip", "wrist"]',
        "[normalize] side is the same direction as up, expected one across it",
    ),
    "side in the plane": (
        SHORT + 'channels = "xyc"\n[normalize]\nup = ["wrist", "thumb_tip"]\nside = ["wrist", "index_tip"]',
        "[normalize] side is for three coordinates, but channels are xyc; remove it",
    ),
    "a blank before a class": (SHORT.replace('"point"', '" point"'), "different names without blanks around them"),
    "a blank behind a class": (SHORT.replace('"point"', '"point\u00a0"'), "different names without blanks around them"),
    "a class of two lines": (SHORT.replace('"point"', r'"po\nint"'), "expected a list of two or more different names"),
    "a data set's name": (
        SHORT.replace('"mine"', '"nw_ucla"'),
        "name 'nw_ucla' is that of a built-in data set; choose",
    ),
    "a benchmark's name": (SHORT.replace('"mine"', '"shrec14"'), "name 'shrec14' is that of a built-in benchmark; ch"),
    "two splits": (SHORT + "[split]\nsubject = [1]\ncamera = [1]", "[split] 2 keys, expected one"),
    "numbers and words": (SHORT + '[split]\nsubject = ["anna", 1]', "expected a list of whole numbers from 1, or a li"),
    "subject 0": (SHORT + "[split]\nsubject = [0]", "subject is '[0]', expected a list of whole numbers from 1"),
    "empty word": (SHORT + '[split]\ncamera = [""]', "camera is \"['']\", expected a list of whole numbers from 1"),
    "split of nothing": (SHORT + "[split]\nsplit = []", "split is '[]', expected a list of names of parts"),
    "leave out": (SHORT + '[split]\nleave_out = "person"', "leave_out is 'person', expected one of subject, camera"),
    "not a table": (SHORT + "split = 3", "split is '3', expected a table"),
    "not TOML": ("name = ", "not readable as TOML"),
    "deep": ("name = " + "[" * 10_000, "not readable as TOML"),
    "a deep key": (SHORT + "a.b.c.d.e.f = 1", ":5: a key of more than 5 parts, expected at most three"),
    "a deep key with quotes": (SHORT + '\'a=\'. "b\\"" .c.d.e.f = 1', ":5: a key of more than 5 parts, expected at"),
    "a deep table": ("[" + "a." * 200_000 + "a]", ":1: a key of more than 5 parts, expected at most three"),
    "deep tables in a line": ("a = " + "{a = " * 10_000, "not readable as TOML"),
    "a long number": ("a = " + "9" * 1_000_000, "not readable as TOML (Exceeds the limit"),
    "a long file": ("#" * (5 << 20), ": 5242880 bytes, expected at most 4194304; is it the right file?"),
    "a surrogate": (SHORT.replace("point", r"\uD800"), "not readable as TOML"),
    "many bodies": (SHORT + "bodies = 101", "bodies is '101', expected a whole number from 1 to 100"),
    "many joints": (
        SHORT.replace('layout = "mediapipe_hand_21"', "[layout.parents]\n")
        + "\n".join(f'    joint_{number} = "joint_0"' for number in range(1001)),
        '[layout] 1001 joints in the table parents, expected JOINT = "PARENT" for each of 1 to 1000 joints',
    ),
    "many classes": (
        SHORT.replace('["wave", "point"]', str([str(number) for number in range(100_001)])),
        "blanks around them, at most 100000",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'mine.toml'}:") and len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_no_such_benchmark(tmp_path):
    with pytest.raises(UserError, match=r"benchmark 'shrec': expected one of shrec14, .* or a file NAME.toml"):
        own.find("shrec")
    with pytest.raises(UserError, match="absent.toml: no such file"):
        own.find(str(tmp_path / "absent.toml"))


def test_what_is_no_file(tmp_path):
    (tmp_path / "directory.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("directory.toml", "pipe.toml"):
        with pytest.raises(UserError, match=f"{name}: not a file; name yours by"):
            own.find(str(tmp_path / name))


def test_an_ending_in_upper_case(tmp_path):
    read(tmp_path, SHORT)
    path = pathlib.Path(tmp_path / "mine.toml").rename(tmp_path / "MINE.TOML")
    assert own.find(str(path)).name == "mine"


def test_by_name():
    assert own.find("ntu60_cs") is BENCHMARKS["ntu60_cs"]
