"""Long recordings in windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsta_jax import windows
from dsta_jax.answer import Answer
from dsta_jax.errors import UserError

NAMES = ("wave", "point")


def answer(label: str, probability: float = 0.75) -> Answer:
    rest = np.log([probability, 1 - probability])
    return Answer(NAMES, rest if label == "wave" else rest[::-1])


def test_starts():
    assert windows.starts(10, 4, 2) == [0, 2, 4, 6]
    assert windows.starts(11, 4, 2) == [0, 2, 4, 6, 7]
    assert windows.starts(3, 4, 2) == windows.starts(4, 4, 4) == [0]


@given(st.integers(1, 200), st.integers(1, 50), st.integers(1, 50))
def test_every_frame_is_in_a_window_and_in_one_segment(frames, window, stride):
    if stride > window:
        return
    starts = windows.starts(frames, window, stride)
    assert set(range(frames)) <= {start + number for start in starts for number in range(window)}
    segments = windows.joined([answer(NAMES[number % 2]) for number in range(len(starts))], frames, window, stride)
    assert [one.first for one in segments] == [0, *(one.end for one in segments[:-1])]
    assert segments[-1].end == frames and all(one.first < one.end for one in segments)


def test_neighbours_of_the_same_class_are_one_segment():
    said = [answer("wave", 0.9), answer("wave", 0.7), None, answer("wave"), answer("point", 0.6)]
    found = windows.joined(said, 12, 4, 2)
    assert [(one.first, one.end, one.label) for one in found] == [(0, 5, "wave"), (7, 9, "wave"), (9, 12, "point")]
    assert [one.probability for one in found] == pytest.approx([0.8, 0.75, 0.6])
    assert found[1].seconds(fps=2) == (3.5, 4.5)


def test_nothing_to_say():
    assert windows.joined([None, None], 6, 4, 2) == []


@pytest.mark.parametrize(
    ("window", "stride", "message"),
    [(0, 1, "window=0: expected 1 frame"), (4, 0, "stride=0: expected 1"), (4, 5, "stride=5: expected at most the")],
)
def test_sizes(window, stride, message):
    with pytest.raises(UserError, match=message):
        windows.starts(10, window, stride)
