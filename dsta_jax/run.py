"""What a configuration amounts to: recordings, network, devices. Training and evaluation start from the same."""

import dataclasses
import logging
import subprocess
import sys
from typing import Any, get_args

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jax.sharding import Mesh

from dsta_jax import parallel
from dsta_jax.data import dataset, records
from dsta_jax.data.batches import Sampling
from dsta_jax.data.dataset import DataSet
from dsta_jax.data.streams import STREAMS, Stream
from dsta_jax.datasets import own
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.errors import UserError
from dsta_jax.models import attention, dsta, position
from dsta_jax.models.dsta import DSTANet

# The fields of config.model that take one of a few words: Table 1.
_CHOICES = {
    "attention": attention.Strategy,
    "position": position.Position,
    "regularization": dsta.Regularization,
    "activation": attention.Activation,
    "temporal": dsta.Temporal,
    "precision": dsta.Precision,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """All that training and evaluation need, made from a configuration by `prepare`.

    Attributes:
      config: the resolved configuration.
      benchmark: the task.
      fold: the value that is left out of training, where the benchmark leaves out each once.
      members: the streams that are trained, a network each.
      sampling: how sequences become input.
      network: the network that all members share.
      train: recordings to train on.
      validation: recordings held out of the train part, to choose on; may be empty.
      test: recordings to test on.
    """

    config: ml_collections.ConfigDict
    benchmark: Benchmark
    fold: int | None
    members: tuple[Stream, ...]
    sampling: Sampling
    network: DSTANet
    train: DataSet
    validation: DataSet
    test: DataSet

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, on which their initial values depend; those of two folds are different."""
        return self.members if self.fold is None else tuple(f"{stream}/{self.fold}" for stream in self.members)

    @property
    def steps_per_epoch(self) -> float:
        """Steps in which every training sample is seen once; not a whole number."""
        return len(self.train) / self.config.train.batch_size

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return round(self.config.train.epochs * self.steps_per_epoch)

    def input_shape(self, batch_size: int) -> jax.ShapeDtypeStruct:
        """R x T x V x C of one member's batch."""
        joints, bodies, channels = self.benchmark.frame_shape
        return jax.ShapeDtypeStruct((batch_size * bodies, self.sampling.frames, joints, channels), np.float32)

    def model_shapes(self) -> dict[str, Any]:
        """Shapes of `params` and `batch_stats`, leading with the member axis."""
        row = self.input_shape(self.config.evaluate.batch_size)
        variables = jax.eval_shape(
            lambda: self.network.init(jax.random.key(0), jnp.zeros(row.shape, row.dtype), train=False)
        )
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(self.members), *leaf.shape), leaf.dtype), variables)

    def mesh(self, batch_size: int) -> Mesh:
        """The devices for batches of this size."""
        return parallel.make_mesh(len(self.members), batch_size)


def prepare(config: ml_collections.ConfigDict) -> list[Run]:
    """Reads the recordings and makes the network.

    Returns:
      One run; of a benchmark that leaves out each subject once, one for each fold. They share recordings and network.

    Raises:
      UserError: when the configuration makes no sense, or the recordings are missing or damaged.
    """
    benchmark = own.find(config.benchmark)
    unknown = [stream for stream in config.streams if stream not in STREAMS]
    if unknown or not config.streams or len(set(config.streams)) != len(config.streams):
        raise UserError(f"config.streams={tuple(config.streams)}: expected some of {', '.join(STREAMS)}, each once")
    _check_numbers(config)
    network = make_network(config.model, benchmark)
    if benchmark.synthetic:
        make_recordings(config.data.dir, benchmark)
    data_set = dataset.load(config.data.dir, benchmark)
    return [_run(config, benchmark, network, data_set, fold) for fold in _folds(config, benchmark, data_set)]


def _folds(config: ml_collections.ConfigDict, benchmark: Benchmark, data_set: DataSet) -> list[int] | list[None]:
    """The values that are left out, one after the other: those of config.folds, or all."""
    if benchmark.left_out is None:
        if config.folds:
            raise UserError(f"config.folds={config.folds}: benchmark {benchmark.name} has a fixed test part, no folds")
        return [None]
    found = np.unique(data_set.columns[benchmark.left_out]).tolist()
    missing = [fold for fold in config.folds if fold not in found]
    if missing:
        raise UserError(f"config.folds={config.folds}: there is no {benchmark.left_out} {missing[0]}, only {found}")
    return list(config.folds) or found


def _run(
    config: ml_collections.ConfigDict, benchmark: Benchmark, network: DSTANet, data_set: DataSet, fold: int | None
) -> Run:
    train, test = dataset.train_and_test(data_set, benchmark, fold)
    data = config.data
    train, validation = dataset.hold_out(train, data.validation_fraction, data.validation_by, config.seed)
    return Run(
        config=config,
        benchmark=benchmark,
        fold=fold,
        members=tuple(config.streams),
        sampling=make_sampling(data, benchmark),
        network=network,
        train=train,
        validation=validation,
        test=test,
    )


def make_sampling(data: ml_collections.ConfigDict, benchmark: Benchmark) -> Sampling:
    """How a configuration makes a benchmark's sequences into input."""
    return Sampling(
        sampled=data.sampled_frames,
        frames=data.frames,
        slow_interval=data.slow_interval,
        fast_interval=data.fast_interval,
        rotation_degrees=data.rotation_degrees,
        scale=data.scale,
        layout=benchmark.layout,
        channels=benchmark.channels,
    )


def make_network(model: ml_collections.ConfigDict, benchmark: Benchmark) -> DSTANet:
    """The network that a configuration describes, for a benchmark's classes and bodies."""
    layers = {name: tuple(model[name]) for name in ("channels", "embedding", "strides")}
    if len({len(values) for values in layers.values()}) != 1:
        raise UserError(f"config.model: channels, embedding and strides need a number for each layer, found {layers}")
    for name, choice in _CHOICES.items():
        if model[name] not in get_args(choice):
            raise UserError(f"config.model.{name}={model[name]}: expected one of {', '.join(get_args(choice))}")
    return DSTANet(classes=len(benchmark.class_names), bodies=benchmark.bodies, **{**model.to_dict(), **layers})


def _check_numbers(config: ml_collections.ConfigDict) -> None:
    expected = {
        "config.data.validation_by: recording, subject, camera or setup": config.data.validation_by
        in ("recording", "subject", "camera", "setup"),
        "0 <= config.data.validation_fraction < 1": 0 <= config.data.validation_fraction < 1,
        "1 <= config.data.frames <= config.data.sampled_frames": 1 <= config.data.frames <= config.data.sampled_frames,
        "config.data.slow_interval and fast_interval of 1 or more": min(
            config.data.slow_interval, config.data.fast_interval
        )
        >= 1,
        "config.train.batch_size and config.evaluate.batch_size of 1 or more": min(
            config.train.batch_size, config.evaluate.batch_size
        )
        >= 1,
        "config.train.epochs above 0": config.train.epochs > 0,
        "0 <= config.train.label_smoothing < 1": 0 <= config.train.label_smoothing < 1,
        "config.train.decay_epochs to be numbers": all(
            isinstance(epoch, (int, float)) for epoch in config.train.decay_epochs
        ),
        "config.members_per_step of 1 or more, or 0 for what memory holds": config.members_per_step >= 0,
        "config.log.every_steps of 1 or more": config.log.every_steps >= 1,
    }
    for rule, holds in expected.items():
        if not holds:
            raise UserError(f"expected {rule}; change it in the config file or by --config.KEY=VALUE")


def make_recordings(data_dir: str, benchmark: Benchmark) -> None:
    """Makes a synthetic benchmark's recordings where they are missing; nothing of the user's is needed for them."""
    try:
        records.find_data_set(data_dir, benchmark.data_set)
        return
    except UserError:
        logging.getLogger(__name__).info("%s holds no %s: making it", data_dir, benchmark.data_set)
    for command in benchmark.prepare:
        words = command.format(data_dir=data_dir).split()
        finished = subprocess.run([sys.executable, *words[1:]], check=False)
        if finished.returncode:
            raise UserError(f"'{' '.join(words)}' failed with status {finished.returncode}; its message stands above")
