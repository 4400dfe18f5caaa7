"""SHREC'17's hand gestures (De Smedt et al., 3DOR 2017): 14 gestures with one finger and with the whole hand.

The archive holds two lists, `train_gestures.txt` and `test_gestures.txt`, with seven whole numbers for each recording,
and its skeletons in `gesture_G/finger_F/subject_S/essai_E/skeletons_world.txt`: for each frame a line of 66 numbers,
x y z of 22 joints in metres.
"""

import pathlib
from collections.abc import Iterator

import numpy as np

from dsta_jax.datasets.benchmark import Benchmark, Protocol, Source, names
from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, read_lines
from dsta_jax.errors import UserError

SKELETON_FILE = "skeletons_world.txt"
TRAIN_LIST, TEST_LIST = "train_gestures.txt", "test_gestures.txt"

GESTURES = names("""
    grab, tap, expand, pinch, rotation clockwise, rotation counter-clockwise, swipe right, swipe left, swipe up,
    swipe down, swipe X, swipe +, swipe V, shake
""")
FINGERS = ("one finger", "whole hand")
FINE_GESTURES = tuple(f"{gesture}, {fingers}" for gesture in GESTURES for fingers in FINGERS)


def find(raw_dir: pathlib.Path) -> Collection:
    """The recordings that the two lists name; UserError when a list is missing or malformed, or names one twice."""
    listed = {"train": read_list(raw_dir / TRAIN_LIST), "test": read_list(raw_dir / TEST_LIST)}
    entries = by_name(raw_dir, [one for found in listed.values() for one in found])
    splits = {split: [one.name for _, one in found] for split, found in listed.items()}
    return Collection(entries, splits, read, FINE_GESTURES, parallel=True)


def read_list(path: pathlib.Path) -> list[tuple[str, Entry]]:
    """Reads one of the lists: places in it, for errors, and the recordings that it names."""
    found = []
    columns = ("gesture", "finger", "subject", "essai", "label14", "label28", "frames")
    for place, key, (label14, label28, frames) in read_rows(path, *columns):
        gesture, finger, subject, _ = key
        label = len(FINGERS) * (gesture - 1) + finger - 1
        if (label14, label28) != (gesture, label + 1) or frames < 1:
            expected = f"label14 {gesture}, label28 {label + 1} and frames from 1"
            raise UserError(f"{place}: label14 {label14}, label28 {label28}, {frames} frames, expected {expected}")
        name = recording_name(*key)
        found.append((place, Entry(name, path.parent / name / SKELETON_FILE, label, subject, listed_frames=frames)))
    return found


def recording_name(gesture: int, finger: int, subject: int, essai: int) -> str:
    """A recording's directory below the raw data's, and its name; the numbers count from 1."""
    return f"gesture_{gesture}/finger_{finger}/subject_{subject}/essai_{essai}"


def read_rows(path: pathlib.Path, *columns: str) -> Iterator[tuple[str, tuple[int, int, int, int], list[int]]]:
    """Reads a list of hand recordings: each line's place, gesture, finger, subject and essai, the other columns."""
    for number, line in enumerate(read_lines(path), start=1):
        place = f"{path}:{number}"
        try:
            gesture, finger, subject, essai, *others = map(int, line.split())
        except ValueError:
            others = []
        if len(others) != len(columns) - 4:
            raise UserError(f"{place}: {line[:60]!r}, expected {len(columns)} whole numbers: {' '.join(columns)}")
        if not (1 <= gesture <= len(GESTURES) and 1 <= finger <= len(FINGERS) and min(subject, essai) >= 1):
            expected = "gesture 1 to 14, finger 1 or 2, subject and essai from 1"
            raise UserError(f"{place}: {line[:60]!r}, expected {expected}")
        yield place, (gesture, finger, subject, essai), others


def read(entry: Entry) -> Recording:
    """Reads a recording: metres, joints in the order of `HAND_22`; UserError when a line has not 66 numbers."""
    values = 3 * len(HAND_22.joints)
    rows = []
    for number, line in enumerate(read_lines(entry.path), start=1):
        words = line.split()
        if len(words) != values:
            raise UserError(f"{entry.path}:{number}: {len(words)} columns, expected {values} (22 joints of x y z)")
        try:
            rows.append(list(map(float, words)))
        except ValueError as error:
            raise UserError(f"{entry.path}:{number}: {error}, expected {values} numbers") from None
    return Recording(np.array(rows).reshape(len(rows), len(HAND_22.joints), 1, 3))


SHREC17 = Source(
    name="shrec17",
    layout=HAND_22,
    label_names=FINE_GESTURES,
    find=find,
    description="14 hand gestures, each done with one finger and with the whole hand: skeletons of 22 joints.",
    citation="Q. De Smedt, H. Wannous, J.-P. Vandeborre, J. Guerry, B. Le Saux, D. Filliat. SHREC'17 Track: 3D Hand "
    "Gesture Recognition Using a Depth and Skeletal Dataset. 3DOR 2017.",
    homepage="http://www-rech.telecom-lille.fr/shrec2017-hand/",
    published=2800,
    prepare=("python -m data_prep.convert --from=shrec17 --in=DIRECTORY_OF_SHREC17 --out={data_dir}",),
)
SYNTHETIC = SHREC17.imitation("synthetic_hands")

_OFFICIAL_LISTS = Protocol("split", test=("test",))
_CLASS_OF_LABEL = tuple(label // len(FINGERS) for label in range(len(FINE_GESTURES)))

BENCHMARKS = (
    Benchmark("shrec14", SHREC17, _OFFICIAL_LISTS, GESTURES, _CLASS_OF_LABEL),
    Benchmark.of_labels("shrec28", SHREC17, _OFFICIAL_LISTS),
    Benchmark("synthetic14", SYNTHETIC, _OFFICIAL_LISTS, GESTURES, _CLASS_OF_LABEL),
)
