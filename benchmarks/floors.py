"""What a step costs at least: operations counted by the network's shapes, bytes, and what devices can do."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Rates:
    """What a device can do at best.

    Attributes:
      flops: operations a second of bfloat16 matrix products.
      bytes: bytes a second of a copy, read and written.
    """

    flops: float
    bytes: float


# By the device kind that JAX tells. The H200's were measured, with PyTorch: 8192 x 8192 bfloat16 products, a copy of
# 8.6 GB. The others are peaks by the makers' tables, which no program reaches: docs.cloud.google.com/tpu/docs/v5e, v5p,
# v6e, tpu7x (half a chip is a device), NVIDIA's H100 data sheet (SXM, dense).
RATES = {
    "NVIDIA H200": Rates(790e12, 4.3e12),
    "NVIDIA H100 80GB HBM3": Rates(989e12, 3.35e12),
    "TPU v5 lite": Rates(197e12, 819e9),
    "TPU v5": Rates(459e12, 2765e9),
    "TPU v6 lite": Rates(918e12, 1638e9),
    "TPU7x": Rates(2307e12 / 2, 7380e9 / 2),
}

# NTU RGB+D, batch 64, one training step in bfloat16: 28 GB, a hand count of four kernels forward and four backward a
# half layer, with queries, keys and the features between kernels computed anew on the chip.
_HAND_COUNT_BYTES = 28e9
_HAND_COUNT_FEATURES = 64 * 2 * 128 * 25


def forward_flops(network: Any, frames: int, joints: int, coordinates: int = 3) -> float:
    """Operations (a multiplication and an addition are two) of one row's way through a network.

    Args:
      network: a `dsta_jax.models.dsta.DSTANet` with the shared attention strategy.
      frames: T.
      joints: V.
      coordinates: C of the input.
    """
    points, inputs = frames * joints, network.input_channels
    total = 2 * points * coordinates * inputs
    for outputs, embedding, stride in zip(network.channels, network.embedding, network.strides, strict=True):
        projected = 2 if inputs != outputs or stride != 1 else 0
        attention = 2 * network.heads * (embedding + inputs) * points * joints
        linear = 2 * inputs * 2 * network.heads * embedding + 2 * network.heads * inputs * outputs
        residuals = projected * 2 * inputs * outputs
        total += attention + points * (linear + 2 * outputs * outputs + residuals)
        kept = -(-frames // stride) * joints
        second_residual = kept * 2 * outputs * outputs if projected else 0
        if network.temporal == "conv":
            total += kept * 2 * 7 * outputs * outputs + second_residual
        else:
            attention = 2 * network.heads * (embedding + outputs) * points * frames
            linear = 2 * outputs * 2 * network.heads * embedding + 2 * network.heads * outputs * outputs
            first_residual = points * 2 * outputs * outputs if projected else 0
            total += attention + points * linear + kept * 2 * outputs * outputs + first_residual + second_residual
        frames, points, inputs = -(-frames // stride), kept, outputs
    return float(total + 2 * inputs * network.classes)


def step_flops(network: Any, rows: float, frames: int, joints: int) -> float:
    """Operations of a training step of so many rows: the way back is two ways forth."""
    return 3 * rows * forward_flops(network, frames, joints)


def step_bytes(rows: float, frames: int, joints: int) -> float:
    """The hand count of the full network's least bytes in bfloat16, scaled by the number of features."""
    return _HAND_COUNT_BYTES * rows * frames * joints / _HAND_COUNT_FEATURES


def rates(device_kind: str, flops: float | None, bytes_per_second: float | None) -> Rates | None:
    """The device's rates: those given, else those known; None where neither is there."""
    known = RATES.get(device_kind)
    if known is None and (flops is None or bytes_per_second is None):
        return None
    return Rates(
        flops=flops or (known.flops if known else 0.0), bytes=bytes_per_second or (known.bytes if known else 0.0)
    )
