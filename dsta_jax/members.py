"""What trains side by side: the members, one network for each stream and fold, that share one program."""

import dataclasses
import functools
import logging
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jax.sharding import Mesh

from dsta_jax import parallel
from dsta_jax.data import dataset
from dsta_jax.data.batches import Batch, Sampling
from dsta_jax.data.dataset import DataSet
from dsta_jax.data.streams import MOTION, Stream
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.errors import UserError
from dsta_jax.models.dsta import DSTANet

_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class Fold:
    """A division of the recordings: `value`, such as a subject, is left out of training; None for a fixed test part."""

    value: int | str | None
    train: DataSet
    validation: DataSet
    test: DataSet


@dataclasses.dataclass(frozen=True, eq=False)
class Members:
    """Networks of one configuration: a stream each, of each fold. Folds are equally large."""

    config: ml_collections.ConfigDict
    benchmark: Benchmark
    folds: tuple[Fold, ...]

    def __len__(self) -> int:
        return len(self.streams) * len(self.folds)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of each fold."""
        return tuple(self.config.streams)

    @property
    def names(self) -> tuple[str, ...]:
        """N names, on which initial values depend; those of two folds are different."""
        ends = ("" if fold.value is None else f"/{fold.value}" for fold in self.folds)
        return tuple(f"{stream}{end}" for end in ends for stream in self.streams)

    @functools.cached_property
    def network(self) -> DSTANet:
        """The network that all members share."""
        return make_network(self.config.model, self.benchmark)

    @functools.cached_property
    def sampling(self) -> Sampling:
        """How sequences become input."""
        return make_sampling(self.config.data, self.benchmark)

    @property
    def steps_per_epoch(self) -> float:
        """Steps in which every training sample is seen once; not a whole number."""
        return len(self.folds[0].train) / self.config.train.batch_size

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.every(self.config.train.epochs)

    def every(self, epochs: float) -> int:
        """So many epochs in steps, one at least."""
        return max(1, round(epochs * self.steps_per_epoch))

    def of_fold(self, number: int) -> slice:
        """The place of a fold's members among all."""
        return slice(number * len(self.streams), (number + 1) * len(self.streams))

    def input_shape(self, batch_size: int) -> jax.ShapeDtypeStruct:
        """R x T x V x C of one member's batch, with a row for each body."""
        joints, bodies, channels = self.benchmark.source.frame_shape
        return jax.ShapeDtypeStruct((batch_size * bodies, self.sampling.frames, joints, channels), np.float32)

    def batch_shapes(self, batch_size: int, rows: int | None) -> Batch:
        """Of one member's batch with so many rows; None is a row for each body."""
        row = self.input_shape(batch_size)
        count = row.shape[0] if rows is None else rows
        return Batch(
            x=jax.ShapeDtypeStruct((count, *row.shape[1:]), row.dtype),
            label=jax.ShapeDtypeStruct((batch_size,), np.int32),
            real=jax.ShapeDtypeStruct((batch_size,), np.float32),
            share=None if rows is None else jax.ShapeDtypeStruct((batch_size, count), np.float32),
        )

    def mesh(self, batch_size: int) -> Mesh:
        """The devices for batches of this size."""
        return parallel.make_mesh(len(self), batch_size, parallel.Sizes(**self.config.mesh))


def variable_shapes(network: DSTANet, row: jax.ShapeDtypeStruct, count: int) -> dict[str, Any]:
    """Shapes of `params` and `batch_stats` of so many networks, leading with the member axis."""
    variables = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(row.shape, row.dtype), train=False))
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), variables)


def make_network(model: ml_collections.ConfigDict, benchmark: Benchmark) -> DSTANet:
    """The network that a configuration describes, for a benchmark's classes and bodies."""
    layers = {name: tuple(model[name]) for name in ("channels", "embedding", "strides")}
    return DSTANet(classes=len(benchmark.class_names), bodies=benchmark.source.bodies, **{**model.to_dict(), **layers})


def make_sampling(data: ml_collections.ConfigDict, benchmark: Benchmark) -> Sampling:
    """How a configuration makes a benchmark's sequences into input."""
    keys = ("frames", "slow_interval", "fast_interval", "rotation_degrees", "scale")
    how = {"sampled": data.sampled_frames, **{key: data[key] for key in keys}}
    return Sampling(layout=benchmark.source.layout, channels=benchmark.source.channels, **how)


def divide(config: ml_collections.ConfigDict, data: DataSet) -> tuple[Fold, ...]:
    """The folds of a configuration: those of config.folds, or all; without leave-one-out, the only one.

    Raises:
      UserError: when a fold that is asked for is not there.
    """
    column = data.benchmark.left_out
    values = [None] if column is None else np.unique(data.columns[column]).tolist()
    for fold in config.folds:
        if column is None:
            name = data.benchmark.name
            raise UserError(f"config.folds={config.folds}: benchmark {name} has a fixed test part, no folds")
        if fold not in values:
            raise UserError(f"config.folds={config.folds}: there is no {column} {fold}, only {values}")
    folds = []
    for value in config.folds or values:
        train, test = dataset.train_and_test(data, value)
        held_out = config.data.validation_fraction if len(train) else 0.0
        train, validation = dataset.hold_out(train, held_out, config.data.validation_by, config.seed)
        folds.append(Fold(value, train, validation, test))
    return tuple(folds)


def check_trainable(members: Members) -> None:
    """Checks, before any step, that there is something to learn from and to test on.

    Raises:
      UserError: when a part is empty, or a motion stream has no motion to learn from.
    """
    benchmark = members.benchmark
    for fold in members.folds:
        of_fold = "" if fold.value is None else f" without {benchmark.left_out} {fold.value}"
        for part in ("train", "test"):
            if not len(getattr(fold, part)):
                raise UserError(
                    f"{benchmark.source.name}: none of its recordings is for the {part} part of benchmark "
                    f"{benchmark.name}{of_fold}; convert the whole data set, or correct {benchmark.protocol}"
                )
        config, count = members.config, len(fold.train)
        if config.train.batch_size > count:
            raise UserError(
                f"config.train.batch_size={config.train.batch_size}: expected at most {count}, the recordings that are "
                f"trained on{of_fold}"
            )
    motion = " and ".join(stream for stream in members.streams if stream in MOTION)
    if not motion:
        return
    still = sum(int(dataset.still(fold.train).sum()) for fold in members.folds)
    total = sum(len(fold.train) for fold in members.folds)
    if still == total:
        raise UserError(
            f"nothing moves in any of the {total} training recordings, so there is nothing that {motion} could learn "
            f"from; train streams that need no motion, as by --config=NAME:spatial_temporal,spatial"
        )
    longest = max(int(fold.train.length_N.max()) for fold in members.folds)
    for stream in filter(MOTION.__contains__, members.streams):
        if (interval := members.sampling.interval(stream)) >= longest:
            field = "config.data." + stream.replace("temporal", "interval")
            raise UserError(f"{field}={interval}: expected less than the {longest} frames of the longest recording")
    if still > total / 2:
        _LOGGER.warning(
            f"nothing moves in {still} of {total} training recordings: {motion} see only zeros there, and a batch of\n"
            "such recordings alone would make the gradients infinite; leave them out, or train other streams"
        )
