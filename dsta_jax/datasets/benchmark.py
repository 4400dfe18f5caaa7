"""What a data set is, and what a benchmark asks of it; each data set's file says both, `benchmarks` collects them."""

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np

from dsta_jax.datasets.layouts import Layout, Reference
from dsta_jax.datasets.own_files import Files
from dsta_jax.datasets.recording import Collection

# Coordinates of a joint, and the confidence c with which it was found.
Channels = Literal["xyz", "xy", "xyzc", "xyc"]
CHANNELS: tuple[Channels, ...] = get_args(Channels)

# What is known of N recordings: `split` (the part that their file belongs to), `subject`, `camera` and `setup`.
Columns = Mapping[str, np.ndarray]


def names(text: str) -> tuple[str, ...]:
    """The names that a text lists, with commas between them."""
    return tuple(" ".join(name.split()) for name in text.split(","))


def data_prep_package() -> str:
    """What conversion's package is called: it lies beside the library in a checkout, else inside it."""
    found = importlib.util.find_spec("data_prep")
    of_checkout = pathlib.Path(__file__).parents[2] / "data_prep" / "__init__.py"
    return "data_prep" if found and found.origin == str(of_checkout) else "dsta_jax.data_prep"


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set as its authors publish it."""

    name: str  # Of the converted set, the directory below `config.data.dir`.
    layout: Layout
    label_names: tuple[str, ...]  # What the labels of its records mean; the finest classes that it has.
    reference: Reference | None = None  # By which joints recordings are normalised; None for the layout's own.
    bodies: int = 1  # How many bodies a record holds (M).
    channels: Channels = "xyz"
    version: str = "1.0.0"  # To be raised when a conversion gives other values.
    find: Callable[[pathlib.Path], Collection] | None = None  # Lists the raw recordings below a directory.
    files: Files | None = None  # How one's own files are written, where that is said.
    description: str = ""
    citation: str = ""
    homepage: str = ""
    published: int = 0  # How many recordings its authors publish; 0 where that is not known.
    prepare: tuple[str, ...] = ()  # The commands that make the converted set below `{data_dir}`.
    synthetic: bool = False  # Whether these commands need no recordings of the user's.

    @property
    def normalized_by(self) -> Reference:
        """The joints by which recordings are normalised."""
        return self.layout.reference if self.reference is None else self.reference

    def commands(self, data_dir: str | pathlib.Path) -> list[str]:
        """The commands that make the converted set below a directory, in a checkout or of the installed package."""
        package = data_prep_package()
        raw_dir = "data/raw" if "://" in str(data_dir) else f"{data_dir}/raw"  # Never in a bucket.
        places = {"data_dir": data_dir, "raw_dir": raw_dir}
        return [one.replace("-m data_prep", f"-m {package}").format(**places) for one in self.prepare]

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

    def imitation(self, name: str, options: str = "") -> "Source":
        """Synthetic recordings in this data set's raw format; the options are those of the command that makes them."""
        raw = f"{{raw_dir}}/{name}"
        make = f"python -m data_prep.synthetic {options}--out_dir={raw}"
        convert = f"python -m data_prep.convert --from={self.name} --in={raw} --out={{data_dir}} --name={name}"
        return self.renamed(name, prepare=(make, convert), synthetic=True)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Which recordings test; all others train. With neither `test` nor `train`, each value is left out once."""

    column: str  # What decides: `split`, `subject`, `camera` or `setup`.
    test: tuple[int | str, ...] = ()  # The values that test,
    train: tuple[int | str, ...] = ()  # or the values that train, where that is the published list.

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
    """A task: a data set, its classes, and the protocol that says which recordings test."""

    name: str  # As in `BENCHMARKS` and in the configs' file names.
    source: Source
    protocol: Protocol
    class_names: tuple[str, ...]  # K of them.
    class_of_label: tuple[int, ...]  # The class of each of the data set's labels.

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
        column, test, train = dataclasses.astuple(self.protocol)
        return {
            "name": self.name,
            "data_set": self.source.name,
            "joints": list(self.source.layout.joints),
            "parents": [self.source.layout.joints[parent] for parent in self.source.layout.parents],
            "normalize": dataclasses.asdict(self.source.normalized_by),
            "bodies": self.source.bodies,
            "channels": self.source.channels,
            "label_names": list(self.source.label_names),
            "class_names": list(self.class_names),
            "class_of_label": list(self.class_of_label),
            "protocol": {"column": column, "test": list(test), "train": list(train)},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Benchmark":
        """The benchmark that `to_dict` was taken of; KeyError, TypeError or ValueError when it is of something else."""
        joints, protocol = tuple(values["joints"]), values["protocol"]
        for name in (values["name"], values["data_set"], *values["label_names"], *values["class_names"]):
            if not name.isprintable():
                raise ValueError(f"{name!a} as a name, expected printable text")
        parents = tuple(joints.index(parent) for parent in values["parents"])
        layout = Layout(values["name"], joints, parents, _reference_from_dict(values["normalize"]))
        shape = {"bodies": int(values["bodies"]), "channels": values["channels"]}
        return cls(
            values["name"],
            Source(values["data_set"], layout, tuple(values["label_names"]), **shape),
            Protocol(protocol["column"], tuple(protocol["test"]), tuple(protocol["train"])),
            tuple(values["class_names"]),
            tuple(values["class_of_label"]),
        )


def _reference_from_dict(values: Mapping[str, Any] | None) -> Any:
    if values is None:
        return None
    points = {key: _tuples(value) for key, value in values.items()}
    return Reference(**{**points, "fallback": _reference_from_dict(values["fallback"])})


def _tuples(value: Any) -> Any:
    """JSON has lists where points are tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
