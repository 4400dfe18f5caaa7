"""Attention maps and mixtures against loops written from Eq. 2 to 4, and the module against its own description."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsta_jax.models.attention import Attention, TemporalConvolution, attention_map, mix_joints
from dsta_jax.models.position import encoding

ROWS, FRAMES, JOINTS, HEADS, EMBEDDING = 2, 6, 5, 3, 4
CHANNELS, WIDER = 8, 12
STRATEGIES = ("per_frame", "cross_frame", "shared")


@pytest.fixture(autouse=True)
def x64():
    """Double precision, for exact statements."""
    with jax.enable_x64(True):
        yield


def pointwise(scores_UxV, activation):
    """The activation of one map: tanh, or softmax over the input's joints u."""
    if activation == "tanh":
        return np.tanh(scores_UxV)
    powers = np.exp(scores_UxV)
    return powers / powers.sum(0)


def loop_map(query_RxTxVxSxE, key_RxTxVxSxE, strategy, activation):
    """The map from its definition: sums of the products of single queries and keys."""
    rows, frames, joints, heads, embedding = query_RxTxVxSxE.shape
    pairs = {
        "per_frame": [[(t, t)] for t in range(frames)],
        "cross_frame": [[(t, other) for t in range(frames) for other in range(frames)]],
        "shared": [[(t, t) for t in range(frames)]],
    }[strategy]
    maps = np.zeros((rows, len(pairs), heads, joints, joints))
    for r in range(rows):
        for number, terms in enumerate(pairs):
            for s in range(heads):
                scores = np.zeros((joints, joints))
                for u in range(joints):
                    for v in range(joints):
                        total = sum(query_RxTxVxSxE[r, t, u, s] @ key_RxTxVxSxE[r, other, v, s] for t, other in terms)
                        scores[u, v] = total / (embedding * len(terms))
                maps[r, number, s] = pointwise(scores, activation)
    return maps if strategy == "per_frame" else maps[:, 0]


def loop_mix(x_RxTxVxC, attention):
    """`Y_s[v] = sum_u X[u] A_s[u, v]`, the heads one after the other."""
    rows, frames, joints, channels = x_RxTxVxC.shape
    heads = attention.shape[-3]
    result = np.zeros((rows, frames, joints, heads * channels))
    for r in range(rows):
        for t in range(frames):
            map_SxUxV = attention[r, t] if attention.ndim == 5 else attention[r]
            for s in range(heads):
                for v in range(joints):
                    mixture = sum(x_RxTxVxC[r, t, u] * map_SxUxV[s, u, v] for u in range(joints))
                    result[r, t, v, s * channels : (s + 1) * channels] = mixture
    return result


def queries(seed):
    return 1.5 * np.random.default_rng(seed).normal(size=(ROWS, FRAMES, JOINTS, HEADS, EMBEDDING))


def features(seed=5, channels=CHANNELS):
    return np.random.default_rng(seed).normal(size=(ROWS, FRAMES, JOINTS, channels))


@pytest.mark.parametrize("activation", ["tanh", "softmax"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_attention_map(strategy, activation):
    query, key = queries(0), queries(1)
    found = attention_map(jnp.asarray(query), jnp.asarray(key), strategy, activation)
    np.testing.assert_allclose(found, loop_map(query, key, strategy, activation), rtol=0, atol=1e-12)
    if activation == "softmax":  # each joint of the result is a mean of the input's joints
        np.testing.assert_allclose(found.sum(-2), np.ones(found.shape[:-2] + (JOINTS,)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("per_frame", [False, True])
def test_mix_joints(per_frame):
    shape = (ROWS, FRAMES, HEADS, JOINTS, JOINTS) if per_frame else (ROWS, HEADS, JOINTS, JOINTS)
    attention = np.random.default_rng(2).normal(size=shape)
    found = mix_joints(jnp.asarray(features()), jnp.asarray(attention))
    np.testing.assert_allclose(found, loop_mix(features(), attention), rtol=0, atol=1e-12)


def module(axis, strategy="shared", stride=1, channels=CHANNELS, **choices):
    defaults = {"global_map": True, "activation": "tanh", "position": "decoupled"}
    return Attention(
        axis=axis,
        channels=channels,
        embedding=EMBEDDING,
        heads=HEADS,
        stride=stride,
        project=stride != 1 or channels != CHANNELS,
        strategy=strategy,
        **(defaults | choices),
    )


def variables_of(network, frames=FRAMES, joints=JOINTS):
    """Random variables of a module: nothing keeps its initial value, variances are positive."""
    like = jax.ShapeDtypeStruct((ROWS, frames, joints, CHANNELS), jnp.float64)
    shapes = jax.eval_shape(functools.partial(network.init, train=False), jax.random.key(0), like, None)
    random = np.random.default_rng(3)
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: (
            random.uniform(0.5, 1.5, leaf.shape) if path[-1].key == "var" else 0.5 * random.normal(size=leaf.shape)
        ),
        shapes,
    )


def evaluate(network, variables, x):
    return jax.jit(lambda variables, x: network.apply(variables, x, None, False))(variables, jnp.asarray(x))


def leaky(x):
    return np.where(x > 0, x, 0.1 * x)


def linear_norm(variables, name, x):
    """A linear map and BatchNorm with the running statistics."""
    params, statistics = variables["params"][name], variables["batch_stats"][name]["norm"]
    y = x @ params["linear"]["kernel"] + params["linear"]["bias"]
    y = (y - statistics["mean"]) / np.sqrt(statistics["var"] + 1e-5)
    return y * params["norm"]["scale"] + params["norm"]["bias"]


def described_module(variables, x_RxTxVxC, strategy, code, stride=1):
    """The spatial module as Sec. 3.3 describes it, in loops; `stride` as the temporal module's, over joints here."""
    params = variables["params"]
    rows, frames, joints, _ = x_RxTxVxC.shape
    query_key = (x_RxTxVxC + code) @ params["query_key"]["kernel"] + params["query_key"]["bias"]
    query_key = query_key.reshape(rows, frames, joints, 2, HEADS, EMBEDDING)
    attention = loop_map(query_key[..., 0, :, :], query_key[..., 1, :, :], strategy, "tanh")
    attention = attention * params["alpha"] + params["global_map"]
    y = linear_norm(variables, "join_heads", loop_mix(x_RxTxVxC, attention))
    kept = (slice(None), slice(None), slice(None, None, stride))
    if "residual_1" in params:
        y = leaky(linear_norm(variables, "residual_1", x_RxTxVxC) + y)
        residual = linear_norm(variables, "residual_2", x_RxTxVxC[kept])
    else:
        y = leaky(x_RxTxVxC + y)
        residual = x_RxTxVxC
    return leaky(residual + linear_norm(variables, "feed_forward", y[kept]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_spatial_module(strategy):
    network = module("spatial", strategy)
    variables = variables_of(network)
    code = encoding("decoupled", "spatial", FRAMES, JOINTS, CHANNELS)
    expected = described_module(variables, features(), strategy, code)
    np.testing.assert_allclose(evaluate(network, variables, features()), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_temporal_module_with_stride(strategy):
    """The spatial module's description with frames and joints exchanged; the position encoding with them."""
    network = module("temporal", strategy, stride=2, channels=WIDER)
    variables = variables_of(network)
    code = encoding("decoupled", "spatial", JOINTS, FRAMES, CHANNELS)  # 1 x T x C: counts what stands second
    expected = described_module(variables, features().swapaxes(1, 2), strategy, code, stride=2).swapaxes(1, 2)
    found = evaluate(network, variables, features())
    assert found.shape == (ROWS, FRAMES // 2, JOINTS, WIDER)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("position, same", [("none", True), ("decoupled", True), ("unified", False)])
def test_temporal_is_spatial_with_axes_exchanged(position, same):
    """Up to the count that goes on through the frames, which is not symmetric."""
    temporal, spatial = module("temporal", position=position), module("spatial", position=position)
    variables = variables_of(temporal)
    over_frames = evaluate(temporal, variables, features())
    over_joints = evaluate(spatial, variables, features().swapaxes(1, 2)).swapaxes(1, 2)
    assert np.allclose(over_frames, over_joints, rtol=0, atol=1e-10) == same


def test_heads_mix_the_input_without_its_position():
    """With alpha 0 and the identity as the global map, each head hands on the plain input."""
    network = module("spatial", position="decoupled")
    variables = variables_of(network)
    params = variables["params"]
    params["alpha"] = np.zeros_like(params["alpha"])
    params["global_map"] = np.broadcast_to(np.eye(JOINTS), params["global_map"].shape)
    heads = linear_norm(variables, "join_heads", np.tile(features(), HEADS))
    expected = leaky(features() + linear_norm(variables, "feed_forward", leaky(features() + heads)))
    np.testing.assert_allclose(evaluate(network, variables, features()), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2])
def test_temporal_convolution(stride):
    """Seven frames around each, zeros beyond the ends; with stride 2 the residual is projected."""
    network = TemporalConvolution(CHANNELS, stride, project=stride != 1)
    variables = variables_of(network)
    kernel_7x1xCxC = variables["params"]["convolution"]["linear"]["kernel"]
    padded = np.pad(features(), ((0, 0), (3, 3), (0, 0), (0, 0)))
    centers = range(0, FRAMES, stride)
    mixed = np.stack([sum(padded[:, t + k] @ kernel_7x1xCxC[k, 0] for k in range(7)) for t in centers], axis=1)
    identity = {"kernel": np.eye(CHANNELS), "bias": variables["params"]["convolution"]["linear"]["bias"]}
    after = {
        "params": {"norm_only": {"linear": identity, "norm": variables["params"]["convolution"]["norm"]}},
        "batch_stats": {"norm_only": variables["batch_stats"]["convolution"]},
    }
    residual = features() if stride == 1 else linear_norm(variables, "residual_2", features()[:, ::stride])
    expected = leaky(residual + linear_norm(after, "norm_only", mixed))
    np.testing.assert_allclose(evaluate(network, variables, features()), expected, rtol=0, atol=1e-10)
