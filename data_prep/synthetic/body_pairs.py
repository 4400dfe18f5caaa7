"""Actions of NTU RGB+D that two people do, as key poses of both.

They stand face to face, each on a stage of its own; forwards is towards the other.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import replace

from data_prep.synthetic.body_poses import Key, Performer, Pose, seconds_of


@dataclasses.dataclass(frozen=True)
class Meeting:
    """What two people do with each other.

    Attributes:
      distance: between their stages' origins, in metres.
      first, second: their keys.
    """

    distance: float
    first: list[Key]
    second: list[Key]


def _approach(a: Performer, near: float) -> tuple[float, float, float]:
    """From what distance they begin, and how far each goes to be `near` the other, in metres."""
    distance = near + a.between(0.2, 0.8)
    part = a.between(0.3, 0.7)
    return distance, part * (distance - near), (1.0 - part) * (distance - near)


def _reeling(p: Performer, forwards: float) -> Pose:
    """Struck, and thrown back."""
    hands = p.hand(0.15, -0.75, 0.35)
    return replace(p.rest, left=hands, right=hands).leaning(forwards=-p.between(0.15, 0.4)).moved(forwards=forwards)


def _punch(a: Performer, b: Performer) -> Meeting:
    step, wait = a.between(0.15, 0.7), a.seconds(0.7)
    near = a.rest.moved(forwards=step)
    wound_up = replace(near, right=a.hand(0.15, -0.4, 0.05), right_elbow=0.6).leaning(twist=-0.4)
    hit = replace(near, right=a.hand(-0.2, a.between(-0.05, 0.25), 0.95), right_elbow=0.5)
    hit = hit.leaning(forwards=0.15, twist=0.45)
    first = [
        (0.0, a.rest),
        (wait, near),
        (0.3, wound_up),
        (0.17, hit),
        (0.1, hit),
        (a.seconds(0.5), near),
        (a.seconds(0.6), a.rest.moved(forwards=step * a.between(0.0, 1.0))),
    ]
    away = -b.much(0.2)
    second = [
        (0.0, b.rest),
        (wait + 0.3 + 0.13, b.rest),
        (0.2, _reeling(b, 0.5 * away)),
        (b.seconds(0.3), _reeling(b, away)),
        (b.seconds(0.6), b.rest.moved(forwards=away)),
    ]
    return Meeting(step + a.between(0.65, 0.8), first, second)


def _push(a: Performer, b: Performer) -> Meeting:
    step, wait = a.between(0.15, 0.7), a.seconds(0.7)
    near = a.rest.moved(forwards=step)
    inwards, up = a.inwards(0.5), a.between(-0.3, 0.05)
    ready = replace(near, left=(inwards, up, 0.45), right=(inwards, up, 0.45), left_elbow=0.5, right_elbow=0.5)
    pushed = replace(near, left=(inwards, up, 0.93), right=(inwards, up, 0.93)).leaning(forwards=0.25)
    first = [
        (0.0, a.rest),
        (wait, near),
        (0.35, ready),
        (0.25, pushed),
        (0.15, pushed),
        (a.seconds(0.6), near),
        (a.seconds(0.3), near),
    ]
    away = -b.much(0.45)
    second = [
        (0.0, b.rest),
        (wait + 0.35 + 0.12, b.rest),
        (0.3, _reeling(b, 0.5 * away)),
        (b.seconds(0.4), _reeling(b, away)),
        (b.seconds(0.6), b.rest.moved(forwards=away)),
    ]
    return Meeting(step + a.between(0.5, 0.65), first, second)


def _hug(a: Performer, b: Performer) -> Meeting:
    distance, step_a, step_b = _approach(a, a.between(0.3, 0.38))
    wait, hold, leave = a.seconds(0.9), a.seconds(1.0), a.seconds(0.7)
    back = a.between(0.0, 1.0)

    def one(p: Performer, step: float) -> list[Key]:
        near = p.rest.moved(forwards=step)
        opened = replace(near, left=p.hand(0.3, -0.2, 0.6), right=p.hand(0.3, -0.2, 0.6), left_elbow=0.7)
        opened = replace(opened, right_elbow=0.7).moved(forwards=-0.25 * step)
        around = replace(near, left=p.hand(-0.1, -0.15, 0.65), right=p.hand(-0.1, -0.15, 0.65), left_elbow=0.9)
        around = replace(around, right_elbow=0.9).leaning(forwards=0.12).looking(left=0.3)
        return [
            (0.0, p.rest),
            (wait, opened),
            (0.4, around),
            (hold, around),
            (0.4, opened),
            (leave, p.rest.moved(forwards=step * (1.0 - back) - 0.1)),
        ]

    return Meeting(distance, one(a, step_a), one(b, step_b))


def _shake_hands(a: Performer, b: Performer) -> Meeting:
    near = a.between(0.75, 0.95)
    distance, step_a, step_b = _approach(a, near)
    wait, leave, height = a.seconds(0.8), a.seconds(0.6), a.between(0.9, 1.1)
    shakes = [(a.seconds(0.14), side * a.much(0.05)) for _ in range(a.times(2, 4)) for side in (1.0, -1.0)]

    def one(p: Performer, step: float) -> list[Key]:
        there = p.rest.moved(forwards=step)
        across = p.inwards() * p.habits.body.arm

        def holding(above: float) -> Pose:
            return replace(there, right=p.hand_at(across, height + above, near / 2))

        keys = [(0.0, p.rest), (wait, replace(there, right=p.hand(-0.1, -0.6, 0.5))), (0.35, holding(0.0))]
        keys += [(seconds, holding(above)) for seconds, above in shakes]
        return [*keys, (0.15, holding(0.0)), (leave, there)]

    return Meeting(distance, one(a, step_a), one(b, step_b))


def _walk_towards(a: Performer, b: Performer) -> Meeting:
    near, far = a.between(0.7, 1.1), a.between(2.1, 2.9)
    step = (far - near) / 2

    def one(p: Performer) -> list[Key]:
        there = p.rest.moved(forwards=step)
        return [(0.0, p.rest), (p.seconds(2.0 * step), there), (p.seconds(0.4), there)]

    return Meeting(far, one(a), one(b))


def _walk_apart(a: Performer, b: Performer) -> Meeting:
    """They turn round and go."""
    near = a.between(0.7, 1.1)

    def one(p: Performer) -> list[Key]:
        turn = (1.0 if p.rng.uniform() < 0.5 else -1.0) * p.between(2.8, 3.3)
        step = -p.between(0.8, 1.3)
        turned = p.rest.moved(forwards=0.15 * step, turn=turn)
        return [
            (0.0, p.rest),
            (p.seconds(0.8), turned),
            (p.seconds(-1.8 * step), p.rest.moved(forwards=step, turn=turn)),
            (p.seconds(0.3), p.rest.moved(forwards=step, turn=turn)),
        ]

    return Meeting(near, one(a), one(b))


# By NTU RGB+D's name of the action.
PAIR_ACTIONS: dict[str, Callable[[Performer, Performer], Meeting]] = {
    "punch or slap somebody": _punch,
    "push somebody": _push,
    "hug somebody": _hug,
    "shake hands": _shake_hands,
    "walk towards each other": _walk_towards,
    "walk apart": _walk_apart,
}


def pair_keys(action: str, a: Performer, b: Performer) -> Meeting:
    """A recording's keys: both wait, act and wait, equally long; some do it with the other hands.

    Raises:
      KeyError: when `action` is not one of `PAIR_ACTIONS`.
    """
    meeting = PAIR_ACTIONS[action](a, b)
    first, second = meeting.first, meeting.second
    if a.rng.uniform() < a.habits.mirrors:
        first, second = ([(seconds, pose.mirrored()) for seconds, pose in keys] for keys in (first, second))
    before, after = 0.1 + a.rng.exponential(0.25, 2)
    longest = max(seconds_of(first), seconds_of(second)) + before + after

    def between(keys: list[Key]) -> list[Key]:
        keys = [(0.0, keys[0][1]), (float(before), keys[0][1]), *keys[1:]]
        return [*keys, (longest - seconds_of(keys), keys[-1][1])]

    return Meeting(meeting.distance, between(first), between(second))
