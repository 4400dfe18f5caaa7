"""The decoupled attention module, spatial or temporal (Sec. 3.3 to 3.5), and the convolution that may replace it."""

import functools
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from dsta_jax.models import position
from dsta_jax.models.layers import BatchNorm, Linear, LinearNorm, he_normal_fan_out

Strategy = Literal["per_frame", "cross_frame", "shared"]
Activation = Literal["tanh", "softmax"]


def leaky_relu(x: jax.Array) -> jax.Array:
    """LeakyReLU with the paper's slope, 0.1."""
    return nn.leaky_relu(x, 0.1)


def attention_map(
    query_RxTxVxSxE: jax.Array, key_RxTxVxSxE: jax.Array, strategy: Strategy, activation: Activation
) -> jax.Array:
    """How much each joint of the input enters each joint of the result, before alpha (Eq. 2 to 4).

    For the map over frames, exchange T and V of queries and keys.

    Args:
      query_RxTxVxSxE: queries of S heads, E = C_e embedding channels.
      key_RxTxVxSxE: keys.
      strategy: `per_frame` has a map of its own for each frame (a); `cross_frame` one map from all pairs of frames
        (b); `shared` one map from each frame with itself, summed over frames (c). The sums are means: the scores are
        divided by C_e times the number of terms.
      activation: `tanh`, or `softmax` over the input's joints.

    Returns:
      R x S x V x V, entry u, v weighs input u in result v; R x T x S x V x V for `per_frame`. In float32 (or wider).
    """
    if strategy == "cross_frame":  # the mean over all pairs is the product of the means
        query_RxTxVxSxE = query_RxTxVxSxE.mean(1, keepdims=True)
        key_RxTxVxSxE = key_RxTxVxSxE.mean(1, keepdims=True)
    _, frames, _, _, embedding = query_RxTxVxSxE.shape
    product = functools.partial(jnp.einsum, preferred_element_type=jnp.promote_types(key_RxTxVxSxE.dtype, jnp.float32))
    if strategy == "per_frame":
        scores = product("rtuhc,rtvhc->rthuv", query_RxTxVxSxE, key_RxTxVxSxE) / embedding
    else:
        scores = product("rtuhc,rtvhc->rhuv", query_RxTxVxSxE, key_RxTxVxSxE) / (embedding * frames)
    return jnp.tanh(scores) if activation == "tanh" else nn.softmax(scores, axis=-2)


def mix_joints(x_RxTxVxC: jax.Array, attention: jax.Array) -> jax.Array:
    """Each head's mixture of the input's joints: `Y_s[v] = sum_u X[u] A_s[u, v]`.

    For the mixture of frames, exchange T and V of the input and of the result. It is spelled as one product of a
    row's map with all that the map mixes, which takes two thirds of the time of the einsum on a CPU.

    Args:
      x_RxTxVxC: the module's input.
      attention: as `attention_map` returns it; of the results v some may be left out.

    Returns:
      R x T x V x (S C), the heads one after the other; V results.
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
    """Attention over the joints or the frames, and its feed-forward map, both with a residual from the input.

    Attributes:
      axis: `spatial` attends over joints, `temporal` over frames.
      channels: C of the result.
      embedding: C_e, channels of a head's query and key.
      heads: S.
      stride: every which frame the feed-forward map keeps.
      project: True where the layer changes channels or stride: the residuals are then linear + BatchNorm.
      global_map: True adds a map that all samples share (spatial or temporal global regularisation).
      strategy, activation, position: the choices of Table 1.
      folded: see `LinearNorm`.
    """

    axis: position.Axis
    channels: int
    embedding: int
    heads: int
    stride: int
    project: bool
    global_map: bool
    strategy: Strategy
    activation: Activation
    position: position.Position
    folded: bool = False

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        # Frames that the feed-forward map drops count in the statistics of the BatchNorm before it, and nowhere else.
        kept = 1 if train else self.stride
        attention = self._map(x_RxTxVxC)[..., ::kept]
        heads_RxTxVxC = self._exchanged(mix_joints(self._exchanged(x_RxTxVxC), attention))
        y_RxTxVxC = self._linear_norm("join_heads", 1)(heads_RxTxVxC, weight_R, train)
        y_RxTxVxC = leaky_relu(self._residual("residual_1", kept, x_RxTxVxC, weight_R, train) + y_RxTxVxC)
        z_RxTxVxC = self._linear_norm("feed_forward", self.stride // kept)(y_RxTxVxC, weight_R, train)
        return leaky_relu(self._residual("residual_2", self.stride, x_RxTxVxC, weight_R, train) + z_RxTxVxC)

    def _map(self, x_RxTxVxC: jax.Array) -> jax.Array:
        """The parameter alpha times the attention map, plus the global one; in float32 until it is complete."""
        rows, frames, joints, channels = x_RxTxVxC.shape
        table = position.encoding(self.position, self.axis, frames, joints, channels)
        encoding = None if table is None else jnp.asarray(table, jnp.promote_types(x_RxTxVxC.dtype, jnp.float32))
        query_key = Linear(2 * self.heads * self.embedding, name="query_key")(x_RxTxVxC, encoding)
        query_key = query_key.reshape(rows, frames, joints, 2, self.heads, self.embedding)
        query_key = self._exchanged(query_key)
        attention = attention_map(query_key[..., 0, :, :], query_key[..., 1, :, :], self.strategy, self.activation)
        alpha_Sx1x1 = self.param("alpha", nn.initializers.ones, (self.heads, 1, 1))
        attention = attention * _like(alpha_Sx1x1, attention)
        if self.global_map:
            size = joints if self.axis == "spatial" else frames
            start = _spatial_start if self.axis == "spatial" else _temporal_start
            global_SxPxP = self.param("global_map", start, (self.heads, size, size))
            attention = attention + _like(global_SxPxP, attention)
        return attention.astype(x_RxTxVxC.dtype)

    def _exchanged(self, features: jax.Array) -> jax.Array:
        """Frames in the place of joints, and joints in that of frames, for attention over frames."""
        return features if self.axis == "spatial" else features.swapaxes(1, 2)

    def _residual(
        self, name: str, stride: int, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool
    ) -> jax.Array:
        if not self.project:
            return x_RxTxVxC
        return self._linear_norm(name, stride)(x_RxTxVxC, weight_R, train)

    def _linear_norm(self, name: str, stride: int) -> LinearNorm:
        return LinearNorm(self.channels, stride, self.folded, name=name)


def _like(parameter: jax.Array, features: jax.Array) -> jax.Array:
    return jax.lax.expand_dims(parameter, range(features.ndim - parameter.ndim))


def _spatial_start(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
    del key
    return jnp.full(shape, 1 / shape[-1], dtype)


def _temporal_start(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
    del key
    return jnp.broadcast_to(jnp.eye(shape[-1], dtype=dtype), shape)


class TemporalConvolution(nn.Module):
    """A 7x1 convolution over time with one residual: what the authors' released NTU configuration has for attention.

    Attributes:
      channels: C of the result.
      stride: every which frame is kept.
      project: True where the layer changes channels or stride: the residual is then linear + BatchNorm.
      folded: see `LinearNorm`.
    """

    channels: int
    stride: int
    project: bool
    folded: bool = False

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        convolution = _ConvolutionNorm(self.channels, self.stride, self.folded, name="convolution")
        y_RxTxVxC = convolution(x_RxTxVxC, weight_R, train)
        if self.project:
            residual = LinearNorm(self.channels, self.stride, self.folded, name="residual_2")
            x_RxTxVxC = residual(x_RxTxVxC, weight_R, train)
        return leaky_relu(x_RxTxVxC + y_RxTxVxC)


class _ConvolutionNorm(nn.Module):
    channels: int
    stride: int
    folded: bool

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        y_RxTxVxC = nn.Conv(
            self.channels,
            kernel_size=(7, 1),
            strides=(self.stride, 1),
            padding=((3, 3), (0, 0)),
            kernel_init=he_normal_fan_out,
            dtype=x_RxTxVxC.dtype,
            name="linear",
        )(x_RxTxVxC)
        return y_RxTxVxC if self.folded else BatchNorm(name="norm")(y_RxTxVxC, weight_R, train)
