"""DSTA-Net: L layers, each a spatial and a temporal attention module (Fig. 4)."""

import functools
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from dsta_jax.models.attention import Activation, Attention, Strategy, TemporalConvolution, leaky_relu
from dsta_jax.models.layers import Linear, LinearNorm
from dsta_jax.models.position import Position

Regularization = Literal["none", "spatial", "spatial_temporal"]
Temporal = Literal["attention", "conv"]
Precision = Literal["float32", "bfloat16"]


class DSTANet(nn.Module):
    """The network of the paper, with every choice of its Table 1.

    A row is one body of one sample. Rows are independent of each other but for BatchNorm, so a body that is absent in
    many samples (all zeros, the same row each time) can be one row that stands for all of them: see `share_BxR`.

    The precision is that of the features and the products, `float32` (or what the input has) or `bfloat16`. Parameters,
    BatchNorm's statistics, attention maps until they are complete, a gradient's sums over a device's rows, the mean
    over bodies, frames and joints, and the scores keep the precision of the input. Kernels' gradients come out of
    their products in the features' precision, and devices add them up so.
    """

    classes: int  # K
    bodies: int  # M, of a sample
    input_channels: int = 64  # after the input map
    channels: tuple[int, ...] = (64, 64, 128, 128, 256, 256, 256, 256)  # of the output of each layer
    embedding: tuple[int, ...] = (16, 16, 32, 32, 64, 64, 64, 64)  # C_e of each layer, a head's query and key channels
    strides: tuple[int, ...] = (1, 1, 2, 1, 2, 1, 1, 1)  # of each layer, over time
    heads: int = 3  # S
    attention: Strategy = "shared"
    position: Position = "decoupled"
    regularization: Regularization = "spatial"  # global maps that all samples share
    activation: Activation = "tanh"  # of the attention scores
    temporal: Temporal = "attention"  # or `conv`, as in the authors' released NTU configuration
    precision: Precision = "float32"
    folded: bool = False  # evaluates with the variables of `fold_batch_norm.fold`: an absent body is a constant

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, share_BxR: jax.Array | None = None, *, train: bool) -> jax.Array:
        """Class scores (logits) of B samples, B x K, from R rows; `train` is `BatchNorm`'s.

        `share_BxR` is the part that each row has in the mean over a sample's M bodies: 1 / M for a body of the sample,
        k / M for the one all-zero row if k bodies are absent. A row's weight in BatchNorm is M times its column's sum.
        Of a folded network what is missing in a sample's shares is that of its absent bodies, which need no row. None
        where rows are the bodies of the samples in order, R = B * M.
        """
        weight_R = None if share_BxR is None else self.bodies * share_BxR.sum(0)
        input_precision = x_RxTxVxC.dtype
        if self.precision == "bfloat16":
            x_RxTxVxC = x_RxTxVxC.astype(jnp.bfloat16)
        input_map = LinearNorm(self.input_channels, folded=self.folded, name="input_map")
        x_RxTxVxC = leaky_relu(input_map(x_RxTxVxC, weight_R, train))
        for number, sizes in enumerate(zip(self.channels, self.embedding, self.strides, strict=True)):
            spatial, temporal = self._layer(number, x_RxTxVxC.shape[-1], *sizes)
            x_RxTxVxC = temporal(spatial(x_RxTxVxC, weight_R, train), weight_R, train)
        return self._scores(x_RxTxVxC.mean((1, 2), dtype=input_precision), share_BxR)

    def _scores(self, feature_RxC: jax.Array, share_BxR: jax.Array | None) -> jax.Array:
        xavier_normal = nn.initializers.variance_scaling(1.0, "fan_avg", "normal")
        classifier = Linear(self.classes, xavier_normal, name="classifier")
        if share_BxR is None:
            return classifier(feature_RxC.reshape(-1, self.bodies, feature_RxC.shape[-1]).mean(1))
        scores_BxK = classifier(share_BxR @ feature_RxC)
        if not self.folded:
            return scores_BxK
        absent_K = self.param("absent_body", nn.initializers.zeros, (self.classes,))
        return scores_BxK + (1 - share_BxR.sum(1, keepdims=True)) * absent_K[None]

    def _layer(
        self, number: int, before: int, channels: int, embedding: int, stride: int
    ) -> tuple[Attention, Attention | TemporalConvolution]:
        """A layer's spatial and temporal module, for features of `before` channels."""
        project = channels != before or stride != 1
        choices = functools.partial(
            Attention, heads=self.heads, strategy=self.attention, activation=self.activation, position=self.position
        )
        attention = functools.partial(
            choices, channels=channels, embedding=embedding, project=project, folded=self.folded
        )
        global_spatial, global_temporal = self.regularization != "none", self.regularization == "spatial_temporal"
        spatial = attention(axis="spatial", stride=1, global_map=global_spatial, name=f"layer_{number}_spatial")
        name = f"layer_{number}_temporal"
        if self.temporal == "conv":
            return spatial, TemporalConvolution(channels, stride, project, self.folded, name=name)
        return spatial, attention(axis="temporal", stride=stride, global_map=global_temporal, name=name)


def bodies_as_rows(x_BxTxVxMxC: jax.Array) -> jax.Array:
    """The bodies of the samples in order as rows: B x T x V x M x C to (B M) x T x V x C."""
    batch, frames, joints, bodies, channels = x_BxTxVxMxC.shape
    return jnp.moveaxis(x_BxTxVxMxC, 3, 1).reshape(batch * bodies, frames, joints, channels)
