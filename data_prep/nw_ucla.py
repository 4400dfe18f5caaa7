r"""Converts Northwestern-UCLA's skeletons to TFRecord files.

  python -m data_prep.nw_ucla --raw_dir=DIRECTORY_OF_JSON_FILES --out_dir=DATA_DIR

The raw directory holds the files aAA_sSS_eEE_vVV.json in which the data set is passed on. All recordings go to one
split; the protocol (views 1 and 2 train, view 3 tests) is applied when the set is read.
"""

from collections.abc import Sequence

import numpy as np
from absl import app, flags

from data_prep import conversion
from data_prep.shards import Item
from dsta_jax.datasets import nw_ucla
from dsta_jax.datasets.benchmarks import NW_UCLA_ACTIONS, of_data_set
from dsta_jax.datasets.layouts import KINECT_20
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError, one_line_errors

NAME, VERSION = "nw_ucla", "1.0.0"


def read_frames(item: Item) -> np.ndarray:
    """Reads and normalises one recording: frames_TxVxMxC float32."""
    return normalize(nw_ucla.read_skeletons(item.path)[:, :, None], KINECT_20)


def run(options: conversion.Options) -> None:
    """Converts the set.

    Raises:
      UserError: when the directory holds no recordings or a misnamed one, and as `conversion.convert`.
    """
    paths = sorted(options.raw_dir.glob(nw_ucla.FILE_PATTERN))
    if not paths:
        raise UserError(f"--raw_dir={options.raw_dir}: no files {nw_ucla.FILE_PATTERN} there")
    items = []
    for path in paths:
        said = nw_ucla.parse_file_name(path)
        items.append(Item(path.stem, path, nw_ucla.ACTIONS.index(said.action), said.subject, said.view))
    data_set = conversion.DataSet(
        name=NAME,
        version=VERSION,
        layout=KINECT_20,
        bodies=1,
        label_names=NW_UCLA_ACTIONS,
        description="Northwestern-UCLA Multiview Action 3D: 10 actions of 10 subjects seen by three Kinect v1 cameras, "
        "skeletons of 20 joints, normalised.",
        citation="J. Wang, X. Nie, Y. Xia, Y. Wu, S.-C. Zhu. Cross-view Action Modeling, Learning and Recognition. "
        "CVPR 2014.",
        homepage="https://wangjiangb.github.io/my_data.html",
        splits={"all": items},
        published=1484,
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
