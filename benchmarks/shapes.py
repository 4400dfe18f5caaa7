"""What is measured: the shapes of the benchmarks, and recordings made up for them, in memory."""

import argparse
import ast
import dataclasses

import ml_collections
import numpy as np

from dsta_jax import config as config_lib
from dsta_jax.data.dataset import DataSet, track_starts
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.layouts import Layout
from dsta_jax.members import Fold, Members

# The configuration of each shape, and the shortest, the median and the longest recording, in frames.
SHAPES = {"shrec": ("shrec14", (7, 57, 171)), "ntu": ("ntu60_cs", (30, 75, 300))}
NETWORKS = ("full", "small", "tiny")


@dataclasses.dataclass(frozen=True)
class Case:
    """One training or evaluation to measure. Numbers that are 0 are those of the shape and the network.

    Attributes:
      shape: `shrec` (T 128, V 22, M 1) or `ntu` (T 128, V 25, M 2).
      network: `full` is the paper's, `small` the configurations' `:small` (T 32), `tiny` one for tests.
      batch: samples in a member's step.
      members: N, networks in one program.
      single: part of the recordings in which the second body is absent. Above 0 absent bodies share a row.
      frames: T.
      joints: V.
      bodies: M.
      classes: K.
      samples: recordings in the training part.
      options: other fields of the configuration, such as `model.temporal=conv train.batch_size=16`.
    """

    shape: str = "ntu"
    network: str = "full"
    batch: int = 64
    members: int = 1
    single: float = 0.0
    frames: int = 0
    joints: int = 0
    bodies: int = 0
    classes: int = 0
    samples: int = 512
    options: str = ""

    @classmethod
    def of(cls, arguments: argparse.Namespace, **changes: object) -> "Case":
        """The case that a command line asks for, with some changes."""
        given = {field.name for field in dataclasses.fields(cls)} & vars(arguments).keys()
        return cls(**{name: getattr(arguments, name) for name in given} | changes)

    @property
    def title(self) -> str:
        """What stands above a table."""
        members = f", {self.members} members" if self.members > 1 else ""
        return f"{self.shape}, {self.network} network, batch {self.batch}{members}"


def config_of(case: Case) -> ml_collections.ConfigDict:
    """The case's configuration.

    Raises:
      ValueError: when an option is no field of the configuration.
    """
    name, _ = SHAPES[case.shape]
    config = config_lib.get_config(f"{name}:small" if case.network == "small" else name)
    if case.network == "tiny":
        config.data.sampled_frames, config.data.frames = 10, 8
        config.model.update({"input_channels": 4, "channels": (4,), "embedding": (2,), "strides": (2,), "heads": 1})
    if case.frames:
        config.data.sampled_frames, config.data.frames = case.frames + case.frames // 6, case.frames
    config.train.batch_size = config.evaluate.batch_size = case.batch
    config.train.epochs = 2.0
    config.streams = tuple(config.streams)[: 4 if case.members % 4 == 0 else 1]
    config.lock()
    for field, text in (option.split("=", 1) for option in case.options.split()):
        try:
            config.update_from_flattened_dict({field: _value(text)})
        except KeyError:
            raise ValueError(f"the configuration has no field {field}; dsta_jax/config.py lists all") from None
    return config


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):  # a word without quotation marks
        return text


def benchmark_of(case: Case) -> Benchmark:
    """The case's benchmark. Another number of joints than its own makes the skeleton a chain."""
    benchmark = BENCHMARKS[SHAPES[case.shape][0]]
    source, classes = benchmark.source, case.classes or len(benchmark.class_names)
    layout = source.layout
    if case.joints not in (0, len(layout.joints)):
        layout = Layout("chain", tuple(f"joint {v}" for v in range(case.joints)), (0, *range(case.joints - 1)))
    return dataclasses.replace(
        benchmark,
        source=dataclasses.replace(source, layout=layout, bodies=case.bodies or source.bodies),
        class_names=tuple(f"class {k}" for k in range(classes)),
        class_of_label=tuple(range(classes)),
    )


def made_recordings(case: Case) -> DataSet:
    """Recordings as long as the benchmark's, of noise: what the joints do makes no difference to time."""
    benchmark = benchmark_of(case)
    joints, bodies, channels = benchmark.source.frame_shape
    rng = np.random.default_rng(0)
    least, median, most = SHAPES[case.shape][1]
    length_N = np.clip(rng.lognormal(np.log(median), 0.35, case.samples), least, most).astype(int)
    body_NxM = np.ones((case.samples, bodies), bool)
    body_NxM[:, 1:] = rng.random((case.samples, 1)) >= case.single
    return DataSet(
        benchmark=benchmark,
        frames_FxVxC=rng.standard_normal((body_NxM.sum(axis=1) @ length_N, joints, channels), np.float32),
        start_NxM=track_starts(body_NxM, length_N),
        length_N=length_N,
        name_N=np.array([f"made_{number:06d}" for number in range(case.samples)]),
        label_N=rng.integers(len(benchmark.class_names), size=case.samples),
        columns={},
        fingerprint="",
    )


def members_of(case: Case) -> Members:
    """The case's N members: four streams of N / 4 folds where N is a multiple of four, else one stream of N folds.

    The folds are copies of each other: as many networks as a benchmark with folds has, on the same recordings.
    """
    config, recordings = config_of(case), made_recordings(case)
    nothing = recordings.select(np.arange(0))
    folds = range(case.members // len(config.streams))
    return Members(
        config, recordings.benchmark, tuple(Fold(number, recordings, nothing, recordings) for number in folds)
    )
