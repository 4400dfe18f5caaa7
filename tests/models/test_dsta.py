"""The network: sizes, initial values, every choice of Table 1, shared empty bodies, and what must not matter."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from dsta_jax import get_config
from dsta_jax.data import streams
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.layouts import Layout
from dsta_jax.members import make_network
from dsta_jax.models.attention import TemporalConvolution
from dsta_jax.models.dsta import DSTANet, bodies_as_rows
from tests.compiling import compile_fast

SAMPLES, FRAMES, JOINTS, BODIES, CLASSES = 3, 8, 5, 2, 4
SMALL = DSTANet(
    classes=CLASSES,
    bodies=BODIES,
    input_channels=8,
    channels=(8, 16),
    embedding=(4, 4),
    strides=(1, 2),
)
CHOICES = {
    "attention": ("per_frame", "cross_frame"),
    "position": ("none", "unified"),
    "regularization": ("none", "spatial_temporal"),
    "activation": ("softmax",),
    "temporal": ("conv",),
}
VARIANTS = [(field, value) for field, values in CHOICES.items() for value in values]


# Sizes.


def shapes_of(network, frames, joints):
    x_RxTxVxC = jax.ShapeDtypeStruct((network.bodies, frames, joints, 3), jnp.float32)
    return jax.eval_shape(functools.partial(network.init, train=False), jax.random.key(0), x_RxTxVxC)


def parameters(network, frames, joints):
    return sum(leaf.size for leaf in jax.tree.leaves(shapes_of(network, frames, joints)["params"]))


@pytest.mark.parametrize(
    "choices, joints, count",
    [
        ({"classes": 14, "bodies": 1}, 22, 3_436_958),  # SHREC'17
        ({"classes": 60, "bodies": 2}, 25, 3_452_164),  # NTU-60
        ({"classes": 60, "bodies": 2, "temporal": "conv"}, 25, 3_817_388),  # NTU-60 as the authors released it
    ],
)
def test_parameters_of_the_paper(choices, joints, count):
    assert parameters(DSTANet(**choices), 128, joints) == count


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("shrec14", 3_436_958),
        ("shrec28", 3_440_556),
        ("utd_mhad", 3_438_283),
        ("utd_mhad:small", 316_563),
        ("demo", 33_844),
    ],
)
def test_parameters_of_configs(name, count):
    """An intended change of a config changes these numbers: put the new one here and say so in the commit."""
    config = get_config(name)
    benchmark = BENCHMARKS[config.benchmark]
    network = make_network(config.model, benchmark)
    assert parameters(network, config.data.frames, len(benchmark.source.layout.joints)) == count


# Initial values.


@pytest.fixture(scope="module")
def initial():
    """Initial values by path: a layer of each of the paper's widths, with both global maps."""
    network = DSTANet(
        classes=14,
        bodies=1,
        channels=(64, 128, 256),
        embedding=(16, 32, 64),
        strides=(1, 2, 1),
        regularization="spatial_temporal",
    )
    x_RxTxVxC = jnp.zeros((1, 16, 22, 3))
    variables = compile_fast(functools.partial(network.init, train=False))(jax.random.key(0), x_RxTxVxC)
    return {path: np.asarray(leaf) for path, leaf in traverse_util.flatten_dict(variables).items()}


def test_initial_constants(initial):
    constants = {"alpha": 1, "scale": 1, "bias": 0, "mean": 0, "var": 1}
    for path, value in initial.items():
        if path[-1] in constants:
            assert np.all(value == constants[path[-1]]), path
        elif path[-1] == "global_map" and path[1].endswith("_spatial"):
            assert value.shape == (3, 22, 22) and np.all(value == np.float32(1 / 22)), path
        elif path[-1] == "global_map":
            frames = 8 if path[1] == "layer_2_temporal" else 16  # the stride comes after the attention
            np.testing.assert_array_equal(value, np.broadcast_to(np.eye(frames), (3, frames, frames)), str(path))
        else:
            assert path[-1] == "kernel", path
    assert sum(path[-1] == "global_map" for path in initial) == 6


def assert_normal(value, deviation, where):
    """Mean 0 and the standard deviation within five standard errors, and not cut off at two deviations."""
    assert abs(value.mean()) < 5 * deviation / np.sqrt(value.size), where
    assert abs(value.std() / deviation - 1) < 5 / np.sqrt(2 * value.size), where
    if value.size > 3000:
        assert 3 * deviation < np.abs(value).max() < 6.5 * deviation, where


def test_initial_kernels(initial):
    kernels = {path: value for path, value in initial.items() if path[-1] == "kernel"}
    # the input map; in each module query_key, join_heads, feed_forward; two residuals where the width changes
    assert len(kernels) == 1 + 6 * 3 + 4 * 2 + 1
    for path, value in kernels.items():
        fan_in, fan_out = value.shape
        classifier = path[1] == "classifier"
        assert_normal(value, np.sqrt(2 / (fan_in + fan_out) if classifier else 2 / fan_out), path)
    flat = [value.ravel()[:100].tobytes() for value in kernels.values()]
    assert len(set(flat)) == len(flat)  # no two drawn from one key


def test_initial_convolution():
    """The fan-out of a convolution counts its seven frames."""
    x_RxTxVxC = jnp.zeros((1, 8, 2, 64))
    variables = TemporalConvolution(32, 1, project=False).init(jax.random.key(0), x_RxTxVxC[..., :32], None, False)
    kernel = np.asarray(variables["params"]["convolution"]["linear"]["kernel"])
    assert kernel.shape == (7, 1, 32, 32)
    assert_normal(kernel, np.sqrt(2 / (7 * 32)), "convolution")


# Every choice of Table 1.


def random_variables(network):
    """Variables none of which has its initial value; the same for all networks where they have the same place."""
    flat = {}
    for path, leaf in traverse_util.flatten_dict(shapes_of(network, FRAMES, JOINTS)).items():
        random = np.random.default_rng([*"/".join(path).encode()])
        if path[-1] == "var":
            flat[path] = random.uniform(0.5, 1.5, leaf.shape)
        elif path[-1] in ("alpha", "scale"):
            flat[path] = random.uniform(0.7, 1.3, leaf.shape)
        else:
            spread = np.sqrt(1 / leaf.shape[0]) if path[-1] == "kernel" else 0.3
            flat[path] = spread * random.normal(size=leaf.shape)
    return traverse_util.unflatten_dict({path: value.astype(np.float32) for path, value in flat.items()})


def samples(seed=0, count=SAMPLES):
    """x_BxTxVxMxC."""
    return np.random.default_rng(seed).normal(size=(count, FRAMES, JOINTS, BODIES, 3)).astype(np.float32)


def loss_and_logits(network, variables, x_RxTxVxC, share_BxR=None):
    """Gradients of a fixed smooth function of the training mode's logits, with the logits and running statistics."""

    def loss_of(params):
        logits_BxK, updated = network.apply(
            {**variables, "params": params}, x_RxTxVxC, share_BxR, train=True, mutable=["batch_stats"]
        )
        weight_BxK = 1.0 + jnp.arange(logits_BxK.size, dtype=x_RxTxVxC.dtype).reshape(logits_BxK.shape)
        return (weight_BxK * jnp.sin(logits_BxK)).sum(), (logits_BxK, updated["batch_stats"])

    gradients, (logits_BxK, statistics) = jax.grad(loss_of, has_aux=True)(variables["params"])
    return logits_BxK, gradients, statistics


@functools.cache
def compiled(network):
    """One compilation for each network, shared by the tests."""
    return compile_fast(functools.partial(loss_and_logits, network))


@functools.cache
def evaluation(network):
    return compile_fast(functools.partial(network.apply, train=False))


def trained(network, variables, x_BxTxVxMxC):
    return compiled(network)(variables, bodies_as_rows(jnp.asarray(x_BxTxVxMxC)))


def assert_learns(network, gradients):
    """Every parameter has a finite gradient, and none is zero but those of a bias that BatchNorm takes out again."""
    for path, gradient in traverse_util.flatten_dict(gradients).items():
        assert np.isfinite(gradient).all(), path
        if path[-2:] == ("linear", "bias"):
            # nothing is computed for these, but a convolution's is rounding noise
            assert np.abs(gradient).max() < (1e-3 if path[-3] == "convolution" else 1e-30), path
        else:
            assert np.abs(gradient).max() > 1e-5, path


def test_all_parameters_of_the_default_learn():
    logits_BxK, gradients, _ = trained(SMALL, random_variables(SMALL), samples())
    assert logits_BxK.shape == (SAMPLES, CLASSES) and np.isfinite(logits_BxK).all()
    assert_learns(SMALL, gradients)


@pytest.mark.parametrize("field, value", VARIANTS)
def test_choice(field, value):
    network = dataclasses.replace(SMALL, **{field: value})
    logits_BxK, gradients, _ = trained(network, random_variables(network), samples())
    assert_learns(network, gradients)
    default_BxK, _, _ = trained(SMALL, random_variables(SMALL), samples())
    assert np.isfinite(logits_BxK).all()
    assert np.abs(logits_BxK - default_BxK).max() > 1e-2


@pytest.mark.parametrize(
    "field, value, lacks, has",
    [
        ("position", "none", (), ()),
        ("position", "unified", (), ()),
        ("attention", "per_frame", (), ()),
        ("activation", "softmax", (), ()),
        ("regularization", "none", ("layer_0_spatial/global_map", "layer_1_spatial/global_map"), ()),
        ("regularization", "spatial_temporal", (), ("layer_0_temporal/global_map", "layer_1_temporal/global_map")),
    ],
)
def test_parameters_of_a_choice(field, value, lacks, has):
    def names(network):
        return set(traverse_util.flatten_dict(shapes_of(network, FRAMES, JOINTS)["params"], sep="/"))

    assert names(dataclasses.replace(SMALL, **{field: value})) == names(SMALL) - set(lacks) | set(has)


# Empty bodies: one row for all of them.

PACKED_SAMPLES = 4
EMPTY = {
    "none": [],
    "one": [(1, 1)],
    "several": [(0, 1), (2, 0), (2, 1), (3, 1)],  # sample 2 has nobody at all
}


def packed(x_BxTxVxMxC, empty):
    """Rows and shares with one zero row for all empty bodies; rows of no share fill up to B M + 1.

    A row of no share is full of numbers that must not matter.
    """
    count = PACKED_SAMPLES * BODIES + 1
    rows = list(1e2 * np.random.default_rng(9).normal(size=(count, *x_BxTxVxMxC.shape[1:3], 3)))
    share_BxR = np.zeros((PACKED_SAMPLES, count))
    rows[0] = np.zeros_like(rows[0])
    used = 1
    for b in range(PACKED_SAMPLES):
        for m in range(BODIES):
            if (b, m) in empty:
                share_BxR[b, 0] += 1 / BODIES
            else:
                rows[used] = x_BxTxVxMxC[b, :, :, m]
                share_BxR[b, used] = 1 / BODIES
                used += 1
    assert used == count - len(empty)
    return np.stack(rows), share_BxR


@pytest.mark.parametrize("empty", sorted(EMPTY))
@pytest.mark.parametrize("temporal", ["attention", "conv"])
def test_empty_bodies_share_a_row(temporal, empty):
    network = dataclasses.replace(SMALL, temporal=temporal)
    with jax.enable_x64(True):
        x_BxTxVxMxC = samples(1, PACKED_SAMPLES).astype(np.float64)
        for b, m in EMPTY[empty]:
            x_BxTxVxMxC[b, :, :, m] = 0
        variables = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), random_variables(network))
        dense = trained(network, variables, x_BxTxVxMxC)
        rows_RxTxVxC, share_BxR = packed(x_BxTxVxMxC, EMPTY[empty])
        found = compiled(network)(variables, jnp.asarray(rows_RxTxVxC), jnp.asarray(share_BxR))
        assert found[0].dtype == jnp.float64
        assert jax.tree.structure(found) == jax.tree.structure(dense)
        for (path, ours), other in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(dense), strict=True):
            np.testing.assert_allclose(ours, other, rtol=0, atol=1e-10, err_msg=str(path))


def test_empty_bodies_share_a_row_in_evaluation():
    """Without rows of no share: R is what a packed batch has."""
    x_BxTxVxMxC = samples(1, PACKED_SAMPLES)
    for b, m in EMPTY["several"]:
        x_BxTxVxMxC[b, :, :, m] = 0
    rows_RxTxVxC, share_BxR = packed(x_BxTxVxMxC, EMPTY["several"])
    used = PACKED_SAMPLES * BODIES + 1 - len(EMPTY["several"])
    variables = random_variables(SMALL)
    found = evaluation(SMALL)(
        variables, jnp.asarray(rows_RxTxVxC[:used], jnp.float32), jnp.asarray(share_BxR[:, :used], jnp.float32)
    )
    dense = evaluation(SMALL)(variables, bodies_as_rows(jnp.asarray(x_BxTxVxMxC)))
    np.testing.assert_allclose(found, dense, rtol=0, atol=1e-5)


# What must not matter.


def test_rows_are_bodies_in_order():
    x_BxTxVxMxC = samples()
    rows = bodies_as_rows(jnp.asarray(x_BxTxVxMxC))
    assert rows.shape == (SAMPLES * BODIES, FRAMES, JOINTS, 3)
    for b in range(SAMPLES):
        for m in range(BODIES):
            np.testing.assert_array_equal(rows[b * BODIES + m], x_BxTxVxMxC[b, :, :, m])


def evaluated(x_BxTxVxMxC):
    return np.asarray(evaluation(SMALL)(random_variables(SMALL), bodies_as_rows(jnp.asarray(x_BxTxVxMxC))))


def test_samples_are_independent_in_evaluation():
    logits_BxK = evaluated(samples(2, PACKED_SAMPLES))
    order = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(evaluated(samples(2, PACKED_SAMPLES)[order]), logits_BxK[order], rtol=0, atol=1e-5)
    other = samples(2, PACKED_SAMPLES)
    other[1:] = samples(3, PACKED_SAMPLES)[1:]
    np.testing.assert_allclose(evaluated(other)[0], logits_BxK[0], rtol=0, atol=1e-5)
    assert np.abs(evaluated(other)[1:] - logits_BxK[1:]).max() > 1e-2


def test_the_order_of_bodies_does_not_matter():
    x_BxTxVxMxC = samples(2, PACKED_SAMPLES)
    np.testing.assert_allclose(evaluated(x_BxTxVxMxC[:, :, :, ::-1]), evaluated(x_BxTxVxMxC), rtol=0, atol=1e-5)


TREE = Layout("tree", ("root", "trunk", "left", "right", "tip"), (0, 0, 1, 1, 3))
ORDER = np.array([3, 1, 4, 0, 2])  # the new order's joints, by their old number


def permuted(layout, order):
    """The same skeleton with its joints in another order."""
    new_number = np.argsort(order)
    parents = tuple(int(new_number[layout.parents[joint]]) for joint in order)
    return Layout("permuted", tuple(layout.joints[joint] for joint in order), parents)


def bones(x_BxTxVxMxC, layout):
    """The `spatial` stream, all frames in order."""
    x_BxMxTxVxC = np.ascontiguousarray(np.moveaxis(x_BxTxVxMxC, 3, 1))
    batch, bodies, frames = x_BxMxTxVxC.shape[:3]
    rows = batch * bodies
    bone_RxTxVxC = streams.sampled_stream(
        x_BxMxTxVxC.reshape(rows * frames, *x_BxMxTxVxC.shape[3:]),
        frames * np.arange(rows),
        np.full(rows, frames),
        np.tile(np.arange(frames), (rows, 1)),
        "spatial",
        1,
        layout,
    )
    return np.moveaxis(bone_RxTxVxC.reshape(x_BxMxTxVxC.shape), 1, 3)


def initial_of(network):
    """Random kernels, initial global map and BatchNorm: no joint differs from another."""
    flat = traverse_util.flatten_dict(random_variables(network))
    return traverse_util.unflatten_dict(
        {path: np.full_like(leaf, 1 / JOINTS) if path[-1] == "global_map" else leaf for path, leaf in flat.items()}
    )


@pytest.mark.parametrize("position, same", [("none", True), ("decoupled", False)])
def test_the_order_of_joints(position, same):
    """Nothing but the position encoding tells joints apart before training, if the bones move with them."""
    network = dataclasses.replace(SMALL, position=position)
    logits_BxK, _, _ = trained(network, initial_of(network), bones(samples(), TREE))
    reordered = bones(samples()[:, :, ORDER], permuted(TREE, ORDER))
    reordered_BxK, _, _ = trained(network, initial_of(network), reordered)
    assert np.allclose(reordered_BxK, logits_BxK, rtol=0, atol=2e-4) == same
    if same:  # the bones do have to move with the joints
        wrong_BxK, _, _ = trained(network, initial_of(network), bones(samples()[:, :, ORDER], TREE))
        assert np.abs(wrong_BxK - logits_BxK).max() > 1e-2


# bfloat16.


@pytest.mark.parametrize("temporal", ["attention", "conv"])
def test_bfloat16_is_for_features_and_products_alone(temporal):
    exact = dataclasses.replace(SMALL, temporal=temporal)
    rounded = dataclasses.replace(exact, precision="bfloat16")
    variables = random_variables(exact)
    x_BxTxVxMxC = samples()
    for leaf in jax.tree.leaves(shapes_of(rounded, FRAMES, JOINTS)):
        assert leaf.dtype == jnp.float32
    (logits_BxK, gradients, statistics), expected = (
        trained(network, variables, x_BxTxVxMxC) for network in (rounded, exact)
    )
    for leaf in jax.tree.leaves((logits_BxK, gradients, statistics)):
        assert leaf.dtype == jnp.float32
    assert 1e-5 < np.abs(logits_BxK - expected[0]).max() < 0.1 * np.abs(expected[0]).max()
    for found, wanted in zip(jax.tree.leaves(statistics), jax.tree.leaves(expected[2]), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0.05, atol=0.02 * np.abs(wanted).max())
