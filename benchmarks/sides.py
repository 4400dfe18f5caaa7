"""The sides of a comparison: the library, with its options, and PyTorch, in its variants."""

import atexit
import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, Literal

from benchmarks import report, shapes
from benchmarks.shapes import Case
from benchmarks.timing import Side

# Processes that measure one side find compiled what this one compiled. JAX reads it when it is imported.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="benchmarks_")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

Task = Literal["train", "latency", "throughput"]


@dataclasses.dataclass(frozen=True)
class Spec:
    """What a side does; it can be told to another process.

    Attributes:
      task: a training step; or evaluation, from the host's memory and back (latency) or on the device (throughput).
      framework: `jax` is the library.
      case: the shape, the network and so on.
      variant: PyTorch's, as in `torch_sides.VARIANTS`.
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

            if self.task == "train":
                return ours.Training(self.case)
            return ours.Inference(self.case, self.task == "latency")
        from benchmarks import torch_sides

        if self.task == "train":
            return torch_sides.Training(self.case, self.variant)
        return torch_sides.Inference(self.case, self.variant, self.task == "latency")

    def to_json(self) -> str:
        """To be read by `from_json`."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Spec":
        """What `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "case": Case(**values["case"])})


def of_library(task: Task, case: Case, options: Sequence[str], singles: Sequence[float]) -> list[Spec]:
    """The library's sides: with each of several options, dense and with absent bodies sharing a row."""
    return [
        Spec(task, "jax", dataclasses.replace(case, options=f"{case.options} {option}".strip(), single=single))
        for option in options
        for single in singles
    ]


def default_options(case: Case) -> list[str]:
    """Float32, and bfloat16 where the library's configuration has a field for it."""
    field = shapes.dtype_field(shapes.config_of(case))
    if field is None:
        report.say("bfloat16 of ours is left out: the configuration has no field for the type")
        return [""]
    return ["", f"{field}=bfloat16"]


def of_torch(task: Task, case: Case, variants: Sequence[str]) -> list[Spec]:
    """PyTorch's sides; none, and a line that says so, where there is no PyTorch."""
    if variants and importlib.util.find_spec("torch") is None:
        report.say("PyTorch is left out: it is not installed")
        return []
    return [Spec(task, "torch", dataclasses.replace(case, single=0.0), variant) for variant in variants]


def build_all(specs: Sequence[Spec]) -> dict[str, Side]:
    """The sides by name. One that this machine cannot run is left out, with its reason."""
    from benchmarks import timing

    built: dict[str, Side] = {}
    for spec in specs:
        try:
            side = spec.build()
            timing.warm_up(side)
        except Exception as error:  # whatever a compiler or a driver says
            if spec.framework == "jax":
                raise
            report.say(f"{spec.name} is left out: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}")
        else:
            built[spec.name] = side
    return built


def peak_memory(spec: Spec) -> dict[str, Any]:
    """Peak memory of a side in a process of its own; see `benchmarks.memory`. Empty where that process fails."""
    command = [sys.executable, "-m", "benchmarks.memory", spec.to_json()]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=report.ROOT, check=False)
    if finished.returncode:
        report.say(f"no memory of {spec.name}: {(finished.stderr.strip() or 'no message').splitlines()[-1][:200]}")
        return {}
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found
