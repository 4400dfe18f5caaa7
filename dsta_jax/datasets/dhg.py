"""DHG-14/28's hand gestures (De Smedt, Wannous, Vandeborre, CVPRW 2016), in SHREC'17's format with another list.

A recording is `gesture_G/finger_F/subject_S/essai_E/skeleton_world.txt`. The list `informations_troncage_sequences.txt`
says from which frame to which the gesture lasts. The 28 labels are the gestures with one finger, then with the whole
hand.
"""

import dataclasses
import pathlib

from dsta_jax.datasets import shrec17
from dsta_jax.datasets.benchmark import Benchmark, Protocol, Source
from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.datasets.recording import ALL, Collection, Entry, Recording, by_name
from dsta_jax.datasets.shrec17 import FINE_GESTURES, GESTURES
from dsta_jax.errors import UserError

SKELETON_FILE, LIST_FILE = "skeleton_world.txt", "informations_troncage_sequences.txt"


def find(raw_dir: pathlib.Path) -> Collection:
    """The recordings that the list names; UserError when it is missing or malformed, or names one twice."""
    found = []
    columns = ("gesture", "finger", "subject", "essai", "start", "end")
    for place, key, (start, end) in shrec17.read_rows(raw_dir / LIST_FILE, *columns):
        if not 0 <= start <= end:
            raise UserError(f"{place}: frames {start} to {end}, expected 0 <= start <= end")
        gesture, finger, subject, _ = key
        name, label = shrec17.recording_name(*key), gesture - 1 + len(GESTURES) * (finger - 1)
        found.append((place, Entry(name, raw_dir / name / SKELETON_FILE, label, subject, crop=(start, end))))
    entries = by_name(raw_dir, found)
    return Collection(entries, {ALL: list(entries)}, read, DHG.label_names, parallel=True)


def read(entry: Entry) -> Recording:
    """Reads a recording and cuts it to the gesture; UserError when it is broken, or ends before the gesture does."""
    frames_TxVxMxC = shrec17.read(entry).frames_TxVxMxC
    start, end = entry.crop or (0, len(frames_TxVxMxC) - 1)
    if end >= len(frames_TxVxMxC):
        found = f"{len(frames_TxVxMxC)} frames, but the gesture ends in frame {end}, counted from 0"
        raise UserError(f"{entry.path}: {found} (by {LIST_FILE})")
    return Recording(frames_TxVxMxC[start : end + 1])


DHG = Source(
    name="dhg",
    layout=HAND_22,
    label_names=FINE_GESTURES[::2] + FINE_GESTURES[1::2],
    # The authors of DSTA-Net move DHG's hands to the wrist, and leave their size.
    reference=dataclasses.replace(HAND_22.reference, scale=None),
    find=find,
    description="14 hand gestures, each done with one finger and with the whole hand: skeletons of 22 joints, cut to "
    "the gesture.",
    citation="Q. De Smedt, H. Wannous, J.-P. Vandeborre. Skeleton-based Dynamic Hand Gesture Recognition. CVPRW 2016.",
    homepage="http://www-rech.telecom-lille.fr/DHGdataset/",
    published=2800,
    prepare=("python -m data_prep.convert --from=dhg --in=DIRECTORY_OF_DHG2016 --out={data_dir}",),
)
SYNTHETIC = DHG.imitation("synthetic_dhg", "--layout=dhg ")

_EACH_SUBJECT = Protocol("subject")
_CLASS_OF_LABEL = tuple(label % len(GESTURES) for label in range(len(DHG.label_names)))

BENCHMARKS = (
    Benchmark("dhg14", DHG, _EACH_SUBJECT, GESTURES, _CLASS_OF_LABEL),
    Benchmark.of_labels("dhg28", DHG, _EACH_SUBJECT),
    Benchmark("synthetic_dhg14", SYNTHETIC, _EACH_SUBJECT, GESTURES, _CLASS_OF_LABEL),
)
