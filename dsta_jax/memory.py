"""How many networks train at once: the memory that one network's step takes, of what the devices have."""

import contextlib
import functools
import logging
import math
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import psutil
from jax.sharding import Mesh

from dsta_jax import parallel, processes, train_state
from dsta_jax.data.batches import Batch
from dsta_jax.members import Members
from dsta_jax.models.dsta import DSTANet

# XLA plans 0.85 to 1.27 times what is kept for the backward pass: benchmarks/README.md, "Members".
_SAFETY = 1.3

# Of what there is, this part is given to steps: the rest is for evaluation, batches ahead, libraries, compilation.
_USABLE = 0.8

_LOGGER = logging.getLogger(__name__)

_CGROUP = pathlib.Path("/sys/fs/cgroup")


def members_in_turn(members: Members, mesh: Mesh, rows: int | None) -> int:
    """How many of its members each device works on in a turn; they are a multiple of it. Says so where that is news.

    It is `config.members_per_step`, or as many as memory holds, or one on a processor. A member's batch has so many
    rows; None is a row for every body.
    """
    chosen = members.config.members_per_step
    side_by_side = chosen or not _one_is_enough(mesh)
    most = most_members(members, mesh, rows) if side_by_side else 1
    on_device = parallel.members_in_turn(mesh, len(members), most)
    if chosen:
        return on_device
    count, together = len(members), on_device * int(mesh.shape["member"])
    needed, available = member_bytes(members, mesh, rows), device_bytes(mesh)
    kind = mesh.devices.flat[0].device_kind
    sizes = f"each takes about {needed / 1e9:.2g} GB, of {available / 1e9:.3g} GB on a device ({kind})"
    if len(members.folds) > 1 or (side_by_side and together < count):
        how = "side by side" if together == count else f"{together} at a time"
        _LOGGER.info(f"{count} networks train {how} (config.members_per_step sets another number):\n{sizes}")
    if needed > available:
        _LOGGER.warning(
            f"one network may not fit into memory:\n{sizes}.\n"
            "If training fails, lower config.train.batch_size or config.data.frames, or set\n"
            "config.model.precision=bfloat16 (which saves nothing on a CPU)"
        )
    return on_device


def _one_is_enough(mesh: Mesh) -> bool:
    """Whether one network keeps a device busy: a processor, which is faster in turns (benchmarks/README.md)."""
    return bool(mesh.devices.flat[0].platform == "cpu")


def most_members(members: Members, mesh: Mesh, rows: int | None = None) -> int:
    """How many networks may train at once on all devices, 1 at least: config.members_per_step, or what memory holds."""
    if members.config.members_per_step:
        return int(members.config.members_per_step)
    fit = device_bytes(mesh) // member_bytes(members, mesh, rows)
    return max(1, fit * int(mesh.shape["member"]))


def member_bytes(members: Members, mesh: Mesh, rows: int | None = None) -> int:
    """Memory on each of its devices that a network's training step takes: an estimate, before anything is compiled.

    It is what the forward pass keeps for the backward one, times a factor for safety, and the batch, the parameters,
    their momentum and their gradients. Of the pass, each of the devices over which a batch is split has its part.
    """
    train, row = members.config.train, members.input_shape(members.config.train.batch_size)
    batch = members.batch_shapes(train.batch_size, rows)
    kept, params = _step_bytes(members.network, row, train.label_smoothing, batch)
    return math.ceil((_SAFETY * kept + _bytes(batch)) / parallel.batch_devices(mesh) + 3 * params)


@functools.lru_cache(maxsize=8)
def _step_bytes(network: DSTANet, row: jax.ShapeDtypeStruct, label_smoothing: float, batch: Batch) -> tuple[int, int]:
    """Bytes that the forward pass keeps, and of the parameters."""
    one = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(row.shape, row.dtype), train=False))

    def pullback(params: Any, batch_stats: Any, batch: Batch) -> Any:
        """The function that takes the gradient back: a tree, whose leaves are all that is kept for it."""
        loss = functools.partial(train_state.loss, network, label_smoothing)
        return jax.vjp(lambda params: loss(params, batch_stats, batch)[0], params)[1]

    kept = jax.eval_shape(pullback, one["params"], one["batch_stats"], batch)
    return _bytes(kept), _bytes(one["params"])


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def device_bytes(mesh: Mesh) -> int:
    """Memory of each device that steps may take: the same answer in all processes.

    Devices of a CPU share what the machine has available.
    """
    devices = mesh.local_devices
    stats = devices[0].memory_stats() or {}
    available = stats["bytes_limit"] if "bytes_limit" in stats else _host_bytes() // len(devices)
    return int(_USABLE * processes.least(available))


@functools.cache
def _host_bytes() -> int:
    """What the machine had available when it was first asked, so that all groups of networks are of one size."""
    return min([psutil.virtual_memory().available, *_limits(pathlib.Path("/proc/self/cgroup"), _CGROUP)])


def _limits(membership: pathlib.Path, root: pathlib.Path) -> list[int]:
    """Memory that a container or a batch system allows this process: Linux's control groups, of both versions."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # another system
        return []
    limits = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        directory = top / group.lstrip("/")
        for each in (directory, *directory.parents):
            if each.is_relative_to(top):
                with contextlib.suppress(OSError, ValueError):  # There is no such file, or `max` in it.
                    limits.append(int((each / name).read_text()))
    return limits
