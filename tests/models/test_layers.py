"""BatchNorm with rows that stand for several, and linear maps that fold the position encoding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsta_jax.models import position
from dsta_jax.models.layers import BatchNorm, Linear, LinearNorm

ROWS, FRAMES, JOINTS, CHANNELS = 3, 5, 4, 6
WEIGHTS = np.array([1, 3, 2])


@pytest.fixture
def x64():
    """Double precision, for exact statements."""
    with jax.enable_x64(True):
        yield


def features(seed=0, rows=ROWS):
    """Float64 features whose channels differ in mean and size."""
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, FRAMES, JOINTS, CHANNELS)) * np.arange(1, CHANNELS + 1) + np.arange(CHANNELS)


def norm_variables(seed=1, dtype=np.float64):
    """Scale, bias and running statistics that are not the initial ones."""
    random = np.random.default_rng(seed)

    def vector(low, high):
        return random.uniform(low, high, CHANNELS).astype(dtype)

    return {
        "params": {"scale": vector(0.5, 2), "bias": vector(-1, 1)},
        "batch_stats": {"mean": vector(-1, 1), "var": vector(0.5, 2)},
    }


def normalized(variables, x_RxTxVxC, weight_R, target_RxTxVxC, weight_of_loss_R):
    """Result, running statistics and gradients (parameters and features) of a weighted sum over rows."""

    def loss_of(params, x):
        y, updated = BatchNorm().apply({**variables, "params": params}, x, weight_R, True, mutable=["batch_stats"])
        return (weight_of_loss_R[:, None, None, None] * jnp.tanh(y) * target_RxTxVxC).sum(), (y, updated)

    gradient = jax.jit(jax.grad(loss_of, argnums=(0, 1), has_aux=True))
    (params, rows), (y, updated) = gradient(variables["params"], jnp.asarray(x_RxTxVxC))
    return y, updated["batch_stats"], params, rows


def assert_trees_close(found, expected, tolerance=1e-10):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for ours, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, other, rtol=0, atol=tolerance)


@pytest.mark.usefixtures("x64")
def test_a_weighted_row_is_several_rows():
    x, target, variables = features(), features(2), norm_variables()
    twin = np.repeat(np.arange(ROWS), WEIGHTS)
    y, statistics, params, rows = normalized(variables, x, jnp.asarray(WEIGHTS, float), target, WEIGHTS.astype(float))
    y_repeated, statistics_repeated, params_repeated, rows_repeated = normalized(
        variables, x[twin], None, target[twin], np.ones(len(twin))
    )
    np.testing.assert_allclose(y[twin], y_repeated, rtol=0, atol=1e-10)
    assert_trees_close(statistics, statistics_repeated)
    assert_trees_close(params, params_repeated)
    summed = np.stack([rows_repeated[twin == row].sum(0) for row in range(ROWS)])
    assert np.abs(summed).max() > 1e-3
    np.testing.assert_allclose(rows, summed, rtol=0, atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_no_weights_are_equal_weights():
    x, target, variables, ones = features(), features(2), norm_variables(), np.ones(ROWS)
    plain = normalized(variables, x, None, target, ones)
    assert_trees_close(normalized(variables, x, jnp.asarray(ones), target, ones), plain)


@pytest.mark.usefixtures("x64")
def test_a_row_of_weight_zero_does_not_count():
    x, variables = features(), norm_variables()
    x[-1] = 1e3
    y, updated = BatchNorm().apply(variables, jnp.asarray(x), jnp.array([2.0, 1.0, 0.0]), True, mutable=["batch_stats"])
    y_without, without = BatchNorm().apply(
        variables, jnp.asarray(x[:2]), jnp.array([2.0, 1.0]), True, mutable=["batch_stats"]
    )
    np.testing.assert_allclose(y[:2], y_without, rtol=0, atol=1e-10)
    assert_trees_close(updated, without)


@pytest.mark.usefixtures("x64")
def test_statistics():
    x, variables = features(), norm_variables()
    y, updated = BatchNorm().apply(variables, jnp.asarray(x), None, True, mutable=["batch_stats"])
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    params, before = variables["params"], variables["batch_stats"]
    expected = (x - mean) / np.sqrt(var + 1e-5) * params["scale"] + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)
    after = {"mean": 0.9 * before["mean"] + 0.1 * mean, "var": 0.9 * before["var"] + 0.1 * var}
    assert_trees_close(updated["batch_stats"], after)


@pytest.mark.usefixtures("x64")
def test_evaluation_takes_the_running_statistics_and_leaves_them():
    x, variables = features(), norm_variables()
    y, updated = BatchNorm().apply(variables, jnp.asarray(x), None, False, mutable=["batch_stats"])
    params, running = variables["params"], variables["batch_stats"]
    expected = (x - running["mean"]) / np.sqrt(running["var"] + 1e-5) * params["scale"] + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)
    assert_trees_close(updated["batch_stats"], running, 0)


def test_making_the_variables_is_not_a_step():
    variables = BatchNorm().init(jax.random.key(0), jnp.asarray(features(), jnp.float32), None, True)
    zeros, ones = np.zeros(CHANNELS), np.ones(CHANNELS)
    assert_trees_close(
        variables, {"params": {"scale": ones, "bias": zeros}, "batch_stats": {"mean": zeros, "var": ones}}, 0
    )


def two_passes(variables, x_RxTxVxC, weight_R, target_RxTxVxC, weight_of_loss_R):
    """What `normalized` gives, with the mean first and then the variance, in float64 as its arguments are."""
    share = jnp.asarray(weight_R / weight_R.sum())[:, None, None, None] / (FRAMES * JOINTS)

    def loss_of(params, x):
        mean_C = (share * x).sum((0, 1, 2))
        var_C = (share * jnp.square(x - mean_C)).sum((0, 1, 2))
        y = (x - mean_C) / jnp.sqrt(var_C + 1e-5) * params["scale"] + params["bias"]
        after = {"mean": 0.9 * before["mean"] + 0.1 * mean_C, "var": 0.9 * before["var"] + 0.1 * var_C}
        return (weight_of_loss_R[:, None, None, None] * jnp.tanh(y) * target_RxTxVxC).sum(), (y, after)

    before = variables["batch_stats"]
    (params, rows), (y, after) = jax.grad(loss_of, argnums=(0, 1), has_aux=True)(variables["params"], x_RxTxVxC)
    return y, after, params, rows


def far_from_zero(ratio, rows=ROWS):
    """Float32 features whose means are so many deviations from zero."""
    x = np.random.default_rng(5).normal(size=(rows, FRAMES, JOINTS, CHANNELS)) + ratio
    return (x * np.arange(1, CHANNELS + 1)).astype(np.float32)


def with_row(ratio, row):
    """The same, but for row 1."""
    x = far_from_zero(ratio)
    x[1] = row
    return x


def with_first_frames(ratio, frame):
    """The same, but for the first frame of each row, which is where the shift is taken."""
    x = far_from_zero(ratio)
    x[:, 0] = frame
    return x


@pytest.mark.parametrize(
    "x, weights",
    [
        *(
            pytest.param(far_from_zero(ratio), weights, id=f"{ratio} deviations, {said}")
            for ratio in (1, 30, 1000, 10_000)
            for weights, said in ((None, "rows alike"), (WEIGHTS, "weighted"))
        ),
        pytest.param(with_row(10_000, 0), WEIGHTS, id="an absent body"),
        pytest.param(with_row(10_000, 0), np.array([1, 1000, 1]), id="a thousand absent bodies"),
        pytest.param(with_row(0, 1e4), None, id="one row far away"),
        pytest.param(with_row(10_000, -1e6), np.array([2, 0, 1]), id="a row that does not count"),
        pytest.param(with_first_frames(10_000, 0), None, id="first frames far from the others"),
    ],
)
def test_one_pass_in_single_precision_is_two_in_double(x, weights):
    """Result, statistics and gradients, whatever the running mean is and how far the features are from zero."""
    given, variables = np.ones(ROWS) if weights is None else weights.astype(float), norm_variables()
    target = features(2)
    single = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), (variables, target))
    weight_R = None if weights is None else jnp.asarray(weights, jnp.float32)
    found = normalized(single[0], x, weight_R, single[1], jnp.asarray(given, jnp.float32))
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"):
        expected = two_passes(variables, jnp.asarray(x, jnp.float64), given, target, given)
    counts_R = given > 0
    (y, after, params, rows), (y_expected, after_expected, params_expected, rows_expected) = found, expected
    assert y.dtype == after["mean"].dtype == after["var"].dtype == rows.dtype == jnp.float32
    np.testing.assert_allclose(y[counts_R], y_expected[counts_R], rtol=1e-4, atol=1e-4)
    for name in ("mean", "var"):
        np.testing.assert_allclose(after[name], after_expected[name], rtol=1e-5, atol=1e-5, err_msg=name)
    for ours, exact in ((params["scale"], params_expected["scale"]), (params["bias"], params_expected["bias"])):
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-3 * np.abs(exact).max())
    np.testing.assert_allclose(rows, rows_expected, rtol=0, atol=1e-3 * np.abs(rows_expected).max())


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_statistics_of_half_precision_features_are_of_single_precision(weights):
    x = jnp.asarray(far_from_zero(30), jnp.bfloat16)
    weight_R = None if weights is None else jnp.asarray(weights, jnp.float32)
    variables = norm_variables(dtype=np.float32)
    y, updated = BatchNorm().apply(variables, x, weight_R, True, mutable=["batch_stats"])
    exact = np.repeat(np.asarray(x, np.float64), 1 if weights is None else weights, axis=0)
    before, after = variables["batch_stats"], updated["batch_stats"]
    assert y.dtype == jnp.bfloat16 and after["mean"].dtype == after["var"].dtype == np.float32
    np.testing.assert_allclose(after["mean"], 0.9 * before["mean"] + 0.1 * exact.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(after["var"], 0.9 * before["var"] + 0.1 * exact.var((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize("value", [0, 1e6])
def test_features_that_do_not_vary(value):
    """The variance is exactly zero: the result is the bias, and all gradients are finite."""
    x, variables = np.full((ROWS, FRAMES, JOINTS, CHANNELS), value, np.float32), norm_variables(dtype=np.float32)
    ones = jnp.ones(ROWS)
    y, after, params, rows = normalized(variables, x, None, jnp.asarray(features(2), jnp.float32), ones)
    np.testing.assert_array_equal(y, np.broadcast_to(variables["params"]["bias"], y.shape))
    np.testing.assert_array_equal(after["var"], np.float32(0.9) * variables["batch_stats"]["var"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((params, rows)))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind, axis", [("decoupled", "spatial"), ("decoupled", "temporal"), ("unified", "spatial")])
def test_linear_adds_the_position_first(kind, axis):
    x, random = features(), np.random.default_rng(3)
    kernel, bias = random.normal(size=(CHANNELS, 7)), random.normal(size=7)
    encoding = position.encoding(kind, axis, FRAMES, JOINTS, CHANNELS)
    params = {"params": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}}
    y = Linear(7).apply(params, jnp.asarray(x), jnp.asarray(encoding))
    np.testing.assert_allclose(y, (x + encoding) @ kernel + bias, rtol=0, atol=1e-10)
    np.testing.assert_allclose(Linear(7).apply(params, jnp.asarray(x)), x @ kernel + bias, rtol=0, atol=1e-10)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("before_norm", [False, True])
def test_a_bias_before_a_norm_gets_no_gradient(before_norm):
    x = jnp.asarray(features())
    params = {"kernel": jnp.ones((CHANNELS, 2)), "bias": jnp.array([3.0, -4.0])}

    def sum_of(params):
        return Linear(2, before_norm=before_norm).apply({"params": params}, x).sum()

    # The bias is added in either case.
    np.testing.assert_allclose(sum_of(params), 2 * x.sum() - ROWS * FRAMES * JOINTS, rtol=1e-12)
    gradient = jax.grad(sum_of)(params)
    assert np.all(gradient["bias"] == (0 if before_norm else ROWS * FRAMES * JOINTS))
    np.testing.assert_allclose(gradient["kernel"], np.tile(x.sum((0, 1, 2))[:, None], 2), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_linear_norm_keeps_every_which_frame():
    x, random = features(), np.random.default_rng(4)
    kernel, bias = random.normal(size=(CHANNELS, CHANNELS)), random.normal(size=CHANNELS)
    norm = norm_variables()
    variables = {
        "params": {"linear": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}, "norm": norm["params"]},
        "batch_stats": {"norm": norm["batch_stats"]},
    }
    y, _ = LinearNorm(CHANNELS, 2).apply(variables, jnp.asarray(x), None, True, mutable=["batch_stats"])
    kept, _ = BatchNorm().apply(norm, jnp.asarray(x[:, [0, 2, 4]] @ kernel + bias), None, True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, kept, rtol=0, atol=1e-10)


def test_a_bias_of_half_precision_features_has_a_gradient_of_single_precision():
    """Of 5001 ones, where bfloat16 knows 4992 and 5024."""
    rows = jnp.ones((5001, 2), jnp.bfloat16)
    params = {"kernel": jnp.ones((2, 1)), "bias": jnp.zeros(1)}
    gradient = jax.grad(lambda params: Linear(1).apply({"params": params}, rows).astype(jnp.float32).sum())(params)
    np.testing.assert_array_equal(gradient["bias"], [5001])
