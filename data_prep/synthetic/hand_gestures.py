"""The 14 gestures of SHREC'17 as key poses of a hand, and the habits of the people who make them.

A gesture is a list of keys: after so many seconds, the hand has this pose. Between two keys it glides. The world is
the user's: x to the right, y up, z towards the user. Letters in names: K keys, T frames, P numbers of a pose,
F = 5 fingers from thumb to little finger, C coordinates.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from data_prep.synthetic.kinematic_hand import FINGERS, Hand
from data_prep.synthetic.motion import ease

_INDEX_FINGER = np.array([finger == "index" for finger in FINGERS])
_THUMB = np.array([finger == "thumb" for finger in FINGERS])


@dataclasses.dataclass(frozen=True)
class Pose:
    """A hand as a gesture asks for it, relative to where and how its owner holds it.

    Attributes:
      curl_F: 0 for a straight finger, 1 for one bent into the fist.
      shift_C: the wrist, in metres.
      tilt_C: yaw about the vertical, pitch about the left-right axis, twist about the forearm, in radians.
      spread: 0 for fingers side by side, 1 for fingers spread.
      orbit: where the hand is on a circle in front of the user, in radians, counter-clockwise from the right.
    """

    curl_F: np.ndarray
    shift_C: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tilt_C: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spread: float = 0.2
    orbit: float = 0.0

    def row(self) -> np.ndarray:
        """The P = 13 numbers in the order of `PoseTracks`."""
        return np.concatenate((self.shift_C, self.tilt_C, self.curl_F, (self.spread, self.orbit)))


@dataclasses.dataclass(frozen=True)
class PoseTracks:
    """The numbers of a pose over time; units as in `Pose`."""

    shift_TxC: np.ndarray
    tilt_TxC: np.ndarray
    curl_TxF: np.ndarray
    spread_T: np.ndarray
    orbit_T: np.ndarray


Key = tuple[float, Pose]


@dataclasses.dataclass(frozen=True)
class Habits:
    """How one person gestures.

    Attributes:
      hand: bone lengths.
      pace: speed, 1 for the mean.
      reach: metres a stroke covers.
      open_curl, fist_curl, rest_curl: how far fingers bend in an open hand, in a fist and at rest.
      place_C: where the hand waits, in metres.
      tilt_C: how it is held there, in radians: yaw, pitch, twist.
      swivel: how far the wrist turns along with a stroke, in radians a metre.
      bow: how far a stroke bulges to its left, as a part of its length.
      backswing: how far a stroke is wound up beforehand, as a part of its length.
      comes_back: how far the hand returns after a stroke, as a part of its length.
      mirrors: how probably an X starts at the right and a + with its horizontal stroke.
      tremor: of the whole hand, in metres.
    """

    hand: Hand
    pace: float
    reach: float
    open_curl: float
    fist_curl: float
    rest_curl: float
    place_C: np.ndarray
    tilt_C: np.ndarray
    swivel: float
    bow: float
    backswing: float
    comes_back: float
    mirrors: float
    tremor: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Habits":
        """Draws a person."""
        return cls(
            hand=Hand.draw(rng),
            pace=math.exp(rng.normal(0.0, 0.18)),
            reach=rng.uniform(0.13, 0.22),
            open_curl=rng.uniform(0.05, 0.2),
            fist_curl=rng.uniform(0.85, 1.0),
            rest_curl=rng.uniform(0.3, 0.55),
            place_C=rng.normal(0.0, (0.06, 0.05, 0.05)) + (0.05, -0.05, -0.40),
            tilt_C=rng.normal((0.1, -0.8, 0.0), (0.12, 0.15, 0.15)),
            swivel=rng.uniform(0.8, 2.4),
            bow=rng.normal(0.0, 0.12),
            backswing=rng.uniform(0.15, 0.65),
            comes_back=rng.uniform(0.2, 1.0),
            mirrors=rng.uniform(0.0, 0.5),
            tremor=rng.uniform(0.0, 0.0012),
        )


@dataclasses.dataclass(frozen=True)
class Performer:
    """A person about to make one gesture, with one finger or the whole hand."""

    habits: Habits
    one_finger: bool
    rng: np.random.Generator

    def seconds(self, typical: float) -> float:
        """How long this person takes, this time, for what typically takes so many seconds."""
        return typical / self.habits.pace * math.exp(self.rng.normal(0.0, 0.2))

    def reach(self) -> float:
        """How far this person moves, this time, in metres."""
        return self.habits.reach * math.exp(self.rng.normal(0.0, 0.15))

    def curl(self, curl: float, moves_F: np.ndarray = _INDEX_FINGER) -> np.ndarray:
        """The curl of all fingers for a wanted `curl`; with one finger, those not in `moves_F` stay bent."""
        wanted_F = np.full(len(FINGERS), curl) + self.rng.normal(0.0, 0.05, len(FINGERS))
        bent_F = self.habits.fist_curl + self.rng.normal(0.0, 0.04, len(FINGERS))
        return np.where(moves_F, wanted_F, bent_F) if self.one_finger else wanted_F

    def at_rest(self, shift_C: tuple[float, float, float]) -> Pose:
        """The pose between gestures."""
        curl = self.habits.open_curl if self.one_finger else self.habits.rest_curl
        return Pose(self.curl(curl), shift_C=shift_C)

    def pointing(self) -> Pose:
        """The hand of a gesture that is all in its motion: an index finger, or a hand more or less open."""
        looseness = 0.0 if self.one_finger else self.rng.uniform(0.0, 0.35)
        return Pose(self.curl(self.habits.open_curl + looseness), spread=self.rng.uniform(0.0, 0.5))


def _away(performer: Performer, length: float) -> tuple[float, float, float]:
    """A shift of `length` metres in a random direction, mostly across the user's view."""
    direction_C = performer.rng.normal(0.0, (1.0, 1.0, 0.5))
    x, y, z = length * direction_C / np.linalg.norm(direction_C)
    return float(x), float(y), float(z)


def _change_of_hand(before: Pose, after: Pose, performer: Performer) -> list[Key]:
    """From one shape of the hand to another; where the hand goes meanwhile means nothing."""
    aside = _away(performer, performer.rng.uniform(0.0, 0.6) * performer.reach())
    tilt = performer.rng.normal(0.0, 0.15, 3)
    seconds = performer.seconds(0.28)
    return [
        (performer.seconds(0.5), before),
        (performer.seconds(0.12), before),
        (seconds, dataclasses.replace(after, shift_C=aside, tilt_C=(tilt[0], tilt[1], tilt[2]))),
        (performer.seconds(0.25), dataclasses.replace(after, shift_C=aside)),
    ]


def _grab(performer: Performer) -> list[Key]:
    habits, moves_F = performer.habits, _INDEX_FINGER | _THUMB
    before = Pose(performer.curl(habits.open_curl, moves_F), spread=0.6)
    return _change_of_hand(before, Pose(performer.curl(habits.fist_curl, moves_F), spread=0.0), performer)


def _expand(performer: Performer) -> list[Key]:
    habits, moves_F = performer.habits, _INDEX_FINGER | _THUMB
    before = Pose(performer.curl(habits.fist_curl, moves_F), spread=0.0)
    return _change_of_hand(before, Pose(performer.curl(habits.open_curl, moves_F), spread=0.8), performer)


def _pinch(performer: Performer) -> list[Key]:
    """Thumb and index finger meet; with the whole hand the others follow them part of the way."""
    habits, moves_F = performer.habits, _INDEX_FINGER | _THUMB
    before = Pose(performer.curl(habits.open_curl, moves_F), spread=0.4)
    met_F = performer.curl(0.45, moves_F) + 0.3 * _THUMB
    return _change_of_hand(before, Pose(met_F, spread=0.0), performer)


def _tap(performer: Performer) -> list[Key]:
    """One quick push forwards and down, and back."""
    ready = performer.pointing()
    depth = 0.3 * performer.reach()
    nod = (0.0, -performer.rng.uniform(0.15, 0.4), 0.0)
    bent_F = ready.curl_F + performer.rng.uniform(0.0, 0.25) * _INDEX_FINGER
    down = dataclasses.replace(ready, shift_C=(0.0, -0.8 * depth, -depth), tilt_C=nod, curl_F=bent_F)
    return [
        (performer.seconds(0.35), ready),
        (performer.seconds(0.16), down),
        (performer.seconds(0.05), down),
        (performer.seconds(0.2), ready),
    ]


def _rotation(sense: int) -> Callable[[Performer], list[Key]]:
    """Clockwise for -1: the whole hand twists about the forearm, one finger draws a circle."""

    def gesture(performer: Performer) -> list[Key]:
        ready = performer.pointing()
        if performer.one_finger:
            start = performer.rng.uniform(0.0, math.pi)
            turned = start + sense * performer.rng.uniform(1.7, 2.6) * math.pi
            return [
                (performer.seconds(0.35), dataclasses.replace(ready, orbit=start)),
                (performer.seconds(0.8), dataclasses.replace(ready, orbit=turned)),
                (performer.seconds(0.2), dataclasses.replace(ready, orbit=turned)),
            ]
        angle = -sense * performer.rng.uniform(0.9, 1.5)
        wound_up = dataclasses.replace(ready, tilt_C=(0.0, 0.0, -performer.habits.backswing * angle))
        twisted = dataclasses.replace(ready, tilt_C=(0.0, 0.0, angle))
        back = dataclasses.replace(ready, tilt_C=(0.0, 0.0, (1.0 - performer.habits.comes_back) * angle))
        return [
            (performer.seconds(0.45), wound_up),
            (performer.seconds(0.35), twisted),
            (performer.seconds(0.1), twisted),
            (performer.seconds(0.5), back),
        ]

    return gesture


def _swipe(right: float, up: float) -> Callable[[Performer], list[Key]]:
    """One fast stroke between a slow windup and a slow return, both of which go the other way."""

    def gesture(performer: Performer) -> list[Key]:
        ready, reach = performer.pointing(), performer.reach()
        depth = performer.rng.normal(0.0, 0.02)

        def along(part: float) -> Pose:
            return dataclasses.replace(ready, shift_C=(part * reach * right, part * reach * up, depth * part))

        back = 1.0 - performer.habits.comes_back * performer.rng.uniform(0.7, 1.1)
        return [
            (performer.seconds(0.4), along(-performer.habits.backswing)),
            (performer.seconds(0.25), along(1.0)),
            (performer.seconds(0.1), along(1.0)),
            (performer.seconds(0.55), along(back)),
        ]

    return gesture


def _drawn(performer: Performer, strokes: Sequence[Sequence[tuple[float, float]]]) -> list[Key]:
    """Draws in the air: fast through each stroke's points (in reaches), slower and nearer from one to the next."""
    ready, reach = performer.pointing(), performer.reach()

    def at(point: tuple[float, float], nearer: float = 0.0) -> Pose:
        return dataclasses.replace(ready, shift_C=(point[0] * reach, point[1] * reach, nearer))

    keys: list[Key] = []
    for stroke in strokes:
        if keys:
            last_x, last_y, _ = keys[-1][1].shift_C
            between = ((last_x / reach + stroke[0][0]) / 2, (last_y / reach + stroke[0][1]) / 2)
            keys.append((performer.seconds(0.2), at(between, nearer=0.03)))
        keys.append((performer.seconds(0.2 if keys else 0.4), at(stroke[0])))
        keys.extend((performer.seconds(0.27), at(point)) for point in stroke[1:])
    return keys


def _swipe_x(performer: Performer) -> list[Key]:
    side = 1.0 if performer.rng.uniform() < performer.habits.mirrors else -1.0
    width = performer.rng.uniform(0.4, 0.6)
    falling, other = ((side * width, 0.5), (-side * width, -0.5)), ((-side * width, 0.5), (side * width, -0.5))
    return _drawn(performer, (falling, other))


def _swipe_plus(performer: Performer) -> list[Key]:
    down, across = ((0.0, 0.55), (0.0, -0.55)), ((-0.5, 0.0), (0.5, 0.0))
    across_first = performer.rng.uniform() < performer.habits.mirrors
    return _drawn(performer, (across, down) if across_first else (down, across))


def _swipe_v(performer: Performer) -> list[Key]:
    width = performer.rng.uniform(0.3, 0.5)
    return _drawn(performer, (((-width, 0.5), (0.0, -0.5), (width, 0.5)),))


def _shake(performer: Performer) -> list[Key]:
    """To and fro sideways, the hand twisting a little with it."""
    ready = performer.pointing()
    width, twist = 0.25 * performer.reach(), performer.rng.uniform(0.05, 0.35)
    side = 1 if performer.rng.uniform() < 0.5 else -1
    keys = [(performer.seconds(0.3), ready)]
    for _ in range(int(performer.rng.integers(4, 8))):
        part = side * performer.rng.uniform(0.7, 1.1)
        pose = dataclasses.replace(ready, shift_C=(part * width, 0.0, 0.0), tilt_C=(0.0, 0.0, part * twist))
        keys.append((performer.seconds(0.15), pose))
        side = -side
    return [*keys, (performer.seconds(0.2), ready)]


# In the order of SHREC's labels.
GESTURES: tuple[Callable[[Performer], list[Key]], ...] = (
    _grab,
    _tap,
    _expand,
    _pinch,
    _rotation(-1),
    _rotation(1),
    _swipe(1.0, 0.0),
    _swipe(-1.0, 0.0),
    _swipe(0.0, 1.0),
    _swipe(0.0, -1.0),
    _swipe_x,
    _swipe_plus,
    _swipe_v,
    _shake,
)


def keys_of(gesture: int, performer: Performer) -> list[Key]:
    """A recording's keys: the hand waits, comes from somewhere, makes the gesture (from 0) and goes somewhere.

    Where it comes from and goes to is random, so that neither tells the gesture.
    """
    rng = performer.rng
    start = performer.at_rest(shift_C=_away(performer, rng.uniform(0.02, 0.12)))
    keys = GESTURES[gesture](performer)
    last_C = np.add(keys[-1][1].shift_C, _away(performer, rng.uniform(0.0, 0.12)))
    first_orbit, last_orbit = keys[0][1].orbit, keys[-1][1].orbit
    start = dataclasses.replace(start, orbit=first_orbit)
    end = performer.at_rest(shift_C=(float(last_C[0]), float(last_C[1]), float(last_C[2])))
    idle_before, idle_after = rng.exponential(0.15), rng.exponential(0.15)
    return [
        (0.0, start),
        (idle_before, start),
        *keys,
        (performer.seconds(0.6), dataclasses.replace(end, orbit=last_orbit)),
        (idle_after, dataclasses.replace(end, orbit=last_orbit)),
    ]


def glide(keys: Sequence[Key], time_T: np.ndarray, bow: float = 0.0) -> PoseTracks:
    """Poses at the times `time_T` (seconds): from key to key with least jerk, starting and ending at rest.

    Args:
      keys: at least two; the seconds of the first are not counted.
      time_T: ascending, from 0.
      bow: how far a change of place bulges to its left, as a part of its length.
    """
    left_T, eased_T = ease(np.array([seconds for seconds, _ in keys]), time_T)
    rows_KxP = np.stack([pose.row() for _, pose in keys])
    change_TxP = rows_KxP[left_T + 1] - rows_KxP[left_T]
    rows_TxP = rows_KxP[left_T] + eased_T[:, np.newaxis] * change_TxP

    bulge_T = bow * 4.0 * eased_T * (1.0 - eased_T)
    rows_TxP[:, 0] -= bulge_T * change_TxP[:, 1]
    rows_TxP[:, 1] += bulge_T * change_TxP[:, 0]
    shift_TxC, tilt_TxC, curl_TxF, spread_Tx1, orbit_Tx1 = np.split(
        rows_TxP, (3, 6, 6 + len(FINGERS), 7 + len(FINGERS)), axis=1
    )
    return PoseTracks(shift_TxC, tilt_TxC, curl_TxF, spread_Tx1[:, 0], orbit_Tx1[:, 0])
