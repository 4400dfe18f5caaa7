"""Our network against the authors' implementation, by their own state, input, scores, loss and gradients."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import traverse_util

from dsta_jax.models import authors_weights
from dsta_jax.models.dsta import DSTANet, bodies_as_rows
from tests.compiling import compile_fast

LAYERS = {
    "dsta_hand": ((16, 32, 32), (4, 8, 8), (1, 2, 1)),
    "dsta_body": ((16, 32, 48), (4, 8, 8), (1, 2, 2)),
    "dsta_body_temporal_conv": ((16, 32, 48), (4, 8, 8), (1, 2, 1)),
    "dsta_hand_stgr": ((16, 32), (4, 8), (1, 2)),
}
CHOICES = {"dsta_body_temporal_conv": {"temporal": "conv"}, "dsta_hand_stgr": {"regularization": "spatial_temporal"}}
GOLDEN = sorted(LAYERS)


def _network(name, golden):
    channels, embedding, strides = LAYERS[name]
    return DSTANet(
        classes=golden["logits_eval"].shape[1],
        bodies=golden["input_NCTVM"].shape[-1],
        input_channels=16,
        channels=channels,
        embedding=embedding,
        strides=strides,
        **CHOICES.get(name, {}),
    )


def _load(load_golden, name, dtype):
    """The network, its variables and its input, in float32 or float64."""
    golden = load_golden(name)
    network = _network(name, golden)
    x_RxTxVxC = bodies_as_rows(jnp.asarray(golden["input_NCTVM"].transpose(0, 2, 3, 4, 1), dtype))
    like = jax.eval_shape(lambda: network.init(jax.random.key(0), x_RxTxVxC, train=False))
    state = {key.removeprefix("state/"): golden[key] for key in golden.files if key.startswith("state/")}
    variables = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), authors_weights.from_state_dict(state, like))
    return golden, network, variables, x_RxTxVxC


class Ours(NamedTuple):
    """What our network makes of a golden input, with the golden state."""

    logits_eval: np.ndarray
    logits_train: np.ndarray
    loss: float
    gradients: dict
    batch_stats: dict


@functools.cache
def _ours(load_golden, name, dtype):
    golden, network, variables, x_RxTxVxC = _load(load_golden, name, dtype)

    def loss_of(params):
        trained = {"params": params, "batch_stats": variables["batch_stats"]}
        scores_BxK, updated = network.apply(trained, x_RxTxVxC, train=True, mutable=["batch_stats"])
        loss = optax.softmax_cross_entropy_with_integer_labels(scores_BxK, golden["labels"]).mean()
        return loss, (scores_BxK, updated["batch_stats"])

    def everything(params):
        (loss, (logits_train, batch_stats)), gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        logits_eval = network.apply({**variables, "params": params}, x_RxTxVxC, train=False)
        return Ours(logits_eval, logits_train, loss, gradients, batch_stats)

    return golden, variables, jax.device_get(compile_fast(everything)(variables["params"]))


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Both precisions: float32 is what users run, float64 shows that the mathematics is the same."""
    with jax.enable_x64(request.param == "float64"):
        yield request.param


@pytest.mark.parametrize("name", GOLDEN)
def test_logits(load_golden, name, dtype):
    golden, _, ours = _ours(load_golden, name, dtype)
    np.testing.assert_allclose(ours.logits_eval, golden["logits_eval"], atol=1e-4)
    np.testing.assert_allclose(ours.logits_train, golden["logits_train"], atol=1e-4)


@pytest.mark.parametrize("name", GOLDEN)
def test_loss_and_gradients(load_golden, name, dtype):
    golden, variables, ours = _ours(load_golden, name, dtype)
    np.testing.assert_allclose(ours.loss, golden["loss_train"], atol=1e-5)
    expected = _golden_gradients(golden, variables)
    gradients = traverse_util.flatten_dict(ours.gradients)
    assert set(gradients) == set(expected)
    # In float64 what is left is the golden vectors' own rounding; float32 adds ours.
    tolerance = 1e-5 if dtype == "float64" else 5e-3
    for path, gradient in expected.items():
        if _feeds_norm(path):  # zero by algebra: PyTorch's is rounding noise, ours is not computed
            assert np.abs(gradient).max() < 1e-4 and (not np.any(gradients[path]) or path[-3] == "convolution"), path
        else:
            scale = max(1, np.abs(gradient).max())
            np.testing.assert_allclose(gradients[path], gradient, atol=tolerance * scale, err_msg=str(path))


def _feeds_norm(path):
    return path[-2:] == ("linear", "bias")


def _golden_gradients(golden, variables):
    """The golden gradients by our paths: they map as the parameters do, beside the untouched statistics."""
    state = {key.removeprefix("grad/"): golden[key] for key in golden.files if key.startswith("grad/")}
    state |= {key.removeprefix("state/"): golden[key] for key in golden.files if "running_" in key and key[0] == "s"}
    return traverse_util.flatten_dict(authors_weights.from_state_dict(state, variables)["params"])


@pytest.mark.parametrize("name", GOLDEN)
def test_running_statistics(load_golden, name):
    golden, variables, ours_now = _ours(load_golden, name, "float32")
    state = {key.removeprefix("after/"): golden[key] for key in golden.files if key.startswith("after/")}
    state |= {k.removeprefix("state/"): golden[k] for k in golden.files if k[0] == "s" and "running_" not in k}
    expected = traverse_util.flatten_dict(authors_weights.from_state_dict(state, variables)["batch_stats"])
    ours = traverse_util.flatten_dict(ours_now.batch_stats)
    rows, _, frames, joints, bodies = golden["input_NCTVM"].shape
    before = traverse_util.flatten_dict(variables["batch_stats"])
    for path, value in expected.items():
        ours_here = ours[path]
        if path[-1] == "var":  # PyTorch's estimate is unbiased: the batch's part is n / (n - 1) times ours
            n = rows * bodies * _frames(path, LAYERS[name][2], frames) * joints
            ours_here = 0.9 * before[path] + (ours_here - 0.9 * before[path]) * n / (n - 1)
        np.testing.assert_allclose(ours_here, value, rtol=1e-5, atol=1e-5, err_msg=str(path))


def _frames(path, strides, frames):
    """Frames that a BatchNorm sees: those left by the strides before it, and by its own linear map's."""
    if path[0] == "input_map":
        return frames
    _, number, axis = path[0].split("_")
    strided = axis == "temporal" and path[1] in ("feed_forward", "residual_2", "convolution")
    return frames // int(np.prod(strides[: int(number) + strided]))


def test_strange_state_dictionary(load_golden):
    golden, network, variables, _ = _load(load_golden, "dsta_hand_stgr", "float32")
    state = {key.removeprefix("state/"): golden[key] for key in golden.files if key.startswith("state/")}
    del state["fc.bias"]
    state["head.weight"] = np.zeros(3)
    state["graph_layers.0.in_nets.bias"] = np.zeros(7)
    with pytest.raises(authors_weights.UserError) as error:
        authors_weights.from_state_dict(state, variables)
    for part in (
        "missing: params/classifier/bias",
        "not known: head.weight",
        "graph_layers.0.in_nets.bias is (7,), params/layer_0_spatial/query_key/bias needs (24,)",
    ):
        assert part in str(error.value)
