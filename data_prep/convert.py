r"""Converts recordings to TFRecord, which dsta_jax trains on, or another format.

They are a data set's raw files, or in a format that skeletons are shared in.

  python -m data_prep.convert --from=FORMAT --in=PATH --out=DATA_DIR
  python -m data_prep.convert --guess=PATH       # what is it, how is it read?

  python -m data_prep.convert --from=shrec17 --in=HandGestureDataset --out=data
  python -m data_prep.convert --from=folder --in=recordings --out=data \
      --benchmark=mine.toml
  python -m data_prep.convert --from=pyskl --in=ntu60_hrnet.pkl --to=npz \
      --out=ntu60_xsub.npz --splits=xsub_train,xsub_val

  FORMAT     PATH
  shrec17    the directory of the two lists and of gesture_1, ...
  dhg        the directory of informations_troncage_sequences.txt, ...
  ntu60      the directory of the .skeleton files, at any depth
  ntu120     the same, all 120 actions
  nw_ucla    the directory of the .json files
  utd_mhad   the directory of the .mat files
  pyskl      the annotation pickle of pyskl and mmaction2
  npy        the directory with SPLIT_data_joint.npy and SPLIT_label.pkl of
             ST-GCN, 2s-AGCN and many others
  npz        the .npz file of CTR-GCN and many others
  kinetics   the directory of Kinetics-Skeleton's JSON files
  folder     the directory with your own recordings: .npy, .csv or .json files
             and their list labels.csv; or files as the benchmark's table
             [files] or --files says
  tfrecord   a converted set's directory, DATA_DIR/NAME/VERSION

Recordings that are no data set's raw files need --benchmark to become TFRecord:
it says joints, classes and protocol, and by which joints coordinates are
normalised. Where it divides by subject, camera or setup, these are taken from
names of the form SsssCcccPpppRrrrAaaa, or from labels.csv. For other targets it
says what nothing else does, such as the joints of .csv files.

labels.csv has a header, file,label[,subject,camera,setup,split], and a line for
each recording. A .npy file holds frames x joints x channels, or frames x bodies
x joints x channels. A .csv file has a line for each frame: body after body,
joint after joint, its channels together. NaN or an empty cell is a joint that
was not seen. A .json file is one of AlphaPose's, COCO's or MMPose's, and a
directory one of OpenPose's.

Outputs are complete or absent. What a format cannot hold is said.
"""

import dataclasses
import io
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

from absl import app, flags

from dsta_jax import storage
from dsta_jax.datasets import ntu, own, own_files
from dsta_jax.datasets.benchmark import Benchmark, Source
from dsta_jax.datasets.benchmarks import BENCHMARKS, SOURCES
from dsta_jax.datasets.recording import Collection, select, without
from dsta_jax.errors import UserError, one_line_errors
from dsta_jax.formats import guess
from dsta_jax.formats.readers import READERS

from . import conversion, pool, recording_files, tfrecord_set

FORMATS: dict[str, Callable[[pathlib.Path, Source | None], Collection]] = {
    **READERS,
    "tfrecord": tfrecord_set.read,
}
RAW = {name: source.find for name, source in SOURCES.items() if source.find and not source.synthetic}

_REQUIRED = {
    "from": "the format of the recordings",
    "in": "where the recordings are, a file or a directory",
    "out": "where they are to be written, a file or a directory",
}


def run(
    form: str,
    path: pathlib.Path,
    options: conversion.Options,
    target: Literal["pyskl", "npy", "npz", "tfrecord"] = "tfrecord",
    benchmark: Benchmark | None = None,
    splits: Sequence[str] = (),
    name: str = "",
    missing_list: pathlib.Path | None = None,
) -> None:
    """Converts recordings of a format, or a data set's raw files; without splits named, all of them.

    TFRecord needs a benchmark, which says what the recordings are, unless they are a data set's raw files; `name` is
    the converted set's, where the recordings are not those of the published set. The recordings of NTU RGB+D that
    stand in the list of missing ones are left out. Raises UserError when something is not as it must be.
    """
    if target == "tfrecord" and benchmark is None and form not in RAW:
        raise UserError("--to=tfrecord needs --benchmark: a name, or a file NAME.toml of your own")
    if name and target != "tfrecord":
        raise UserError(f"--name is for --to=tfrecord, not {target}")
    collection = _collection(form, path, benchmark, missing_list)
    for note in collection.notes:
        print(f"note: {note}")
    if splits:
        collection = select(collection, splits)
    if not collection.selected:
        raise UserError(f"{path}: no recordings in the splits {', '.join(collection.splits)}")
    if target != "tfrecord":
        recording_files.write(collection, target, options.out, options.skip_broken, options.overwrite)
        return
    if benchmark and form not in RAW and len(benchmark.class_names) < len(benchmark.source.label_names):
        classes, labels = len(benchmark.class_names), len(benchmark.source.label_names)
        raise UserError(f"benchmark {benchmark.name} has {classes} classes of {labels} labels; choose the finest one")
    source = benchmark.source if benchmark else SOURCES[form]
    on_it = [other for other in BENCHMARKS.values() if other.source.name == (name or source.name)]
    on_it = on_it or [other for other in BENCHMARKS.values() if other.source.name == source.name]
    benchmarks = list(dict.fromkeys([*([benchmark] if benchmark else []), *on_it]))
    tfrecord_set.write(collection, source.renamed(name) if name else source, benchmarks, options)


def _collection(
    form: str, path: pathlib.Path, benchmark: Benchmark | None, missing_list: pathlib.Path | None
) -> Collection:
    if missing_list and form not in ("ntu60", "ntu120"):
        raise UserError(f"--missing_list is for --from=ntu60 and ntu120, not {form}")
    if form not in RAW:
        return FORMATS[form](path, benchmark.source if benchmark else None)
    if not path.is_dir():
        raise UserError(f"--in={path}: no such directory")
    collection = RAW[form](path)
    if missing_list:
        missing = ntu.read_names(missing_list)
        left = without(collection, missing)
        count = len(collection.entries) - len(left.entries)
        print(f"left out {count} recordings on the list {missing_list}, which names {len(missing)}")
        return left
    return collection


def _benchmark(name: str | None, files: str) -> Benchmark | None:
    """The benchmark, its files described by a text where there is one."""
    benchmark = own.find(name) if name else None
    if not files:
        return benchmark
    if benchmark is None:
        raise UserError("--files needs --benchmark, which says joints, channels and classes")
    try:
        described = own_files.of_text(files)
        described.taken(benchmark.source.channels)
    except UserError as error:
        raise UserError(f"--files: {error}") from None
    return dataclasses.replace(benchmark, source=dataclasses.replace(benchmark.source, files=described))


def define_flags(values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the command's flags."""
    where: dict[str, Any] = {"flag_values": values}
    flags.DEFINE_enum("from", None, [*RAW, *FORMATS], f"{_REQUIRED['from']}.", **where)
    flags.DEFINE_enum("to", "tfrecord", ["pyskl", "npy", "npz", "tfrecord"], "The format to be written.", **where)
    for name in ("in", "out"):
        flags.DEFINE_string(name, None, f"{_REQUIRED[name]}.", **where)
    flags.DEFINE_string("benchmark", None, "A benchmark's name, or your own NAME.toml.", **where)
    flags.DEFINE_string(
        "guess", None, "Only says what a file or a directory is taken for, and how to read it.", **where
    )
    flags.DEFINE_string("files", "", "What the benchmark's table [files] says, as KEY = VALUE, KEY = VALUE.", **where)
    flags.DEFINE_string(
        "name", "", "The converted set's name, for your own recordings in a data set's layout.", **where
    )
    flags.DEFINE_list("splits", [], "Only these splits, in this order.", **where)
    flags.DEFINE_string("missing_list", None, "A list of recordings of NTU RGB+D that are left out.", **where)
    flags.DEFINE_integer("workers", pool.processors(), "Processes that read files.", lower_bound=1, **where)
    flags.DEFINE_bool("skip_broken", False, "Leave out unreadable recordings and list them.", **where)
    flags.DEFINE_bool("overwrite", False, "Replace what is there.", **where)


def _parse(arguments: list[str]) -> list[str]:
    """The arguments that are no flags; prints the help and ends with status 0 where that is asked for."""
    if {"--help", "-help", "-h"}.intersection(arguments):
        print(f"{__doc__}\n{flags.FLAGS.main_module_help()}")
        sys.exit(0)
    return app.parse_flags_with_usage(arguments)


@one_line_errors
def main(arguments: Sequence[str]) -> None:
    """The command: reads the flags and converts."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # A directory's name may be no text.
        sys.stdout.reconfigure(errors="backslashreplace")
    if len(arguments) > 1:
        raise UserError(f"unexpected argument {arguments[1]!r}; options are written --NAME=VALUE, see --help")
    values = flags.FLAGS
    if values.guess:
        print(guess.text(pathlib.Path(values.guess)))
        return
    for name, what in _REQUIRED.items():
        if not values[name].value:
            raise UserError(f"--{name} is missing: {what}; see --help")
    form, path, out = (str(values[name].value) for name in _REQUIRED)
    out_path = storage.place(out)
    if values.to != "tfrecord" and not storage.is_local(out_path):
        raise UserError(f"--out={out}: --to={values.to} is written to this machine; only --to=tfrecord to a bucket")
    run(
        form,
        pathlib.Path(path),
        conversion.Options(out_path, values.workers, values.skip_broken, values.overwrite),
        target=values.to,
        benchmark=_benchmark(values.benchmark, values.files),
        splits=values.splits,
        name=values.name,
        missing_list=pathlib.Path(values.missing_list) if values.missing_list else None,
    )


if __name__ == "__main__":
    define_flags()
    app.run(main, flags_parser=_parse)
