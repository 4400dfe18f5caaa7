"""The 14 gestures of SHREC'17 as key poses of a hand, and the habits of the people who make them.

A gesture is a list of keys: after so many seconds, the hand has this pose. Between two keys it glides. The world is
the user's: x to the right, y up, z towards the user. Metres, radians and seconds. Letters in names: K keys, T frames,
P numbers of a pose, F = 5 fingers from thumb to little finger, C coordinates.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .kinematic_hand import FINGERS, Hand

_THUMB, _INDEX_FINGER = np.eye(FINGERS, dtype=bool)[:2]
_PINCHING = _THUMB | _INDEX_FINGER


class Pose(NamedTuple):
    """A hand as a gesture asks for it, relative to where and how its owner holds it; or such poses over time."""

    curl: np.ndarray  # F or T x F, 0 for a straight finger, 1 for one bent into the fist
    shift: Any = (0.0, 0.0, 0.0)  # C or T x C, where the wrist is
    tilt: Any = (0.0, 0.0, 0.0)  # C or T x C, yaw about the vertical, pitch about left-right, twist about the forearm
    spread: Any = 0.2  # 0 for fingers side by side, 1 for fingers spread
    orbit: Any = 0.0  # where the hand is on a circle in front of the user, counter-clockwise from the right


Key = tuple[float, Pose]


class Person:
    """How one invented person gestures."""

    def __init__(self, rng: np.random.Generator):
        self.hand = Hand.draw(rng)
        self.pace = math.exp(rng.normal(0.0, 0.18))  # Speed; 1 is the mean.
        self.reach = rng.uniform(0.13, 0.22)  # The length of a stroke.
        self.open_curl = rng.uniform(0.05, 0.2)  # How far fingers bend in an open hand, in a fist and at rest.
        self.fist_curl = rng.uniform(0.85, 1.0)
        self.rest_curl = rng.uniform(0.3, 0.55)
        self.place_C = rng.normal(0.0, (0.06, 0.05, 0.05)) + (0.05, -0.05, -0.40)  # Where the hand waits.
        self.tilt_C = rng.normal((0.1, -0.8, 0.0), (0.12, 0.15, 0.15))  # How it is held: yaw, pitch, twist.
        self.swivel = rng.uniform(0.8, 2.4)  # How far the wrist turns with a stroke, radians a metre.
        self.bow = rng.normal(0.0, 0.12)  # How far a stroke bulges to its left, as a part of its length;
        self.backswing = rng.uniform(0.15, 0.65)  # how far it is wound up,
        self.comes_back = rng.uniform(0.2, 1.0)  # and how far the hand returns after it.
        self.mirrors = rng.uniform(0.0, 0.5)  # How probably an X starts at the right and a + with the horizontal.
        self.tremor = rng.uniform(0.0, 0.0012)  # Of the whole hand.


class Performer:
    """A person who makes one gesture, with one finger or the whole hand. The gestures return keys."""

    def __init__(self, person: Person, one_finger: bool, rng: np.random.Generator):
        self.person, self.one_finger, self.rng = person, one_finger, rng

    def _keys(self, *typical: Key) -> list[Key]:
        """Keys, each after as many seconds as this person takes this time for what typically takes so many."""
        return [(seconds / self.person.pace * math.exp(self.rng.normal(0.0, 0.2)), pose) for seconds, pose in typical]

    def _reach(self) -> float:
        """How far this person moves, this time."""
        return self.person.reach * math.exp(self.rng.normal(0.0, 0.15))

    def _away(self, length: float) -> np.ndarray:
        """A shift of this length in a random direction, mostly across the user's view."""
        direction_C = self.rng.normal(0.0, (1.0, 1.0, 0.5))
        return length * direction_C / np.linalg.norm(direction_C)

    def _curl(self, curl: float, moves_F: np.ndarray = _INDEX_FINGER) -> np.ndarray:
        """The curl of all fingers for a wanted `curl`; with one finger, those not in `moves_F` stay bent."""
        wanted_F = curl + self.rng.normal(0.0, 0.05, FINGERS)
        bent_F = self.person.fist_curl + self.rng.normal(0.0, 0.04, FINGERS)
        return np.where(moves_F, wanted_F, bent_F) if self.one_finger else wanted_F

    def _pointing(self) -> Pose:
        """The hand of a gesture that is all in its motion: an index finger, or a hand more or less open."""
        looseness = 0.0 if self.one_finger else self.rng.uniform(0.0, 0.35)
        return Pose(self._curl(self.person.open_curl + looseness), spread=self.rng.uniform(0.0, 0.5))

    def change(self, before: tuple[float, float], after: tuple[float, float], thumb: float = 0.0) -> list[Key]:
        """From one curl and spread to another; where the hand goes meanwhile means nothing."""
        first, second = (Pose(self._curl(curl, _PINCHING), spread=spread) for curl, spread in (before, after))
        aside_C = self._away(self.rng.uniform(0.0, 0.6) * self._reach())
        held = second._replace(curl=second.curl + thumb * _THUMB, shift=aside_C)
        changed = held._replace(tilt=self.rng.normal(0.0, 0.15, 3))
        change, *waits, hold = self._keys((0.28, changed), (0.5, first), (0.12, first), (0.25, held))
        return [*waits, change, hold]

    def tap(self) -> list[Key]:
        """One quick push forwards and down, and back."""
        ready, depth = self._pointing(), 0.3 * self._reach()
        nod_C = (0.0, -self.rng.uniform(0.15, 0.4), 0.0)
        bent_F = ready.curl + self.rng.uniform(0.0, 0.25) * _INDEX_FINGER
        down = Pose(bent_F, (0.0, -0.8 * depth, -depth), nod_C, ready.spread)
        return self._keys((0.35, ready), (0.16, down), (0.05, down), (0.2, ready))

    def rotation(self, sense: int) -> list[Key]:
        """Clockwise for -1: the whole hand twists about the forearm, one finger draws a circle."""
        ready = self._pointing()
        if self.one_finger:
            start = self.rng.uniform(0.0, math.pi)
            turned = ready._replace(orbit=start + sense * self.rng.uniform(1.7, 2.6) * math.pi)
            return self._keys((0.35, ready._replace(orbit=start)), (0.8, turned), (0.2, turned))
        angle, parts = -sense * self.rng.uniform(0.9, 1.5), (-self.person.backswing, 1.0, 1.0 - self.person.comes_back)
        wound_up, twisted, returned = (ready._replace(tilt=(0.0, 0.0, part * angle)) for part in parts)
        return self._keys((0.45, wound_up), (0.35, twisted), (0.1, twisted), (0.5, returned))

    def swipe(self, right: float, up: float) -> list[Key]:
        """One fast stroke between a slow windup and a slow return, both of which go the other way."""
        ready, reach = self._pointing(), self._reach()
        stroke_C = np.array((reach * right, reach * up, self.rng.normal(0.0, 0.02)))
        parts = (-self.person.backswing, 1.0, 1.0 - self.person.comes_back * self.rng.uniform(0.7, 1.1))
        wound_up, done, returned = (ready._replace(shift=part * stroke_C) for part in parts)
        return self._keys((0.4, wound_up), (0.25, done), (0.1, done), (0.55, returned))

    def _drawn(self, *strokes: Sequence[tuple[float, float]]) -> list[Key]:
        """Draws in the air: fast through each stroke's points (in reaches), slower and nearer from one to the next."""
        ready, reach = self._pointing(), self._reach()

        def at(x: float, y: float, nearer: float = 0.0) -> Pose:
            return ready._replace(shift=(x * reach, y * reach, nearer))

        typical: list[Key] = []
        for number, stroke in enumerate(strokes):
            if number:
                (x, y), (next_x, next_y) = strokes[number - 1][-1], stroke[0]
                typical.append((0.2, at((x + next_x) / 2, (y + next_y) / 2, nearer=0.03)))
            typical.append((0.2 if number else 0.4, at(*stroke[0])))
            typical += [(0.27, at(*point)) for point in stroke[1:]]
        return self._keys(*typical)

    def swipe_x(self) -> list[Key]:
        """Two diagonal strokes, both downwards."""
        side = 1 if self.rng.uniform() < self.person.mirrors else -1
        width = side * self.rng.uniform(0.4, 0.6)
        return self._drawn(((width, 0.5), (-width, -0.5)), ((-width, 0.5), (width, -0.5)))

    def swipe_plus(self) -> list[Key]:
        """A stroke down and one to the right."""
        down, across = ((0.0, 0.55), (0.0, -0.55)), ((-0.5, 0.0), (0.5, 0.0))
        across_first = self.rng.uniform() < self.person.mirrors
        return self._drawn(across, down) if across_first else self._drawn(down, across)

    def swipe_v(self) -> list[Key]:
        """Down and up again, to the right."""
        width = self.rng.uniform(0.3, 0.5)
        return self._drawn(((-width, 0.5), (0.0, -0.5), (width, 0.5)))

    def shake(self) -> list[Key]:
        """To and fro sideways, the hand twisting a little with it."""
        ready = self._pointing()
        width, twist = 0.25 * self._reach(), self.rng.uniform(0.05, 0.35)
        first_side = 1 if self.rng.uniform() < 0.5 else -1
        keys = self._keys((0.3, ready))
        for number in range(int(self.rng.integers(4, 8))):
            part = first_side * (-1) ** number * self.rng.uniform(0.7, 1.1)
            keys += self._keys((0.15, ready._replace(shift=(part * width, 0.0, 0.0), tilt=(0.0, 0.0, part * twist))))
        return keys + self._keys((0.2, ready))

    def keys_of(self, gesture: int) -> list[Key]:
        """A recording's keys: the hand waits, comes from a random place, makes the gesture and goes to another."""
        idle_curl = self.person.open_curl if self.one_finger else self.person.rest_curl
        start_C = self._away(self.rng.uniform(0.02, 0.12))
        start = Pose(self._curl(idle_curl), start_C)
        keys = GESTURES[gesture](self)
        start, last = start._replace(orbit=keys[0][1].orbit), keys[-1][1]
        end_C = last.shift + self._away(self.rng.uniform(0.0, 0.12))
        end = Pose(self._curl(idle_curl), end_C, orbit=last.orbit)
        idle_before, idle_after = self.rng.exponential(0.15, 2).tolist()
        return [(0.0, start), (idle_before, start), *keys, *self._keys((0.6, end)), (idle_after, end)]


# In the order of SHREC's labels.
GESTURES: tuple[Callable[[Performer], list[Key]], ...] = (
    lambda by: by.change((by.person.open_curl, 0.6), (by.person.fist_curl, 0.0)),  # Grab: an open hand closes.
    Performer.tap,
    lambda by: by.change((by.person.fist_curl, 0.0), (by.person.open_curl, 0.8)),  # Expand: a fist opens.
    # Pinch: thumb and index finger meet; with the whole hand the others follow them part of the way.
    lambda by: by.change((by.person.open_curl, 0.4), (0.45, 0.0), thumb=0.3),
    *(partial(Performer.rotation, sense=sense) for sense in (-1, 1)),
    *(partial(Performer.swipe, right=right, up=up) for right, up in ((1, 0), (-1, 0), (0, 1), (0, -1))),
    Performer.swipe_x,
    Performer.swipe_plus,
    Performer.swipe_v,
    Performer.shake,
)


def when(keys: Sequence[Key]) -> np.ndarray:
    """The seconds at which each key is reached, from 0; those of the first key are not counted."""
    return np.cumsum([0.0, *(seconds for seconds, _ in keys[1:])])


def glide(keys: Sequence[Key], time_T: np.ndarray, bow: float = 0.0) -> Pose:
    """Poses over time: from key to key (two at least) with least jerk, starting and ending at rest.

    A change of place bulges to its left by `bow` times its length.
    """
    when_K = when(keys)
    left_T = np.clip(np.searchsorted(when_K, time_T, side="right") - 1, 0, len(keys) - 2)
    lasts_T = np.maximum(when_K[left_T + 1] - when_K[left_T], 1e-9)
    part_Tx1 = np.clip((time_T - when_K[left_T]) / lasts_T, 0.0, 1.0)[:, np.newaxis]
    eased_Tx1 = part_Tx1**3 * (10.0 - 15.0 * part_Tx1 + 6.0 * part_Tx1**2)
    row_KxP = np.stack([np.hstack(pose) for _, pose in keys])
    change_TxP = row_KxP[left_T + 1] - row_KxP[left_T]
    curl_TxF, shift_TxC, tilt_TxC, rest_Tx2 = np.split(row_KxP[left_T] + eased_Tx1 * change_TxP, (5, 8, 11), axis=1)
    shift_TxC[:, :2] += bow * 4.0 * eased_Tx1 * (1.0 - eased_Tx1) * change_TxP[:, [6, 5]] * (-1, 1)
    return Pose(curl_TxF, shift_TxC, tilt_TxC, *rest_Tx2.T)
