"""What happens before the cameras: one or two people, their place on the floor and their movements.

In the world the floor is y = 0, y points up and z from the scene to camera 1, in metres. Letters in names: B bodies,
T frames, V joints, C coordinates.
"""

import functools
import math

import numpy as np

from data_prep.synthetic.body_actions import SOLO_ACTIONS, solo_keys
from data_prep.synthetic.body_pairs import PAIR_ACTIONS, pair_keys
from data_prep.synthetic.body_poses import Habits, Key, Performer, glide, seconds_of
from data_prep.synthetic.kinect import ANGLES
from data_prep.synthetic.kinematic_body import FRAMES_A_SECOND, joint_positions
from data_prep.synthetic.motion import generator, rotation_about
from dsta_jax.datasets.ntu import ACTIONS as NTU_ACTIONS

FEWEST_FRAMES, MOST_FRAMES = 26, 300
# NTU RGB+D's numbers of the actions that people do here.
ACTIONS = tuple(sorted(NTU_ACTIONS.index(name) + 1 for name in (*SOLO_ACTIONS, *PAIR_ACTIONS)))

# Which camera people face the first and the second time.
_FACED = {1: 2, 2: 3}
# Keys of draws, beside those of cameras.
_PEOPLE, _SCENES = 1, 3


@functools.lru_cache(maxsize=256)
def habits_of(seed: int, *person: int) -> Habits:
    """The bones and habits of one person: a subject's number, or that and a setup's for the partner it has there."""
    return Habits.draw(generator(seed, _PEOPLE, *person))


@functools.lru_cache(maxsize=4)  # Three cameras see the same.
def perform(seed: int, setup: int, subject: int, replication: int, action: int) -> np.ndarray:
    """Makes the movements of one scene.

    Args:
      seed: of the whole set.
      setup: from 1.
      subject: from 1.
      replication: 1 or 2; the first time people face camera 2, the second time camera 3, or stand across.
      action: one of `ACTIONS`, NTU RGB+D's number.

    Returns:
      B = 1 or 2 bodies in the world, in metres, 26 to 300 frames: B x T x V x C. Not to be written to.
    """
    rng = generator(seed, _SCENES, setup, subject, replication, action)
    name, own = NTU_ACTIONS[action - 1], habits_of(seed, subject)
    heading = ANGLES[_FACED[replication]] + rng.normal(0.0, 0.15)
    middle_2 = rng.normal(0.0, 0.15, 2)
    if name in SOLO_ACTIONS:
        people, distance = [(own, solo_keys(name, Performer(own, rng)))], 0.0
    else:
        both = [own, habits_of(seed, subject, setup)]
        if rng.uniform() < 0.5:
            both.reverse()
        meeting = pair_keys(name, Performer(both[0], rng), Performer(both[1], rng))
        people, distance = list(zip(both, (meeting.first, meeting.second), strict=True)), meeting.distance
        heading += (math.pi / 2 if rng.uniform() < 0.5 else -math.pi / 2) + rng.normal(0.0, 0.1)
    frames = round(FRAMES_A_SECOND * max(seconds_of(keys) for _, keys in people))
    frames = int(np.clip(frames, FEWEST_FRAMES, MOST_FRAMES))
    world = []
    for number, (habits, keys) in enumerate(people):
        towards = heading + math.pi * number
        away_2 = -distance / 2 * np.array((math.sin(towards), math.cos(towards)))
        world.append(_on_the_floor(_move(habits, keys, frames, rng), towards, middle_2 + away_2))
    return np.stack(world)


def _move(habits: Habits, keys: list[Key], frames: int, rng: np.random.Generator) -> np.ndarray:
    """A person on its own stage: T x V x C."""
    tracks = habits.unsteady(glide(keys, np.arange(frames) / FRAMES_A_SECOND), rng)
    return joint_positions(habits.body, tracks, habits.stance, phase=float(rng.uniform()))


def _on_the_floor(stage_TxVxC: np.ndarray, heading: float, place_2: np.ndarray) -> np.ndarray:
    """A stage's joints in the world, in which it is turned to the left by `heading` and stands at x, z."""
    world_TxVxC = stage_TxVxC @ rotation_about(1, np.array(heading)).T
    return world_TxVxC + (place_2[0], 0.0, place_2[1])
