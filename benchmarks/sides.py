"""The sides of a comparison: the library, with its options, and PyTorch, in its variants."""

import dataclasses
import importlib.util
import json
import statistics
import subprocess
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from benchmarks import command_line, report, timing
from benchmarks.shapes import Case
from benchmarks.timing import Side

Task = Literal["train", "latency", "throughput"]

# Fields of the library's sides where none are given.
OPTIONS = ("", "model.precision=bfloat16")

COLUMNS = (
    ("samples_per_second", "samples/s", ".4g"),
    ("times_as_fast", "x torch", ".2f"),
)


@dataclasses.dataclass(frozen=True)
class Spec:
    """What a side does; it can be told to another process.

    Attributes:
      task: a training step; or evaluation, from the host's memory and back (latency) or on the device (throughput).
      framework: `jax` is the library.
      case: the shape, the network and so on.
      variant: PyTorch's, as in `command_line.VARIANTS`.
    """

    task: Task
    framework: Literal["jax", "torch"]
    case: Case
    variant: str = "eager"

    @property
    def name(self) -> str:
        """Such as `ours packed bf16`: of changed fields only the values."""
        if self.framework == "torch":
            return f"PyTorch {self.variant}"
        options = [word.partition("=")[2].replace("bfloat", "bf") for word in self.case.options.split()]
        return " ".join(["ours", *(["packed"] if self.case.single else []), *options])

    def build(self) -> Side:
        """The side, ready to be measured."""
        if self.framework == "jax":
            from benchmarks import ours
            from dsta_jax import compile_cache

            compile_cache.use()  # a process that measures memory finds compiled what this one compiled
            return ours.Training(self.case) if self.task == "train" else ours.Inference(self.case, self.task)
        from benchmarks import torch_sides

        if self.task == "train":
            return torch_sides.Training(self.case, self.variant)
        return torch_sides.Inference(self.case, self.variant, self.task)

    def to_json(self) -> str:
        """To be read by `from_json`."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Spec":
        """What `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "case": Case(**values["case"])})


def of_library(task: Task, case: Case, options: Sequence[str] | None, single: float = 0.0) -> list[Spec]:
    """The library's sides: with each of the options, dense and, of NTU's shape, with absent bodies sharing a row.

    Args:
      task: what they do.
      case: that is measured.
      options: fields of the configuration; `OPTIONS` where there are none.
      single: part of the recordings that show one person; 0 leaves out the second kind.
    """
    return [
        Spec(task, "jax", dataclasses.replace(case, options=f"{case.options} {option}".strip(), single=part))
        for option in options or OPTIONS
        for part in ((0.0, single) if case.shape == "ntu" and single else (0.0,))
    ]


def of_torch(task: Task, case: Case, variants: Sequence[str] | None) -> list[Spec]:
    """PyTorch's sides, by default `eager` on a CPU and all on a GPU; none, and a line says so, without PyTorch."""
    if variants is None:
        import jax

        variants = ("eager",) if jax.default_backend() == "cpu" else command_line.VARIANTS
    if variants and importlib.util.find_spec("torch") is None:
        report.say("PyTorch is left out: it is not installed")
        return []
    return [Spec(task, "torch", dataclasses.replace(case, single=0.0), variant) for variant in variants]


def build_all(specs: Iterable[Spec]) -> dict[Spec, Any]:
    """The sides, ready. A side of PyTorch that this machine cannot run is left out, with its reason."""
    built: dict[Spec, Side] = {}
    for spec in specs:
        try:
            side = spec.build()
            timing.warm_up(side)
        except Exception as error:  # whatever a compiler or a driver says
            if spec.framework == "jax":
                raise
            report.say(f"{spec.name} is left out: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}")
        else:
            built[spec] = side
    return built


def measured(built: Mapping[Spec, Side], arguments: Namespace) -> list[dict[str, Any]]:
    """A row for each side: times, samples a second, and how many times as fast as the first of PyTorch's."""
    times = timing.alternate(built, arguments.repeats, arguments.seconds)
    torch = next((times[spec] for spec in built if spec.framework == "torch"), None)
    rows = []
    for spec in built:
        row = {"side": spec.name, "task": spec.task, **dataclasses.asdict(spec.case), **times[spec].summary()}
        row["samples_per_second"] = spec.case.members * spec.case.batch / times[spec].median
        if torch is not None:
            row["ratios"] = timing.ratios(torch, times[spec])
            row["times_as_fast"] = statistics.median(row["ratios"])
        rows.append(row)
    return rows


def peak_memory(spec: Spec) -> dict[str, Any]:
    """Peak memory of a side in a process of its own; see `benchmarks.memory`. Empty where that process fails."""
    try:
        return report.in_a_process("memory", spec.to_json())
    except subprocess.CalledProcessError:
        report.say(f"no memory of {spec.name}: its process failed")
        return {}
