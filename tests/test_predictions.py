"""How answers are written."""

import csv
import io
import json

import numpy as np
import pytest

from dsta_jax import predictions
from dsta_jax.answer import Answer
from dsta_jax.errors import UserError
from dsta_jax.windows import Segment

NAMES = ("wave", 'say "no", please', "stop")
ANSWER = Answer(NAMES, np.log([0.25, 0.625, 0.125]), {"spatial": Answer(NAMES, np.array([1.0, 0, 0]))})
SEGMENTS = [Segment(0, 30, "wave", 0.5), Segment(30, 45, "stop", 0.75)]
BROKEN = UserError("b.npy: is broken")


def written(writer, said) -> list[str]:
    return [line for one in said for line in writer(*one)]


def test_table():
    lines = written(predictions.table(2, None), [("a.npy", ANSWER), ("b.npy", BROKEN), ("long/" * 10 + "c", ANSWER)])
    assert [line.split() for line in lines[:1]] == [["a.npy", "say", '"no",', "please", "0.625,", "wave", "0.250"]]
    assert len(lines) == 2 and lines[1].startswith("...") and lines[1].index("say") == lines[0].index("say")


def test_table_of_segments():
    lines = written(predictions.table(1, 30), [("a", SEGMENTS), ("b", [])])
    assert [" ".join(line.split()) for line in lines] == [
        "a", "0.00 s to 1.00 s wave 0.500", "1.00 s to 1.50 s stop 0.750", "b nobody is in view for long enough",
    ]  # fmt: skip
    assert "frames 30 to 44" in written(predictions.table(1, None), [("a", SEGMENTS)])[2]


def test_json():
    lines = written(predictions.json_lines(2, None), [("a", ANSWER), ("b", BROKEN), ("c", SEGMENTS)])
    one, broken, segments = map(json.loads, lines)
    assert one == {
        "recording": "a", "label": NAMES[1], "probability": 0.625, "streams": {"spatial": "wave"},
        "top": [{"label": NAMES[1], "probability": 0.625}, {"label": "wave", "probability": 0.25}],
    }  # fmt: skip
    assert broken == {"recording": "b", "error": "b.npy: is broken"}
    assert segments["segments"][1] == {"first_frame": 30, "last_frame": 44, "label": "stop", "probability": 0.75}
    (timed,) = map(json.loads, written(predictions.json_lines(1, 30), [("c", SEGMENTS)]))
    assert (timed["segments"][1]["begin_s"], timed["segments"][1]["end_s"]) == (1.0, 1.5)


@pytest.mark.parametrize(("top", "labels"), [(1, [NAMES[1]]), (5, [NAMES[1], "wave", "stop"])])
def test_csv(top, labels):
    rows = list(csv.reader(written(predictions.csv_lines(top, None, False), [("a", ANSWER), ("b", BROKEN)])))
    header, one, broken = rows
    assert {len(row) for row in rows} == {2 * top + 2}
    assert [cell for name, cell in zip(header, one, strict=True) if name.startswith("label") and cell] == labels
    assert dict(zip(header, broken, strict=True))["error"] == "b.npy: is broken"


def test_csv_of_segments():
    lines = written(predictions.csv_lines(3, 30.0, True), [("a", SEGMENTS), ("b", BROKEN)])
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert [(row["recording"], row["first_frame"], row["end_s"], row["label"]) for row in rows] == [
        ("a", "0", "1.0", "wave"), ("a", "30", "1.5", "stop"), ("b", "", "", ""),
    ]  # fmt: skip
    assert rows[2]["error"] == "b.npy: is broken"
