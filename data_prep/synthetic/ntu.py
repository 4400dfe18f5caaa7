"""Recordings of invented people in the files of NTU RGB+D: crude movements, and all that a reader has to cope with.

A standing figure's limbs swing; axes, rates and phases tell the actions apart, and size, pace, place and direction of a
person tell nothing. Each performance is seen from three directions. People are lost and found again, at times under
another number; furniture is taken for somebody, at times under a number that is in use; in some frames nobody is seen.

Metres and seconds. Letters in names: B bodies, T frames, V joints, C coordinates, L limbs, W waves.
"""

import itertools
from functools import partial
from typing import NamedTuple

import numpy as np

from dsta_jax.errors import UserError

from .kinematic_hand import rotation_about
from .raw_set import RawSet, generator

# NTU RGB+D's numbers; the last are done by two people.
ACTIONS, FIRST_OF_TWO = (*range(1, 15), *range(50, 56)), 50
# How probably a person is lost, and then renamed; there is furniture all the time, or for a moment under the number of
# somebody else; nobody is seen at first, for a moment, or at all.
CHANCES = (0.1, 0.5, 0.1, 0.05, 0.06, 0.04, 0.002)
# To be raised with every change of what the same settings write.
GENERATION = 2

# The figure's trunk, left arm and left leg, about its spine's base: x to its left, y up, z forwards.
_TRUNK = ((0, 0, 0), (0, 0.3, 0), (0, 0.58, 0), (0, 0.72, 0), (0, 0.5, 0))
_ARM = ((0.17, 0.46, 0), (0.22, 0.2, 0), (0.25, -0.02, 0), (0.26, -0.1, 0.1), (0.26, -0.18, 0.1), (0.22, -0.1, 0.2))
_LEG = ((0.08, -0.03, 0), (0.11, -0.42, 0), (0.12, -0.8, 0), (0.13, -0.84, 0.12))
_LIMB_V = np.repeat((0, 1, 2, 3, 4, 0, 1, 2), (4, 4, 4, 4, 4, 1, 2, 2))
_FIGURE_VxC = np.array((*_TRUNK[:4], *_ARM[:4] * 2, *_LEG * 2, _TRUNK[4], *_ARM[4:] * 2))
_FIGURE_VxC[np.isin(_LIMB_V, (2, 4)), 0] *= -1
# How far each joint swings with its limb.
_SWING_V = np.array((0, 0.02, 0.05, 0.07, *(0.05, 0.2, 0.35, 0.38) * 2, *(0, 0.08, 0.16, 0.18) * 2, 0.05, *(0.4,) * 4))

_NAME = "S{:03d}C{:03d}P{:03d}R{:03d}A{:03d}.skeleton"
# Nobody reads what stands behind a body's number and a joint's place.
_JOINT = "%.7g %.7g %.7g 277.1419 191.3516 1036.923 519.1677 0.2213406 0.03497773 0.9739195 -0.03512266 2\r\n"
_BODY = "%d 0 1 1 0 1 0 0.02764709 -0.09745693 2\r\n25\r\n" + 25 * _JOINT


class Take(NamedTuple):
    """Which recording; the numbers count from 1, as in the names of NTU RGB+D's files."""

    setup: int
    camera: int
    subject: int
    replication: int
    action: int


def ntu_set(seed: int = 0, subjects: int = 8, setups: int = 2) -> RawSet:
    """A set in the layout of NTU RGB+D; UserError when there cannot be such a set.

    All `subjects` (106 at most) are in each of `setups` (32 at most; NTU RGB+D 60 has 17), the places of the cameras.
    """
    if seed < 0 or not 1 <= subjects <= 106 or not 1 <= setups <= 32:
        found = f"--seed={seed} --subjects={subjects} --setups={setups}"
        raise UserError(f"{found}, expected 0 or more, 1 to 106 and 1 to 32")
    counted = (range(1, count + 1) for count in (setups, 3, subjects, 2))
    takes = itertools.starmap(Take, itertools.product(*counted, ACTIONS))
    settings = {"layout": "ntu", "seed": seed, "subjects": subjects, "setups": setups, "generation": GENERATION}
    return RawSet(settings, {_NAME.format(*take): partial(contents, seed, take) for take in takes})


def contents(seed: int, take: Take) -> bytes:
    """The text of one recording's file: what a camera makes of those who stand before it."""
    rng = generator(seed, *take)
    people_BxTxVxC = _seen_by_camera(seed, take, rng)
    _, frames, joints, _ = people_BxTxVxC.shape
    place_C = people_BxTxVxC[0, 0, 0] + rng.uniform((-1.0, -0.6, -0.5), (1.0, -0.2, 0.5))
    thing_TxVxC = 0.5 * _FIGURE_VxC[:, [1, 0, 2]] + place_C + rng.normal(0.0, 0.005, (frames, joints, 3))
    body_BxTxN = np.concatenate((people_BxTxVxC, thing_TxVxC[np.newaxis])).reshape(-1, frames, 3 * joints).tolist()
    id_BxT = np.arange(len(body_BxTxN))[:, np.newaxis] + rng.integers(16_000) + np.full(frames, 72_057_594_037_927_936)
    seen_BxT = np.repeat([True] * len(people_BxTxVxC) + [False], frames).reshape(-1, frames)

    is_lost, is_renamed, is_furnished, is_double, is_late, is_broken, is_empty = rng.uniform(size=7) < CHANCES
    first, last = np.sort(rng.integers(10, frames - 10, 2))
    if is_lost:
        seen_BxT[0, first:last] = False
        id_BxT[0, last:] += 7 * is_renamed
    if is_furnished:
        seen_BxT[-1, first:] = True
    if is_double:
        seen_BxT[-1, last : last + 8] = True
        id_BxT[-1, last : last + 8] = id_BxT[0, last : last + 8]
    for start, stop in ((0, 9 * is_late), (last, last + 3 * is_broken), (0, frames * is_empty)):
        seen_BxT[:, start:stop] = False

    order, parts = rng.permutation(len(body_BxTxN)), [f"{frames}\r\n"]
    for frame in range(frames):
        there = [body for body in order if seen_BxT[body, frame]]
        parts.append(f"{len(there)}\r\n")
        parts += [_BODY % (id_BxT[body, frame], *body_BxTxN[body][frame]) for body in there]
    return "".join(parts).encode()


def _seen_by_camera(seed: int, take: Take, rng: np.random.Generator) -> np.ndarray:
    """Those who act, in a camera's coordinates (x to its left, y up, z forwards) and with its noise: B x T x V x C."""
    height, distance = generator(seed, *Take(take.setup, 0, 0, 0, 0)).uniform((-0.3, 2.8), (0.3, 4.0))
    angle = np.pi + (0.0, -np.pi / 4, np.pi / 4)[take.camera - 1]
    seen_BxTxVxC = _perform(seed, take) @ rotation_about(1, np.array([angle]))[0].T + (0.0, height, distance)
    return seen_BxTxVxC + rng.normal(0.0, rng.uniform(0.002, 0.02), seen_BxTxVxC.shape)


def _perform(seed: int, take: Take) -> np.ndarray:
    """The movements of one or two people, the same for all cameras: B x T x V x C."""
    rng, pair = generator(seed, *take._replace(camera=0)), take.action >= FIRST_OF_TWO
    time_Tx1 = np.arange(rng.integers(40, 120))[:, np.newaxis] / 30
    bodies = []
    for number in range(1 + pair):
        size, pace = generator(seed, *Take(0, 0, take.subject, number, 0)).uniform((0.85, 0.85), (1.15, 1.2))
        action = generator(0, *Take(0, 0, 0, number, take.action))  # Whatever the seed.
        rate_Wx1x1, phase_Wx1xL = action.uniform(0.4, 1.6, (2, 1, 1)), action.uniform(0.0, 2.0 * np.pi, (2, 1, 5))
        axis_WxLxC, late_Wx1x1 = action.normal(0.0, 0.7, (2, 5, 3)), rng.normal(0.0, 0.4, (2, 1, 1))
        wave_WxTxL = np.sin(2.0 * np.pi * pace * rate_Wx1x1 * time_Tx1 + phase_Wx1xL + late_Wx1x1)
        swing_TxLxC = np.einsum("wtl,wlc->tlc", wave_WxTxL, axis_WxLxC)
        body_TxVxC = size * (_FIGURE_VxC + _SWING_V[:, np.newaxis] * swing_TxLxC[:, _LIMB_V])
        # Two people face each other.
        side, heading = (number - 0.5) * pair, rng.normal(0.0, 0.2)
        turn_CxC = rotation_about(1, np.array([heading - np.pi * side]))[0]
        bodies.append(body_TxVxC @ turn_CxC.T + (1.2 * side, 0.0, 0.0) + rng.normal(0.0, 0.1, 3))
    return np.stack(bodies)
