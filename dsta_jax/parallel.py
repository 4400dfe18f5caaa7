"""Devices: members are split over them first, which needs no communication, then batches."""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

_LOGGER = logging.getLogger(__name__)


def devices() -> Sequence[jax.Device]:
    """All devices that there are."""
    return jax.devices()


def make_mesh(members: int, batch_size: int) -> Mesh:
    """The widest mesh for N members and batches of B; says so where devices are left over."""
    mesh, count = widest_mesh(members, batch_size), len(devices())
    if mesh.size < count:
        reason = f"{members} members and batches of {batch_size} divide over no more"
        _LOGGER.warning("%d of %d devices are used: %s", mesh.size, count, reason)
    return mesh


def widest_mesh(members: int, batch_size: int) -> Mesh:
    """A mesh of axes `member` x `batch` over as many devices as divide N members and batches of B evenly."""
    available = devices()
    along_members, along_batch = max(
        ((m, b) for m in _divisors(members) for b in _divisors(batch_size) if m * b <= len(available)),
        key=lambda shape: (math.prod(shape), shape),
    )
    return _mesh(np.array(available[: along_members * along_batch]).reshape(along_members, along_batch))


def one_device_mesh() -> Mesh:
    """A mesh of the first device alone."""
    return _mesh(np.array(devices()[:1]).reshape(1, 1))


def _mesh(grid: np.ndarray) -> Mesh:
    return Mesh(grid, ("member", "batch"), axis_types=(AxisType.Auto, AxisType.Auto))


def _divisors(count: int) -> list[int]:
    return [divisor for divisor in range(1, count + 1) if count % divisor == 0]


def batch_devices(mesh: Mesh) -> int:
    """Over how many devices a batch's rows are split."""
    return int(mesh.shape["batch"])


def members_in_turn(mesh: Mesh, members: int, most: int) -> int:
    """How many of its members each device works on in a turn, so that all devices together work on `most` at most.

    A device's members are a multiple of it. It is at least 1, which is more than `most` where there are more devices.
    """
    most_on_device = max(1, most // int(mesh.shape["member"]))
    return max(divisor for divisor in _divisors(_on_device(mesh, members)) if divisor <= most_on_device)


def over_members(mesh: Mesh, members: int, in_turn: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function of N members' arrays of a function of one member's: all side by side, or some at a time.

    Each device takes the turns with `in_turn` of its own members, so that none moves from one device to another. What
    the others need in between takes no memory then.
    """
    if in_turn == _on_device(mesh, members):
        return jax.vmap
    split = PartitionSpec("member")

    def in_turns(of_one: Callable[..., Any]) -> Callable[..., Any]:
        def on_device(*arrays: Any) -> Any:
            return jax.lax.map(lambda member: of_one(*member), arrays, batch_size=in_turn)

        return jax.shard_map(on_device, mesh=mesh, in_specs=split, out_specs=split, axis_names={"member"})

    return in_turns


def _on_device(mesh: Mesh, members: int) -> int:
    return members // int(mesh.shape["member"])


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
