"""What is measured: the shapes of the benchmarks, and recordings made up for them, in memory."""

import ast
import dataclasses
import importlib
from collections.abc import Sequence

import ml_collections
import numpy as np

from dsta_jax import run
from dsta_jax.data.dataset import DataSet, track_starts
from dsta_jax.datasets import own
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.layouts import Layout
from dsta_jax.run import Run

# The configuration of each shape, and the shortest, the median and the longest recording, in frames.
SHAPES = {"shrec": ("shrec14", (7, 57, 171)), "ntu": ("ntu60_cs", (30, 75, 300))}
NETWORKS = ("full", "small", "tiny")


@dataclasses.dataclass(frozen=True)
class Case:
    """One training or evaluation to measure. Numbers that are 0 are those of the shape and the network.

    Attributes:
      shape: `shrec` (T 128, V 22, M 1) or `ntu` (T 128, V 25, M 2).
      network: `full` is the paper's, `small` the configurations' `:small` (T 32), `tiny` one for tests.
      batch: samples of a member's step.
      members: N, networks in one program.
      single: part of the recordings in which the second body is absent. Above 0 absent bodies share a row.
      frames, joints, bodies, classes: T, V, M and K.
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


def config_of(case: Case) -> ml_collections.ConfigDict:
    """The case's configuration.

    Raises:
      ValueError: when an option is no field of the configuration.
    """
    module = importlib.import_module(f"configs.{SHAPES[case.shape][0]}")
    config = module.get_config("small" if case.network == "small" else "")
    if case.network == "tiny":
        config.data.sampled_frames, config.data.frames = 10, 8
        config.model.update({"input_channels": 4, "channels": (4,), "embedding": (2,), "strides": (2,), "heads": 1})
    if case.frames:
        config.data.sampled_frames, config.data.frames = case.frames + case.frames // 6, case.frames
    config.train.batch_size = config.evaluate.batch_size = case.batch
    config.train.epochs = 2.0
    config.streams = tuple(config.streams)[: 4 if case.members % 4 == 0 else 1]
    for word in case.options.split():
        _set(config, *word.split("=", 1))
    return config


def _set(config: ml_collections.ConfigDict, name: str, text: str) -> None:
    *groups, last = name.split(".")
    for group in groups:
        config = config.get(group, {})
    if last not in config:
        raise ValueError(f"the configuration has no field {name}; configs/base.py lists all")
    try:
        config[last] = ast.literal_eval(text)
    except (SyntaxError, ValueError):  # a word without quotation marks
        config[last] = text


def dtype_field(config: ml_collections.ConfigDict) -> str | None:
    """The field that says in which type the network computes, such as `model.dtype`; None where there is none."""
    for group in ("model", "train"):
        for name in config[group]:
            if name in ("dtype", "compute_dtype", "precision"):
                return f"{group}.{name}"
    return None


def benchmark_of(case: Case) -> Benchmark:
    """The case's benchmark: joints that it has not are hung on in a chain."""
    benchmark = own.find(SHAPES[case.shape][0])
    joints = case.joints or len(benchmark.layout.joints)
    classes = case.classes or len(benchmark.class_names)
    layout = benchmark.layout
    if joints != len(layout.joints):
        layout = Layout("chain", tuple(f"joint {j}" for j in range(joints)), (0, *range(joints - 1)))
    return dataclasses.replace(
        benchmark,
        layout=layout,
        bodies=case.bodies or benchmark.bodies,
        class_names=tuple(f"class {k}" for k in range(classes)),
        class_of_label=tuple(range(classes)),
    )


def made_recordings(case: Case) -> DataSet:
    """Recordings of the lengths that the benchmark has, of noise: what the joints do makes no difference to time."""
    benchmark = benchmark_of(case)
    joints, bodies, channels = benchmark.frame_shape
    rng = np.random.default_rng(0)
    least, median, most = SHAPES[case.shape][1]
    length_N = np.clip(rng.lognormal(np.log(median), 0.35, case.samples), least, most).astype(int)
    body_NxM = np.ones((case.samples, bodies), bool)
    body_NxM[:, 1:] = rng.random((case.samples, 1)) >= case.single
    number_N = np.arange(case.samples)
    return DataSet(
        frames_FxVxC=rng.standard_normal((body_NxM.sum(axis=1) @ length_N, joints, channels), np.float32),
        start_NxM=track_starts(body_NxM, length_N),
        length_N=length_N,
        name_N=np.array([f"made_{number:06d}" for number in number_N]),
        label_N=rng.integers(len(benchmark.class_names), size=case.samples),
        columns={name: np.ones(case.samples, int) for name in ("split", "subject", "camera", "setup")},
    )


def runs_of(case: Case, recordings: DataSet | None = None) -> Sequence[Run]:
    """Runs of the case's N members: four streams each where N is a multiple of four, else one stream each.

    Args:
      case: what is measured.
      recordings: to train and test on; made up where they are not given.
    """
    config, benchmark = config_of(case), benchmark_of(case)
    recordings = made_recordings(case) if recordings is None else recordings
    network = run.make_network(config.model, benchmark)
    sampling = run.make_sampling(config.data, benchmark)
    folds = range(case.members // len(config.streams))
    return [
        Run(
            config=config,
            benchmark=benchmark,
            fold=fold,
            members=tuple(config.streams),
            sampling=sampling,
            network=network,
            train=recordings,
            validation=recordings.select(np.arange(0)),
            test=recordings,
        )
        for fold in folds
    ]
