"""The network as it is evaluated: BatchNorm folded into the linear maps, and an absent body as a constant.

The running statistics are constants, so BatchNorm after a linear map is a linear map; and the all-zero row of an absent
body gives the same features in every sample. Both are exact but for rounding.
"""

from typing import Any

import jax
import jax.numpy as jnp

from dsta_jax.models.dsta import DSTANet
from dsta_jax.models.layers import BatchNorm, broadcast


def fold(network: DSTANet, variables: dict[str, Any], frames: int, joints: int) -> dict[str, Any]:
    """Variables for `network.clone(folded=True)` that give the scores of the trained network.

    `variables` are its `params` and `batch_stats`, `frames` and `joints` T and V of the input. Returns `params` without
    BatchNorm, and with `absent_body`: K, what all-zero rows of full share would add to the scores.
    """
    params = _without_norms(variables["params"], variables["batch_stats"])
    kernel_CxC = params["input_map"]["linear"]["kernel"]
    absent_MxTxVxC = jnp.zeros((network.bodies, frames, joints, kernel_CxC.shape[0]), kernel_CxC.dtype)
    scores_1xK = network.clone(folded=True).apply({"params": params}, absent_MxTxVxC, train=False)
    return {"params": {**params, "absent_body": scores_1xK[0] - params["classifier"]["bias"]}}


def _without_norms(params: dict[str, Any], batch_stats: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a module and those below it, each `norm` taken up by the `linear` beside it."""
    if "norm" in params:
        linear, norm, running = params["linear"], params["norm"], batch_stats["norm"]
        factor_C = norm["scale"] * jax.lax.rsqrt(running["var"] + BatchNorm.epsilon)
        kernel = linear["kernel"] * broadcast(factor_C, linear["kernel"])
        return {"linear": {"kernel": kernel, "bias": (linear["bias"] - running["mean"]) * factor_C + norm["bias"]}}
    return {
        name: _without_norms(value, batch_stats.get(name, {})) if isinstance(value, dict) else value
        for name, value in params.items()
    }
