"""Recordings of synthetic hands, as files of SHREC'17 or of DHG-14/28.

Invented people make the 14 gestures of SHREC'17 with one finger and with the whole hand in front of an invented depth
camera of 30 frames a second. Shapes of the hand tell some gestures apart and movements others; the place and the tilt
of the hand, the way to and from a gesture and a slow drift tell nothing.
"""

import dataclasses
import functools
import itertools

import numpy as np

from data_prep.synthetic.hand_gestures import GESTURES, Habits, Key, Performer, PoseTracks, glide, keys_of
from data_prep.synthetic.kinematic_hand import FINGERS, joint_positions
from data_prep.synthetic.motion import generator, rotation_about, wander
from data_prep.synthetic.raw_set import RawSet
from dsta_jax.datasets import dhg, shrec17
from dsta_jax.errors import UserError

FRAMES_A_SECOND = 30
FEWEST_FRAMES, MOST_FRAMES = 20, 120
ONE_FINGER, WHOLE_HAND = 1, 2
# To be raised with every change, here or in the hand and its gestures, of what the same settings write.
GENERATION = 1

# Radians at curl 1: the three joints of a finger; the thumb bends less.
_FLEXION_Fx3 = np.array([(0.55, 0.70, 0.70)] + 4 * [(1.30, 1.65, 1.00)])
# Radians at spread 1, towards the thumb's side.
_ABDUCTION_F = np.array((0.35, 0.25, 0.05, -0.15, -0.35))
# Seconds of rest around a gesture that has not been cropped, as DHG's are not.
_REST = (0.3, 1.5)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the written files depend on.

    Attributes:
      seed: 0 or more.
      subjects: how many people, 2 or more; SHREC'17's lists put the last third of them, at least one, into the test.
      essais: how often each makes each gesture, 1 or more.
      generation: of this program.
    """

    seed: int = 0
    subjects: int = 12
    essais: int = 3
    generation: int = GENERATION

    def check(self) -> None:
        """Raises UserError when a number is less than that."""
        if self.seed < 0 or self.subjects < 2 or self.essais < 1:
            raise UserError(f"expected --seed of 0 or more, --subjects of 2 or more, --essais of 1 or more; got {self}")

    @property
    def first_test_subject(self) -> int:
        """Subjects from this one on, counted from 1, are for testing in SHREC'17's lists."""
        return self.subjects - max(1, self.subjects // 3) + 1


@dataclasses.dataclass(frozen=True)
class Take:
    """Which recording; the numbers count from 1, as in the paths of SHREC'17 and DHG."""

    gesture: int
    finger: int
    subject: int
    essai: int

    @property
    def name(self) -> str:
        """Its directory, relative to the set's."""
        return shrec17.recording_name(self.gesture, self.finger, self.subject, self.essai)


def takes(settings: Settings) -> list[Take]:
    """All recordings of a set, in the order of the lists."""
    gestures, fingers = range(1, len(GESTURES) + 1), (ONE_FINGER, WHOLE_HAND)
    subjects, essais = range(1, settings.subjects + 1), range(1, settings.essais + 1)
    return [Take(*numbers) for numbers in itertools.product(gestures, fingers, subjects, essais)]


@functools.lru_cache(maxsize=256)
def habits_of(seed: int, subject: int) -> Habits:
    """The bones and habits of one person."""
    return Habits.draw(generator(seed, subject))


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What a hand is about to do, and the draws that are left for how it looks.

    Attributes:
      habits: the person's.
      keys: of the hand.
      frames: how many the camera takes.
      rng: draws.
    """

    habits: Habits
    keys: list[Key]
    frames: int
    rng: np.random.Generator

    @property
    def when_K(self) -> np.ndarray:
        """Seconds at which each key is reached."""
        return np.cumsum([0.0, *(lasts for lasts, _ in self.keys[1:])])

    @property
    def gesture(self) -> tuple[int, int]:
        """The gesture's first and last frame, from 0: the hand is in place, and has not left it yet."""
        frame_K = self.when_K / self.when_K[-1] * (self.frames - 1)
        return round(float(frame_K[2])), round(float(frame_K[-3]))


def _plan(seed: int, take: Take, rests: bool) -> _Plan:
    """With `rests`, the same gesture stands between longer rests."""
    numbers = (take.gesture, take.finger, take.subject, take.essai)
    habits, rng = habits_of(seed, take.subject), generator(seed, *numbers)
    keys = keys_of(take.gesture - 1, Performer(habits, take.finger == ONE_FINGER, rng))
    most = MOST_FRAMES
    if rests:
        before, after = generator(seed, *numbers, 1).uniform(*_REST, 2)
        keys[1], keys[-1] = (float(before), keys[1][1]), (float(after), keys[-1][1])
        most += round(2 * _REST[1] * FRAMES_A_SECOND)
    seconds = sum(lasts for lasts, _ in keys[1:])
    return _Plan(habits, keys, int(np.clip(round(seconds * FRAMES_A_SECOND), FEWEST_FRAMES, most)), rng)


def make(seed: int, take: Take, *, disturbed: bool = True, rests: bool = False) -> np.ndarray:
    """Makes one recording.

    Args:
      seed: of the whole set.
      take: which one.
      disturbed: False leaves out what a camera and an unsteady hand add: drift, fidgeting, tremor and sensor noise.
      rests: True sets the gesture between longer rests.

    Returns:
      The joints in metres, 20 to 120 frames (210 with rests): T x V x C.
    """
    plan = _plan(seed, take, rests)
    habits, rng, seconds = plan.habits, plan.rng, sum(lasts for lasts, _ in plan.keys[1:])
    tracks = glide(plan.keys, np.linspace(0.0, seconds, plan.frames), habits.bow + rng.normal(0.0, 0.06))
    place_C, tilt_C = rng.normal(habits.place_C, 0.05), rng.normal(habits.tilt_C, (0.12, 0.12, 0.15))
    radius = rng.uniform(0.2, 0.4) * habits.reach
    if disturbed:
        tracks = _unsteady(tracks, rng)
    frames_TxVxC = _joints(habits, tracks, place_C, tilt_C, radius)
    return _seen(frames_TxVxC, habits.tremor, rng) if disturbed else frames_TxVxC


def gesture_frames(seed: int, take: Take) -> tuple[int, int]:
    """The first and last frame, from 0, of the gesture in a recording with rests."""
    return _plan(seed, take, rests=True).gesture


def _joints(habits: Habits, tracks: PoseTracks, place_C: np.ndarray, tilt_C: np.ndarray, radius: float) -> np.ndarray:
    """The joints (metres, T x V x C) of a hand that is held at `place_C` with `tilt_C` and follows the tracks."""
    circle_TxC = np.stack((np.cos(tracks.orbit_T), np.sin(tracks.orbit_T), np.zeros_like(tracks.orbit_T)), axis=1)
    shift_TxC = tracks.shift_TxC + radius * circle_TxC
    swivel_TxC = habits.swivel * np.stack((-shift_TxC[:, 0], shift_TxC[:, 1], np.zeros(len(shift_TxC))), axis=1)
    yaw_T, pitch_T, twist_T = (tracks.tilt_TxC + tilt_C + swivel_TxC).T
    palm_TxCxC = rotation_about(1, yaw_T) @ rotation_about(0, pitch_T) @ rotation_about(1, twist_T)
    flexion_TxFx3 = tracks.curl_TxF[:, :, np.newaxis] * _FLEXION_Fx3
    abduction_TxF = tracks.spread_T[:, np.newaxis] * _ABDUCTION_F
    return joint_positions(habits.hand, place_C + shift_TxC, palm_TxCxC, flexion_TxFx3, abduction_TxF)


def _unsteady(tracks: PoseTracks, rng: np.random.Generator) -> PoseTracks:
    """Adds what no hand can help: it drifts, tilts and fidgets."""
    frames = len(tracks.orbit_T)
    drift, sway, fidget = rng.uniform(0.01, 0.04), rng.uniform(0.02, 0.08), rng.uniform(0.01, 0.05)
    return dataclasses.replace(
        tracks,
        shift_TxC=tracks.shift_TxC + drift * wander(rng, frames, 3, cycles=1.2),
        tilt_TxC=tracks.tilt_TxC + sway * wander(rng, frames, 3, cycles=1.5),
        curl_TxF=tracks.curl_TxF + fidget * wander(rng, frames, len(FINGERS), cycles=2.0),
    )


def _seen(frames_TxVxC: np.ndarray, tremor: float, rng: np.random.Generator) -> np.ndarray:
    """Adds a camera's noise, in metres: to the whole hand, to each joint, and at times much to one joint."""
    frames, joints, _ = frames_TxVxC.shape
    whole_sigma, joint_sigma = rng.uniform(0.0, 0.006), rng.uniform(0.0003, 0.0012)
    whole_Tx1xC = rng.normal(0.0, whole_sigma, (frames, 1, 3))
    rate, phase_C = rng.uniform(7.0, 11.0), rng.uniform(0.0, 2.0 * np.pi, 3)
    trembling_TxC = tremor * np.sin(2.0 * np.pi * rate / FRAMES_A_SECOND * np.arange(frames)[:, np.newaxis] + phase_C)
    noise_TxVxC = rng.normal(0.0, joint_sigma, frames_TxVxC.shape) + whole_Tx1xC + trembling_TxC[:, np.newaxis]
    if rng.uniform() < 0.3:
        joint, first = int(rng.integers(2, joints)), int(rng.integers(0, frames))
        lost = slice(first, first + int(rng.integers(5, 25)))
        noise_TxVxC[lost, joint] += rng.normal(0.0, 0.012, noise_TxVxC[lost, joint].shape)
    return frames_TxVxC + noise_TxVxC


def text_of(frames_TxVxC: np.ndarray) -> str:
    """The text of a skeleton file: a line a frame, 66 numbers of five decimals (hundredths of a millimetre)."""
    rows_TxD = np.round(frames_TxVxC.reshape(len(frames_TxVxC), -1), 5) + 0.0
    line = " ".join(["%.5f"] * rows_TxD.shape[1]) + "\n"
    return "".join(line % tuple(row_D) for row_D in rows_TxD.tolist())


# The files of SHREC'17.


def shrec_set(settings: Settings) -> RawSet:
    """A set in the layout of SHREC'17, whose gestures have been cropped; UserError when it cannot be."""
    settings.check()
    return RawSet(
        settings=dataclasses.asdict(settings),
        takes={f"{take.name}/{shrec17.SKELETON_FILE}": take for take in takes(settings)},
        contents=functools.partial(_shrec_contents, settings.seed),
        lists={
            name: functools.partial(_shrec_list, settings, name) for name in (shrec17.TRAIN_LIST, shrec17.TEST_LIST)
        },
    )


def _shrec_contents(seed: int, take: Take) -> bytes:
    return text_of(make(seed, take)).encode()


def _shrec_list(settings: Settings, name: str) -> str:
    """A line a recording: gesture, finger, subject, essai, label of 14, label of 28, frames."""
    lines = []
    for take in takes(settings):
        if (take.subject < settings.first_test_subject) == (name == shrec17.TRAIN_LIST):
            frames, fine_label = _plan(settings.seed, take, rests=False).frames, 2 * (take.gesture - 1) + take.finger
            lines.append(_line(*dataclasses.astuple(take), take.gesture, fine_label, frames))
    return "".join(lines)


def _line(*numbers: int) -> str:
    return " ".join(map(str, numbers)) + "\n"


# The files of DHG-14/28.


def dhg_set(settings: Settings) -> RawSet:
    """A set in the layout of DHG-14/28, whose gestures stand between rests; UserError when it cannot be."""
    settings.check()
    return RawSet(
        settings={"layout": "dhg", **dataclasses.asdict(settings)},
        takes={f"{take.name}/{dhg.SKELETON_FILE}": take for take in takes(settings)},
        contents=functools.partial(_dhg_contents, settings.seed),
        lists={dhg.LIST_FILE: functools.partial(_dhg_list, settings)},
    )


def _dhg_contents(seed: int, take: Take) -> bytes:
    return text_of(make(seed, take, rests=True)).encode()


def _dhg_list(settings: Settings) -> str:
    """A line a recording: gesture, finger, subject, essai, the gesture's first and last frame, from 0."""
    return "".join(_line(*dataclasses.astuple(take), *gesture_frames(settings.seed, take)) for take in takes(settings))
