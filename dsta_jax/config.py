"""Every field of a configuration, with the paper's values (Sec. 4.2). The files in `configs/` say what differs.

Any field can be given on the command line, such as `--config.train.epochs=60`. A config takes words after a colon,
separated by commas: names of streams (only these are trained), and `small` (a network for a laptop).
"""

import difflib
import functools
import importlib.util
import inspect
import logging
import math
import operator
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import ml_collections

from dsta_jax import train_state
from dsta_jax.data.streams import STREAMS
from dsta_jax.errors import UserError
from dsta_jax.models import attention, dsta, position

_LOGGER = logging.getLogger(__name__)

# The streams of the paper (Sec. 3.6). A further one in STREAMS does not join them by itself.
PAPER_STREAMS = ("spatial_temporal", "spatial", "slow_temporal", "fast_temporal")

# Beside the library in a checkout, inside it where it is installed as a package.
_HERE = pathlib.Path(__file__).resolve().parent
_DIRECTORIES = (_HERE / "configs", _HERE.parent / "configs")


def paper(benchmark: str, words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration of a benchmark, with the words that stood after the colon, such as `small,spatial`.

    The benchmark is a name of `dsta_jax.datasets.benchmarks.BENCHMARKS`, or a TOML file of your own.

    Raises:
      UserError: when a word is unknown.
    """
    config = ml_collections.ConfigDict()
    config.benchmark = benchmark  # a name such as shrec14, or a TOML file of your own
    config.streams = PAPER_STREAMS  # a network each, trained side by side
    config.folds = ()  # where each subject is left out once: the subjects to leave out, such as (1, 2); all if empty
    config.members_per_step = 0  # so many networks (streams x folds) train at once, one a device at least; 0: as
    # many as the devices' memory holds, and on a processor one, which is faster there
    config.init_from = ""  # begin with the networks of another run, or of a directory in the Hugging Face hub's layout
    config.seed = 0  # of initial values, batches and augmentation

    config.mesh = ml_collections.ConfigDict()
    config.mesh.member = 0  # the networks of a step are split over so many devices; 0: over as many as possible, ...
    config.mesh.data = 0  # ... and each network's batch over so many

    config.data = ml_collections.ConfigDict()
    config.data.dir = "data"  # holds converted sets as NAME/VERSION
    config.data.frames_dir = ""  # where the frames are kept as a file that all processes of a machine share, on a disk
    # of its own; empty: each process has them in memory, 29 kB a recording of NTU
    config.data.sampled_frames = 150  # a sequence is brought to so many frames ...
    config.data.frames = 128  # ... of which the network sees so many in a row
    config.data.slow_interval = 1  # slow_temporal: differences of frames so far apart
    config.data.fast_interval = 2  # fast_temporal
    config.data.rotation_degrees = 0.0  # random rotation of training sequences about each axis, up to so much
    config.data.scale = 0.0  # random scaling of training sequences, by 1 - scale to 1 + scale
    config.data.validation_fraction = 0.0  # part of the training recordings held out to choose the best checkpoint
    config.data.validation_by = "subject"  # hold out whole subjects, or cameras, setups, or each recording by itself

    config.model = ml_collections.ConfigDict()
    config.model.input_channels = 64  # after the input map
    config.model.channels = (64, 64, 128, 128, 256, 256, 256, 256)  # of each layer
    config.model.embedding = (16, 16, 32, 32, 64, 64, 64, 64)  # C_e, a head's query and key channels
    config.model.strides = (1, 1, 2, 1, 2, 1, 1, 1)  # over time
    config.model.heads = 3  # S, of each layer
    config.model.attention = "shared"  # strategy per_frame (a), cross_frame (b) or shared (c)
    config.model.position = "decoupled"  # or unified, none
    config.model.regularization = "spatial"  # or none, spatial_temporal
    config.model.activation = "tanh"  # or softmax
    config.model.temporal = "attention"  # or conv, as in the authors' released NTU configuration
    config.model.precision = "float32"  # or bfloat16, of features and products

    config.train = ml_collections.ConfigDict()
    config.train.epochs = 120.0  # how often all training recordings are seen
    config.train.batch_size = 32  # of each network, on all devices and processes together
    config.train.learning_rate = 0.1  # for batches of 32; ...
    config.train.rate_rule = "constant"  # ... for others the same; or as linear or square_root of their size
    config.train.warmup_epochs = 5.0  # in which the learning rate rises from nearly 0; 0 for none
    config.train.warmup_by = "epoch"  # the rate rises with each epoch, as the authors', or with each step
    config.train.decay_at = (0.5, 0.75)  # parts of the training after which the rate is divided: epochs 60 and 90
    config.train.decay_factor = 10.0  # by which the rate is divided
    config.train.momentum = 0.9  # Nesterov's
    config.train.weight_decay = 0.0005  # of all parameters
    config.train.label_smoothing = 0.0  # part of each target that is spread evenly over the classes
    config.train.loaded_rate = 1.0  # what config.init_from brought learns at this part of the rate; 0: not at all
    config.train.if_not_finite = "stop"  # or skip: undo a step after which a network would not be finite, and go on

    config.evaluate = ml_collections.ConfigDict()
    config.evaluate.batch_size = 64  # recordings in a step of an evaluation; changes no score beyond rounding
    config.evaluate.every_epochs = 2.0  # on the held-out part, where there is one

    config.checkpoint = ml_collections.ConfigDict()
    config.checkpoint.every_epochs = 5.0  # a state is saved to go on from

    config.log = ml_collections.ConfigDict()
    config.log.every_steps = 20  # a line of metrics, the mean over these steps

    return _with_words(config, words)


def _with_words(config: ml_collections.ConfigDict, words: str) -> ml_collections.ConfigDict:
    given = list(filter(None, words.split(",")))
    for word in given:
        if word not in ("small", *STREAMS):
            raise UserError(f"'{word}' after the colon: expected 'small' or some of {', '.join(STREAMS)}")
    if "small" in given:
        _small(config)
    config.streams = tuple(word for word in given if word != "small") or config.streams
    return config


def _small(config: ml_collections.ConfigDict) -> None:
    """A network for two CPU cores: fewer frames, channels and layers, early strides, and half the epochs."""
    config.data.update({"sampled_frames": 36, "frames": 32})
    config.model.update({"input_channels": 32, "channels": (32, 64, 64, 128), "embedding": (8, 16, 16, 32)})
    config.model.strides = (2, 2, 1, 1)
    config.train.update({"epochs": 60.0, "warmup_epochs": 2.0, "warmup_by": "step", "decay_at": (2 / 3, 13 / 15)})


Rule = tuple[str, Callable[[Any], bool]]

# Far more than anybody needs, and not so much that a slip of the finger takes all memory, or years.
_MOST_FRAMES, _MOST_SIZE, _MOST_LAYERS = 10_000, 65_536, 100
_MOST_EPOCHS, _MOST_RATE, _MOST_STEPS = 1_000_000, 1_000, 1_000_000_000


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and value.isprintable()


def _whole(least: int, most: int) -> Rule:
    return f"a whole number from {least} to {most}", lambda value: _is_whole(value) and least <= value <= most


def _number(least: float, most: float) -> Rule:
    return f"a number from {least} to {most}", lambda value: _is_number(value) and least <= value <= most


def _below(most: float) -> Rule:
    return f"a number from 0 on and below {most}", lambda value: _is_number(value) and 0 <= value < most


def _above_zero(most: float = math.inf) -> Rule:
    limits = "above 0" if most == math.inf else f"above 0, at most {most}"
    return f"a number {limits}", lambda value: _is_number(value) and 0 < value <= most


def _one_of(choices: Sequence[str]) -> Rule:
    return f"one of {', '.join(choices)}", lambda value: value in choices


def _are_folds(values: Any) -> bool:
    fit = isinstance(values, tuple | list) and all(_is_whole(value) or _is_text(value) for value in values)
    return fit and len(set(values)) == len(values)


def _all(group: str, rule: Rule, *fields: str) -> dict[str, Rule]:
    return {f"{group}.{field}": rule for field in fields}


_SIZES: Rule = (
    f"1 to {_MOST_LAYERS} whole numbers, each from 1 to {_MOST_SIZE}",
    lambda sizes: 0 < len(sizes) <= _MOST_LAYERS and all(_is_whole(size) and 1 <= size <= _MOST_SIZE for size in sizes),
)
_DECAYS: Rule = (
    "parts of the training between 0 and 1, ascending",
    lambda parts: all(_is_number(part) and 0 < part < 1 for part in parts) and list(parts) == sorted(set(parts)),
)

# What each field may be.
RULES: dict[str, Rule] = {
    "benchmark": ("a benchmark's name, or a file NAME.toml", _is_text),
    "streams": (
        f"some of {', '.join(STREAMS)}, each once",
        lambda streams: 0 < len(streams) == len(set(streams)) and set(streams) <= set(STREAMS),
    ),
    "folds": ("numbers or words, such as (1, 2), each once; all if empty", _are_folds),
    "members_per_step": (
        "a number of networks, or 0 for what memory holds",
        lambda value: _is_whole(value) and value >= 0,
    ),
    **_all("mesh", _whole(0, _MOST_SIZE), "member", "data"),
    "init_from": ("the name of a directory, or nothing", lambda value: value == "" or _is_text(value)),
    "seed": ("a whole number from 0 on and below 2**64", lambda seed: _is_whole(seed) and 0 <= seed < 1 << 64),
    "data.dir": ("the name of a directory", _is_text),
    "data.frames_dir": ("the name of a directory, or nothing", lambda value: value == "" or _is_text(value)),
    **_all("data", _whole(1, _MOST_FRAMES), "sampled_frames", "frames", "slow_interval", "fast_interval"),
    **_all("data", _below(1), "scale", "validation_fraction"),
    "data.rotation_degrees": _number(0, 360),
    "data.validation_by": _one_of(("recording", "subject", "camera", "setup")),
    "model.input_channels": _whole(1, _MOST_SIZE),
    "model.heads": _whole(1, 1_000),
    **_all("model", _SIZES, "channels", "embedding", "strides"),
    "model.attention": _one_of(get_args(attention.Strategy)),
    "model.position": _one_of(get_args(position.Position)),
    "model.regularization": _one_of(get_args(dsta.Regularization)),
    "model.activation": _one_of(get_args(attention.Activation)),
    "model.temporal": _one_of(get_args(dsta.Temporal)),
    "model.precision": _one_of(get_args(dsta.Precision)),
    "train.epochs": _above_zero(_MOST_EPOCHS),
    "train.warmup_epochs": _number(0, _MOST_EPOCHS),
    "train.learning_rate": _number(0, _MOST_RATE),
    "train.decay_factor": _number(1, 1_000_000),
    "train.loaded_rate": _number(0, 1_000),
    **_all("train", _below(1), "momentum", "weight_decay", "label_smoothing"),
    "train.batch_size": _whole(1, _MOST_SIZE),
    "train.if_not_finite": _one_of(("stop", "skip")),
    "train.rate_rule": _one_of(tuple(train_state.RATE_RULES)),
    "train.warmup_by": _one_of(("epoch", "step")),
    "train.decay_at": _DECAYS,
    "evaluate.batch_size": _whole(1, _MOST_SIZE),
    "evaluate.every_epochs": _above_zero(),
    "checkpoint.every_epochs": _above_zero(),
    "log.every_steps": _whole(1, _MOST_STEPS),
}


def check_fields(config: ml_collections.ConfigDict) -> None:
    """Checks each field by itself.

    Raises:
      UserError: when one is missing, or is not as it must be.
    """
    for field, (expected, holds) in RULES.items():
        try:
            value = functools.reduce(operator.getitem, field.split("."), config)
        except (KeyError, TypeError):
            raise UserError(f"config.{field} is missing: expected {expected}") from None
        try:
            fits = holds(value)
        except TypeError:  # It cannot even be compared.
            fits = False
        if not fits:
            found = str(value) if not isinstance(value, str) or _is_text(value) else repr(value)
            raise UserError(f"config.{field}={found if len(found) <= 80 else f'{found[:77]}...'}: expected {expected}")


def check(config: ml_collections.ConfigDict) -> None:
    """Checks that a configuration makes sense, before anything is loaded; says what is allowed but odd.

    Raises:
      UserError: when a field is not as it must be, is unknown, or two do not go together.
    """
    check_fields(config)
    known = set(fields(paper("")))
    if unknown := [field for field in fields(config) if field not in known]:
        near = "".join(f", did you mean {name}?" for name in difflib.get_close_matches(unknown[0], known, 1))
        raise UserError(f"{unknown[0]}: the configuration has no such field{near}")
    if config.data.frames > config.data.sampled_frames:
        raise UserError(
            f"config.data.frames={config.data.frames}: expected at most config.data.sampled_frames="
            f"{config.data.sampled_frames}, of which they are taken"
        )
    layers = {name: config.model[name] for name in ("channels", "embedding", "strides")}
    if len({len(values) for values in layers.values()}) != 1:
        raise UserError(f"config.model: channels, embedding and strides need a number for each layer, found {layers}")
    if (together := math.prod(config.model.strides)) > config.data.frames:
        raise UserError(
            f"config.model.strides={config.model.strides}: they leave one of {together} frames, expected at most "
            f"config.data.frames={config.data.frames}"
        )
    if config.train.loaded_rate != 1 and not config.init_from:
        raise UserError(
            f"config.train.loaded_rate={config.train.loaded_rate:g}: nothing is loaded; name a run by config.init_from"
        )
    if config.train.warmup_epochs >= config.train.epochs:
        found = "config.train.warmup_epochs={warmup_epochs:g} of config.train.epochs={epochs:g}"
        _LOGGER.warning("the learning rate rises through the whole training: " + found.format(**config.train))


def fields(group: ml_collections.ConfigDict, name: str = "config") -> Iterator[str]:
    """The names of all fields, such as config.train.epochs."""
    for key, value in group.items():
        below = f"{name}.{key}"
        yield from fields(value, below) if isinstance(value, ml_collections.ConfigDict) else [below]


def described() -> dict[str, tuple[Any, str]]:
    """The paper's value of each field, and what the comment beside it says."""
    found: dict[str, tuple[Any, str]] = {}
    values = paper("").to_dict()
    for line in inspect.getsource(paper).splitlines():
        if match := re.fullmatch(r" +config\.([\w.]+) = .*?(?:  # (.*))?", line):
            field = match[1]
            value = functools.reduce(operator.getitem, field.split("."), values)
            if not isinstance(value, dict):
                found[f"config.{field}"] = value, match[2] or ""
        elif (match := re.fullmatch(r" +# (.*)", line)) and found:
            field, (value, text) = found.popitem()
            found[field] = value, f"{text} {match[1]}"
    return found


def find(name: str) -> str:
    """The path of a config: `shrec14` by name, or `configs/shrec14.py`; words after a colon stay behind it.

    Raises:
      UserError: when there is none.
    """
    path, colon, words = name.partition(":")
    if path.endswith(".py") and pathlib.Path(path).is_file():
        return name
    directory = next(directory for directory in _DIRECTORIES if directory.is_dir())
    found = directory / f"{pathlib.PurePath(path).stem}.py"
    if path.endswith(".toml"):
        raise UserError(
            f"--config={name}: a benchmark's file; train on it by --config=own:small --config.benchmark={path}"
        )
    if not found.is_file() or pathlib.PurePath(path).name != path.removeprefix("configs/"):
        known = ", ".join(sorted(file.stem for file in directory.glob("[a-z]*.py")))
        raise UserError(f"--config={name}: there is no such config; expected a .py file of your own, or one of {known}")
    return f"{found}{colon}{words}"


def get_config(name: str) -> ml_collections.ConfigDict:
    """A configuration by name, as on the command line: `shrec14`, `own:small`, or a file's path.

    Raises:
      UserError: when there is none of that name, or a word is unknown.
    """
    path, _, words = find(name).partition(":")
    spec = importlib.util.spec_from_file_location("config", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "get_config"):
        raise UserError(f"{path}: no function get_config(words) there, expected one that returns a configuration")
    config: ml_collections.ConfigDict = module.get_config(words)
    return config.lock()  # A field that is not known is misspelt.
