"""The same training step in other spellings: time, bytes and memory of each, so that the one in use can be defended.

    python -m benchmarks.spellings
    python -m benchmarks.spellings --shape=shrec --network=small --batch=16 --single=0

All give the same numbers but for rounding. Bytes are XLA's estimate, every kernel's reads and writes added up; `GB` of
memory is what it plans for a step. Spellings that would need another network (channels second) are not here.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp

from benchmarks import command_line, report, timing
from benchmarks.shapes import Case
from dsta_jax.models import attention, dsta, layers
from dsta_jax.models.layers import Linear

COLUMNS = (
    ("spelling", "spelling", ""),
    *report.MS,
    ("gb_accessed", "GB moved", ".4g"),
    ("planned_gb", "GB", ".3g"),
    ("kernels", "kernels", "d"),
)


def _two_passes(apart_RxTxVxC: jax.Array, weight_R: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    mean_C = layers._mean(apart_RxTxVxC, weight_R)
    return mean_C, layers._mean(jnp.square(apart_RxTxVxC - mean_C[None, None, None]), weight_R)


def _einsum(x_RxTxVxC: jax.Array, maps: jax.Array) -> jax.Array:
    each = "rthuv" if maps.ndim == 5 else "rhuv"
    y = jnp.einsum(f"rtuc,{each}->rtvhc", x_RxTxVxC, maps)
    return y.reshape(*y.shape[:3], -1)


class _PositionFirst(Linear):
    @nn.compact
    def __call__(self, x: jax.Array, position: jax.Array | None = None) -> jax.Array:
        return Linear.__call__(self, x if position is None else x + position[None])


class _TwoMaps(Linear):
    @nn.compact
    def __call__(self, x: jax.Array, position: jax.Array | None = None) -> jax.Array:
        kernel_CxC = self.param("kernel", self.kernel_init, (x.shape[-1], self.channels)).astype(x.dtype)
        bias_C = self.param("bias", nn.initializers.zeros, (self.channels,)).astype(x.dtype)
        shift_C = jnp.broadcast_to(bias_C, (*x.shape[1:-1], self.channels))[None]
        if position is not None:
            shift_C = shift_C + jnp.broadcast_to(position @ kernel_CxC, shift_C.shape)
        half = self.channels // 2
        query, key = (x @ kernel_CxC[:, part] + shift_C[..., part] for part in (slice(half), slice(half, None)))
        return jnp.concatenate([query, key], -1)


def _bias_with_gradient(channels: int, before_norm: bool, name: str) -> Linear:
    del before_norm
    return Linear(channels, name=name)


def _replaced(*places: tuple[Any, str, Any]) -> Callable[[], contextlib.ExitStack]:
    """Makes a context in which names of the library's modules mean something else."""

    def entered() -> contextlib.ExitStack:
        with contextlib.ExitStack() as stack:
            for module, name, other in places:
                stack.enter_context(mock.patch.object(module, name, other))
            return stack.pop_all()

    return entered


SPELLINGS: Mapping[str, Callable[[], contextlib.ExitStack]] = {
    "as it is": _replaced(),
    "statistics in two passes": _replaced((layers, "_moments", _two_passes)),
    "mixing by einsum": _replaced((attention, "mix_joints", _einsum)),
    "position added first": _replaced((attention, "Linear", _PositionFirst)),
    "queries and keys apart": _replaced((attention, "Linear", _TwoMaps)),
    "bias with gradient": _replaced((layers, "Linear", _bias_with_gradient)),
    "modules recomputed": _replaced((dsta, "Attention", nn.remat(attention.Attention, static_argnums=(3,)))),
}


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    defaults = {"shape": "ntu", "network": "full", "batch": 64, "single": 0.8, "options": ""}
    arguments = command_line.parser(__doc__, **defaults).parse_args(words)
    from benchmarks import compiled, ours

    case = Case.of(arguments)
    built = {}
    for name, entered in SPELLINGS.items():
        with entered():
            built[name] = ours.Training(case)
    times = timing.alternate(built, arguments.repeats, arguments.seconds)
    rows = [
        {
            "spelling": name,
            **times[name].summary(),
            "gb_accessed": side.bytes_accessed / 1e9,
            "planned_gb": side.planned_bytes() / 1e9,
            "kernels": sum(compiled.kernels(side.compiled.as_text()).values()),
        }
        for name, side in built.items()
    ]
    report.finish("spellings", arguments, f"{case.title}, a training step\n{report.table(rows, COLUMNS)}", rows)
    return rows


if __name__ == "__main__":
    main()
