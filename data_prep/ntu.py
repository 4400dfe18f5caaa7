r"""Converts NTU RGB+D's skeletons, of 60 or of 120 actions, to TFRecord files.

  python -m data_prep.ntu --raw_dir=DIRECTORY_OF_SKELETON_FILES --out_dir=DATA_DIR
  python -m data_prep.ntu --raw_dir=DIRECTORY_OF_SKELETON_FILES --out_dir=DATA_DIR --version=120

The raw directory holds the files SsssCcccPpppRrrrAaaa.skeleton of the authors' archives, at any depth. All samples go
to one split; every protocol is applied when the set is read. Samples in which nobody is seen are left out and listed.
The authors also publish lists of samples with missing or incomplete skeletons: those in --missing_list are left out.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from data_prep import conversion
from data_prep.shards import Item, LeftOut
from dsta_jax.datasets import ntu
from dsta_jax.datasets.benchmarks import of_data_set
from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.datasets.ntu_actions import NTU_ACTIONS
from dsta_jax.datasets.ntu_bodies import BODIES, normalize_ntu, select_bodies
from dsta_jax.errors import UserError, one_line_errors

VERSION = "1.0.0"

# By number of actions: the setups in which they were recorded, and the samples not on the list of missing skeletons.
_SETUPS = {60: 17, 120: ntu.SETUPS}
_COMPLETE = {60: 56_578, 120: 113_945}
_CITATION = {
    60: (
        "A. Shahroudy, J. Liu, T.-T. Ng, G. Wang. NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis. "
        "CVPR 2016."
    ),
    120: (
        "J. Liu, A. Shahroudy, M. Perez, G. Wang, L.-Y. Duan, A. C. Kot. NTU RGB+D 120: A Large-Scale Benchmark for "
        "3D Human Activity Understanding. TPAMI 2020."
    ),
}


def read_frames(item: Item) -> np.ndarray:
    """Reads a sample, chooses its bodies and normalises them: frames_TxVxMxC float32.

    Raises:
      LeftOut: when nobody is seen in any frame.
      UserError: when the file is broken.
      ValueError: when a spine without length leaves nothing to scale by.
    """
    frames_TxVxMxC = select_bodies(ntu.read_skeletons(item.path))
    if not frames_TxVxMxC.any():
        raise LeftOut("nobody is seen")
    return normalize_ntu(frames_TxVxMxC)


def read_items(raw_dir: pathlib.Path, actions: int, missing_list: pathlib.Path | None) -> list[Item]:
    """The samples of the first 60 or all 120 actions, in the order of their names; says how many others there are.

    Raises:
      UserError: when there is none, a file is misnamed, or the list cannot be read.
    """
    missing = set(ntu.read_names(missing_list)) if missing_list else set()
    paths = sorted(raw_dir.rglob(ntu.FILE_PATTERN), key=lambda path: (path.name, path))
    if not paths:
        raise UserError(f"--raw_dir={raw_dir}: no files {ntu.FILE_PATTERN} there")
    items, others, listed = [], 0, 0
    for path in paths:
        said = ntu.parse_name(path)
        if said.action > actions or said.setup > _SETUPS[actions]:
            others += 1
        elif path.stem in missing:
            listed += 1
        else:
            items.append(Item(path.stem, path, said.action - 1, said.subject, said.camera, said.setup))
    if others:
        print(
            f"--version={actions} is actions 1 to {actions} in setups 1 to {_SETUPS[actions]}: "
            f"{others} of the {len(paths)} files are of others, and not converted"
        )
    if missing_list:
        print(f"left out {listed} recordings on the list {missing_list}, which names {len(missing)}")
    if not items:
        raise UserError(
            f"--raw_dir={raw_dir}: none of its {len(paths)} files {ntu.FILE_PATTERN} is left for --version={actions}"
        )
    return items


def run(
    options: conversion.Options, actions: int = 60, missing_list: pathlib.Path | None = None, name: str = ""
) -> None:
    """Converts NTU RGB+D, or NTU RGB+D 120, or recordings from elsewhere in their format.

    Args:
      options: as the flags give them.
      actions: 60 or 120.
      missing_list: a list of samples that are left out.
      name: of the converted set; empty for ntu60 or ntu120.

    Raises:
      UserError: as `read_items` and `conversion.convert`.
    """
    published = f"ntu{actions}"
    name = name or published
    data_set = conversion.DataSet(
        name=name,
        version=VERSION,
        layout=NTU_25,
        bodies=BODIES,
        label_names=NTU_ACTIONS[:actions],
        description=(
            f"{name}: {actions} actions of one or two people in the format of NTU RGB+D, Kinect v2 skeletons of 25 "
            "joints, bodies chosen and normalised."
        ),
        citation=_CITATION[actions] if name == published else "",
        homepage="https://rose1.ntu.edu.sg/dataset/actionRecognition/" if name == published else "",
        splits={"all": read_items(options.raw_dir, actions, missing_list)},
        published=_COMPLETE[actions] if name == published else 0,
        benchmarks=of_data_set(name),
    )
    conversion.convert(data_set, read_frames, options)


@one_line_errors
def main(arguments: Sequence[str]) -> None:
    """The command: reads the flags and converts."""
    options = conversion.read_options(arguments)
    missing_list = flags.FLAGS.missing_list
    run(options, int(flags.FLAGS.version), pathlib.Path(missing_list) if missing_list else None, flags.FLAGS.name)


if __name__ == "__main__":
    conversion.define_flags()
    flags.adopt_module_key_flags(conversion)
    flags.DEFINE_enum("version", "60", ["60", "120"], "NTU RGB+D of 60 actions, or of 120.")
    flags.DEFINE_string("missing_list", None, "List of samples to be left out; the authors publish one a version.")
    flags.DEFINE_string(
        "name", "", "The converted set's name, for recordings from elsewhere; default: ntu60 or ntu120."
    )
    app.run(main)
