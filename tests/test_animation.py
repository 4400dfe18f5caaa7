"""A recording as a GIF."""

import sys

import numpy as np
import pytest
from PIL import Image

from dsta_jax import animation
from dsta_jax.datasets.layouts import LAYOUTS
from dsta_jax.errors import UserError

LAYOUT = LAYOUTS["mediapipe_hand_21"]


def hand(frames: int) -> np.ndarray:
    """One hand that moves to the right; T x V x 1 x 3."""
    joints_VxC = np.random.default_rng(0).uniform(0, 1, (21, 3))
    return (joints_VxC + np.linspace(0, 3, frames)[:, None, None] * [1, 0, 0])[:, :, None]


def drawn(path) -> list[np.ndarray]:
    """The pictures, H x W booleans: what is not white above the line of text."""
    with Image.open(path) as picture:
        pictures = []
        for number in range(picture.n_frames):
            picture.seek(number)
            pictures.append(np.asarray(picture.convert("L"))[: picture.width] < 250)
        return pictures


def test_the_skeleton_moves(tmp_path):
    animation.write(tmp_path / "a.gif", hand(12), LAYOUT, "wave 0.98, grüße", fps=10)
    pictures = drawn(tmp_path / "a.gif")
    middles = [np.argwhere(picture)[:, 1].mean() for picture in pictures]
    assert len(pictures) == 12 and (np.diff(middles) > 0).all()
    assert all(not picture[:4].any() and not picture[:, :4].any() and not picture[:, -4:].any() for picture in pictures)


@pytest.mark.parametrize(("frames", "fps", "seconds"), [(12, 10, 1.2), (90, 30, 3.0), (400, 30, 13.33)])
def test_it_takes_as_long_as_the_recording(tmp_path, frames, fps, seconds):
    animation.write(tmp_path / "a.gif", hand(frames), LAYOUT, "", fps)
    with Image.open(tmp_path / "a.gif") as picture:
        durations = []
        for number in range(picture.n_frames):
            picture.seek(number)
            durations.append(picture.info["duration"])
    assert sum(durations) / 1000 == pytest.approx(seconds, abs=0.02)


def test_what_is_not_seen_is_not_drawn(tmp_path):
    frames_TxVxMxC = hand(4)
    frames_TxVxMxC[1], frames_TxVxMxC[3] = np.nan, 0
    frames_TxVxMxC[2, 5:] = np.nan
    animation.write(tmp_path / "a.gif", frames_TxVxMxC, LAYOUT, "", fps=30)
    whole, lost, part, absent = (int(picture.sum()) for picture in drawn(tmp_path / "a.gif"))
    assert lost == absent == 0 < part < whole


def test_a_long_recording_has_few_pictures(tmp_path):
    animation.write(tmp_path / "a.gif", hand(1000), LAYOUT, "", fps=30)
    assert len(drawn(tmp_path / "a.gif")) <= 150


def test_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UserError, match=r"pictures need Pillow .*pip install 'dsta_jax\[draw\]'"):
        animation.write(tmp_path / "a.gif", hand(2), LAYOUT, "", fps=30)
