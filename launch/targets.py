"""TPU slices, by the names that JAX gives to their topologies: v5e:4x4, v5p:2x2x2, v6e:2x4, tpu7x:2x2x1.

  python launch/targets.py v5e:4x4    what the Cloud TPU API calls it: accelerator type, runtime version, chips

Chips a host, labels and machine types are those of Google's xpk (github.com/AI-Hypercomputer/xpk, 25 June 2026,
src/xpk/core/system_characteristics.py), and for v5e on one host of https://cloud.google.com/tpu/docs/v5e. Runtime
versions: https://cloud.google.com/tpu/docs/runtimes. Larger slices than these exist; one batch of 64 recordings leaves
their chips nothing to do.
"""

import math
import sys
from typing import NamedTuple

_FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")
_CUBES = ("2x2x1", "2x2x2", "2x2x4", "2x4x4", "4x4x4", "4x4x8", "4x8x8", "8x8x8")


class Generation(NamedTuple):
    """What the slices of a generation of TPUs have in common."""

    label: str  # cloud.google.com/gke-tpu-accelerator
    machine: str  # the machine type up to the number of chips
    topologies: tuple[str, ...]
    api_type: str = ""  # the Cloud TPU API's accelerator type, up to its number; "" where that API does not know it
    units_per_chip: int = 1  # by which that number counts: chips or TensorCores
    runtime: str = ""


GENERATIONS = {
    "v4": Generation("tpu-v4-podslice", "ct4p-hightpu", _CUBES, "v4", 2, "tpu-ubuntu2204-base"),
    "v5e": Generation("tpu-v5-lite-podslice", "ct5lp-hightpu", _FLAT, "v5litepod", 1, "v2-alpha-tpuv5-lite"),
    "v5p": Generation("tpu-v5p-slice", "ct5p-hightpu", _CUBES, "v5p", 2, "v2-alpha-tpuv5"),
    "v6e": Generation("tpu-v6e-slice", "ct6e-standard", _FLAT, "v6e", 1, "v2-alpha-tpuv6e"),
    "tpu7x": Generation("tpu7x", "tpu7x-standard", ("1x1x1", *_CUBES)),
}


class Target(NamedTuple):
    """One slice."""

    generation: Generation
    topology: str
    chips: int

    @property
    def chips_per_host(self) -> int:
        """Chips of one node in Kubernetes."""
        return min(self.chips, 4)

    @property
    def hosts(self) -> int:
        """Nodes of the slice in Kubernetes."""
        return self.chips // self.chips_per_host

    @property
    def machine_type(self) -> str:
        """Machine type of the nodes, such as ct6e-standard-4t."""
        return f"{self.generation.machine}-{self.chips_per_host}t"

    @property
    def accelerator_type(self) -> str:
        """The Cloud TPU API's name of the slice, such as v5litepod-16; ValueError where it has none."""
        if not self.generation.api_type:
            raise ValueError(f"the Cloud TPU API does not know {self.generation.label}: use launch/gke_jobset.py")
        return f"{self.generation.api_type}-{self.chips * self.generation.units_per_chip}"


def target(name: str) -> Target:
    """The slice of that name, such as v5e:4x4.

    Raises:
      ValueError: when there is none of that name; it lists those that there are.
    """
    generation, _, topology = name.partition(":")
    if generation not in GENERATIONS:
        known = ", ".join(f"{one}:{GENERATIONS[one].topologies[1]}" for one in GENERATIONS)
        raise ValueError(f"target {name!r}: expected a generation and a topology, such as {known}")
    known_topologies = GENERATIONS[generation].topologies
    if topology not in known_topologies:
        known = ", ".join(known_topologies)
        raise ValueError(f"target {name!r}: {generation} has no topology {topology!r}; known are {known}")
    return Target(GENERATIONS[generation], topology, math.prod(map(int, topology.split("x"))))


if __name__ == "__main__":
    try:
        slice_ = target(sys.argv[1])
        print(slice_.accelerator_type, slice_.generation.runtime, slice_.chips)
    except ValueError as error:
        sys.exit(f"error: {error}")
