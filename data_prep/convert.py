r"""Converts recordings between the formats in which skeletons are passed on.

  python -m data_prep.convert --from=FORMAT --to=FORMAT --in=PATH --out=PATH

  FORMAT     PATH
  pyskl      the annotation pickle of pyskl and mmaction2
  npy        the directory with SPLIT_data_joint.npy and SPLIT_label.pkl of
             ST-GCN, 2s-AGCN and many others
  npz        the .npz file of CTR-GCN and many others
  kinetics   the directory of Kinetics-Skeleton's JSON files (only --from)
  folder     the directory with your own recordings, .npy or .csv files, and
             their list labels.csv (only --from)
  tfrecord   --from: a converted set's directory, DATA_DIR/NAME/VERSION;
             --to: DATA_DIR. What dsta_jax trains on

  python -m data_prep.convert --from=pyskl --in=ntu60_3danno.pkl \
      --to=tfrecord --out=data --benchmark=ntu60_cs
  python -m data_prep.convert --from=pyskl --in=ntu60_hrnet.pkl \
      --to=npz --out=ntu60_xsub.npz --splits=xsub_train,xsub_val

--to=tfrecord needs --benchmark: it says joints, classes and protocol, and by
which joints coordinates are normalised; ones that were normalised before are
hardly changed by it. Where it divides by subject, camera or setup, these are
taken from names of the form SsssCcccPpppRrrrAaaa, or from labels.csv.
Elsewhere --benchmark says what nothing else does: the joints of .csv files and
of an npz that is not NTU RGB+D's, how many people of Kinetics' are kept (two),
and whether a third channel is a confidence (it is not).

Own recordings: labels.csv has a header and a line for each recording,

  file,label[,subject,camera,setup,split]

A .npy file holds frames x joints x channels, or frames x bodies x joints x
channels. A .csv file has a line for each frame: body after body, joint after
joint, its channels together. NaN or an empty cell is a joint not seen.

Outputs are complete or absent. Names, labels, splits, lengths and values
survive all ways between pyskl, npy and npz; what a format cannot hold is said.
Pickles are read without running what they ask for.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from absl import app, flags

from data_prep import conversion, pool, recording_files, tfrecord_set
from data_prep.formats import ctr_gcn, folder, kinetics, npy_pair, pyskl
from dsta_jax.datasets import own
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.recording import Collection, select
from dsta_jax.errors import UserError, one_line_errors

Source = Literal["pyskl", "npy", "npz", "kinetics", "folder", "tfrecord"]
Target = Literal["pyskl", "npy", "npz", "tfrecord"]

_READERS: dict[Source, Callable[[pathlib.Path, Benchmark | None], Collection]] = {
    "pyskl": lambda path, _: pyskl.read(path),
    "npy": npy_pair.read,
    "npz": ctr_gcn.read,
    "kinetics": kinetics.read,
    "folder": folder.read,
    "tfrecord": tfrecord_set.read,
}

_REQUIRED = {
    "from": "the format of the recordings",
    "to": "the format to be written",
    "in": "where the recordings are, a file or a directory",
    "out": "where they are to be written, a file or a directory",
}


def run(
    source: Source,
    target: Target,
    options: conversion.Options,
    benchmark: Benchmark | None = None,
    splits: Sequence[str] = (),
) -> None:
    """Converts recordings.

    Args:
      source: the format in which they are, at `options.raw_dir`.
      target: the format in which they are written, to `options.out_dir`.
      options: where, how, and what may be left out or replaced.
      benchmark: says what the recordings are; needed for `tfrecord`.
      splits: those that are converted; all when there are none.

    Raises:
      UserError: when something is not as it must be.
    """
    if target == "tfrecord" and benchmark is None:
        raise UserError("--to=tfrecord needs --benchmark: a name, or a file NAME.toml of your own")
    collection = _READERS[source](options.raw_dir, benchmark)
    for note in collection.notes:
        print(f"note: {note}")
    if splits:
        collection = select(collection, splits)
    if target == "tfrecord":
        assert benchmark is not None
        tfrecord_set.write(collection, benchmark, options)
    else:
        recording_files.write(collection, target, options.out_dir, options.skip_broken, options.overwrite)


def _define_flags() -> None:
    flags.DEFINE_enum("from", None, list(get_args(Source)), f"{_REQUIRED['from']}.")
    flags.DEFINE_enum("to", None, list(get_args(Target)), f"{_REQUIRED['to']}.")
    for name in ("in", "out"):
        flags.DEFINE_string(name, None, f"{_REQUIRED[name]}.")
    flags.DEFINE_string("benchmark", None, "A benchmark's name, or your own NAME.toml.")
    flags.DEFINE_list("splits", [], "Only these splits, in this order.")
    flags.DEFINE_integer("workers", pool.processors(), "Processes that read files for tfrecord.", lower_bound=1)
    flags.DEFINE_bool("skip_broken", False, "Leave out unreadable recordings and list them.")
    flags.DEFINE_bool("overwrite", False, "Replace what is there.")


@one_line_errors
def main(arguments: Sequence[str]) -> None:
    """The command: reads the flags and converts."""
    if len(arguments) > 1:
        raise UserError(f"unexpected argument {arguments[1]!r}; options are written --NAME=VALUE, see --help")
    values = flags.FLAGS
    for name, what in _REQUIRED.items():
        if not values[name].value:
            raise UserError(f"--{name} is missing: {what}; see --help")
    given: list[Any] = [values[name].value for name in _REQUIRED]
    source, target, path, out = given
    options = conversion.Options(
        pathlib.Path(path), pathlib.Path(out), values.workers, values.skip_broken, values.overwrite
    )
    benchmark = own.find(values.benchmark) if values.benchmark else None
    run(source, target, options, benchmark, values.splits)


if __name__ == "__main__":
    _define_flags()
    app.run(main)
