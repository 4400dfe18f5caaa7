"""Devices: members are split over them first, which needs no communication, then batches."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec


def devices() -> Sequence[jax.Device]:
    """All devices that there are."""
    return jax.devices()


def make_mesh(members: int, batch_size: int) -> Mesh:
    """A mesh of axes `member` x `batch` over as many devices as divide N members and batches of B evenly."""
    available = devices()
    along_members, along_batch = max(
        ((m, b) for m in _divisors(members) for b in _divisors(batch_size) if m * b <= len(available)),
        key=lambda shape: (math.prod(shape), shape),
    )
    used = along_members * along_batch
    if used < len(available):
        logging.getLogger(__name__).warning(
            "%d of %d devices are used: %d members and batches of %d divide over no more",
            used,
            len(available),
            members,
            batch_size,
        )
    grid = np.array(available[:used]).reshape(along_members, along_batch)
    return Mesh(grid, ("member", "batch"), axis_types=(AxisType.Auto, AxisType.Auto))


def _divisors(count: int) -> list[int]:
    return [divisor for divisor in range(1, count + 1) if count % divisor == 0]


def batch_devices(mesh: Mesh) -> int:
    """Over how many devices a batch's rows are split."""
    return int(mesh.shape["batch"])


def by_member(mesh: Mesh) -> NamedSharding:
    """For arrays that lead with the member axis."""
    return NamedSharding(mesh, PartitionSpec("member"))


def by_member_and_batch(mesh: Mesh) -> NamedSharding:
    """For arrays that lead with the member axis and the batch (or row) axis."""
    return NamedSharding(mesh, PartitionSpec("member", "batch"))


def everywhere(mesh: Mesh) -> NamedSharding:
    """For what every device needs whole."""
    return NamedSharding(mesh, PartitionSpec())


def put(tree: Any, sharding: NamedSharding) -> Any:
    """Host arrays onto the devices, each device its part."""
    return jax.device_put(tree, sharding)
