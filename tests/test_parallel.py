"""Meshes: members first, then batches, never unevenly."""

import logging
import re
import types

import jax
import numpy as np
import pytest

from dsta_jax import checkpoint, evaluate, parallel, train
from dsta_jax.errors import UserError
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


@pytest.mark.parametrize(("sizes", "shape"), [((1, 0), (1, 8)), ((2, 2), (2, 2)), ((0, 1), (4, 1)), ((0, 0), (4, 2))])
def test_sizes_that_are_given(use_devices, sizes, shape):
    use_devices(8)
    assert parallel.widest_mesh(4, 32, parallel.Sizes(*sizes)).devices.shape == shape


@pytest.mark.parametrize("sizes", [(3, 0), (4, 4), (0, 5)])
def test_sizes_that_do_not_divide(use_devices, sizes):
    use_devices(8)
    message = rf"4 networks and batches of 32 cannot be divided .* with config.mesh.member={sizes[0]}"
    with pytest.raises(UserError, match=message):
        parallel.widest_mesh(4, 32, parallel.Sizes(*sizes))


def test_devices_of_a_slice_and_of_a_process_lie_together():
    """Two slices of two processes each, told in any order."""
    made = [
        types.SimpleNamespace(id=number, process_index=number // 2, slice_index=1 - number // 4) for number in range(8)
    ]
    found = parallel._by_process(np.random.default_rng(0).permutation(np.array(made, object)).tolist())
    assert [[device.id for device in own] for own in found] == [[4, 5], [6, 7], [0, 1], [2, 3]]


def test_a_batch_that_processes_cannot_share(monkeypatch):
    """Every process must have a part of each step."""
    devices = [types.SimpleNamespace(id=number, process_index=number // 2, platform="cpu") for number in range(8)]
    monkeypatch.setattr(parallel, "devices", lambda: devices)
    with pytest.raises(UserError, match=r"batches of 6 .* over 4 processes of 2 devices .* multiple of 4"):
        parallel.widest_mesh(1, 6)


def test_the_part_that_a_process_needs(use_devices):
    """Of one process, all; and what it has is taken from its own place."""
    use_devices(8)
    sharding = parallel.by_member_and_batch(parallel.make_mesh(2, 8))
    assert parallel.own_part((2, 8, 3), sharding) == (slice(0, 2), slice(0, 8), slice(0, 3))


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
