"""The folded network gives the scores of the trained one, whatever Table 1 chose, without rows for absent bodies."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from dsta_jax.models import fold_batch_norm
from dsta_jax.models.dsta import bodies_as_rows
from tests.compiling import compile_fast
from tests.models.test_dsta import (
    BODIES,
    CLASSES,
    FRAMES,
    JOINTS,
    SMALL,
    VARIANTS,
    evaluation,
    random_variables,
    samples,
)

CONVOLUTION = dataclasses.replace(SMALL, temporal="conv")


@functools.cache
def folding(network):
    return compile_fast(functools.partial(fold_batch_norm.fold, network, frames=FRAMES, joints=JOINTS))


def folded(network):
    """The network as it is evaluated, and its variables."""
    return network.clone(folded=True), folding(network)(random_variables(network))


def scores(network, x_BxTxVxMxC):
    return evaluation(network)(random_variables(network), bodies_as_rows(jnp.asarray(x_BxTxVxMxC)))


def folded_scores(network, x_BxTxVxMxC):
    evaluated, variables = folded(network)
    return evaluation(evaluated)(variables, bodies_as_rows(jnp.asarray(x_BxTxVxMxC)))


@pytest.mark.parametrize("field, value", [("heads", 3), *VARIANTS])
def test_the_scores_are_the_same(field, value):
    network = dataclasses.replace(SMALL, **{field: value})
    expected_BxK = scores(network, samples())
    assert np.abs(expected_BxK).max() > 0.1
    np.testing.assert_allclose(folded_scores(network, samples()), expected_BxK, rtol=0, atol=1e-5)


@pytest.mark.parametrize("network", [SMALL, CONVOLUTION], ids=["attention", "conv"])
def test_absent_bodies_need_no_row(network):
    """Sample 0 has two bodies, sample 1 one, sample 2 none."""
    x_BxTxVxMxC = samples()
    x_BxTxVxMxC[1, :, :, 1] = 0
    x_BxTxVxMxC[2] = 0
    rows = np.stack([x_BxTxVxMxC[0, :, :, 0], x_BxTxVxMxC[0, :, :, 1], x_BxTxVxMxC[1, :, :, 0]])
    share_BxR = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32) / BODIES
    evaluated, variables = folded(network)
    found_BxK = evaluation(evaluated)(variables, jnp.asarray(rows), jnp.asarray(share_BxR))
    np.testing.assert_allclose(found_BxK, scores(network, x_BxTxVxMxC), rtol=0, atol=1e-5)
    assert np.abs(variables["params"]["absent_body"]).max() > 1e-2


def test_no_norm_is_left():
    _, variables = folded(SMALL)
    assert set(variables) == {"params"}
    plain = traverse_util.flatten_dict(random_variables(SMALL)["params"], sep="/")
    left = traverse_util.flatten_dict(variables["params"], sep="/")
    assert set(left) == {name for name in plain if "/norm/" not in name} | {"absent_body"}
    assert left["absent_body"].shape == (CLASSES,)


def test_a_channel_that_never_varied():
    """It is divided by the root of BatchNorm's epsilon, not by zero."""
    variables = random_variables(SMALL)
    variables["batch_stats"]["input_map"]["norm"]["var"][:] = 0
    plain_BxK = evaluation(SMALL)(variables, bodies_as_rows(jnp.asarray(samples())))
    evaluated = SMALL.clone(folded=True)
    found_BxK = evaluation(evaluated)(folding(SMALL)(variables), bodies_as_rows(jnp.asarray(samples())))
    assert np.isfinite(plain_BxK).all()
    np.testing.assert_allclose(found_BxK, plain_BxK, rtol=1e-4)


@pytest.mark.parametrize("train, frames", [(False, FRAMES // 2), (True, FRAMES)])
def test_frames_that_are_dropped_are_computed_for_the_statistics_alone(train, frames):
    def intermediates(variables, x_RxTxVxC):
        _, found = SMALL.apply(
            variables, x_RxTxVxC, train=train, capture_intermediates=True, mutable=["batch_stats", "intermediates"]
        )
        return found["intermediates"]["layer_1_temporal"]

    rows = bodies_as_rows(jnp.asarray(samples()))
    found = jax.eval_shape(intermediates, random_variables(SMALL), rows)
    for module, expected in (("query_key", FRAMES), ("join_heads", frames), ("residual_1", frames)):
        assert found[module]["__call__"][0].shape[1] == expected, module
