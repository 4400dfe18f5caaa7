"""The decoupled attention module, spatial or temporal (Sec. 3.3 to 3.5), and the convolution that may replace it."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from dsta_jax.models import position
from dsta_jax.models.linear import BatchNorm, Linear, LinearNorm, he_normal_fan_out

Strategy = Literal["per_frame", "cross_frame", "shared"]
Activation = Literal["tanh", "softmax"]

# Letters: r rows, t frames, v joints, h heads, c channels; s is a second frame, u a second joint.
# Each strategy gives the scores of two joints (frames), and how a map mixes the joints (frames) of the input.
_SPATIAL_SCORES = {
    "per_frame": "rtuhc,rtvhc->rthuv",
    "cross_frame": "rtuhc,rsvhc->rhuv",
    "shared": "rtuhc,rtvhc->rhuv",
}
_TEMPORAL_SCORES = {
    "per_frame": "rsvhc,rtvhc->rvhst",
    "cross_frame": "rsvhc,rtuhc->rhst",
    "shared": "rsvhc,rtvhc->rhst",
}
_SPATIAL_MIX = {"per_frame": "rtuc,rthuv->rtvhc", "cross_frame": "rtuc,rhuv->rtvhc", "shared": "rtuc,rhuv->rtvhc"}
_TEMPORAL_MIX = {"per_frame": "rsvc,rvhst->rtvhc", "cross_frame": "rsvc,rhst->rtvhc", "shared": "rsvc,rhst->rtvhc"}


def leaky_relu(x: jax.Array) -> jax.Array:
    """LeakyReLU with the paper's slope, 0.1."""
    return nn.leaky_relu(x, 0.1)


def attention_map(
    query_RxTxVxSxE: jax.Array,
    key_RxTxVxSxE: jax.Array,
    axis: position.Axis,
    strategy: Strategy,
    activation: Activation,
) -> jax.Array:
    """How much each joint (frame) of the input enters each joint (frame) of the result, before alpha (Eq. 2 to 4).

    Args:
      query_RxTxVxSxE: queries of S heads, E = C_e embedding channels.
      key_RxTxVxSxE: keys.
      axis: `spatial` relates joints, `temporal` frames; what follows is said for `spatial`.
      strategy: `per_frame` has a map of its own for each frame (a); `cross_frame` one map from all pairs of frames
        (b); `shared` one map from each frame with itself, summed over frames (c). The sums are means: the scores are
        divided by C_e times the number of terms.
      activation: `tanh`, or `softmax` over the input's joints.

    Returns:
      R x S x V x V, entry u, v weighs input u in result v; R x T x S x V x V for `per_frame`. For `temporal`,
      R x S x T x T, or R x V x S x T x T.
    """
    summed = query_RxTxVxSxE.shape[1 if axis == "spatial" else 2]
    terms = {"per_frame": 1, "cross_frame": summed**2, "shared": summed}[strategy]
    spelling = (_SPATIAL_SCORES if axis == "spatial" else _TEMPORAL_SCORES)[strategy]
    if strategy == "cross_frame":  # the sum over all pairs is the product of the sums
        over = 1 if axis == "spatial" else 2
        query_RxTxVxSxE = query_RxTxVxSxE.sum(over, keepdims=True)
        key_RxTxVxSxE = key_RxTxVxSxE.sum(over, keepdims=True)
    scores = jnp.einsum(spelling, query_RxTxVxSxE, key_RxTxVxSxE) / (query_RxTxVxSxE.shape[-1] * terms)
    return jnp.tanh(scores) if activation == "tanh" else nn.softmax(scores, axis=-2)


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

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        rows, frames, joints, _ = x_RxTxVxC.shape
        mix = (_SPATIAL_MIX if self.axis == "spatial" else _TEMPORAL_MIX)[self.strategy]
        heads_RxTxVxSxC = jnp.einsum(mix, x_RxTxVxC, self._map(x_RxTxVxC))
        joined_RxTxVxC = heads_RxTxVxSxC.reshape(rows, frames, joints, -1)
        y_RxTxVxC = LinearNorm(self.channels, name="join_heads")(joined_RxTxVxC, weight_R, train)
        y_RxTxVxC = leaky_relu(self._residual("residual_1", 1, x_RxTxVxC, weight_R, train) + y_RxTxVxC)
        z_RxTxVxC = LinearNorm(self.channels, self.stride, name="feed_forward")(y_RxTxVxC, weight_R, train)
        return leaky_relu(self._residual("residual_2", self.stride, x_RxTxVxC, weight_R, train) + z_RxTxVxC)

    def _map(self, x_RxTxVxC: jax.Array) -> jax.Array:
        """alpha times the attention map, plus the global one."""
        rows, frames, joints, channels = x_RxTxVxC.shape
        encoding = position.encoding(self.position, self.axis, frames, joints, channels)
        encoding = None if encoding is None else jnp.asarray(encoding, x_RxTxVxC.dtype)
        query_key = Linear(2 * self.heads * self.embedding, name="query_key")(x_RxTxVxC, encoding)
        query_key = query_key.reshape(rows, frames, joints, 2, self.heads, self.embedding)
        attention = attention_map(query_key[..., 0, :, :], query_key[..., 1, :, :], self.axis, self.strategy, self.activation)
        alpha_Sx1x1 = self.param("alpha", nn.initializers.ones, (self.heads, 1, 1))
        attention = attention * _like(alpha_Sx1x1, attention)
        if not self.global_map:
            return attention
        size = joints if self.axis == "spatial" else frames
        global_SxPxP = self.param("global_map", _spatial_start if self.axis == "spatial" else _temporal_start,
                                  (self.heads, size, size))
        return attention + _like(global_SxPxP, attention)

    def _residual(
        self, name: str, stride: int, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool
    ) -> jax.Array:
        if not self.project:
            return x_RxTxVxC
        return LinearNorm(self.channels, stride, name=name)(x_RxTxVxC, weight_R, train)


def _like(parameter: jax.Array, features: jax.Array) -> jax.Array:
    return jax.lax.expand_dims(parameter, range(features.ndim - parameter.ndim)).astype(features.dtype)


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
    """

    channels: int
    stride: int
    project: bool

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        y_RxTxVxC = _ConvolutionNorm(self.channels, self.stride, name="convolution")(x_RxTxVxC, weight_R, train)
        if self.project:
            x_RxTxVxC = LinearNorm(self.channels, self.stride, name="residual_2")(x_RxTxVxC, weight_R, train)
        return leaky_relu(x_RxTxVxC + y_RxTxVxC)


class _ConvolutionNorm(nn.Module):
    channels: int
    stride: int

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        y_RxTxVxC = nn.Conv(
            self.channels,
            kernel_size=(7, 1),
            strides=(self.stride, 1),
            padding=((3, 3), (0, 0)),
            kernel_init=he_normal_fan_out,
            name="linear",
        )(x_RxTxVxC)
        return BatchNorm(name="norm")(y_RxTxVxC, weight_R, train)
