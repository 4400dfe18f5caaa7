"""The page of an evaluation that is made up: what is in it, what is left out with a line, names, and size."""

import html.parser
import json
import re
import sys

import numpy as np
import pytest

from dsta_jax import report
from dsta_jax.errors import UserError
from dsta_jax.report import attention, gather, sections

NASTY = "</script><b>"
WITH_LINES = "two\nlines & 'quotes' \"double\" $x_2$"


class Reader(html.parser.HTMLParser):
    """Elements that are open at the end, tags by name, JSON by id, and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.data, self.text, self._id = [], [], {}, [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)
        self._id = dict(attrs).get("id") if tag == "script" else None

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self._id:
            self.data[self._id] = json.loads(data)
            self._id = None
        elif "script" not in self.open and "style" not in self.open:
            self.text.append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def without_attention(monkeypatch):
    """Made-up runs have no checkpoints."""
    monkeypatch.setattr(sections, "_attention", lambda _: "no maps")


def read(path):
    return Reader(path.read_text(encoding="utf-8"))


def test_page_has_all_parts(made_data, made_run, without_attention):
    data = made_data(tuple(f"class {k}" for k in range(6)))
    page = read(report.write(made_run(data), data))
    assert page.open == []
    anchors = {attrs.get("id") for tag, attrs in page.tags if tag == "section"}
    assert anchors == {"accuracy", "training", "confusions", "classes", "reliability", "attention", "run"}
    assert {attrs["href"] for tag, attrs in page.tags if tag == "a"} == {f"#{anchor}" for anchor in anchors}
    assert "95% bootstrap interval" in page.said and "top-5, %" in page.said
    assert data.fingerprint in page.said
    counts = page.data["counts"]
    assert sum(times for *_, times in counts["counts"]) == len(data)
    clips = [content for name, content in page.data.items() if name.startswith("clip")]
    assert clips and all(clip["frames"] == 60 and clip["bodies"] == 1 for clip in clips)


def test_nothing_comes_from_elsewhere(made_data, made_run, without_attention):
    data = made_data(("a", "b"))
    page = read(report.write(made_run(data), data))
    for tag, attrs in page.tags:
        assert not {"src", "srcset", "onclick", "onload"} & set(attrs), tag
        for key in ("href", "xlink:href"):
            assert attrs.get(key, "#").startswith(("#", "data:")), (tag, attrs)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_five_classes_have_no_top_five(made_data, made_run, without_attention):
    data = made_data(tuple("abcde"))
    assert "top-5" not in read(report.write(made_run(data), data)).said


def test_names_cannot_break_the_page(made_data, made_run, without_attention, monkeypatch):
    classes = (NASTY, WITH_LINES, "<img src=x onerror=alert(1)>", "plain")
    data = made_data(classes, each=3)
    # No run has such names any more once it is read from config.json; made-up ones stand for whatever may come.
    found = made_run(made_data(tuple("abcd"), each=3), right=0.2)
    gathered = gather.read(found)
    renamed = {
        name: type(part)(part.name, part.sample_S, part.label_S, part.score_SxK, classes)
        for name, part in gathered.parts.items()
    }
    monkeypatch.setattr(gather, "read", lambda _: gathered._replace(parts=renamed))
    page = read(report.write(found, data))
    assert page.open == []
    assert not any(tag in ("b", "img") and not attrs.get("style") for tag, attrs in page.tags)
    assert page.data["counts"]["names"][0] == NASTY
    assert NASTY in page.said and "two lines & 'quotes' \"double\" $x_2$" in page.said


def test_sixty_classes_take_less_than_three_megabytes(made_data, made_run, monkeypatch):
    data = made_data(tuple(f"a class with a rather long name {k}" for k in range(60)), bodies=2)
    rng = np.random.default_rng(0)
    maps = [
        attention.Maps(layer, axis, rng.normal(size=(6, size, size)).astype(np.float32))
        for layer in (1, 8)
        for axis, size in (("spatial", 22), ("temporal", 128))
    ]
    attended = attention.Attended(rng.normal(size=(128, 22, 3)), maps)
    monkeypatch.setattr(sections, "_attend", lambda *_: attended)
    path = report.write(made_run(data, right=0.5), data)
    assert path.read_text().count("<svg role") >= 24
    assert path.stat().st_size < 3_000_000


def test_without_matplotlib_the_rest_is_there_and_a_line_says_how_to_get_it(
    made_data, made_run, without_attention, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    data = made_data(tuple("abcdef"))
    page = read(report.write(made_run(data), data))
    assert page.said.count("matplotlib is not installed") == 3
    assert "pip install 'dsta_jax[draw]'" in page.said
    assert "counts" in page.data and "drawing" in page.data


def test_without_the_data_set_a_line_says_so(made_data, made_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = made_data(tuple("abcdef"))
    page = read(report.write(made_run(data)))
    assert "drawing" not in page.data
    assert page.said.count("Left out: ") == 1 and "Skeletons are left out: " in page.said


def test_of_other_recordings_than_were_evaluated_there_are_no_skeletons(made_data, made_run, without_attention):
    data = made_data(tuple("abc"))
    page = read(report.write(made_run(data), data.select(np.arange(3))))
    assert "lack 3 of those evaluated, such as recording_3" in page.said


def test_metrics_that_are_gone(made_data, made_run, without_attention):
    data = made_data(tuple("abc"))
    directory = made_run(data)
    (directory / "metrics.jsonl").unlink()
    assert "metrics.jsonl of the training is not there" in read(report.write(directory, data)).said


def test_everything_right(made_data, made_run, without_attention):
    data = made_data(tuple("abc"))
    assert "No recording is taken for another class." in read(report.write(made_run(data, right=2), data)).said


def test_a_directory_without_an_evaluation_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"results\.json"):
        report.write(tmp_path)


def test_evaluation_never_fails_for_its_report(tmp_path, caplog, use_reports):
    use_reports()
    report.write_after_evaluation(tmp_path, None)
    assert re.search(r"report\.html could not be written \(UserError: .*results\.json", caplog.text)


def test_the_same_evaluation_gives_the_same_bytes(made_data, made_run, without_attention):
    data = made_data(tuple("abc"))
    directory = made_run(data)
    assert report.write(directory, data).read_bytes() == report.write(directory, data).read_bytes()
