"""Meshes: members first, then batches, never unevenly."""

import logging

import jax
import numpy as np
import pytest

from dsta_jax import parallel


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
