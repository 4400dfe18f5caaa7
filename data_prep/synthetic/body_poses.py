"""Key poses of a body, the way from one to the next, and the habits of people.

An action is a list of keys: after so many seconds, the body has this pose. All lengths are the person's own: an arm or
a leg long. Letters in names: K keys, T frames, P numbers of a pose, S = 2 sides, C coordinates.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from data_prep.synthetic.kinematic_body import Body, Tracks
from data_prep.synthetic.motion import ease, wander

Triple = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Pose:
    """A body as an action asks for it.

    Attributes:
      left, right: the hands from their shoulders: outwards, up and forwards, in lengths of the arm.
      left_elbow, right_elbow: 0 where it hangs down, 1 where it is held out.
      left_foot, right_foot: from where it would stand: outwards, up and forwards, in lengths of the leg.
      place: where the body stands, in metres to its left and forwards of where it began.
      turn: its heading, in radians to the left.
      back: how far the spine's base is behind its place, in metres.
      drop: how far it is lowered, in lengths of the leg.
      jump: how far the body is above the floor, in metres.
      lean: the chest forwards, to the left, and turned to the left, in radians.
      nod: the head forwards, and turned to the left, in radians.
    """

    left: Triple
    right: Triple
    left_elbow: float = 0.2
    right_elbow: float = 0.2
    left_foot: Triple = (0.0, 0.0, 0.0)
    right_foot: Triple = (0.0, 0.0, 0.0)
    place: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    back: float = 0.0
    drop: float = 0.0
    jump: float = 0.0
    lean: Triple = (0.0, 0.0, 0.0)
    nod: tuple[float, float] = (0.0, 0.0)

    def row(self) -> tuple[float, ...]:
        """The P = 25 numbers, in the order in which `glide` takes them apart."""
        return (
            *self.place,
            self.turn,
            self.back,
            self.drop,
            self.jump,
            *self.lean,
            *self.nod,
            *self.left,
            *self.right,
            self.left_elbow,
            self.right_elbow,
            *self.left_foot,
            *self.right_foot,
        )

    def mirrored(self) -> "Pose":
        """The same with left and right exchanged."""
        forwards, aside, twist = self.lean
        return dataclasses.replace(
            self,
            left=self.right,
            right=self.left,
            left_elbow=self.right_elbow,
            right_elbow=self.left_elbow,
            left_foot=self.right_foot,
            right_foot=self.left_foot,
            place=(-self.place[0], self.place[1]),
            turn=-self.turn,
            lean=(forwards, -aside, -twist),
            nod=(self.nod[0], -self.nod[1]),
        )

    def moved(self, left: float = 0.0, forwards: float = 0.0, turn: float = 0.0) -> "Pose":
        """The same elsewhere, by so many metres and radians."""
        place = (self.place[0] + left, self.place[1] + forwards)
        return dataclasses.replace(self, place=place, turn=self.turn + turn)

    def leaning(self, forwards: float = 0.0, aside: float = 0.0, twist: float = 0.0) -> "Pose":
        """The same with the chest leaning more, in radians."""
        lean = (self.lean[0] + forwards, self.lean[1] + aside, self.lean[2] + twist)
        return dataclasses.replace(self, lean=lean)

    def looking(self, down: float = 0.0, left: float = 0.0) -> "Pose":
        """The same with the head nodding and turned more, in radians."""
        return dataclasses.replace(self, nod=(self.nod[0] + down, self.nod[1] + left))


Key = tuple[float, Pose]


def seconds_of(keys: Sequence[Key]) -> float:
    """How long it takes from the first key to the last."""
    return sum(lasts for lasts, _ in keys[1:])


def glide(keys: Sequence[Key], time_T: np.ndarray) -> Tracks:
    """Poses at the times `time_T` (seconds), from key to key with least jerk; the seconds of the first do not count."""
    left_T, eased_T = ease(np.array([seconds for seconds, _ in keys]), time_T)
    rows_KxP = np.array([pose.row() for _, pose in keys])
    rows_TxP = rows_KxP[left_T] + eased_T[:, np.newaxis] * (rows_KxP[left_T + 1] - rows_KxP[left_T])
    back_T = rows_TxP[:, 3]
    return Tracks(
        place_Tx2=rows_TxP[:, 0:2],
        turn_T=rows_TxP[:, 2],
        sway_Tx2=np.column_stack((np.zeros(len(back_T)), -back_T)),
        drop_T=rows_TxP[:, 4],
        jump_T=rows_TxP[:, 5],
        lean_Tx3=rows_TxP[:, 6:9],
        nod_Tx2=rows_TxP[:, 9:11],
        hands_TxSxC=rows_TxP[:, 11:17].reshape(-1, 2, 3),
        elbows_TxS=rows_TxP[:, 17:19],
        feet_TxSxC=rows_TxP[:, 19:25].reshape(-1, 2, 3),
    )


@dataclasses.dataclass(frozen=True)
class Habits:
    """How one person is built and moves.

    Attributes:
      body: bone lengths.
      pace: speed; how often what typically takes a second is done in it.
      vigour: size of movements, 1 for the mean.
      mirrors: how probably an action is done with the other hand or foot.
      folds: how probably the hands rest before the belly and do not hang.
      stance: from the middle to each foot, in metres.
      stoop, bows_head: how far chest and head lean forwards at rest, in radians.
      elbow: how far elbows are held out at rest.
      restless: how much the body sways and the head turns, 1 for the mean.
    """

    body: Body
    pace: float
    vigour: float
    mirrors: float
    folds: float
    stance: float
    stoop: float
    bows_head: float
    elbow: float
    restless: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Habits":
        """Draws a person."""
        return cls(
            body=Body.draw(rng),
            pace=math.exp(rng.normal(0.15, 0.15)),
            vigour=math.exp(rng.normal(0.0, 0.12)),
            mirrors=rng.uniform(0.1, 0.5),
            folds=rng.uniform(0.0, 0.35),
            stance=rng.uniform(0.08, 0.14),
            stoop=rng.uniform(-0.03, 0.12),
            bows_head=rng.uniform(-0.05, 0.2),
            elbow=rng.uniform(0.1, 0.6),
            restless=rng.uniform(0.5, 1.5),
        )

    def unsteady(self, tracks: Tracks, rng: np.random.Generator) -> Tracks:
        """Adds what nobody can help: to sway, to look about, and not to keep the hands still."""
        frames, size = len(tracks.turn_T), self.restless * math.exp(rng.normal(0.0, 0.3))
        tracks_TxW = size * wander(rng, frames, 13, cycles=2.0)
        return dataclasses.replace(
            tracks,
            sway_Tx2=tracks.sway_Tx2 + 0.012 * tracks_TxW[:, 0:2],
            lean_Tx3=tracks.lean_Tx3 + (0.02, 0.015, 0.04) * tracks_TxW[:, 2:5],
            nod_Tx2=tracks.nod_Tx2 + (0.06, 0.12) * tracks_TxW[:, 5:7],
            hands_TxSxC=tracks.hands_TxSxC + 0.025 * tracks_TxW[:, 7:13].reshape(-1, 2, 3),
        )


class Performer:
    """A person about to do something, as it happens this time.

    Attributes:
      habits: the person's.
      rng: draws.
      rest: how this person stands before and after, this time.
    """

    def __init__(self, habits: Habits, rng: np.random.Generator) -> None:
        """Draws how the person stands this time."""
        self.habits, self.rng = habits, rng
        if rng.uniform() < habits.folds:
            hands = (self.hand(-0.24, -0.62, 0.40, 0.02), self.hand(-0.24, -0.62, 0.40, 0.02))
        else:
            hands = (self.hand(0.10, -0.97, 0.06, 0.02), self.hand(0.10, -0.97, 0.06, 0.02))
        elbow = habits.elbow + rng.normal(0.0, 0.05)
        lean = (habits.stoop + rng.normal(0.0, 0.03), 0.0, 0.0)
        self.rest = Pose(*hands, elbow, elbow, lean=lean, nod=(habits.bows_head + rng.normal(0.0, 0.05), 0.0))

    def seconds(self, typical: float) -> float:
        """How long this person takes, this time, for what typically takes so many seconds."""
        return typical / self.habits.pace * math.exp(self.rng.normal(0.0, 0.18))

    def much(self, typical: float) -> float:
        """How far this person moves, this time, where people typically move so far."""
        return typical * self.habits.vigour * math.exp(self.rng.normal(0.0, 0.12))

    def between(self, least: float, most: float) -> float:
        """Something in between, this time."""
        return float(self.rng.uniform(least, most))

    def times(self, least: int, most: int) -> int:
        """How often something is done, this time."""
        return int(self.rng.integers(least, most + 1))

    def hand(self, out: float, up: float, forwards: float, spread: float = 0.04) -> Triple:
        """Where a hand goes that should go there, in lengths of the arm."""
        out, up, forwards = (out, up, forwards) + self.rng.normal(0.0, spread, 3)
        return float(out), float(up), float(forwards)

    def hand_at(self, out: float, height: float, forwards: float) -> Triple:
        """A hand at a height above the floor and so far before and outwards of the shoulder, all in metres."""
        arm = self.habits.body.arm
        return out / arm, (height - self.habits.body.shoulder_height) / arm, forwards / arm

    def inwards(self, part: float = 1.0) -> float:
        """How far a hand is outwards of its shoulder that is so far on the way to the body's middle."""
        return -part * self.habits.body.shoulder_width / self.habits.body.arm
