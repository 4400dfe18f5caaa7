"""Attention maps out of a network: what they must be where that is known, of every kind of network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsta_jax import get_config
from dsta_jax.members import Members
from dsta_jax.report import attention

JOINTS, FRAMES = 22, 8


@pytest.fixture
def attend(made_data):
    """Maps of a random network with some choices, for the first recording; `change` changes its parameters."""

    def run(change=None, bodies=1, **choices):
        config = get_config("own:small,spatial,fast_temporal")
        config.data.update({"sampled_frames": 10, "frames": FRAMES})
        config.model.update({"input_channels": 4, "channels": (4, 4, 4), "embedding": (2, 2, 2), "heads": 2})
        config.model.update({"strides": (2, 1, 1), **choices})
        data = made_data(("one", "two"), bodies=bodies)
        members = Members(config, data.benchmark, ())
        network = members.network

        def initial(key):
            return network.init(key, jnp.zeros((bodies, FRAMES, JOINTS, 3)), train=False)

        model = jax.vmap(initial)(jax.random.split(jax.random.key(0), 2))
        if change:
            path = jax.tree_util.tree_map_with_path
            model = path(lambda keys, leaf: change(keys[-1].key, leaf), model)
        return attention.attend(members, model, "fast_temporal", data.select(np.arange(1)))

    return run


def test_maps_are_of_the_first_and_the_last_layer_and_of_each_head(attend):
    found = attend()
    assert [(maps.layer, maps.axis) for maps in found.maps] == [
        (1, "spatial"),
        (1, "temporal"),
        (3, "spatial"),
        (3, "temporal"),
    ]
    shapes = [maps.map_SxPxP.shape for maps in found.maps]
    assert shapes == [(2, JOINTS, JOINTS), (2, FRAMES, FRAMES), (2, JOINTS, JOINTS), (2, FRAMES // 2, FRAMES // 2)]


def test_without_what_depends_on_the_sample_the_global_map_is_left(attend):
    def change(name, leaf):
        if name == "global_map":
            return jnp.arange(leaf.size, dtype=jnp.float32).reshape(leaf.shape)
        return jnp.zeros_like(leaf) if name == "alpha" else leaf

    maps = attend(change, regularization="spatial_temporal").maps
    for one in maps:
        count = one.map_SxPxP.size
        np.testing.assert_array_equal(one.map_SxPxP.ravel(), count + np.arange(count), "of the second network")


def test_rows_are_what_enters(attend):
    for maps in attend(regularization="none", activation="softmax").maps:
        np.testing.assert_allclose(maps.map_SxPxP.sum(1), 1, atol=1e-5)


def test_a_map_for_each_frame_is_averaged(attend):
    maps = attend(attention="per_frame", regularization="none", activation="softmax").maps
    assert maps[0].map_SxPxP.shape == (2, JOINTS, JOINTS)
    np.testing.assert_allclose(maps[0].map_SxPxP.sum(1), 1, atol=1e-5)


def test_convolutions_over_time_have_no_maps(attend):
    assert [maps.axis for maps in attend(temporal="conv").maps] == ["spatial", "spatial"]


def test_poses_are_the_joints_that_the_network_sees(attend, made_data):
    data = made_data(("one", "two"), bodies=2)
    found = attend(bodies=2)
    frames_TxVxC = data.frames_FxVxC[data.start_NxM[0, 0] :][: data.length_N[0]]
    index = (np.arange(1, 9) * 7.0).astype(int)  # 8 in the middle of 10 that are spread over 70
    np.testing.assert_array_equal(found.pose_TxVxC, frames_TxVxC[index])
