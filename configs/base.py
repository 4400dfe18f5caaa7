"""Every number of a run, with the paper's values (Sec. 4.2). The other files say what differs.

Any field can be given on the command line, such as `--config.train.epochs=60`. A config file takes words after a
colon, separated by commas: names of streams (only these are trained) and `small` (a network for a laptop).
"""

import ml_collections

STREAMS = ("spatial_temporal", "spatial", "slow_temporal", "fast_temporal")


def get_config(benchmark: str, words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration of a benchmark.

    Args:
      benchmark: a name of `dsta_jax.datasets.benchmarks.BENCHMARKS`.
      words: what stood after the colon, such as `small,spatial`.
    """
    config = ml_collections.ConfigDict()
    config.benchmark = benchmark
    config.streams = STREAMS  # a network each, trained side by side
    config.folds = ()  # where each subject is left out once: the subjects to leave out, such as (1, 2); all if empty
    config.members_per_step = 0  # so many networks (streams x folds) train at once, one a device at least; 0: as
    # many as the devices' memory holds, and on a processor one, which is faster there
    config.seed = 0  # of initial values, batches and augmentation

    config.data = ml_collections.ConfigDict()
    config.data.dir = "data"  # holds converted sets as NAME/VERSION
    config.data.sampled_frames = 150  # a sequence is brought to so many frames ...
    config.data.frames = 128  # ... of which the network sees so many in a row
    config.data.slow_interval = 1  # slow_temporal: differences of frames so far apart
    config.data.fast_interval = 2  # fast_temporal
    config.data.rotation_degrees = 0.0  # random rotation of training sequences about each axis, up to so much
    config.data.scale = 0.0  # random scaling of training sequences, by 1 - scale to 1 + scale
    config.data.validation_fraction = 0.0  # part of the training recordings held out to choose the best checkpoint
    config.data.validation_by = "subject"  # hold out whole subjects, or cameras, setups, or each recording by itself

    config.model = ml_collections.ConfigDict()
    config.model.input_channels = 64
    config.model.channels = (64, 64, 128, 128, 256, 256, 256, 256)  # of each layer
    config.model.embedding = (16, 16, 32, 32, 64, 64, 64, 64)  # C_e, a head's query and key channels
    config.model.strides = (1, 1, 2, 1, 2, 1, 1, 1)  # over time
    config.model.heads = 3
    config.model.attention = "shared"  # strategy per_frame (a), cross_frame (b) or shared (c)
    config.model.position = "decoupled"  # or unified, none
    config.model.regularization = "spatial"  # or none, spatial_temporal
    config.model.activation = "tanh"  # or softmax
    config.model.temporal = "attention"  # or conv, as in the authors' released NTU configuration
    config.model.precision = "float32"  # or bfloat16, of features and products

    config.train = ml_collections.ConfigDict()
    config.train.epochs = 120.0
    config.train.batch_size = 32
    config.train.learning_rate = 0.1
    config.train.warmup_epochs = 5.0
    config.train.decay_epochs = (60.0, 90.0)
    config.train.decay_factor = 10.0
    config.train.momentum = 0.9  # Nesterov's
    config.train.weight_decay = 0.0005
    config.train.label_smoothing = 0.0

    config.evaluate = ml_collections.ConfigDict()
    config.evaluate.batch_size = 64
    config.evaluate.every_epochs = 2.0  # on the held-out part, where there is one

    config.checkpoint = ml_collections.ConfigDict()
    config.checkpoint.every_epochs = 5.0

    config.log = ml_collections.ConfigDict()
    config.log.every_steps = 20

    return _with_words(config, words)


def _with_words(config: ml_collections.ConfigDict, words: str) -> ml_collections.ConfigDict:
    streams = []
    for word in filter(None, words.split(",")):
        if word == "small":
            _small(config)
        elif word in STREAMS:
            streams.append(word)
        else:
            raise ValueError(f"'{word}' after the colon: expected 'small' or some of {', '.join(STREAMS)}")
    if streams:
        config.streams = tuple(streams)
    return config


def _small(config: ml_collections.ConfigDict) -> None:
    """A network for two CPU cores: fewer frames, channels and layers, early strides, and half the epochs."""
    config.data.sampled_frames = 36
    config.data.frames = 32
    config.model.input_channels = 32
    config.model.channels = (32, 64, 64, 128)
    config.model.embedding = (8, 16, 16, 32)
    config.model.strides = (2, 2, 1, 1)
    config.train.epochs = 60.0
    config.train.warmup_epochs = 2.0
    config.train.decay_epochs = (40.0, 52.0)
