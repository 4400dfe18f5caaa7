"""Chips that are not here: their topologies, to compile for, and the training step compiled for one.

libtpu compiles for TPUs, JAX's CUDA plugin for NVIDIA's GPUs. Neither needs the chip, a driver or NVIDIA's libraries:

    pip install jax[tpu]
    pip install --no-deps jax-cuda13-plugin jax-cuda13-pjrt     # of JAX's version

libtpu beside a CPU's JAX is harmless where `JAX_PLATFORMS=cpu` is set; without that, JAX looks for a TPU first.
"""

import dataclasses
import importlib.util
import os
import re
from collections.abc import Sequence
from typing import Any
from unittest import mock

import jax
from jax.experimental import topologies

from benchmarks import ours, shapes
from benchmarks.shapes import Case
from dsta_jax import checkpoint, memory, parallel, train
from dsta_jax.errors import UserError
from dsta_jax.members import Members
from dsta_jax.train import Feed

TPUS = ("v5e", "v5p", "v6e", "tpu7x")

# Bytes of memory of a device as JAX counts devices; of a TPU7x, half a chip.
_MEMORY = {
    "TPU v5 lite": 16 << 30,
    "TPU v5": 95 << 30,
    "TPU v6 lite": 32 << 30,
    "TPU7x": 96 << 30,
    "NVIDIA H100 80GB HBM3": 80 << 30,
    "NVIDIA H200": 141 * 10**9,
}

# What libtpu asks of its machine; the type is any that it knows, as topologies are named when they are asked for.
_TPU_ENVIRONMENT = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}

# The properties that CUDA tells of a GPU, by name: bytes of memory and of it a second. The rest is Hopper's.
_GPUS = {
    "h100": ("NVIDIA H100 80GB HBM3", 3_352_320_000_000),
    "h200": ("NVIDIA H200", 4_800_000_000_000),
}
_HOPPER = """
gpu_device_info {{
  cuda_compute_capability {{ major: 9 minor: 0 }}
  core_count: 132 fpus_per_core: 128 clock_rate_ghz: 1.98 threads_per_warp: 32
  threads_per_block_limit: 1024 threads_per_core_limit: 2048
  registers_per_block_limit: 65536 registers_per_core_limit: 65536
  shared_memory_per_block: 49152 shared_memory_per_block_optin: 232448 shared_memory_per_core: 233472
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  l2_cache_size: 52428800 memory_bandwidth: {bandwidth} device_memory_size: {memory}
}}
platform_name: "CUDA"
runtime_version {{ major: 13 }}
dnn_version_info {{ major: 9 minor: 12 }}
device_description_str: "{name}"
"""


def devices(target: str) -> Sequence[jax.Device]:
    """The devices of a topology such as `v5e:2x4`, `tpu7x:2x2x1` or `h100`, to compile for; `h100:8` is eight.

    Raises:
      UserError: when no such topology is known, or what compiles for it is not installed.
    """
    jax.config.update("jax_platforms", "cpu")  # else JAX would look for a TPU where libtpu is
    kind, _, shape = target.partition(":")
    if kind in TPUS and re.fullmatch(r"\d+(x\d+){1,2}", shape):
        return _tpus(target, shape)
    if kind in _GPUS and re.fullmatch(r"[1-9]\d*|", shape):
        return _gpus(kind, int(shape or 1))
    raise UserError(
        f"--target={target}: expected a TPU and its topology, such as v5e:2x4 or v5p:2x2x2 ({', '.join(TPUS)}), or a "
        f"GPU and how many, such as h100 or h200:8 ({', '.join(_GPUS)})"
    )


def _tpus(target: str, shape: str) -> Sequence[jax.Device]:
    if importlib.util.find_spec("libtpu") is None:
        raise UserError(f"--target={target}: libtpu, which compiles for TPUs, is not installed; pip install jax[tpu]")
    os.environ.update(_TPU_ENVIRONMENT)
    alone = set(shape.split("x")) == {"1"}
    how = {"chips_per_host_bounds": (1, 1, 1)} if alone else {}
    try:
        return topologies.get_topology_desc(platform="tpu", topology_name=target, **how).devices
    except jax.errors.JaxRuntimeError as error:
        raise UserError(f"--target={target}: libtpu knows no such topology: {str(error).splitlines()[0]}") from None


def _gpus(kind: str, count: int) -> Sequence[jax.Device]:
    if importlib.util.find_spec("jax_cuda13_plugin") is None:
        raise UserError(
            f"--target={kind}: JAX's CUDA plugin, which compiles for GPUs, is not installed; pip install --no-deps "
            f"jax-cuda13-plugin=={jax.__version__} jax-cuda13-pjrt=={jax.__version__}"
        )
    name, bandwidth = _GPUS[kind]
    told = _HOPPER.format(name=name, bandwidth=bandwidth, memory=_MEMORY[name])
    found = topologies.get_topology_desc(
        platform="cuda", topology_name=kind, target_config=told, topology=f"1x{count}x1"
    )
    return found.devices


def memory_bytes(device: jax.Device) -> int:
    """The memory that JAX takes of such a device: of a GPU's three quarters, where no variable says otherwise."""
    memory = _MEMORY[device.device_kind]
    return memory * 3 // 4 if device.platform == "gpu" else memory


@dataclasses.dataclass(frozen=True)
class Training:
    """A case's training step on devices that are not here.

    Attributes:
      members: the library's networks.
      mesh: of the devices, as the library lays it.
      rows: R, rows of a member's batch: the usual number where absent bodies share one.
      in_turn: of its members, how many a device works on at a time.
      lowered: the step, to be compiled.
    """

    members: Members
    mesh: jax.sharding.Mesh
    rows: int
    in_turn: int
    lowered: Any

    def compile(self) -> Any:
        """The step, compiled.

        A GPU's without Triton's matrix products: where no autotuning may choose, XLA takes them for all products, and
        has none for those that leave out frames ("Couldn't find output tile sizes", jax 0.10.2).
        """
        gpu = self.mesh.devices.flat[0].platform == "gpu"
        return self.lowered.compile({"xla_gpu_enable_triton_gemm": False} if gpu else None)


def training(case: Case, available: Sequence[jax.Device]) -> Training:
    """The step that the library would compile on these devices, for the usual number of rows."""
    members = shapes.members_of(case)
    # 0.8 of it is what the library gives to steps, where it asks a device that is there.
    usable = int(0.8 * memory_bytes(available[0]))
    with (
        mock.patch.object(parallel, "devices", lambda: available),
        mock.patch.object(memory, "device_bytes", lambda mesh: usable),
    ):
        mesh = members.mesh(case.batch)
        feed = Feed(members, mesh)
        counts = feed.row_counts
        in_turn = memory.members_in_turn(members, mesh, counts.most if counts else None)
    state = checkpoint.with_sharding(jax.eval_shape(ours.init(members)), mesh)
    batch = feed.shapes(counts.usual if counts else None)
    lowered = train.compiled_step(members, mesh, state, in_turn).lower(state, batch)
    return Training(members, mesh, batch.x.shape[1], in_turn, lowered)
