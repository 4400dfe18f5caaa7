"""The hub's directory: what is damaged, or does not fit, is told."""

import json

import numpy as np
import pytest

import dsta_jax
from dsta_jax.errors import UserError
from dsta_jax.weights import exporting

numpy_format = pytest.importorskip("safetensors.numpy")
open_file = pytest.importorskip("safetensors").safe_open


@pytest.fixture
def hub(tiny, trained_run, tmp_path):
    exporting.run(str(trained_run(tiny)), str(tmp_path / "hub"))
    return tmp_path / "hub"


def changed(hub, change) -> None:
    arrays = numpy_format.load((hub / "model.safetensors").read_bytes())
    (hub / "model.safetensors").write_bytes(numpy_format.save(change(arrays)))


def test_names_and_metadata(hub):
    with open_file(hub / "model.safetensors", framework="np") as file:
        assert file.metadata() == {"format": "flax"}
        assert {"spatial.params.classifier.kernel", "spatial.batch_stats.input_map.norm.mean"} <= set(file.keys())


def test_weights_that_are_cut(hub):
    content = (hub / "model.safetensors").read_bytes()
    (hub / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="model.safetensors: not readable as safetensors"):
        dsta_jax.load(hub)


def test_weights_of_another_network(hub):
    changed(hub, lambda arrays: {name: array for name, array in arrays.items() if "alpha" not in name})
    with pytest.raises(UserError, match=r"of other networks than config.json beside it: missing spatial.*more"):
        dsta_jax.load(hub)


def test_weights_in_another_precision(hub):
    changed(hub, lambda arrays: {name: array.astype(np.float16) for name, array in arrays.items()})
    with pytest.raises(UserError, match="is of float16, expected float32"):
        dsta_jax.load(hub)


def test_no_folds_there(hub):
    with pytest.raises(UserError, match="fold=3, but the weights of one network a stream are there"):
        dsta_jax.load(hub, fold=3)


def test_everything_that_answers_need_is_in_config_json(hub):
    content = json.loads((hub / "config.json").read_text())
    assert content["benchmark"]["class_names"] == ["wave", "point"]
    assert content["config"]["streams"] == ["spatial_temporal", "spatial"]
