r"""Converts SHREC'17's hand skeletons to TFRecord files.

  python -m data_prep.shrec --raw_dir=DIRECTORY_OF_SHREC17 --out_dir=DATA_DIR

The raw directory is the unpacked archive of the authors: train_gestures.txt, test_gestures.txt and
gesture_G/finger_F/subject_S/essai_E/skeletons_world.txt. The two lists become the splits train and test; the labels
are the 28 classes.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from data_prep import conversion
from data_prep.shards import Item
from dsta_jax.datasets import shrec17
from dsta_jax.datasets.benchmarks import SHREC_FINE_GESTURES, of_data_set
from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError, one_line_errors

NAME, VERSION = "shrec17", "1.0.0"
_PUBLISHED = 2800

_DESCRIPTION = (
    "14 hand gestures, each done with one finger and with the whole hand: skeletons of 22 joints, normalised."
)
_CITATION = (
    "Q. De Smedt, H. Wannous, J.-P. Vandeborre, J. Guerry, B. Le Saux, D. Filliat. SHREC'17 Track: 3D Hand Gesture "
    "Recognition Using a Depth and Skeletal Dataset. 3DOR 2017."
)


def read_frames(item: Item) -> np.ndarray:
    """Reads and normalises one recording: frames_TxVxMxC float32."""
    return normalize(shrec17.read_skeletons(item.path)[:, :, None], HAND_22)


def read_items(raw_dir: pathlib.Path) -> dict[str, list[Item]]:
    """The recordings that the two lists name, by split.

    Raises:
      UserError: when a list is missing or malformed, or both name the same recording.
    """
    lists = {"train": raw_dir / shrec17.TRAIN_LIST, "test": raw_dir / shrec17.TEST_LIST}
    splits = {
        split: [
            Item(
                name=recording.name,
                path=raw_dir / recording.name / shrec17.SKELETON_FILE,
                label=recording.label28 - 1,
                subject=recording.subject,
                listed_frames=recording.frames,
            )
            for recording in shrec17.read_list(path)
        ]
        for split, path in lists.items()
    }
    train_names = {item.name for item in splits["train"]}
    both = [item.name for item in splits["test"] if item.name in train_names]
    if both:
        raise UserError(f"{lists['train']} and {lists['test']}: both name {both[0]}, {len(both)} recordings in all")
    return splits


def describe(raw_dir: pathlib.Path, name: str = NAME) -> conversion.DataSet:
    """Describes a set in SHREC'17's layout; another name than SHREC'17's is for recordings from elsewhere.

    Raises:
      UserError: as `read_items`.
    """
    return conversion.DataSet(
        name=name,
        version=VERSION,
        layout=HAND_22,
        bodies=1,
        label_names=SHREC_FINE_GESTURES,
        description=f"{name}: {_DESCRIPTION}",
        citation=_CITATION if name == NAME else "",
        homepage="http://www-rech.telecom-lille.fr/shrec2017-hand/" if name == NAME else "",
        splits=read_items(raw_dir),
        published=_PUBLISHED if name == NAME else 0,
        benchmarks=of_data_set(name),
    )


def run(options: conversion.Options, name: str = NAME) -> None:
    """Converts a set in SHREC'17's layout.

    Raises:
      UserError: as `read_items` and `conversion.convert`.
    """
    conversion.convert(describe(options.raw_dir, name), read_frames, options)


@one_line_errors
def main(arguments: Sequence[str]) -> None:
    """The command: reads the flags and converts."""
    run(conversion.read_options(arguments), flags.FLAGS.name)


if __name__ == "__main__":
    conversion.define_flags()
    flags.adopt_module_key_flags(conversion)
    flags.DEFINE_string("name", NAME, "The converted set's name; another one for recordings of your own.")
    app.run(main)
