"""Recordings of synthetic bodies, as files of NTU RGB+D.

Invented people, alone and with a partner, do 20 actions before three cameras of 30 frames a second. Movements tell the
actions apart; the viewpoint, the place and the direction of a person, its size, what it waits and which hand it uses
tell nothing. What Kinect gets wrong, the files have as well: joints that are hidden and guessed at, people who are lost
and found again, now and then under another number, and furniture that is taken for somebody.

Letters in names: T frames, V joints, C coordinates, K bodies of all frames.
"""

import dataclasses
import functools
import itertools

import numpy as np

from data_prep.synthetic.body_poses import Pose, glide
from data_prep.synthetic.body_scenes import ACTIONS, perform
from data_prep.synthetic.kinect import DEPTH_SIZE, Camera, look
from data_prep.synthetic.kinect_orientation import orientations
from data_prep.synthetic.kinematic_body import Body, joint_positions
from data_prep.synthetic.motion import generator
from data_prep.synthetic.ntu_text import Columns, text_of
from data_prep.synthetic.raw_set import RawSet
from dsta_jax.datasets import ntu
from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.errors import UserError

MOST_SUBJECTS, REPLICATIONS = 106, 2
# To be raised with every change of what the same settings write.
GENERATION = 1
NOBODY = 0

_TAKES = 4  # Key of draws, beside those of people, cameras and scenes.
_FIRST_ID = 72_057_594_037_927_936
_BASE, _TOP = NTU_25.joints.index("spine_base"), NTU_25.joints.index("spine_shoulder")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the written files depend on.

    Attributes:
      seed: 0 or more.
      subjects: how many people, 1 to 106, all in each setup.
      setups: how many heights and distances of the cameras, 1 to 32; NTU RGB+D 60 has only the first 17.
      generation: of this program.
    """

    seed: int = 0
    subjects: int = 8
    setups: int = 2
    generation: int = GENERATION


@dataclasses.dataclass(frozen=True)
class Take:
    """Which recording; the numbers count from 1, as in the names of NTU RGB+D's files."""

    setup: int
    camera: int
    subject: int
    replication: int
    action: int

    @property
    def name(self) -> str:
        """Its file."""
        numbers = zip("SCPRA", dataclasses.astuple(self), strict=True)
        return "".join(f"{letter}{number:03d}" for letter, number in numbers) + ".skeleton"


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """What one camera says, frame by frame.

    Attributes:
      frames: T.
      frame_K: the frame in which each body is seen, from 0, never falling.
      id_K: each one's number.
      person_K: who it really is: 1 or 2 for those who act, `NOBODY` for furniture.
      joints_KxVxC: in the camera's coordinates, in metres.
      tracked_KxV: False where the camera guesses.
      hands_Kx4: what it says of the left and the right hand: confidence 0 or 1 and state 0 to 4, of each.
    """

    frames: int
    frame_K: np.ndarray
    id_K: np.ndarray
    person_K: np.ndarray
    joints_KxVxC: np.ndarray
    tracked_KxV: np.ndarray
    hands_Kx4: np.ndarray


@dataclasses.dataclass
class _Track:
    """One body through a recording."""

    person: int
    joints_TxVxC: np.ndarray
    tracked_TxV: np.ndarray
    seen_T: np.ndarray
    id_T: np.ndarray


def takes(settings: Settings) -> list[Take]:
    """All recordings of a set, the cameras of one scene side by side."""
    setups, subjects = range(1, settings.setups + 1), range(1, settings.subjects + 1)
    replications, cameras = range(1, REPLICATIONS + 1), range(1, ntu.CAMERAS + 1)
    scenes = itertools.product(setups, subjects, replications, ACTIONS, cameras)
    return [Take(setup, camera, subject, *which) for setup, subject, *which, camera in scenes]


@functools.lru_cache(maxsize=128)
def _camera(seed: int, setup: int, number: int) -> Camera:
    return Camera.of(seed, setup, number)


def make(seed: int, take: Take) -> Recording:
    """Makes one recording of 20 to 300 frames; of very few, in which nobody is seen, of 0."""
    rng = generator(seed, _TAKES, *dataclasses.astuple(take))
    world_BxTxVxC = perform(seed, take.setup, take.subject, take.replication, take.action)
    # No two cameras begin and end at the same moment.
    late, early = rng.integers(0, 4, 2)
    sight = look(_camera(seed, take.setup, take.camera), world_BxTxVxC[:, late : world_BxTxVxC.shape[1] - early], rng)
    frames = sight.found_BxT.shape[1]
    ids = _FIRST_ID + np.cumsum(rng.integers(2, 9, 8)) + int(rng.integers(1_000, 16_000))
    tracks = []
    for body, person_id in enumerate(ids[: len(sight.joints_BxTxVxC)]):
        seen_T, id_T = sight.found_BxT[body], np.full(frames, person_id)
        tracks.append(_Track(body + 1, sight.joints_BxTxVxC[body], sight.tracked_BxTxV[body], seen_T, id_T))
        if rng.uniform() < 0.05:
            _lose(tracks[-1], ids[4 + body], rng)
    rng.shuffle(tracks)
    if rng.uniform() < 0.06:
        tracks.insert(int(rng.integers(len(tracks) + 1)), _furniture(frames, ids[2], rng))
    if rng.uniform() < 0.06:
        tracks.append(_flicker(frames, ids[3], tracks[0].id_T, rng))
    _empty_frames(tracks, rng)
    return _recording(tracks, 0 if rng.uniform() < 0.001 else frames, rng)


def _lose(track: _Track, new_id: int, rng: np.random.Generator) -> None:
    """A person is not seen for a while, and may come back under another number."""
    frames = len(track.seen_T)
    first = int(rng.integers(frames // 4, frames // 2))
    last = first + int(rng.integers(2, max(3, min(20, frames // 4))))
    track.seen_T[first:last] = False
    if rng.uniform() < 0.3:
        track.id_T[last:] = new_id


def _empty_frames(tracks: list[_Track], rng: np.random.Generator) -> None:
    """In some recordings there are frames in which nobody is seen, in very few there are no others."""
    frames = len(tracks[0].seen_T)
    some = rng.integers(1, max(2, min(12, frames // 4)), 3)
    middle = int(rng.integers(frames // 3, 2 * frames // 3))
    for first, last, chance in (
        (0, some[0], 0.05),
        (middle, middle + some[1], 0.03),
        (frames - some[2], frames, 0.03),
        (0, frames, 0.001),
    ):
        if rng.uniform() < chance:
            for track in tracks:
                track.seen_T[first:last] = False


# What is taken for somebody.


@functools.lru_cache(maxsize=1)
def _mannequin() -> np.ndarray:
    """A body that stands at ease, about its spine's base: V x C."""
    pose = Pose(left=(0.1, -0.95, 0.1), right=(0.1, -0.95, 0.1))
    joints_VxC = joint_positions(Body(), glide([(0.0, pose), (1.0, pose)], np.zeros(1)))[0]
    return joints_VxC - joints_VxC[_BASE]


def _thing(frames: int, upright: bool, rng: np.random.Generator) -> np.ndarray:
    """A body that is none: pressed flat, somewhere in the picture, T x V x C."""
    size_C = (0.9, 0.8, 0.9) if upright else (rng.uniform(1.3, 2.0), rng.uniform(0.15, 0.3), rng.uniform(0.6, 1.2))
    joints_VxC = _mannequin() * size_C + rng.normal(0.0, 0.02, _mannequin().shape)
    depth = rng.uniform(2.0, 4.2)
    place_C = (rng.uniform(-0.4, 0.4) * depth, rng.uniform(-0.3, -0.05) * depth, depth)
    return joints_VxC + place_C + rng.normal(0.0, 0.006, (frames, *joints_VxC.shape))


def _furniture(frames: int, body_id: int, rng: np.random.Generator) -> _Track:
    """Stands there all the time, or a part of it."""
    seen_T, tracked_TxV = np.ones(frames, np.bool_), rng.uniform(size=(frames, len(NTU_25.joints))) < 0.4
    if rng.uniform() < 0.5:
        seen_T[: int(rng.integers(frames))] = False
    return _Track(NOBODY, _thing(frames, False, rng), tracked_TxV, seen_T, np.full(frames, body_id))


def _flicker(frames: int, body_id: int, other_id_T: np.ndarray, rng: np.random.Generator) -> _Track:
    """Is there for a few frames, seldom upright, at times under the number of somebody else."""
    first = int(rng.integers(frames - 8))
    seen_T, tracked_TxV = np.zeros(frames, np.bool_), rng.uniform(size=(frames, len(NTU_25.joints))) < 0.4
    seen_T[first : first + int(rng.integers(1, 9))] = True
    id_T = other_id_T.copy() if rng.uniform() < 0.2 else np.full(frames, body_id)
    return _Track(NOBODY, _thing(frames, rng.uniform() < 0.04, rng), tracked_TxV, seen_T, id_T)


# From tracks to a file.


def _recording(tracks: list[_Track], frames: int, rng: np.random.Generator) -> Recording:
    seen_TxB = np.stack([track.seen_T for track in tracks], axis=1)[:frames]
    frame_K, slot_K = np.nonzero(seen_TxB)
    hands_NxBx4 = rng.integers(0, (2, 5, 2, 5), (len(tracks[0].seen_T) // 10 + 1, len(tracks), 4))
    return Recording(
        frames=frames,
        frame_K=frame_K,
        id_K=np.stack([track.id_T for track in tracks])[slot_K, frame_K],
        person_K=np.array([track.person for track in tracks])[slot_K],
        joints_KxVxC=np.stack([track.joints_TxVxC for track in tracks])[slot_K, frame_K],
        tracked_KxV=np.stack([track.tracked_TxV for track in tracks])[slot_K, frame_K],
        hands_Kx4=hands_NxBx4[frame_K // 10, slot_K],
    )


def columns_of(recording: Recording, camera: Camera) -> Columns:
    """What a file says of a recording."""
    pixels_KxVx4 = camera.pixels(recording.joints_KxVxC)
    up_KxC = recording.joints_KxVxC[:, _TOP] - recording.joints_KxVxC[:, _BASE]
    up_KxC = up_KxC / np.maximum(np.linalg.norm(up_KxC, axis=1, keepdims=True), 1e-9)
    beyond_KxVx2 = pixels_KxVx4[..., :2] > DEPTH_SIZE
    # Kinect's edges: right 1, left 2, top 4, bottom 8.
    edges_Kx4 = np.concatenate((beyond_KxVx2, pixels_KxVx4[..., :2] < 0), axis=-1).any(axis=1)
    edges_Kx1 = edges_Kx4 @ np.array([[1], [8], [2], [4]])
    return Columns(
        frames=recording.frames,
        frame_K=recording.frame_K,
        id_K=recording.id_K,
        integers_KxI=np.concatenate((edges_Kx1, recording.hands_Kx4, np.zeros_like(edges_Kx1)), axis=1),
        lean_Kx2=up_KxC[:, [0, 2]] * (1.0, -1.0),
        numbers_KxVxD=np.concatenate(
            (recording.joints_KxVxC, pixels_KxVx4, orientations(recording.joints_KxVxC)), axis=-1
        ),
        state_KxV=1 + recording.tracked_KxV.astype(np.uint8),
    )


def ntu_set(settings: Settings) -> RawSet:
    """A set in the layout of NTU RGB+D.

    Raises:
      UserError: when there cannot be such a set.
    """
    subjects_fit, setups_fit = 1 <= settings.subjects <= MOST_SUBJECTS, 1 <= settings.setups <= ntu.SETUPS
    if settings.seed < 0 or not subjects_fit or not setups_fit:
        raise UserError(
            f"expected --seed of 0 or more, --subjects of 1 to {MOST_SUBJECTS}, --setups of 1 to {ntu.SETUPS}; "
            f"got {settings}"
        )
    return RawSet(
        settings={"layout": "ntu", **dataclasses.asdict(settings)},
        takes={take.name: take for take in takes(settings)},
        contents=functools.partial(_contents, settings.seed),
        lists={},
    )


def _contents(seed: int, take: Take) -> bytes:
    return text_of(columns_of(make(seed, take), _camera(seed, take.setup, take.camera)))
