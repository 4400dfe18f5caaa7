"""Still figures: they take the page's colours, show names as they are, and leave nothing behind that others have."""

import re

import numpy as np
import pytest

from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.report import figures

pytest.importorskip("matplotlib", reason="still figures need matplotlib, of the extra 'draw'")

TITLES = {"spatial": "bones", "fused": "fused"}
NAMES = ("plain", "costs $5 or $6", "<b>&", "two\nlines")


def classes(minus=None) -> str:
    accuracy = {"spatial": np.array([0, 0.2, 0.5, 1]), "fused": np.array([0.5, 0.2, 0.75, 1])}
    return figures.per_class(accuracy, NAMES, TITLES, minus)


def test_names_are_shown_as_they_are():
    svg = classes()
    assert re.findall(r">([^<>]+)</text>", svg).count("costs $5 or $6") == 1
    assert "&lt;b&gt;&amp;" in svg and "two lines" in svg


def test_colours_are_the_pages():
    svg = classes()
    assert "currentColor" in svg and "var(--pale)" in svg
    assert not {"#010203", "#040506", "#000000"} & set(re.findall(r"#[0-9a-f]{6}", svg))


def test_svg_is_a_part_of_a_page():
    svg = classes()
    assert svg.startswith("<svg") and svg.rstrip().endswith("</svg>")
    assert not re.search(r"<metadata|<!--|<\?xml|<!DOCTYPE|id=\"\w+_\d+\"", svg)
    assert svg == classes(), "the same bytes"


def test_difference_leaves_out_what_it_is_from():
    said = re.findall(r">([^<>]+)</text>", classes("spatial"))
    assert "fused" in said and "bones" not in said and "percentage points above bones" in said


def test_maps_of_every_size():
    rng = np.random.default_rng(0)
    pose_TxVxC = rng.normal(size=(16, 22, 3))
    assert "little_tip" in figures.spatial_head(rng.normal(size=(22, 22)), pose_TxVxC[0], HAND_22)
    assert "from frame" in figures.temporal_head(rng.normal(size=(4, 4)), pose_TxVxC[..., :2], HAND_22)
    for map_PxP in (np.zeros((22, 22)), np.ones((22, 22))):
        assert figures.spatial_head(map_PxP, pose_TxVxC[0], HAND_22)
    assert figures.temporal_head(np.zeros((1, 1)), pose_TxVxC, HAND_22)
