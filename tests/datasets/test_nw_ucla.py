"""Northwestern-UCLA's JSON files: what is read, and what is refused in one line."""

import json

import numpy as np
import pytest

from dsta_jax.datasets import nw_ucla
from dsta_jax.datasets.recording import Entry
from dsta_jax.errors import UserError
from tests.raw_recordings import write_nw_ucla

FRAMES = np.random.default_rng(0).normal(size=(3, 20, 3)).round(6)


def test_read(tmp_path):
    path = tmp_path / "a01_s01_e00_v01.json"
    path.write_text(json.dumps({"skeletons": FRAMES.tolist()}))
    np.testing.assert_array_equal(read(path)[:, :, 0], FRAMES)


def read(path):
    return nw_ucla.read(Entry(path.stem, path, 0)).frames_TxVxMxC


def test_joints_that_kinect_lost(tmp_path):
    path = tmp_path / "a01_s01_e00_v01.json"
    frames = FRAMES.copy()
    frames[1, 3:5] = 0
    path.write_text(json.dumps({"skeletons": frames.tolist()}))
    found = read(path)[:, :, 0]
    assert np.isnan(found[1, 3:5]).all() and np.isfinite(np.delete(found, [23, 24]).all())


def test_names_labels_and_views(tmp_path):
    write_nw_ucla(tmp_path, ["a12_s10_e05_v03", "a08_s01_e00_v01"])
    found = [(one.name, one.label, one.subject, one.camera) for one in nw_ucla.find(tmp_path).entries.values()]
    assert found == [("a08_s01_e00_v01", 6, 1, 1), ("a12_s10_e05_v03", 9, 10, 3)]


@pytest.mark.parametrize("name", ["a7_s1_e0_v1", "a07_s01_e00_v01", "a01_s01_e00_v04"])
def test_a_misnamed_file(tmp_path, name):
    write_nw_ucla(tmp_path, ["a01_s01_e00_v01", name])
    with pytest.raises(UserError, match=f"{name}.json: .* in the file name|file name '{name}.json', expected"):
        nw_ucla.find(tmp_path)


def test_the_published_recordings(shared):
    found = nw_ucla.find(shared / "data" / "nw_ucla").entries.values()
    assert len(found) == 1484
    assert (sum(one.camera < 3 for one in found), sum(one.camera == 3 for one in found)) == (1020, 464)
    assert {one.label for one in found} == set(range(10)) and {one.subject for one in found} <= set(range(1, 11))


def with_value(value):
    frames = FRAMES.tolist()
    frames[1][4][2] = value
    return {"skeletons": frames}


BAD = {
    "not JSON": ("{", "not readable as JSON"),
    "not text": (b"\xff\xfe\x00", "not readable as JSON"),
    "a list": ([1], "no object, expected an object with the key skeletons"),
    "no key": ({"frames": []}, "keys frames, expected an object with the key skeletons"),
    "no frames": ({"skeletons": []}, "skeletons is float64 0, expected frames x 20 joints x 3"),
    "joints": ({"skeletons": FRAMES[:, :19].tolist()}, "skeletons is float64 3 x 19 x 3, expected frames"),
    "ragged": ({"skeletons": [FRAMES[0].tolist(), FRAMES[1, :5].tolist()]}, "not the same number of joints"),
    "a word": (with_value("0.5"), "expected frames x 20 joints x 3 numbers"),
    "null": (with_value(None), "skeletons is object 3 x 20 x 3, expected frames"),
    "deep": ("[" * 100_000, "not readable as JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    contents, message = BAD[case]
    path = tmp_path / "a01_s01_e00_v01.json"
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    else:
        path.write_text(contents if isinstance(contents, str) else json.dumps(contents))
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match="absent.json: no such file"):
        read(tmp_path / "absent.json")
