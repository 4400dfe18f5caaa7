r"""Synthetic hand gestures in the layout of SHREC'17, to try everything without a download.

    python -m data_prep.synthetic --out_dir=data/raw/synthetic_hands

Twelve invented people make the 14 gestures of SHREC'17 with one finger and with the whole hand, three times each, in
front of an invented depth camera of 30 frames a second: 1,008 recordings, 672 to train and 336, of other people, to
test. Shapes of the hand tell some gestures apart and movements others; the place and the tilt of the hand, the way to
and from a gesture and a slow drift tell nothing. The written files depend on the flags alone: the same seed gives
the same bytes.

As in SHREC'17, a recording is `gesture_G/finger_F/subject_S/essai_E/skeletons_world.txt`, with a line a frame of
x y z of 22 joints in metres, and the lists `train_gestures.txt` and `test_gestures.txt` have a line a recording:
gesture, finger (1: one, 2: whole hand), subject, essai, label of 14, label of 28, frames. Everything counts from 1.
"""

import contextlib
import dataclasses
import functools
import itertools
import json
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np
from absl import app, flags
from tqdm import tqdm

from data_prep.hand_gestures import GESTURES, Habits, Performer, PoseTracks, glide, keys_of
from data_prep.kinematic_hand import FINGERS, joint_positions, rotation_about
from dsta_jax.errors import UserError, one_line_errors
from dsta_jax.skeleton.formats import shrec

FRAMES_A_SECOND = 30
FEWEST_FRAMES, MOST_FRAMES = 20, 120
ONE_FINGER, WHOLE_HAND = 1, 2
# To be raised with every change, here or in the hand and its gestures, of what the same settings write.
GENERATION = 1
SETTINGS_FILE = "synthetic.json"

# Radians at curl 1: the three joints of a finger; the thumb bends less.
_FLEXION_Fx3 = np.array([(0.55, 0.70, 0.70)] + 4 * [(1.30, 1.65, 1.00)])
# Radians at spread 1, towards the thumb's side.
_ABDUCTION_F = np.array((0.35, 0.25, 0.05, -0.15, -0.35))


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the written files depend on.

    Attributes:
      seed: 0 or more.
      subjects: how many people, 2 or more; the last third of them, at least one, is for testing.
      essais: how often each makes each gesture, 1 or more.
      generation: of this program.
    """

    seed: int = 0
    subjects: int = 12
    essais: int = 3
    generation: int = GENERATION

    @property
    def first_test_subject(self) -> int:
        """Subjects from this one on, counted from 1, are for testing."""
        return self.subjects - max(1, self.subjects // 3) + 1


@dataclasses.dataclass(frozen=True)
class Take:
    """Which recording; the numbers count from 1, as in SHREC'17's paths."""

    gesture: int
    finger: int
    subject: int
    essai: int

    @property
    def path(self) -> str:
        """Its file, relative to the set's directory."""
        return f"{shrec.recording_name(self.gesture, self.finger, self.subject, self.essai)}/{shrec.SKELETON_FILE}"

    def list_line(self, frames: int) -> str:
        """Its line in the list of its split."""
        fine_label = 2 * (self.gesture - 1) + self.finger
        listed = shrec.Recording(
            self.gesture, self.finger, self.subject, self.essai, label14=self.gesture, label28=fine_label, frames=frames
        )
        return " ".join(map(str, dataclasses.astuple(listed))) + "\n"


def takes(settings: Settings) -> list[Take]:
    """All recordings of a set, in the order of the lists."""
    gestures, fingers = range(1, len(GESTURES) + 1), (ONE_FINGER, WHOLE_HAND)
    subjects, essais = range(1, settings.subjects + 1), range(1, settings.essais + 1)
    return [Take(*numbers) for numbers in itertools.product(gestures, fingers, subjects, essais)]


@functools.lru_cache(maxsize=256)
def habits_of(seed: int, subject: int) -> Habits:
    """The bones and habits of one person."""
    return Habits.draw(_generator(seed, subject))


def _generator(*key: int) -> np.random.Generator:
    """Draws that depend on the key alone, so that no recording depends on another."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def make(seed: int, take: Take, *, disturbed: bool = True) -> np.ndarray:
    """Makes one recording.

    Args:
      seed: of the whole set.
      take: which one.
      disturbed: False leaves out what a camera and an unsteady hand add: drift, fidgeting, tremor and sensor noise.

    Returns:
      The joints in metres, 20 to 120 frames: T x V x C.
    """
    habits = habits_of(seed, take.subject)
    rng = _generator(seed, take.gesture, take.finger, take.subject, take.essai)
    performer = Performer(habits, take.finger == ONE_FINGER, rng)
    keys = keys_of(take.gesture - 1, performer)
    seconds = sum(lasts for lasts, _ in keys[1:])
    frames = int(np.clip(round(seconds * FRAMES_A_SECOND), FEWEST_FRAMES, MOST_FRAMES))
    tracks = glide(keys, np.linspace(0.0, seconds, frames), habits.bow + rng.normal(0.0, 0.06))
    place_C, tilt_C = rng.normal(habits.place_C, 0.05), rng.normal(habits.tilt_C, (0.12, 0.12, 0.15))
    radius = rng.uniform(0.2, 0.4) * habits.reach
    if disturbed:
        tracks = _unsteady(tracks, rng)
    frames_TxVxC = _joints(habits, tracks, place_C, tilt_C, radius)
    return _seen(frames_TxVxC, habits.tremor, rng) if disturbed else frames_TxVxC


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


def _wander(rng: np.random.Generator, frames: int, width: int, cycles: float) -> np.ndarray:
    """Smooth random tracks of standard deviation about 1, T x `width`, with up to so many cycles a recording."""
    frequency_3x1xW = rng.uniform(0.2, cycles, (3, 1, width))
    phase_3x1xW = rng.uniform(0.0, 2.0 * np.pi, (3, 1, width))
    part_Tx1 = np.linspace(0.0, 1.0, frames)[:, np.newaxis]
    waves_3xTxW = np.sin(2.0 * np.pi * frequency_3x1xW * part_Tx1 + phase_3x1xW)
    return np.sqrt(2.0 / 3.0) * waves_3xTxW.sum(axis=0)


def _unsteady(tracks: PoseTracks, rng: np.random.Generator) -> PoseTracks:
    """Adds what no hand can help: it drifts, tilts and fidgets."""
    frames = len(tracks.orbit_T)
    drift, sway, fidget = rng.uniform(0.01, 0.04), rng.uniform(0.02, 0.08), rng.uniform(0.01, 0.05)
    return dataclasses.replace(
        tracks,
        shift_TxC=tracks.shift_TxC + drift * _wander(rng, frames, 3, cycles=1.2),
        tilt_TxC=tracks.tilt_TxC + sway * _wander(rng, frames, 3, cycles=1.5),
        curl_TxF=tracks.curl_TxF + fidget * _wander(rng, frames, len(FINGERS), cycles=2.0),
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


def _write_all(directory: pathlib.Path, settings: Settings) -> None:
    lists: dict[str, list[str]] = {shrec.TRAIN_LIST: [], shrec.TEST_LIST: []}
    for take in tqdm(takes(settings), unit=" recordings", disable=None):
        frames_TxVxC = make(settings.seed, take)
        path = directory / take.path
        path.parent.mkdir(parents=True)
        path.write_text(text_of(frames_TxVxC), encoding="ascii")
        name = shrec.TRAIN_LIST if take.subject < settings.first_test_subject else shrec.TEST_LIST
        lists[name].append(take.list_line(len(frames_TxVxC)))
    for name, lines in lists.items():
        (directory / name).write_text("".join(lines), encoding="ascii")
    (directory / SETTINGS_FILE).write_text(json.dumps(dataclasses.asdict(settings), indent=2) + "\n", encoding="ascii")


def _is_there(out_dir: pathlib.Path, settings: Settings, overwrite: bool) -> bool:
    """Whether the set lies in `out_dir` already.

    Raises:
      UserError: when something else does that may not, or not without --overwrite, be replaced.
    """
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    settings_path = out_dir / SETTINGS_FILE
    if not settings_path.is_file():
        raise UserError(f"{out_dir}: holds something other than synthetic hands; give another --out_dir")
    if overwrite:
        return False
    try:
        found = json.loads(settings_path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{settings_path}: not JSON ({error}); give --overwrite to write the set anew") from error
    wanted = dataclasses.asdict(settings)
    if found != wanted:
        raise UserError(
            f"{settings_path}: found a set of {found}, expected {wanted}; give --overwrite or another --out_dir"
        )
    needed = (shrec.TRAIN_LIST, shrec.TEST_LIST, *(take.path for take in takes(settings)))
    missing = [name for name in needed if not (out_dir / name).is_file()]
    if missing:
        raise UserError(
            f"{out_dir}: {len(missing)} files are missing, first {missing[0]}; give --overwrite to write all anew"
        )
    return True


@contextlib.contextmanager
def _complete_or_absent(out_dir: pathlib.Path) -> Iterator[pathlib.Path]:
    """A directory beside `out_dir` that takes its place once all is written, and vanishes when something fails."""
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out_dir.name}.", dir=out_dir.parent) as scratch:
        new, old = pathlib.Path(scratch) / "new", pathlib.Path(scratch) / "old"
        new.mkdir()
        yield new
        if out_dir.exists():
            out_dir.rename(old)
        new.rename(out_dir)


def write(out_dir: pathlib.Path, settings: Settings, *, overwrite: bool = False) -> bool:
    """Writes a whole set below `out_dir`, or nothing.

    Args:
      out_dir: the data set's directory; it may be absent, empty, or hold a set of this program's.
      settings: what to write.
      overwrite: replaces a set that lies there.

    Returns:
      False when the very set lies there already.

    Raises:
      UserError: when `out_dir` holds something else, or cannot be written.
    """
    if settings.seed < 0 or settings.subjects < 2 or settings.essais < 1:
        raise UserError(f"expected --seed of 0 or more, --subjects of 2 or more, --essais of 1 or more; got {settings}")
    out_dir = out_dir.absolute()
    try:
        if _is_there(out_dir, settings, overwrite):
            return False
        with _complete_or_absent(out_dir) as directory:
            _write_all(directory, settings)
    except OSError as error:
        raise UserError(
            f"{out_dir}: the set cannot be written there ({error.strerror}); give another --out_dir"
        ) from error
    return True


def _define_flags() -> None:
    default = Settings()
    flags.DEFINE_string("out_dir", None, "Directory of the raw set; absent, empty, or with a synthetic set in it.")
    flags.DEFINE_integer("seed", default.seed, "Another seed makes other people and other recordings.", lower_bound=0)
    flags.DEFINE_integer(
        "subjects", default.subjects, "How many people; the last third of them is for testing.", lower_bound=2
    )
    flags.DEFINE_integer("essais", default.essais, "How often each person makes each gesture.", lower_bound=1)
    flags.DEFINE_bool("overwrite", False, "Replace the synthetic set that lies in --out_dir.")


@one_line_errors
def main(argv: Sequence[str]) -> None:
    """Writes the set that the flags ask for."""
    if len(argv) > 1:
        raise UserError(f"expected flags only, got {argv[1]!r}")
    values = flags.FLAGS
    if not values.out_dir:
        raise UserError("--out_dir is missing: directory of the raw set, such as data/raw/synthetic_hands")
    settings = Settings(values.seed, values.subjects, values.essais)
    out_dir = pathlib.Path(values.out_dir)
    if write(out_dir, settings, overwrite=values.overwrite):
        print(f"{out_dir}: wrote {len(takes(settings))} recordings of {settings.subjects} people")
    else:
        print(f"{out_dir}: holds this set already, nothing to do")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
