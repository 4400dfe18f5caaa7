"""The decoupled attention module, spatial or temporal (Sec. 3.3 to 3.5), and the convolution that may replace it."""

import functools
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from dsta_jax.models import position
from dsta_jax.models.layers import Linear, LinearNorm, broadcast

Strategy = Literal["per_frame", "cross_frame", "shared"]
Activation = Literal["tanh", "softmax"]


def leaky_relu(x: jax.Array) -> jax.Array:
    """LeakyReLU with the paper's slope, 0.1."""
    return nn.leaky_relu(x, 0.1)


def attention_map(
    query_RxTxVxSxE: jax.Array, key_RxTxVxSxE: jax.Array, strategy: Strategy, activation: Activation
) -> jax.Array:
    """How much each joint of the input enters each joint of the result, for each of S heads, before alpha.

    Strategy `per_frame` (a), Eq. 2, has a map for each frame; `cross_frame` (b), Eq. 3, one map from all pairs of
    frames; `shared` (c), Eq. 4, one map from each frame with itself, summed over the frames. The sums are means: scores
    are divided by E = C_e, the embedding channels, times the number of terms. Softmax is over the input's joints. For a
    map over frames, exchange T and V of queries and keys.

    Returns R x S x V x V, where entry u, v weighs input u in result v, or R x T x S x V x V for `per_frame`; in float32
    or wider.
    """
    _, frames, _, _, embedding = query_RxTxVxSxE.shape
    product = functools.partial(jnp.einsum, preferred_element_type=jnp.promote_types(key_RxTxVxSxE.dtype, jnp.float32))
    if strategy == "per_frame":  # (a), Eq. 2
        scores = product("rtuhc,rtvhc->rthuv", query_RxTxVxSxE, key_RxTxVxSxE) / embedding
    elif strategy == "cross_frame":  # (b), Eq. 3: the mean over all pairs is the product of the means
        scores = product("ruhc,rvhc->rhuv", query_RxTxVxSxE.mean(1), key_RxTxVxSxE.mean(1)) / embedding
    else:  # (c), Eq. 4
        scores = product("rtuhc,rtvhc->rhuv", query_RxTxVxSxE, key_RxTxVxSxE) / (embedding * frames)
    return jnp.tanh(scores) if activation == "tanh" else nn.softmax(scores, axis=-2)


def mix_joints(x_RxTxVxC: jax.Array, attention: jax.Array) -> jax.Array:
    """Each head's mixture of the input's joints: `Y_s[v] = sum_u X[u] A_s[u, v]`, as R x T x V x (S C), head by head.

    `attention` is as `attention_map` returns it; some of the results v may be left out. To mix frames, exchange T and V
    of the input and of the result. One matrix product for each map takes two thirds of the einsum's time on a CPU.
    """
    rows, frames, joints, channels = x_RxTxVxC.shape
    heads, _, results = attention.shape[-3:]
    to_from = attention.swapaxes(-1, -2).reshape(*attention.shape[:-3], heads * results, joints)
    if attention.ndim == 5:  # a map for each frame
        y_RxTxSxVxC = (to_from @ x_RxTxVxC).reshape(rows, frames, heads, results, channels)
        y_RxTxVxSxC = y_RxTxSxVxC.swapaxes(2, 3)
    else:
        y = to_from @ x_RxTxVxC.swapaxes(1, 2).reshape(rows, joints, frames * channels)
        y_RxTxVxSxC = y.reshape(rows, heads, results, frames, channels).transpose(0, 3, 2, 1, 4)
    return y_RxTxVxSxC.reshape(rows, frames, results, heads * channels)


class Attention(nn.Module):
    """Attention over joints (`spatial`) or frames (`temporal`), then a feed-forward map, both with a residual."""

    axis: position.Axis
    channels: int  # C of the result
    embedding: int  # C_e, channels of a head's query and key
    heads: int  # S
    stride: int  # the feed-forward map keeps one frame in `stride`
    project: bool  # where the layer changes channels or stride: the residuals are then linear + BatchNorm
    global_map: bool  # adds a map that all samples share (spatial or temporal global regularisation)
    strategy: Strategy
    activation: Activation
    position: position.Position
    folded: bool = False  # see `LinearNorm`

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        linear_norm = functools.partial(LinearNorm, self.channels, folded=self.folded)

        def residual(name: str, stride: int) -> jax.Array:
            return linear_norm(stride, name=name)(x_RxTxVxC, weight_R, train) if self.project else x_RxTxVxC

        # Frames that the feed-forward map drops count in the statistics of the BatchNorm before it, and nowhere else.
        kept = 1 if train else self.stride
        attention = self._map(x_RxTxVxC)[..., ::kept]
        heads_RxTxVxC = self._exchanged(mix_joints(self._exchanged(x_RxTxVxC), attention))
        y_RxTxVxC = linear_norm(name="join_heads")(heads_RxTxVxC, weight_R, train)
        y_RxTxVxC = leaky_relu(residual("residual_1", kept) + y_RxTxVxC)
        z_RxTxVxC = linear_norm(self.stride // kept, name="feed_forward")(y_RxTxVxC, weight_R, train)
        return leaky_relu(residual("residual_2", self.stride) + z_RxTxVxC)

    def _map(self, x_RxTxVxC: jax.Array) -> jax.Array:
        """The parameter alpha times the attention map, plus the global one; in float32 until it is complete."""
        rows, frames, joints, channels = x_RxTxVxC.shape
        table = position.encoding(self.position, self.axis, frames, joints, channels)
        encoding = None if table is None else jnp.asarray(table, jnp.promote_types(x_RxTxVxC.dtype, jnp.float32))
        query_key = Linear(2 * self.heads * self.embedding, name="query_key")(x_RxTxVxC, encoding)
        query_key = self._exchanged(query_key.reshape(rows, frames, joints, 2, self.heads, self.embedding))
        attention = attention_map(query_key[..., 0, :, :], query_key[..., 1, :, :], self.strategy, self.activation)
        alpha_Sx1x1 = self.param("alpha", nn.initializers.ones, (self.heads, 1, 1))
        attention = attention * broadcast(alpha_Sx1x1, attention)
        if self.global_map:
            size = joints if self.axis == "spatial" else frames
            start = nn.initializers.constant(1 / size if self.axis == "spatial" else jnp.eye(size)[None])
            global_SxPxP = self.param("global_map", start, (self.heads, size, size))
            attention = attention + broadcast(global_SxPxP, attention)
        return attention.astype(x_RxTxVxC.dtype)

    def _exchanged(self, features: jax.Array) -> jax.Array:
        """For attention over frames, frames and joints exchanged."""
        return features if self.axis == "spatial" else features.swapaxes(1, 2)


class TemporalConvolution(nn.Module):
    """A 7x1 convolution over time with one residual: the temporal module of the authors' released NTU configuration.

    The attributes are those of `Attention`.
    """

    channels: int
    stride: int
    project: bool
    folded: bool = False

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        linear_norm = functools.partial(LinearNorm, self.channels, self.stride, self.folded)
        y_RxTxVxC = linear_norm(frames=7, name="convolution")(x_RxTxVxC, weight_R, train)
        if self.project:
            x_RxTxVxC = linear_norm(name="residual_2")(x_RxTxVxC, weight_R, train)
        return leaky_relu(x_RxTxVxC + y_RxTxVxC)
