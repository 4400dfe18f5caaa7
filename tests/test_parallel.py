"""Meshes: members first, then batches, never unevenly."""

import logging
import re

import jax
import numpy as np
import pytest

from dsta_jax import checkpoint, evaluate, parallel, train
from dsta_jax.experiment import Experiment
from dsta_jax.members import Members, variable_shapes
from tests import compiling


@pytest.mark.parametrize(
    ("members", "batch", "count", "shape"),
    [
        (4, 32, 8, (4, 2)),
        (1, 32, 8, (1, 8)),
        (20, 32, 8, (4, 2)),
        (8, 32, 8, (8, 1)),
        (4, 32, 1, (1, 1)),
        (4, 7, 8, (1, 7)),
        (3, 32, 8, (1, 8)),
    ],
)
def test_shape(use_devices, members, batch, count, shape):
    use_devices(count)
    assert parallel.make_mesh(members, batch).devices.shape == shape


def test_idle_devices_are_told(use_devices, caplog):
    use_devices(8)
    with caplog.at_level(logging.WARNING):
        parallel.make_mesh(4, 7)
    assert "7 of 8 devices are used" in caplog.text


def test_put_gives_each_device_its_part(use_devices, strict_transfers):
    use_devices(8)
    mesh = parallel.make_mesh(2, 8)
    array = np.arange(2 * 8 * 3).reshape(2, 8, 3)
    placed = parallel.put(array, parallel.by_member_and_batch(mesh))
    assert {shard.data.shape for shard in placed.addressable_shards} == {(1, 2, 3)}
    np.testing.assert_array_equal(jax.device_get(placed), array)
    assert parallel.put(array, parallel.everywhere(mesh)).is_fully_replicated
    assert {shard.data.shape for shard in parallel.put(array, parallel.by_member(mesh)).addressable_shards} == {
        (1, 8, 3)
    }


@pytest.mark.parametrize(
    ("members", "count", "most", "in_turn"),
    [(4, 1, 4, 4), (4, 1, 3, 2), (4, 1, 100, 4), (3, 1, 2, 1), (20, 4, 12, 1), (20, 4, 20, 5), (4, 4, 1, 1)],
)
def test_members_in_turn(use_devices, members, count, most, in_turn):
    use_devices(count)
    assert parallel.members_in_turn(parallel.make_mesh(members, 1), members, most) == in_turn


@pytest.mark.parametrize(("members", "in_turn"), [(4, 4), (4, 2), (8, 1)])
def test_over_members(use_devices, members, in_turn):
    """The step sees one member, and every member gets its own result."""
    use_devices(4 if members == 8 else 1)
    mesh = parallel.make_mesh(members, 1)
    seen = []

    def step(x_B, scale):
        seen.append(x_B.shape)
        return {"scaled": x_B * scale}

    x_NxB, scale_N = np.arange(3.0 * members).reshape(members, 3), np.arange(members) + 1.0
    found = jax.jit(parallel.over_members(mesh, members, in_turn)(step))(x_NxB, scale_N)
    np.testing.assert_allclose(found["scaled"], x_NxB * scale_N[:, None], rtol=1e-6)
    assert set(seen) == {(3,)}


COLLECTIVES = (
    "all-gather|all-reduce|all-to-all|collective-broadcast|collective-permute|ragged-all-to-all|reduce-scatter"
)


def collectives(compiled):
    """Names of the operations between devices in a compiled program."""
    return set(re.findall(rf" ({COLLECTIVES})(?:-start)?\(", compiled.as_text()))


def compiled_training(members, in_turn=None):
    mesh = members.mesh(members.config.train.batch_size)
    shapes = checkpoint.with_sharding(jax.eval_shape(train._init(members, members.names)), mesh)
    batch = train.Feed(members, mesh).shapes(None)
    return mesh, train.compiled_step(members, mesh, shapes, in_turn).lower(shapes, batch).compile(compiling.OPTIONS)


def test_members_train_on_eight_devices_without_communication(config, use_devices):
    use_devices(8)
    one = Experiment(config).members
    members = Members(config, one.benchmark, one.folds * 4)  # of two streams each
    mesh, compiled = compiled_training(members)
    assert mesh.devices.shape == (8, 1)
    assert collectives(compiled) == set()
    use_devices(4)
    mesh, in_turns = compiled_training(members, in_turn=1)
    assert mesh.devices.shape == (4, 1)
    assert " while(" in in_turns.as_text() and collectives(in_turns) == set()


def test_a_batch_over_devices_needs_communication(config, use_devices):
    use_devices(8)
    mesh, compiled = compiled_training(Experiment(config).members)
    assert mesh.devices.shape == (2, 4)
    assert "all-reduce" in collectives(compiled), "BatchNorm sees the whole batch"


def test_evaluation_gathers_the_scores_and_nothing_else(config, use_devices):
    use_devices(8)
    members = Experiment(config).members
    mesh = parallel.make_mesh(8, 8)

    def shape(leaf, sharding):
        return jax.ShapeDtypeStruct((8, *leaf.shape[1:]), leaf.dtype, sharding=sharding)

    shapes = variable_shapes(members.network, members.input_shape(8), 2)
    model = jax.tree.map(lambda leaf: shape(leaf, parallel.by_member(mesh)), shapes)
    batch = train.Feed(members, mesh).shapes(None)
    batch = jax.tree.map(lambda leaf: shape(leaf, parallel.by_member_and_batch(mesh)), batch)
    fold = evaluate.compiled_fold(members.network, mesh, frames=8, joints=22)
    variables = jax.tree.map(lambda leaf: shape(leaf, parallel.by_member(mesh)), jax.eval_shape(fold, model))
    compiled = evaluate.compiled_step(members.network, mesh).lower(variables, batch).compile(compiling.OPTIONS)
    assert collectives(compiled) == {"all-gather"}
    assert re.findall(r"= (\S+?)\{\S* all-gather\(", compiled.as_text()) == ["f32[8,8,14]"]
