"""Recordings of synthetic hands, as files of SHREC'17 or of DHG-14/28.

Invented people make the 14 gestures of SHREC'17 with one finger and with the whole hand in front of an invented depth
camera of 30 frames a second. Shapes of the hand tell some gestures apart and movements others; the place and the tilt
of the hand, the way to and from a gesture and a slow drift tell nothing.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from dsta_jax.datasets import dhg, shrec17
from dsta_jax.errors import UserError

from .hand_gestures import GESTURES, Key, Performer, Person, Pose, glide, when
from .kinematic_hand import FINGERS, joint_positions, rotation_about
from .raw_set import RawSet, generator

FRAMES_A_SECOND, FEWEST_FRAMES, MOST_FRAMES = 30, 20, 120
ONE_FINGER, WHOLE_HAND = 1, 2
# To be raised with every change, here or in the hand and its gestures, of what the same settings write.
GENERATION = 1

# Radians: how far a finger's three joints bend at curl 1, and how far a finger leans to the thumb's side at spread 1.
_FLEXION_Fx3 = np.array([(0.55, 0.70, 0.70)] + 4 * [(1.30, 1.65, 1.00)])
_ABDUCTION_F = np.array((0.35, 0.25, 0.05, -0.15, -0.35))
_REST = (0.3, 1.5)  # Seconds of rest before and after a gesture of DHG.


class Take(NamedTuple):
    """Which recording; the numbers count from 1, as in the paths of SHREC'17 and DHG."""

    gesture: int
    finger: int
    subject: int
    essai: int

    @property
    def name(self) -> str:
        """Its directory, relative to the set's."""
        return shrec17.recording_name(*self)


def takes(seed: int, subjects: int, essais: int) -> list[Take]:
    """All recordings of a set, in the order of the lists; UserError when there cannot be such a set."""
    if seed < 0 or subjects < 2 or essais < 1:
        found = f"--seed={seed} --subjects={subjects} --essais={essais}"
        raise UserError(f"{found}, expected 0 or more, 2 or more and 1 or more")
    counts = len(GESTURES), WHOLE_HAND, subjects, essais
    return [Take(*(number + 1 for number in numbers)) for numbers in np.ndindex(*counts)]


@lru_cache(maxsize=256)
def _person_of(seed: int, subject: int) -> Person:
    return Person(generator(seed, subject))


def _plan(seed: int, take: Take, rests: bool) -> tuple[list[Key], int, np.random.Generator]:
    """What the hand is about to do, how many frames the camera takes, and the draws left for how it looks."""
    rng, most = generator(seed, *take), MOST_FRAMES
    keys = Performer(_person_of(seed, take.subject), take.finger == ONE_FINGER, rng).keys_of(take.gesture - 1)
    if rests:
        before, after = generator(seed, *take, 1).uniform(*_REST, 2).tolist()
        keys[1], keys[-1] = (before, keys[1][1]), (after, keys[-1][1])
        most += round(2 * _REST[1] * FRAMES_A_SECOND)
    return keys, min(max(round(when(keys)[-1] * FRAMES_A_SECOND), FEWEST_FRAMES), most), rng


def make(seed: int, take: Take, *, disturbed: bool = True, rests: bool = False) -> np.ndarray:
    """The joints of one recording of a seed's set, in metres: T x V x C, 20 to 120 frames (210 between `rests`).

    `disturbed` adds what a camera and an unsteady hand do: drift, fidgeting, tremor and sensor noise.
    """
    (keys, frames, rng), person = _plan(seed, take, rests), _person_of(seed, take.subject)
    poses = glide(keys, np.linspace(0.0, when(keys)[-1], frames), person.bow + rng.normal(0.0, 0.06))
    place_C, tilt_C = rng.normal(person.place_C, 0.05), rng.normal(person.tilt_C, (0.12, 0.12, 0.15))
    radius = rng.uniform(0.2, 0.4) * person.reach
    if disturbed:
        drift, sway, fidget = rng.uniform((0.01, 0.02, 0.01), (0.04, 0.08, 0.05))
        shift_TxC = poses.shift + drift * _wander(rng, frames, 3, cycles=1.2)
        tilt_TxC = poses.tilt + sway * _wander(rng, frames, 3, cycles=1.5)
        curl_TxF = poses.curl + fidget * _wander(rng, frames, FINGERS, cycles=2.0)
        poses = poses._replace(shift=shift_TxC, tilt=tilt_TxC, curl=curl_TxF)
    frames_TxVxC = _joints(person, poses, place_C, tilt_C, radius)
    return frames_TxVxC + _noise(frames_TxVxC.shape, person.tremor, rng) if disturbed else frames_TxVxC


def gesture_frames(seed: int, take: Take) -> tuple[int, int]:
    """The gesture's first and last frame, from 0, in a recording with rests: the hand is in place, and still there."""
    keys, frames, _ = _plan(seed, take, rests=True)
    frame_K = when(keys) / when(keys)[-1] * (frames - 1)
    return round(float(frame_K[2])), round(float(frame_K[-3]))


def _joints(person: Person, poses: Pose, place_C: np.ndarray, tilt_C: np.ndarray, radius: float) -> np.ndarray:
    """The joints (metres, T x V x C) of a hand that is held at `place_C` with `tilt_C` and takes the poses in turn."""
    zero_T = np.zeros(len(poses.shift))
    shift_TxC = poses.shift + radius * np.stack((np.cos(poses.orbit), np.sin(poses.orbit), zero_T), axis=1)
    swivel_TxC = person.swivel * np.stack((-shift_TxC[:, 0], shift_TxC[:, 1], zero_T), axis=1)
    yaw_T, pitch_T, twist_T = (poses.tilt + tilt_C + swivel_TxC).T
    palm_TxCxC = rotation_about(1, yaw_T) @ rotation_about(0, pitch_T) @ rotation_about(1, twist_T)
    flexion_TxFx3, abduction_TxF = poses.curl[:, :, None] * _FLEXION_Fx3, poses.spread[:, None] * _ABDUCTION_F
    return joint_positions(person.hand, place_C + shift_TxC, palm_TxCxC, flexion_TxFx3, abduction_TxF)


def _wander(rng: np.random.Generator, frames: int, width: int, cycles: float) -> np.ndarray:
    """Smooth random tracks of standard deviation about 1, T x `width`, with up to so many cycles a recording."""
    frequency_3x1xW = rng.uniform(0.2, cycles, (3, 1, width))
    phase_3x1xW = rng.uniform(0.0, 2.0 * np.pi, (3, 1, width))
    part_Tx1 = np.linspace(0.0, 1.0, frames)[:, None]
    return np.sqrt(2.0 / 3.0) * np.sin(2.0 * np.pi * frequency_3x1xW * part_Tx1 + phase_3x1xW).sum(axis=0)


def _noise(shape: tuple[int, ...], tremor: float, rng: np.random.Generator) -> np.ndarray:
    """A camera's noise, in metres, T x V x C: of the whole hand, of each joint, and at times much of one joint."""
    frames, joints, _ = shape
    whole_sigma, joint_sigma = rng.uniform((0.0, 0.0003), (0.006, 0.0012))
    whole_Tx1xC = rng.normal(0.0, whole_sigma, (frames, 1, 3))
    rate, phase_C = rng.uniform(7.0, 11.0), rng.uniform(0.0, 2.0 * np.pi, 3)
    trembling_TxC = tremor * np.sin(2.0 * np.pi * rate / FRAMES_A_SECOND * np.arange(frames)[:, np.newaxis] + phase_C)
    noise_TxVxC = rng.normal(0.0, joint_sigma, shape) + whole_Tx1xC + trembling_TxC[:, np.newaxis]
    if rng.uniform() < 0.3:
        joint, first = int(rng.integers(2, joints)), int(rng.integers(0, frames))
        lost_TxC = noise_TxVxC[first : first + int(rng.integers(5, 25)), joint]
        lost_TxC += rng.normal(0.0, 0.012, lost_TxC.shape)
    return noise_TxVxC


# The files.


def text_of(frames_TxVxC: np.ndarray) -> str:
    """The text of a skeleton file: a line a frame, 66 numbers of five decimals (hundredths of a millimetre)."""
    rows_TxD = np.round(frames_TxVxC.reshape(len(frames_TxVxC), -1), 5) + 0.0  # Without a negative zero.
    line = " ".join(["%.5f"] * rows_TxD.shape[1]) + "\n"
    return "".join(line % tuple(row_D) for row_D in rows_TxD.tolist())


def shrec_set(seed: int = 0, subjects: int = 12, essais: int = 3) -> RawSet:
    """A set in the layout of SHREC'17, whose gestures have been cropped; UserError when there cannot be such a set.

    There are two `subjects` or more, the last third of them for testing; each makes each gesture `essais` times.
    """
    listed, last_to_train = takes(seed, subjects, essais), subjects - max(1, subjects // 3)
    columns = partial(_shrec_columns, seed)
    files: dict[str, Callable[[], bytes]] = {
        shrec17.TRAIN_LIST: partial(_list, [take for take in listed if take.subject <= last_to_train], columns),
        shrec17.TEST_LIST: partial(_list, [take for take in listed if take.subject > last_to_train], columns),
        **{f"{take.name}/{shrec17.SKELETON_FILE}": partial(_skeletons, seed, take, False) for take in listed},
    }
    return RawSet({"seed": seed, "subjects": subjects, "essais": essais, "generation": GENERATION}, files)


def dhg_set(seed: int = 0, subjects: int = 20, essais: int = 5) -> RawSet:
    """A set in the layout of DHG-14/28, whose gestures stand between rests; for the settings see `shrec_set`."""
    listed = takes(seed, subjects, essais)
    files: dict[str, Callable[[], bytes]] = {
        dhg.LIST_FILE: partial(_list, listed, partial(gesture_frames, seed)),
        **{f"{take.name}/{dhg.SKELETON_FILE}": partial(_skeletons, seed, take, True) for take in listed},
    }
    settings = {"layout": "dhg", "seed": seed, "subjects": subjects, "essais": essais, "generation": GENERATION}
    return RawSet(settings, files)


def _skeletons(seed: int, take: Take, rests: bool) -> bytes:
    return text_of(make(seed, take, rests=rests)).encode()


def _shrec_columns(seed: int, take: Take) -> tuple[int, int, int]:
    """The label of 14, the label of 28, and how many frames there are."""
    return take.gesture, 2 * (take.gesture - 1) + take.finger, _plan(seed, take, rests=False)[1]


def _list(listed: list[Take], columns: Callable[[Take], tuple[int, ...]]) -> bytes:
    """A line a recording: gesture, finger, subject, essai, and further columns."""
    return "".join(" ".join(map(str, (*take, *columns(take)))) + "\n" for take in listed).encode()
