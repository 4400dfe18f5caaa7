"""Linear maps over channels, and BatchNorm in which a row may stand for several."""

import flax.linen as nn
import jax
import jax.numpy as jnp

he_normal_fan_out = nn.initializers.variance_scaling(2.0, "fan_out", "normal")


class BatchNorm(nn.Module):
    """BatchNorm over everything but channels, with weighted rows.

    The statistics are taken in float32 (or wider), in one pass. The running variance is the biased one,
    as everywhere in Flax; PyTorch's is n / (n - 1) times as large.

    Attributes:
      momentum: how much of the running statistics a step keeps (PyTorch's momentum 0.1 is 0.9 here).
      epsilon: added to the variance.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Normalises each channel.

        Args:
          x_RxTxVxC: features.
          weight_R: how many equal rows each row stands for; None where each is one.
          train: True takes the batch's statistics and updates the running ones, False takes the running ones.
        """
        channels = x_RxTxVxC.shape[-1]
        scale_C = self.param("scale", nn.initializers.ones, (channels,))
        bias_C = self.param("bias", nn.initializers.zeros, (channels,))
        running_mean_C = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        running_var_C = self.variable("batch_stats", "var", jnp.ones, (channels,))
        # All is reckoned from the running mean on, in float32 too: XLA fuses this and the two roundings away.
        apart_RxTxVxC = _wide(x_RxTxVxC)
        apart_RxTxVxC = apart_RxTxVxC - _broadcast(running_mean_C.value, apart_RxTxVxC)
        if train:
            drift_C, var_C = _moments(apart_RxTxVxC, weight_R)
            if not self.is_initializing():
                running_mean_C.value += (1 - self.momentum) * drift_C
                running_var_C.value = self.momentum * running_var_C.value + (1 - self.momentum) * var_C
        else:
            drift_C, var_C = jnp.zeros_like(bias_C), running_var_C.value
        factor_C = scale_C * jax.lax.rsqrt(var_C + self.epsilon)
        return _affine(apart_RxTxVxC, factor_C, bias_C - drift_C * factor_C).astype(x_RxTxVxC.dtype)


def _wide(x: jax.Array) -> jax.Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _moments(apart_RxTxVxC: jax.Array, weight_R: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of each channel.

    The mean square minus the squared mean takes one pass over the features where the mean square of what is apart from
    the mean takes two, but loses as many digits as the mean is far from zero. Next to nothing is lost here, as the
    features are apart from what their mean has been lately.
    """
    mean_C, square_C = (_mean(each, weight_R) for each in (apart_RxTxVxC, jnp.square(apart_RxTxVxC)))
    return mean_C, jnp.maximum(square_C - jnp.square(mean_C), 0)


def _mean(x_RxTxVxC: jax.Array, weight_R: jax.Array | None) -> jax.Array:
    mean_RxC = x_RxTxVxC.mean((1, 2))
    return mean_RxC.mean(0) if weight_R is None else weight_R / weight_R.sum() @ mean_RxC


def _broadcast(vector_C: jax.Array, like: jax.Array) -> jax.Array:
    return jax.lax.expand_dims(vector_C, range(like.ndim - 1))


def _affine(x: jax.Array, factor_C: jax.Array, shift_C: jax.Array) -> jax.Array:
    return x * _broadcast(factor_C, x) + _broadcast(shift_C, x)


class Linear(nn.Module):
    """A linear map over channels: a 1x1 convolution.

    Attributes:
      channels: C of the result.
      kernel_init: initial values of the kernel; the bias starts at zero.
      before_norm: True where BatchNorm follows at once. The gradient of the bias is then zero by algebra, so
        none is computed; the parameter stays, as in the paper's network, and weight decay applies to it.
    """

    channels: int
    kernel_init: nn.initializers.Initializer = he_normal_fan_out
    before_norm: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, position: jax.Array | None = None) -> jax.Array:
        """Maps `x + position` (shapes ... x C_in that broadcast) as `W x + (W position + b)`: fewer bytes moved."""
        kernel_CxC = self.param("kernel", self.kernel_init, (x.shape[-1], self.channels))
        bias_C = self.param("bias", nn.initializers.zeros, (self.channels,))
        if self.before_norm:
            bias_C = jax.lax.stop_gradient(bias_C)
        shift = _broadcast(bias_C, x)
        if position is not None:
            shift = shift + jax.lax.expand_dims(position @ kernel_CxC, range(x.ndim - position.ndim))
        # Flat, as XLA's CPU backend takes three times as long for the gradient of a kernel under several axes.
        flat = x.reshape(-1, x.shape[-1]) @ kernel_CxC.astype(x.dtype)
        # Wide, so that the gradient of what is broadcast is summed in float32.
        return (_wide(flat.reshape(*x.shape[:-1], self.channels)) + shift).astype(x.dtype)


class LinearNorm(nn.Module):
    """A linear map over channels, then BatchNorm.

    Attributes:
      channels: C of the result.
      stride: every which frame is kept.
      folded: True where the linear map has taken up the BatchNorm (`models.inference`), which is then left out.
    """

    channels: int
    stride: int = 1
    folded: bool = False

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        y_RxTxVxC = Linear(self.channels, before_norm=True, name="linear")(x_RxTxVxC[:, :: self.stride])
        return y_RxTxVxC if self.folded else BatchNorm(name="norm")(y_RxTxVxC, weight_R, train)
