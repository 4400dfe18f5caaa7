"""Benchmarks from a file: everything that it can say, and what is refused."""

import textwrap

import numpy as np
import pytest

from dsta_jax.datasets import own
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.layouts import MEDIAPIPE_HAND_21, Reference
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
    assert (benchmark.name, benchmark.data_set, benchmark.class_names) == ("mine", "mine", ("wave", "point"))
    assert benchmark.class_of_label == (0, 1)
    assert benchmark.layout is MEDIAPIPE_HAND_21
    assert benchmark.frame_shape == (21, 1, 3)
    assert (benchmark.channels, benchmark.confidence, benchmark.left_out) == ("xyz", False, None)
    assert benchmark.is_test(columns(split=["train", "test"])).tolist() == [False, True]
    assert str(tmp_path / "mine.toml") in benchmark.prepare[0]


def test_joints_of_ones_own(tmp_path):
    benchmark = read(tmp_path, GLOVE)
    assert benchmark.frame_shape == (3, 2, 3) and benchmark.confidence
    layout = benchmark.layout
    assert (layout.name, layout.joints, layout.parents) == ("mine", ("tip", "wrist", "thumb"), (1, 1, 1))
    assert layout.reference == Reference(
        center=("tip", "thumb"),
        scale=(("wrist",), ("tip", "thumb")),
        scale_by="median",
        up=(("wrist",), ("tip",)),
    )
    assert benchmark.is_test(columns(subject=[1, 2, 3, 4])).tolist() == [False, True, True, False]


def test_a_shipped_layout_with_another_way_to_normalise(tmp_path):
    layout = read(tmp_path, SHORT + "[normalize]\n").layout
    assert (layout.joints, layout.reference) == (MEDIAPIPE_HAND_21.joints, Reference())


def test_leaving_out_each_subject(tmp_path):
    benchmark = read(tmp_path, SHORT + '[split]\nleave_out = "subject"\n')
    assert benchmark.left_out == "subject"
    assert benchmark.is_test(columns(subject=[1, 2, 1]), fold=2).tolist() == [False, True, False]


def test_parts_that_the_recordings_name(tmp_path):
    benchmark = read(tmp_path, SHORT + '[split]\nsplit = ["xsub_val", "extra"]\n')
    found = benchmark.is_test(columns(split=["xsub_train", "xsub_val", "extra"]))
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
    "no parents": (SHORT.replace('layout = "mediapipe_hand_21"', "[layout]"), "[layout] the table parents is missing"),
    "unknown joint": (
        SHORT + '[normalize]\ncenter = "palm"',
        "[normalize] layout mediapipe_hand_21: its reference nam",
    ),
    "one point": (SHORT + '[normalize]\nscale = ["wrist"]', "[normalize] scale is \"['wrist']\", expected two points"),
    "number": (SHORT + "[normalize]\ncenter = 0", "[normalize] center is '0', expected a joint's name"),
    "side alone": (SHORT + '[normalize]\nside = ["wrist", "thumb_tip"]', "expected up, too"),
    "two splits": (SHORT + "[split]\nsubject = [1]\ncamera = [1]", "[split] 2 keys, expected one"),
    "split of words": (SHORT + '[split]\nsubject = ["1"]', "subject is \"['1']\", expected a list of whole numbers"),
    "split of nothing": (SHORT + "[split]\nsplit = []", "split is '[]', expected a list of names of parts"),
    "leave out": (SHORT + '[split]\nleave_out = "person"', "leave_out is 'person', expected one of subject, camera"),
    "not a table": (SHORT + "split = 3", "split is '3', expected a table"),
    "not TOML": ("name = ", "not a readable TOML file"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'mine.toml'}:")
    assert "\n" not in str(caught.value)


def test_no_such_benchmark(tmp_path):
    with pytest.raises(UserError, match=r"benchmark 'shrec': expected one of shrec14, .* or a file NAME.toml"):
        own.find("shrec")
    with pytest.raises(UserError, match="absent.toml: no such file"):
        own.find(str(tmp_path / "absent.toml"))


def test_by_name():
    assert own.find("ntu60_cs") is BENCHMARKS["ntu60_cs"]
