"""What a data set is, and what a benchmark asks of it; each data set's file says both, `benchmarks` collects them."""

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np

from dsta_jax.datasets.layouts import Layout, Reference
from dsta_jax.datasets.recording import Collection

# What the channels of a joint are: coordinates, and the confidence c with which it was found.
Channels = Literal["xyz", "xy", "xyzc", "xyc"]
CHANNELS: tuple[Channels, ...] = get_args(Channels)

# What is known of N recordings: `split` (the part that their file belongs to), `subject`, `camera` and `setup`.
Columns = Mapping[str, np.ndarray]


def names(text: str) -> tuple[str, ...]:
    """The names that a text lists, with commas between them."""
    return tuple(" ".join(name.split()) for name in text.split(","))


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set as its authors publish it.

    Attributes:
      name: of the converted set, the directory below `config.data.dir`.
      layout: joints and bones of a body.
      label_names: what the labels of its records mean; the finest classes that it has.
      reference: by which joints recordings are normalised; None for the layout's own.
      bodies: how many bodies a record holds (M).
      channels: what the C channels of a joint are.
      version: three numbers with dots, to be raised when a conversion gives other values.
      find: lists the raw recordings below a directory; None for a set that comes in one of the common formats.
      description: one paragraph.
      citation: the publication that describes it.
      homepage: where its authors publish it.
      published: how many recordings they publish; 0 where that is not known.
      prepare: the commands that make the converted set below `{data_dir}`.
      synthetic: True when those commands need no recordings of the user's.
    """

    name: str
    layout: Layout
    label_names: tuple[str, ...]
    reference: Reference | None = None
    bodies: int = 1
    channels: Channels = "xyz"
    version: str = "1.0.0"
    find: Callable[[pathlib.Path], Collection] | None = None
    description: str = ""
    citation: str = ""
    homepage: str = ""
    published: int = 0
    prepare: tuple[str, ...] = ()
    synthetic: bool = False

    @property
    def normalized_by(self) -> Reference:
        """The joints by which recordings are normalised."""
        return self.layout.reference if self.reference is None else self.reference

    def commands(self, data_dir: str | pathlib.Path) -> list[str]:
        """The commands that make the converted set below a directory, in a checkout or of the installed package."""
        return [
            command.replace("-m data_prep", f"-m {_converters()}").format(data_dir=data_dir) for command in self.prepare
        ]

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """V, M and C of its records."""
        return len(self.layout.joints), self.bodies, len(self.channels)

    @property
    def confidence(self) -> bool:
        """Whether the last channel is a confidence."""
        return self.channels.endswith("c")

    def renamed(self, name: str, **changes: Any) -> "Source":
        """Recordings from elsewhere in this data set's layout: without what is true of the published ones only."""
        return dataclasses.replace(self, **{"name": name, "citation": "", "homepage": "", "published": 0, **changes})


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Which recordings test; all others train. With neither `test` nor `train`, each value is left out once.

    Attributes:
      column: what decides: `split`, `subject`, `camera` or `setup`.
      test: the values that test,
      train: or the values that train, where that is the published list.
    """

    column: str
    test: tuple[int | str, ...] = ()
    train: tuple[int | str, ...] = ()

    @property
    def leaves_one_out(self) -> bool:
        """Whether each value of the column is left out of training once, and tested on."""
        return not self.test and not self.train

    def is_test(self, columns: Columns, fold: int | str | None = None) -> np.ndarray:
        """N booleans: True where a recording tests; of a fold, where it has the value that is left out.

        Numbers are compared as words, since a column is one of words where any of its values is; splits as users write
        them, whatever the case.
        """
        values = [fold] if self.leaves_one_out else self.test or self.train
        is_named_N = np.isin(self._words(columns[self.column]), self._words(np.array(values)))
        return ~is_named_N if self.train else is_named_N

    def _words(self, values: np.ndarray) -> np.ndarray:
        words = values.astype(str)
        return np.char.lower(np.char.strip(words)) if self.column == "split" else words


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A task: a data set, its classes, and the protocol that says which recordings test.

    Attributes:
      name: as in `BENCHMARKS` and in the configs' file names.
      source: the data set.
      protocol: who trains and who tests.
      class_names: the K classes.
      class_of_label: the class of each of the data set's labels.
    """

    name: str
    source: Source
    protocol: Protocol
    class_names: tuple[str, ...]
    class_of_label: tuple[int, ...]

    @property
    def left_out(self) -> str | None:
        """The column of which each value is left out once; None where train and test are fixed."""
        return self.protocol.column if self.protocol.leaves_one_out else None

    @classmethod
    def of_labels(cls, name: str, source: Source, protocol: Protocol) -> "Benchmark":
        """The benchmark whose classes are the data set's labels."""
        return cls(name, source, protocol, source.label_names, tuple(range(len(source.label_names))))

    def to_dict(self) -> dict[str, Any]:
        """All that decides what a network learns of it, as JSON can hold it."""
        return {
            "name": self.name,
            "data_set": self.source.name,
            "joints": list(self.source.layout.joints),
            "parents": [self.source.layout.joints[parent] for parent in self.source.layout.parents],
            "normalize": _reference_to_dict(self.source.normalized_by),
            "bodies": self.source.bodies,
            "channels": self.source.channels,
            "label_names": list(self.source.label_names),
            "class_names": list(self.class_names),
            "class_of_label": list(self.class_of_label),
            "protocol": {
                key: list(value) if isinstance(value, tuple) else value for key, value in vars(self.protocol).items()
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Benchmark":
        """The benchmark that `to_dict` was taken of, but for what only a conversion needs.

        Raises:
          KeyError, TypeError or ValueError: when it is of something else.
        """
        joints = tuple(values["joints"])
        reference = _reference_from_dict(values["normalize"])
        parents = tuple(joints.index(parent) for parent in values["parents"])
        protocol = values["protocol"]
        return cls(
            name=values["name"],
            source=Source(
                name=values["data_set"],
                layout=Layout(values["name"], joints, parents, reference),
                label_names=tuple(values["label_names"]),
                bodies=int(values["bodies"]),
                channels=values["channels"],
            ),
            protocol=Protocol(protocol["column"], tuple(protocol["test"]), tuple(protocol["train"])),
            class_names=tuple(values["class_names"]),
            class_of_label=tuple(values["class_of_label"]),
        )


def _converters() -> str:
    """The package of the converters: `data_prep` of the checkout where Python finds it, or this package's own."""
    found = importlib.util.find_spec("data_prep")
    beside = pathlib.Path(__file__).parents[2] / "data_prep" / "__init__.py"
    return "data_prep" if found and found.origin == str(beside) else "dsta_jax.data_prep"


def _reference_to_dict(reference: Reference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    return {**vars(reference), "fallback": _reference_to_dict(reference.fallback)}


def _reference_from_dict(values: Mapping[str, Any] | None) -> Any:
    if values is None:
        return None
    return Reference(
        **{key: _tuples(value) for key, value in values.items() if key != "fallback"},
        fallback=_reference_from_dict(values["fallback"]),
    )


def _tuples(value: Any) -> Any:
    """JSON has lists where points are tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
