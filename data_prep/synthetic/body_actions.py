"""Actions of NTU RGB+D that one person does, as key poses; each is done with the right hand or foot, or mirrored."""

import math
from collections.abc import Callable
from dataclasses import replace

from data_prep.synthetic.body_poses import Key, Performer, Pose


def _drink(p: Performer) -> list[Key]:
    """A cup goes to the mouth, and the head back."""
    held = replace(p.rest, right=p.hand(-0.05, -0.5, 0.5)) if p.rng.uniform() < 0.4 else p.rest
    elbow = p.between(0.2, 0.6)
    lifted = replace(p.rest, right=p.hand(-0.25, 0.22, 0.36), right_elbow=elbow)
    tilted = replace(lifted, right=p.hand(-0.25, 0.30, 0.32, 0.02)).looking(down=-p.much(0.3))
    return [
        (0.0, held),
        (p.seconds(0.7), lifted),
        (p.seconds(0.35), tilted),
        (p.seconds(0.7), tilted),
        (p.seconds(0.8), held.looking(down=p.between(-0.1, 0.1))),
    ]


def _pick_up(p: Performer) -> list[Key]:
    """Down to the floor before the feet, by bowing, by bending the knees or by both, and up again."""
    knees = p.between(0.0, 1.0)
    lean, side = p.between(1.15, 1.45) - 0.45 * knees, p.between(-0.15, 0.2)
    down = replace(
        p.rest,
        right=p.hand(-0.15, -0.97, 0.2),
        left=p.hand(0.05, -0.8, 0.3),
        drop=0.18 + 0.42 * knees,
        back=0.18 - 0.08 * knees,
    ).leaning(forwards=lean, twist=side)
    down = down.looking(down=p.between(0.0, 0.3))
    taken = replace(p.rest, right=p.hand(-0.05, -0.6, 0.5))
    return [
        (0.0, p.rest),
        (p.seconds(0.85), down),
        (p.seconds(0.2), down),
        (p.seconds(0.85), taken),
        (p.seconds(0.5), taken if p.rng.uniform() < 0.5 else p.rest),
    ]


def _throw(p: Performer) -> list[Key]:
    """The arm swings back above the shoulder and forwards, the chest with it."""
    twist, step = p.much(0.45), p.between(0.0, 0.3)
    wound_up = replace(p.rest, right=p.hand(0.3, 0.35, -0.35), right_elbow=0.9, left=p.hand(0.0, -0.4, 0.55))
    wound_up = wound_up.leaning(forwards=-0.1, twist=-twist)
    let_go = replace(p.rest, right=p.hand(-0.1, p.between(0.15, 0.4), 0.9), right_elbow=0.7)
    let_go = let_go.leaning(forwards=0.2, twist=twist).moved(forwards=step)
    through = replace(p.rest, right=p.hand(-0.4, -0.45, 0.6)).leaning(forwards=0.3, twist=0.8 * twist)
    through = through.moved(forwards=step)
    return [
        (0.0, p.rest),
        (p.seconds(0.55), wound_up),
        (p.seconds(0.1), wound_up),
        (p.seconds(0.36), let_go),
        (p.seconds(0.2), through),
        (p.seconds(0.6), p.rest.moved(forwards=step)),
    ]


def _sitting(p: Performer) -> Pose:
    on_thighs = (p.hand(-0.05, -0.72, 0.42), p.hand(-0.05, -0.72, 0.42))
    return replace(
        p.rest, left=on_thighs[0], right=on_thighs[1], drop=p.between(0.46, 0.54), back=p.between(0.34, 0.42)
    )


def _getting_up(p: Performer) -> Pose:
    """Half way between sitting and standing: the chest forwards over the feet."""
    return replace(p.rest, drop=0.36, back=0.26, left=p.hand(0.0, -0.75, 0.45), right=p.hand(0.0, -0.75, 0.45)).leaning(
        forwards=p.between(0.45, 0.75)
    )


def _sit_down(p: Performer) -> list[Key]:
    sitting = _sitting(p)
    return [
        (0.0, p.rest),
        (p.seconds(0.7), _getting_up(p)),
        (p.seconds(0.45), sitting.leaning(forwards=0.1)),
        (p.seconds(0.4), sitting),
    ]


def _stand_up(p: Performer) -> list[Key]:
    sitting = _sitting(p)
    return [
        (0.0, sitting),
        (p.seconds(0.55), _getting_up(p)),
        (p.seconds(0.6), p.rest.leaning(forwards=0.1)),
        (p.seconds(0.4), p.rest),
    ]


def _clap(p: Performer) -> list[Key]:
    up, forwards, width = p.between(-0.45, -0.1), p.between(0.5, 0.65), p.much(0.32)
    middle = p.inwards(0.9)
    closed = replace(p.rest, left=(middle, up, forwards), right=(middle, up, forwards), left_elbow=0.4, right_elbow=0.4)
    apart = (middle + width, up, forwards - 0.05)
    opened = replace(closed, left=apart, right=apart)
    keys = [(0.0, p.rest), (p.seconds(0.6), opened)]
    for _ in range(p.times(3, 8)):
        keys += [(p.seconds(0.14), closed), (p.seconds(0.17), opened)]
    return [*keys, (p.seconds(0.6), p.rest)]


def _cheer_up(p: Performer) -> list[Key]:
    """Both fists go up, more than once."""
    high = replace(p.rest, left=p.hand(0.2, 0.9, 0.1), right=p.hand(0.2, 0.9, 0.1), left_elbow=0.8, right_elbow=0.8)
    bent = p.between(0.2, 0.6)
    low = replace(high, left=p.hand(0.3, bent, 0.2), right=p.hand(0.3, bent, 0.2))
    hop = p.between(0.0, 0.06)
    keys = [(0.0, p.rest), (p.seconds(0.5), high)]
    for _ in range(p.times(1, 4)):
        keys += [(p.seconds(0.22), low), (p.seconds(0.22), replace(high, jump=hop))]
    return [*keys, (p.seconds(0.15), high), (p.seconds(0.7), p.rest)]


def _wave(p: Performer) -> list[Key]:
    up, width = p.between(0.25, 0.75), p.much(0.2)
    out, forwards = p.between(0.25, 0.45), p.between(0.15, 0.4)
    keys, side = [(0.0, p.rest)], 1.0
    for number in range(p.times(4, 8)):
        place = (out + side * width, up - 0.3 * width * abs(side), forwards)
        keys.append((p.seconds(0.22 if number else 0.65), replace(p.rest, right=place, right_elbow=0.35)))
        side = -side
    return [*keys, (p.seconds(0.65), p.rest)]


def _kick(p: Performer) -> list[Key]:
    high, far = p.between(0.2, 0.6), p.between(0.6, 0.85)
    balance = replace(p.rest, left=p.hand(0.3, -0.75, 0.3), right=p.hand(0.3, -0.8, -0.25))
    back = replace(balance, right_foot=(0.0, 0.22, -p.much(0.35))).leaning(forwards=0.08, aside=0.08)
    kicked = replace(balance, right_foot=(-0.05, high, far)).leaning(forwards=-0.15, aside=0.08, twist=0.2)
    down = replace(p.rest, right_foot=(0.0, 0.08, 0.1))
    return [
        (0.0, p.rest),
        (p.seconds(0.4), back),
        (p.seconds(0.22), kicked),
        (p.seconds(0.35), down),
        (p.seconds(0.3), p.rest),
    ]


def _hop(p: Performer) -> list[Key]:
    """On the other foot, a little forwards each time."""
    lifted = replace(p.rest, right_foot=(0.0, p.between(0.2, 0.4), -p.between(0.2, 0.4)), drop=0.04)
    lifted = lifted.leaning(forwards=0.08, aside=0.06)
    height, forwards, hops = p.much(0.1), p.between(0.0, 0.06), p.times(3, 7)
    keys = [(0.0, p.rest), (p.seconds(0.45), lifted)]
    for _ in range(hops):
        lifted = lifted.moved(forwards=forwards)
        keys += [
            (p.seconds(0.14), replace(lifted, drop=0.08)),
            (p.seconds(0.14), replace(lifted, drop=0.0, jump=height)),
            (p.seconds(0.14), replace(lifted, drop=0.06)),
        ]
    return [*keys, (p.seconds(0.45), p.rest.moved(forwards=hops * forwards))]


def _jump_up(p: Performer) -> list[Key]:
    height = p.much(0.28)
    crouched = replace(p.rest, drop=p.between(0.15, 0.35), back=0.08, left=p.hand(0.1, -0.8, -0.4))
    crouched = replace(crouched, right=crouched.left).leaning(forwards=p.between(0.3, 0.6))
    swung, arms = p.hand(0.12, -0.6, 0.6), p.hand(0.12, p.between(-0.4, 0.75), 0.55)
    leaving = replace(p.rest, jump=0.25 * height, left=swung, right=swung)
    high = replace(p.rest, jump=height, left=arms, right=arms)
    landed = replace(p.rest, drop=p.between(0.1, 0.25), back=0.05).leaning(forwards=0.3)
    return [
        (0.0, p.rest),
        (p.seconds(0.45), crouched),
        (0.2, leaving),
        (0.18, high),
        (0.2, replace(landed, drop=0.03)),
        (p.seconds(0.15), landed),
        (p.seconds(0.45), p.rest),
    ]


def _point(p: Performer) -> list[Key]:
    aside, above = p.between(-0.35, 0.9), p.between(-0.15, 0.45)
    there = (0.97 * math.sin(aside) * math.cos(above), 0.97 * math.sin(above), 0.97 * math.cos(aside) * math.cos(above))
    pointing = replace(p.rest, right=there, right_elbow=0.5)
    pointing = pointing.looking(left=-0.5 * aside, down=-0.5 * above).leaning(twist=-0.2 * aside)
    return [(0.0, p.rest), (p.seconds(0.55), pointing), (p.seconds(0.9), pointing), (p.seconds(0.65), p.rest)]


def _bow(p: Performer) -> list[Key]:
    lean = p.much(0.65)
    bowed = replace(p.rest, back=0.16 * lean).leaning(forwards=lean).looking(down=p.between(0.1, 0.4))
    return [(0.0, p.rest), (p.seconds(0.7), bowed), (p.seconds(0.4), bowed), (p.seconds(0.8), p.rest)]


def _salute(p: Performer) -> list[Key]:
    saluting = replace(p.rest, right=p.hand(-0.06, 0.36, 0.2, 0.03), right_elbow=p.between(0.8, 1.1))
    return [(0.0, p.rest), (p.seconds(0.5), saluting), (p.seconds(0.9), saluting), (p.seconds(0.55), p.rest)]


# By NTU RGB+D's name of the action.
SOLO_ACTIONS: dict[str, Callable[[Performer], list[Key]]] = {
    "drink water": _drink,
    "pick up": _pick_up,
    "throw": _throw,
    "sit down": _sit_down,
    "stand up": _stand_up,
    "clap": _clap,
    "cheer up": _cheer_up,
    "wave a hand": _wave,
    "kick something": _kick,
    "hop on one foot": _hop,
    "jump up": _jump_up,
    "point to something": _point,
    "nod or bow": _bow,
    "salute": _salute,
}


def solo_keys(action: str, performer: Performer) -> list[Key]:
    """A recording's keys: the person waits, perhaps steps aside, acts and waits; some do it with the other hand.

    Raises:
      KeyError: when `action` is not one of `SOLO_ACTIONS`.
    """
    keys = SOLO_ACTIONS[action](performer)
    if performer.rng.uniform() < performer.habits.mirrors:
        keys = [(seconds, pose.mirrored()) for seconds, pose in keys]
    return waiting(keys, performer)


def waiting(keys: list[Key], performer: Performer) -> list[Key]:
    """Waits before and after, and at times a step to the place or away from it; neither tells anything."""
    first, last = keys[0][1], keys[-1][1]
    before, after = performer.rng.exponential(0.25, 2)
    if performer.rng.uniform() < 0.03:
        after += performer.rng.uniform(2.0, 6.0)
    keys = [(0.0, first), (0.1 + float(before), first), *keys[1:], (0.1 + float(after), last)]
    for end, pose in ((0, first), (len(keys), last)):
        if pose.drop == 0.0 and performer.rng.uniform() < 0.2:
            aside, forwards, turn = performer.rng.normal(0.0, (0.15, 0.2, 0.3))
            elsewhere = pose.moved(float(aside), float(forwards), float(turn))
            if end:
                keys.append((performer.seconds(0.7), elsewhere))
            else:
                keys = [(0.0, elsewhere), (performer.seconds(0.7), first), *keys[1:]]
    return keys
