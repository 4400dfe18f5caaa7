"""Linear maps over channels, convolutions over time, and BatchNorm in which a row may stand for several."""

import flax.linen as nn
import jax
import jax.numpy as jnp

he_normal_fan_out = nn.initializers.variance_scaling(2.0, "fan_out", "normal")


def broadcast(parameter: jax.Array, like: jax.Array) -> jax.Array:
    """A parameter with leading axes of length 1, as many as `like` has."""
    return jax.lax.expand_dims(parameter, range(like.ndim - parameter.ndim))


class BatchNorm(nn.Module):
    """BatchNorm over everything but channels, with weighted rows; its statistics are in float32 or wider.

    A step keeps the part `momentum` of the running statistics (PyTorch's momentum 0.1 is 0.9 here). The running
    variance is the biased one, as everywhere in Flax; PyTorch's is n / (n - 1) times as large.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Normalises each channel: by the batch's statistics if `train`, which updates the running ones, or by those.

        `weight_R` is how many equal rows each row stands for, 0 for a row that does not count; None where each is one.
        """
        shape = x_RxTxVxC.shape[-1:]
        scale_C = self.param("scale", nn.initializers.ones, shape)
        bias_C = self.param("bias", nn.initializers.zeros, shape)
        running_mean_C = self.variable("batch_stats", "mean", jnp.zeros, shape)
        running_var_C = self.variable("batch_stats", "var", jnp.ones, shape)
        wide_RxTxVxC = _wide(x_RxTxVxC)
        shift_C = _shift(wide_RxTxVxC, weight_R) if train else running_mean_C.value
        apart_RxTxVxC = wide_RxTxVxC - broadcast(shift_C, wide_RxTxVxC)
        if train:
            drift_C, var_C = _moments(apart_RxTxVxC, weight_R)
            if not self.is_initializing():
                running_mean_C.value += (1 - self.momentum) * (shift_C - running_mean_C.value + drift_C)
                running_var_C.value = self.momentum * running_var_C.value + (1 - self.momentum) * var_C
        else:
            drift_C, var_C = jnp.zeros_like(bias_C), running_var_C.value
        factor_C = scale_C * jax.lax.rsqrt(var_C + self.epsilon)
        offset_C = bias_C - drift_C * factor_C
        y_RxTxVxC = apart_RxTxVxC * broadcast(factor_C, apart_RxTxVxC) + broadcast(offset_C, apart_RxTxVxC)
        return y_RxTxVxC.astype(x_RxTxVxC.dtype)


def _wide(x: jax.Array) -> jax.Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _shift(x_RxTxVxC: jax.Array, weight_R: jax.Array | None) -> jax.Array:
    """A value near the mean of each channel, from which the moments are measured: the mean of the rows' first frames.

    The moments do not depend on it, so it has no gradient, but their rounding errors do. A mean over one T-th of the
    features is never further from the mean of all than the root of T deviations, whatever the rows hold: the variance
    keeps all but T in 2^24 of itself. Where rows are divided among devices, it is one more all-reduce of C numbers.
    """
    return jax.lax.stop_gradient(_mean(x_RxTxVxC[:, :1], weight_R))


def _moments(apart_RxTxVxC: jax.Array, weight_R: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of each channel, of features that have been shifted near to zero.

    The mean square minus the squared mean takes one pass over the features, the mean square of the deviations two. But
    it loses as many digits as the mean is far from zero: hence the shift.
    """
    mean_C, square_C = (_mean(each, weight_R) for each in (apart_RxTxVxC, jnp.square(apart_RxTxVxC)))
    return mean_C, jnp.maximum(square_C - jnp.square(mean_C), 0)


def _mean(x_RxTxVxC: jax.Array, weight_R: jax.Array | None) -> jax.Array:
    mean_RxC = x_RxTxVxC.mean((1, 2))
    return mean_RxC.mean(0) if weight_R is None else weight_R / weight_R.sum() @ mean_RxC


class Linear(nn.Module):
    """A linear map over channels: a 1x1 convolution.

    `before_norm` is True where BatchNorm follows at once. The gradient of the bias is then zero by algebra, so none is
    computed; the parameter stays, as in the paper's network, and weight decay applies to it.
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
        shift = broadcast(bias_C, x)
        if position is not None:
            shift = shift + broadcast(position @ kernel_CxC, x)
        # Flat: with more axes, XLA's CPU backend takes three times as long for the gradient of the kernel.
        flat = x.reshape(-1, x.shape[-1]) @ kernel_CxC.astype(x.dtype)
        # Wide, so that the gradient of what is broadcast is summed in float32.
        return (_wide(flat.reshape(*x.shape[:-1], self.channels)) + shift).astype(x.dtype)


class LinearNorm(nn.Module):
    """A linear map over channels that keeps one frame in `stride`, then BatchNorm.

    With `frames`, an odd number, it is a convolution over so many of them; beyond the ends are zeros. `folded` leaves
    out the BatchNorm, which the map has taken up (`fold_batch_norm.fold`).
    """

    channels: int
    stride: int = 1
    folded: bool = False
    frames: int = 1

    @nn.compact
    def __call__(self, x_RxTxVxC: jax.Array, weight_R: jax.Array | None, train: bool) -> jax.Array:
        """Maps R x T x V x C_in to R x ceil(T / stride) x V x channels."""
        if self.frames == 1:
            y_RxTxVxC = Linear(self.channels, before_norm=True, name="linear")(x_RxTxVxC[:, :: self.stride])
        else:
            y_RxTxVxC = nn.Conv(
                self.channels,
                kernel_size=(self.frames, 1),
                strides=(self.stride, 1),
                padding=((self.frames // 2, self.frames // 2), (0, 0)),
                kernel_init=he_normal_fan_out,
                dtype=x_RxTxVxC.dtype,
                name="linear",
            )(x_RxTxVxC)
        return y_RxTxVxC if self.folded else BatchNorm(name="norm")(y_RxTxVxC, weight_R, train)
