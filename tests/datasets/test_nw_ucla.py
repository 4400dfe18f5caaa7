"""Northwestern-UCLA's JSON files: what is read, and what is refused in one line."""

import json

import numpy as np
import pytest

from dsta_jax.datasets import nw_ucla
from dsta_jax.errors import UserError

FRAMES = np.random.default_rng(0).normal(size=(3, 20, 3)).round(6)


def test_read(tmp_path):
    path = tmp_path / "a01_s01_e00_v01.json"
    path.write_text(json.dumps({"skeletons": FRAMES.tolist()}))
    found = nw_ucla.read_skeletons(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, FRAMES.astype(np.float32))


def with_value(value):
    frames = FRAMES.tolist()
    frames[1][4][2] = value
    return {"skeletons": frames}


BAD = {
    "not JSON": ("{", "not a readable JSON file"),
    "not text": (b"\xff\xfe\x00", "not a readable JSON file"),
    "a list": ([1], "no object, expected an object with the key skeletons"),
    "no key": ({"frames": []}, "keys frames, expected an object with the key skeletons"),
    "no frames": ({"skeletons": []}, "skeletons is float64 0, expected frames (one at least) x 20 joints x 3"),
    "joints": ({"skeletons": FRAMES[:, :19].tolist()}, "skeletons is float64 3 x 19 x 3, expected frames"),
    "ragged": ({"skeletons": [FRAMES[0].tolist(), FRAMES[1, :5].tolist()]}, "not the same number of joints"),
    "a word": (with_value("0.5"), "expected frames (one at least) x 20 joints x 3 numbers"),
    "null": (with_value(None), "skeletons is object 3 x 20 x 3, expected frames"),
    "NaN": (with_value(float("nan")), "skeletons has NaN or infinity in frame 1"),
    "deep": ("[" * 100_000, "not a readable JSON file"),
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
        nw_ucla.read_skeletons(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match="not a readable JSON file"):
        nw_ucla.read_skeletons(tmp_path / "absent.json")
