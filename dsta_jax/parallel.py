"""Devices: members are split over them first, which needs no communication, then batches."""

import functools
import itertools
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import mesh_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from dsta_jax.errors import UserError

_LOGGER = logging.getLogger(__name__)


class Sizes(NamedTuple):
    """Over how many devices members are split, and batches; 0 is as many as there are and divide them evenly."""

    member: int
    data: int


ANY = Sizes(0, 0)


def devices() -> Sequence[jax.Device]:
    """All devices that there are."""
    return jax.devices()


def make_mesh(members: int, batch_size: int, sizes: Sizes = ANY) -> Mesh:
    """The widest mesh for N members and batches of B; says so where devices are left over.

    Raises:
      UserError: as `widest_mesh`.
    """
    mesh, count = widest_mesh(members, batch_size, sizes), len(devices())
    if mesh.size < count:
        reason = f"{members} members and batches of {batch_size} divide over no more"
        if sizes != ANY:
            reason = "config.mesh says so"
        _LOGGER.warning("%d of %d devices are used: %s", mesh.size, count, reason)
    return mesh


def widest_mesh(members: int, batch_size: int, sizes: Sizes = ANY) -> Mesh:
    """A mesh of axes `member` x `data` over as many devices as divide N members and batches of B evenly.

    Of every process equally many devices take part. A size that is given is that of its axis.

    Raises:
      UserError: when there is no such mesh.
    """
    of_process = _by_process(devices())
    count, most = len(of_process), len(of_process) * min(map(len, of_process))
    shapes = [
        Sizes(m, d)
        for m in _divisors(members)
        for d in _divisors(batch_size)
        if m * d <= most and m * d % count == 0 and sizes in (ANY, (m, d), (m, 0), (0, d))
    ]
    if not shapes:
        asked = "" if sizes == ANY else f", with config.mesh.member={sizes.member} and config.mesh.data={sizes.data}"
        raise UserError(
            f"{members} networks and batches of {batch_size} cannot be divided evenly over {count} processes of "
            f"{most // count} devices each{asked}: choose a batch size that is a multiple of {count}"
        )
    shape = max(shapes, key=lambda shape: (math.prod(shape), shape))
    each = math.prod(shape) // count
    return _mesh([device for own in of_process for device in own[:each]], shape)


def one_device_mesh() -> Mesh:
    """A mesh of this process's first device alone."""
    return _mesh(jax.local_devices()[:1], Sizes(1, 1))


def _by_process(available: Sequence[jax.Device]) -> list[list[jax.Device]]:
    """Each process's devices. Those of a slice of TPUs, which are connected closely, follow each other."""
    ordered = sorted(available, key=lambda device: (getattr(device, "slice_index", 0), device.process_index, device.id))
    return [list(own) for _, own in itertools.groupby(ordered, key=lambda device: device.process_index)]


def _mesh(chosen: Sequence[jax.Device], shape: Sizes) -> Mesh:
    """Members are split over slices of TPUs and processes before batches, as they need no communication."""
    grid = np.array(chosen).reshape(shape)
    one_slice = len({getattr(device, "slice_index", 0) for device in chosen}) == 1
    if chosen[0].platform == "tpu" and one_slice and len(chosen) == len(devices()):
        grid = mesh_utils.create_device_mesh(shape, chosen)  # Neighbours in the mesh are neighbours on the board.
    return Mesh(grid, Sizes._fields, axis_types=(AxisType.Auto, AxisType.Auto))


def _divisors(count: int) -> list[int]:
    return [divisor for divisor in range(1, count + 1) if count % divisor == 0]


def batch_devices(mesh: Mesh) -> int:
    """Over how many devices a batch's rows are split."""
    return int(mesh.shape["data"])


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
    return NamedSharding(mesh, PartitionSpec("member", "data"))


def everywhere(mesh: Mesh) -> NamedSharding:
    """For what every device needs whole."""
    return NamedSharding(mesh, PartitionSpec())


def put(tree: Any, sharding: NamedSharding) -> Any:
    """Host arrays, or such as every process holds whole, onto the devices, each device its part."""
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)
    # device_put would have the processes compare what each of them holds.
    wholes = jax.tree.map(np.asarray, tree)
    return jax.tree.map(lambda whole: jax.make_array_from_callback(whole.shape, sharding, whole.__getitem__), wholes)


def own_part(shape: Sequence[int], sharding: NamedSharding) -> tuple[slice, ...]:
    """The part of an array that the devices of this process need, a slice for each axis."""
    indices = sharding.addressable_devices_indices_map(tuple(shape)).values()
    return tuple(
        slice(min(axis.indices(size)[0] for axis in axes), max(axis.indices(size)[1] for axis in axes))
        for size, axes in zip(shape, zip(*filter(None, indices), strict=True), strict=True)
    )


def put_own(own: np.ndarray, shape: Sequence[int], sharding: NamedSharding) -> jax.Array:
    """An array of this shape onto the devices of all processes, each of which has its `own_part` of some axes."""
    if jax.process_count() == 1:
        return jax.device_put(own, sharding)
    part = own_part(shape, sharding)
    first = [0 if has == whole else span.start for has, whole, span in zip(own.shape, shape, part, strict=True)]

    def of_device(index: Any) -> np.ndarray:
        spans = (axis.indices(size) for axis, size in zip(index, shape, strict=True))
        return own[tuple(slice(start - zero, stop - zero) for (start, stop, _), zero in zip(spans, first, strict=True))]

    return jax.make_array_from_callback(tuple(shape), sharding, of_device)


def fetch(tree: Any, mesh: Mesh) -> Any:
    """Arrays from the devices, whole, in every process."""
    if jax.process_count() > 1:
        tree = _gather(everywhere(mesh))(tree)
    return jax.device_get(tree)


@functools.lru_cache(maxsize=8)
def _gather(sharding: NamedSharding) -> Callable[[Any], Any]:
    return jax.jit(lambda tree: tree, out_shardings=sharding)
