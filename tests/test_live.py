"""Answers while frames come in."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.answer import Answer
from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.layouts import LAYOUTS
from dsta_jax.errors import UserError
from dsta_jax.live import Live

SOURCE = Source(name="live", layout=LAYOUTS["mediapipe_hand_21"], label_names=("wave", "point"))


class Watched:
    """Notes the windows; the answer's first score is the last frame's first number."""

    def __init__(self, source: Source = SOURCE, **how):
        self.windows: list[np.ndarray] = []
        numbers = {"fps": 10.0, "window": 6, "every": 2, "smoothing": 0.0, **how}
        self.live = Live(self.decide, source, **numbers)

    def decide(self, window_TxVxMxC: np.ndarray) -> Answer | None:
        self.windows.append(window_TxVxMxC)
        if np.isnan(window_TxVxMxC).all():
            return None
        return Answer(("wave", "point"), np.array([window_TxVxMxC[-1, 0, 0, 0], 0.0]))

    @property
    def places(self) -> list[float]:
        return self.windows[-1][:, 0, 0, 0].tolist()


def hand(place: float) -> np.ndarray:
    return np.full((21, 3), float(place))


def test_every_second_frame_is_decided_on_and_the_last_six_are_seen():
    watched = Watched()
    said = [watched.live.push(hand(place)) for place in range(1, 11)]
    assert [one is not None for one in said] == [False, True] * 5
    assert watched.places == [5, 6, 7, 8, 9, 10] and len(watched.windows[0]) == 2


def test_a_slower_camera_shows_the_same_movement():
    watched = Watched(window=5, every=3)
    for second in (0.0, 0.2, 0.4):
        watched.live.push(hand(1 + 10 * second), timestamp=100 + second)
    np.testing.assert_allclose(watched.places, [1, 2, 3, 4, 5])


def test_of_frames_in_a_tick_the_last_one_counts():
    watched = Watched()
    for second, place in ((0.0, 1), (0.01, 2), (0.1, 3)):
        watched.live.push(hand(place), timestamp=second)
    assert watched.places == [2, 3]


@pytest.mark.parametrize("seconds", [(0.0, 0.1, 5.0, 5.1), (9.0, 9.1, 1.0, 1.1)])
def test_after_a_gap_or_a_step_back_the_window_begins_anew(seconds):
    watched = Watched()
    for number, second in enumerate(seconds):
        watched.live.push(hand(number + 1), timestamp=second)
    assert watched.places == [3, 4]


def test_what_is_not_seen_is_not_made_up():
    watched = Watched(every=1)
    lost = hand(3)
    lost[0] = np.nan
    watched.live.push(hand(1), 0.0)
    watched.live.push(lost, 0.2)
    first, filled, last = watched.places
    assert first == 1 and np.isnan(filled) and np.isnan(last)
    assert watched.windows[-1][1, 1, 0, 0] == 2, "other joints are filled"
    watched.live.push(np.zeros((21, 3)), 0.3)
    assert np.isnan(watched.windows[-1][-1]).all(), "zeros are an absent body, and no place"


def test_nobody_in_view_is_no_answer_and_forgets_the_one_before():
    watched = Watched(window=1, every=1, smoothing=0.9)
    assert watched.live.push(hand(5)).score_K[0] == 5
    assert watched.live.push(None) is None
    assert watched.live.push(hand(1)).score_K[0] == 1


def test_smoothing():
    watched = Watched(every=1, smoothing=0.75)
    found = [watched.live.push(hand(place)).score_K[0] for place in (4, 8, 8)]
    assert found == [4, 0.75 * 4 + 0.25 * 8, 0.75 * 5 + 0.25 * 8]


def test_bodies_may_be_fewer_and_the_entry_warms_up_for_each_number():
    watched = Watched(dataclasses.replace(SOURCE, bodies=2), every=1)
    with watched.live as live:
        assert [(~np.isnan(one)).any(axis=(0, 1, 3)).tolist() for one in watched.windows] == [
            [True, True],
            [True, False],
        ]
        live.push(hand(1))
        assert watched.windows[-1].shape == (1, 21, 2, 3) and np.isnan(watched.windows[-1][:, :, 1]).all()
        live.push(np.stack([hand(1), hand(2)], axis=1))
        assert watched.windows[-1][-1, 0].tolist() == [[1, 1, 1], [2, 2, 2]]
    live.push(hand(7))
    assert watched.places == [7], "left and entered again, nothing is remembered"


@pytest.mark.parametrize(
    ("frame", "timestamp", "message"),
    [
        (np.ones((20, 3)), None, "a frame of float64 20 x 3, expected numbers: 21 joints x 3 channels"),
        (np.ones((21, 2, 3)), None, "a frame of 2 bodies, expected at most 1"),
        (np.full((21, 3), "a"), None, "a frame of <U1 21 x 3, expected numbers"),
        (np.ones((21, 3)), np.nan, "timestamp=nan: expected seconds"),
    ],
)
def test_what_is_no_frame(frame, timestamp, message):
    with pytest.raises(UserError, match=message):
        Watched().live.push(frame, timestamp)


@pytest.mark.parametrize(
    ("name", "value"), [("fps", 0), ("fps", np.nan), ("window", 0), ("every", 0), ("smoothing", 1)]
)
def test_numbers_that_make_no_sense(name, value):
    with pytest.raises(UserError, match=f"{name}={value}: expected"):
        Watched(**{name: value})
