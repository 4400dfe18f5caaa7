r"""Converts DHG-14/28's hand skeletons to TFRecord files.

  python -m data_prep.dhg --raw_dir=DIRECTORY_OF_DHG2016 --out_dir=DATA_DIR

The raw directory is the unpacked archive of the authors: informations_troncage_sequences.txt and
gesture_G/finger_F/subject_S/essai_E/skeleton_world.txt. Recordings are cut to the frames that the list gives; the
labels are the 28 classes. All go to one split: the protocol leaves out each subject once when the set is read.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from data_prep import conversion
from data_prep.shards import Item
from dsta_jax.datasets import dhg, shrec17
from dsta_jax.datasets.benchmarks import DHG_FINE_GESTURES, of_data_set
from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError, one_line_errors

NAME, VERSION = "dhg", "1.0.0"
_PUBLISHED = 2800

# The authors of DSTA-Net move DHG's hands to the wrist, and leave their size.
_REFERENCE = dataclasses.replace(HAND_22.reference, scale=None)
_CITATION = "Q. De Smedt, H. Wannous, J.-P. Vandeborre. Skeleton-based Dynamic Hand Gesture Recognition. CVPRW 2016."


@dataclasses.dataclass(frozen=True)
class Gesture(Item):
    """A recording of which the frames from `start` to `end`, inclusive, from 0, are the gesture."""

    start: int = 0
    end: int = 0


def read_frames(item: Gesture) -> np.ndarray:
    """Reads, cuts and normalises one recording: frames_TxVxMxC float32.

    Raises:
      UserError: when the file is broken, or ends before the gesture does.
    """
    frames_TxVxC = shrec17.read_skeletons(item.path)
    if item.end >= len(frames_TxVxC):
        raise UserError(
            f"{item.path}: {len(frames_TxVxC)} frames, but {dhg.LIST_FILE} says that the gesture ends in frame "
            f"{item.end}, counted from 0"
        )
    return normalize(frames_TxVxC[item.start : item.end + 1, :, None], HAND_22, _REFERENCE)


def read_items(raw_dir: pathlib.Path) -> list[Gesture]:
    """The recordings that the list names, in its order.

    Raises:
      UserError: when the list is missing or malformed.
    """
    return [
        Gesture(
            name=recording.name,
            path=raw_dir / recording.name / dhg.SKELETON_FILE,
            label=recording.label28,
            subject=recording.subject,
            start=recording.start,
            end=recording.end,
        )
        for recording in dhg.read_list(raw_dir / dhg.LIST_FILE)
    ]


def run(options: conversion.Options, name: str = NAME) -> None:
    """Converts a set in DHG's layout.

    Raises:
      UserError: as `read_items` and `conversion.convert`.
    """
    data_set = conversion.DataSet(
        name=name,
        version=VERSION,
        layout=HAND_22,
        bodies=1,
        label_names=DHG_FINE_GESTURES,
        description=f"{name}: 14 hand gestures, each done with one finger and with the whole hand: skeletons of 22 "
        "joints, cut to the gesture and moved to the wrist.",
        citation=_CITATION if name == NAME else "",
        homepage="http://www-rech.telecom-lille.fr/DHGdataset/" if name == NAME else "",
        splits={"all": read_items(options.raw_dir)},
        published=_PUBLISHED if name == NAME else 0,
        benchmarks=of_data_set(name),
    )
    conversion.convert(data_set, read_frames, options)


@one_line_errors
def main(arguments: Sequence[str]) -> None:
    """The command: reads the flags and converts."""
    run(conversion.read_options(arguments), flags.FLAGS.name)


if __name__ == "__main__":
    conversion.define_flags()
    flags.adopt_module_key_flags(conversion)
    flags.DEFINE_string("name", NAME, "The converted set's name; another one for recordings of your own.")
    app.run(main)
