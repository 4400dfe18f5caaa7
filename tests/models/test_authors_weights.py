"""Names and layouts of the authors' state dictionaries: nothing is lost, doubled or turned."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.models import authors_weights
from dsta_jax.models.dsta import DSTANet

NETWORKS = {
    "dsta_hand": {"channels": (16, 32, 32), "embedding": (4, 8, 8), "strides": (1, 2, 1)},
    "dsta_body": {"channels": (16, 32, 48), "embedding": (4, 8, 8), "strides": (1, 2, 2)},
    "dsta_body_temporal_conv": {
        "channels": (16, 32, 48),
        "embedding": (4, 8, 8),
        "strides": (1, 2, 1),
        "temporal": "conv",
    },
    "dsta_hand_stgr": {
        "channels": (16, 32),
        "embedding": (4, 8),
        "strides": (1, 2),
        "regularization": "spatial_temporal",
    },
}
# What the network computes itself or does not need, by the end of the name.
NOT_NEEDED = ("pes.pe", "pet.pe", "atts", "attt", "num_batches_tracked")


def load(load_golden, name):
    """The names and shapes of a golden state dictionary, every number in it another; and our variables' shapes."""
    golden = load_golden(name)
    state, count = {}, 0
    for key in golden.files:
        torch_name = key.removeprefix("state/")
        if torch_name != key and not torch_name.endswith(NOT_NEEDED):
            shape = golden[key].shape
            state[torch_name] = count + np.arange(np.prod(shape, dtype=int)).reshape(shape)
            count += state[torch_name].size
    _, channels, frames, joints, bodies = golden["input_NCTVM"].shape
    network = DSTANet(golden["logits_eval"].shape[1], bodies, input_channels=16, **NETWORKS[name])
    x_RxTxVxC = jax.ShapeDtypeStruct((bodies, frames, joints, channels), jnp.float32)
    return state, jax.eval_shape(lambda key, x: network.init(key, x, train=False), jax.random.key(0), x_RxTxVxC)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_number_has_one_place(load_golden, name):
    state, like = load(load_golden, name)
    found = authors_weights.from_state_dict(state, like)
    numbers = np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(found)])
    np.testing.assert_array_equal(np.sort(numbers), np.arange(len(numbers)))
    assert jax.tree.map(lambda leaf: leaf.shape, found) == jax.tree.map(lambda leaf: leaf.shape, like)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_name_maps_and_back(load_golden, name):
    state, like = load(load_golden, name)
    back = authors_weights.to_state_dict(authors_weights.from_state_dict(state, like))
    assert sorted(back) == sorted(state)
    for torch_name, value in state.items():
        np.testing.assert_array_equal(back[torch_name], value, err_msg=torch_name)
        assert back[torch_name].flags.c_contiguous


@pytest.mark.parametrize("prefix", ["", "module.", "module.net.", "_orig_mod."])
def test_what_a_wrapper_put_before_all_names(load_golden, prefix):
    state, _ = load(load_golden, "dsta_hand_stgr")
    wrapped = {prefix + name: value for name, value in state.items()}
    assert list(authors_weights.without_prefix(wrapped)) == list(state)


def test_few_of_many_entries_are_listed(load_golden):
    state, like = load(load_golden, "dsta_hand_stgr")
    with pytest.raises(UserError, match=r"not known: a0, a1, a2 and 4 more$"):
        authors_weights.from_state_dict(state | {f"a{number}": np.zeros(1) for number in range(7)}, like)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_tables_and_counters_are_not_needed(load_golden, name):
    state, like = load(load_golden, name)
    golden = load_golden(name)
    extra = {key.removeprefix("state/"): golden[key] for key in golden.files if key.endswith(NOT_NEEDED)}
    assert extra
    with_extra = authors_weights.from_state_dict(state | extra, like)
    jax.tree.map(np.testing.assert_array_equal, with_extra, authors_weights.from_state_dict(state, like))


@pytest.mark.parametrize(
    "name",
    [
        "fc.weight.weight",
        "module.fc.weight",
        "input_map.2.weight",
        "input_map.0.running_mean",
        "graph_layers.0.alphas1",
        "graph_layers.0.in_nets1.weight",
        "graph_layers.0.in_nets.running_var",
        "graph_layers.0.downs.0.weight",
        "graph_layers.0.downs3.0.weight",
        "graph_layers.0.ff_nets.0",
        "graph_layers.0.ff_netx.0.weight",
        "graph_layers.x.ff_nets.0.weight",
        "graph_layers.0.pes.pe.pe",
    ],
)
def test_strange_names(load_golden, name):
    state, like = load(load_golden, "dsta_hand_stgr")
    with pytest.raises(UserError, match=f"another network; not known: {re.escape(name)}$"):
        authors_weights.from_state_dict(state | {name: np.zeros(1)}, like)


def test_missing_names_and_other_shapes(load_golden):
    state, like = load(load_golden, "dsta_hand_stgr")
    del state["graph_layers.0.alphas"]
    state["input_map.0.weight"] = state["input_map.0.weight"][:-1]
    state["input_map.0.bias"] = np.zeros(())
    with pytest.raises(UserError) as error:
        authors_weights.from_state_dict(state, like)
    assert "; missing: params/layer_0_spatial/alpha (graph_layers.0.alphas); shapes" in str(error.value)
    assert "input_map.0.weight is (15, 3, 1, 1), params/input_map/linear/kernel needs (3, 16)" in str(error.value)
    assert "input_map.0.bias is (), params/input_map/linear/bias needs (16,)" in str(error.value)


def test_layers_of_two_digits():
    path = ("params", "layer_10_temporal", "residual_2", "norm", "scale")
    assert authors_weights.torch_name(path) == "graph_layers.10.downt2.1.weight"
