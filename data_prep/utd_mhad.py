r"""Converts UTD-MHAD's skeletons to TFRecord files.

  python -m data_prep.utd_mhad --raw_dir=DIRECTORY_OF_MAT_FILES --out_dir=DATA_DIR

The raw directory holds the files aA_sS_tT_skeleton.mat of the authors' Skeleton.zip. All recordings go to one split;
the protocol (odd subjects train, even subjects test) is applied when the set is read.
"""

from collections.abc import Sequence

import numpy as np
from absl import app, flags

from data_prep import conversion
from data_prep.shards import Item
from dsta_jax.datasets import utd_mhad
from dsta_jax.datasets.benchmarks import UTD_MHAD_ACTIONS, of_data_set
from dsta_jax.datasets.layouts import UTD_MHAD_20
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError, one_line_errors

NAME, VERSION = "utd_mhad", "1.0.0"


def read_frames(item: Item) -> np.ndarray:
    """Reads and normalises one recording: frames_TxVxMxC float32."""
    return normalize(utd_mhad.read_skeletons(item.path)[:, :, None], UTD_MHAD_20)


def run(options: conversion.Options) -> None:
    """Converts the set.

    Raises:
      UserError: when the directory holds no recordings or a misnamed one, and as `conversion.convert`.
    """
    paths = sorted(options.raw_dir.glob(utd_mhad.FILE_PATTERN))
    if not paths:
        raise UserError(f"--raw_dir={options.raw_dir}: no files {utd_mhad.FILE_PATTERN} there")
    items = []
    for path in paths:
        said = utd_mhad.parse_file_name(path)
        items.append(Item(said.recording, path, said.action - 1, said.subject))
    data_set = conversion.DataSet(
        name=NAME,
        version=VERSION,
        layout=UTD_MHAD_20,
        bodies=1,
        label_names=UTD_MHAD_ACTIONS,
        description="UTD-MHAD: 27 actions of 8 subjects, Kinect v1 skeletons of 20 joints, normalised.",
        citation=(
            "C. Chen, R. Jafari, N. Kehtarnavaz. UTD-MHAD: A Multimodal Dataset for Human Action Recognition "
            "Utilizing a Depth Camera and a Wearable Inertial Sensor. ICIP 2015."
        ),
        homepage="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
        splits={"all": items},
        published=861,
        benchmarks=of_data_set(NAME),
    )
    conversion.convert(data_set, read_frames, options)


@one_line_errors
def main(arguments: Sequence[str]) -> None:
    """The command: reads the flags and converts."""
    run(conversion.read_options(arguments))


if __name__ == "__main__":
    conversion.define_flags()
    flags.adopt_module_key_flags(conversion)
    app.run(main)
