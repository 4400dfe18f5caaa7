"""A training begins with another run's networks: what fits is taken, the rest is fresh, and resuming reads nothing."""

import dataclasses
import json
import logging
import shutil
import signal

import jax
import ml_collections
import numpy as np
import pytest

from dsta_jax import train
from dsta_jax.datasets.benchmark import Protocol
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.train_state import RateParts
from dsta_jax.weights import exporting, fine_tuning, trained
from tests.weights.conftest import JOINTS, recordings

# The order of joints is another, one is not there, one is new.
OTHER_JOINTS = ("wrist", "index", "thumb", "palm", "ring", "pinky")


@pytest.fixture
def tuned(tiny, trained_run):
    """A configuration that begins with the run."""
    config = ml_collections.ConfigDict(tiny)
    config.init_from = str(trained_run(tiny))
    return config


def begun(config, data):
    """The state before the first step, one of sevens that it is made of, and the networks that it begins with."""
    members = Experiment(config, data).members
    mesh = members.mesh(config.train.batch_size)
    shapes = jax.eval_shape(train._init(members, members.names))
    fresh = jax.tree.map(lambda leaf: jax.device_put(np.full(leaf.shape, 7, leaf.dtype)), shapes)
    found = fine_tuning.read(config.init_from, members)
    state = fine_tuning.begin(fresh, found, members, mesh)
    return jax.device_get(state), jax.device_get(fresh), found.model


def run(config, data, directory):
    Experiment(config, data).train(directory)
    return trained.read(directory).model


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_the_same_task_takes_everything(tuned):
    state, fresh, model = begun(tuned, recordings(seed=1))
    assert_same(state.params, model["params"])
    assert_same(state.batch_stats, model["batch_stats"])
    assert_same(state.opt_state, fresh.opt_state)


def test_the_head_is_fresh_for_other_classes(tuned):
    state, fresh, model = begun(tuned, recordings(classes=("wave", "stop")))
    assert_same(state.params["classifier"], fresh.params["classifier"])
    state.params.pop("classifier"), model["params"].pop("classifier")
    assert_same(state.params, model["params"])


def test_joints_go_by_name(tuned):
    state, fresh, model = begun(tuned, recordings(joints=OTHER_JOINTS))
    for layer in ("layer_0_spatial", "layer_1_spatial"):
        now, then, new = (tree[layer]["global_map"] for tree in (state.params, model["params"], fresh.params))
        for u, one in enumerate(OTHER_JOINTS):
            for v, other in enumerate(OTHER_JOINTS):
                taken = "palm" not in (one, other)
                expected = then[:, :, JOINTS.index(one), JOINTS.index(other)] if taken else new[:, :, u, v]
                np.testing.assert_array_equal(now[:, :, u, v], expected)
    assert_same(state.params["layer_0_spatial"]["query_key"], model["params"]["layer_0_spatial"]["query_key"])


def test_another_number_of_joints_and_frames(tuned):
    tuned.data.sampled_frames = tuned.data.frames = 10
    state, _, model = begun(tuned, recordings(joints=("pinky", "wrist", "ring")))
    place = [JOINTS.index(joint) for joint in ("pinky", "wrist", "ring")]
    now, then = (tree["layer_0_spatial"]["global_map"] for tree in (state.params, model["params"]))
    np.testing.assert_array_equal(now, then[..., place, :][..., place])


def test_a_stream_that_is_not_there_is_fresh(tuned):
    tuned.streams = ("fast_temporal", "spatial")
    state, fresh, model = begun(tuned, recordings())
    for name in ("params", "batch_stats"):
        now, new = getattr(state, name), getattr(fresh, name)
        assert_same(jax.tree.map(lambda leaf: leaf[0], now), jax.tree.map(lambda leaf: leaf[0], new))
        assert_same(jax.tree.map(lambda leaf: leaf[1], now), jax.tree.map(lambda leaf: leaf[1], model[name]))


def test_what_was_loaded_is_told_once(tuned, caplog, tmp_path):
    caplog.set_level(logging.INFO, "dsta_jax")
    tuned.streams, tuned.train.loaded_rate = ("fast_temporal", "spatial"), 0.0
    Experiment(tuned, recordings(classes=("up", "down"), joints=OTHER_JOINTS)).train(tmp_path / "run")
    (told,) = (record.getMessage() for record in caplog.records if "begins with" in record.getMessage())
    assert "fast_temporal: all fresh, as spatial_temporal, spatial are there" in told
    assert (
        "classifier 0 of 2" in told and "fresh: classifier/bias, classifier/kernel; in maps over joints: palm" in told
    )
    assert "what was loaded is frozen; BatchNorm's statistics follow the new recordings" in told


def test_the_loaded_part_learns_at_its_part_of_the_rate(tuned):
    tuned.train.loaded_rate = 0.25
    state, _, _ = begun(tuned, recordings(classes=("wave", "stop"), joints=OTHER_JOINTS))
    parts = state.opt_state[-1]
    assert isinstance(parts, RateParts)
    assert (parts.part["classifier"]["kernel"] == 1).all() and (parts.part["input_map"]["linear"]["bias"] == 0.25).all()
    of_map = parts.part["layer_0_spatial"]["global_map"][0, 0]
    palm = OTHER_JOINTS.index("palm")
    assert (of_map[palm] == 1).all() and (of_map[:, palm] == 1).all() and (of_map == 0.25).sum() == 25


def test_a_frozen_part_stays_while_the_rest_learns(tuned, tmp_path):
    tuned.train.loaded_rate = 0.0
    data = recordings(classes=("wave", "stop"))
    _, _, model = begun(tuned, data)
    after = run(tuned, data, tmp_path / "run")
    assert np.abs(after["params"]["classifier"]["bias"]).min() > 1e-3, "it was zero"
    after["params"].pop("classifier"), model["params"].pop("classifier")
    assert_same(after["params"], model["params"])
    norm = (tree["batch_stats"]["input_map"]["norm"]["mean"] for tree in (after, model))
    assert not np.array_equal(*norm), "statistics follow the recordings"


def stop_after(monkeypatch, step):
    count = iter(range(1, 100))
    note = train.Reporter.note

    def note_and_stop(reporter, *given):
        note(reporter, *given)
        if next(count) == step:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(train.Reporter, "note", note_and_stop)


def test_a_resumed_run_loads_nothing_and_is_the_same(tuned, tmp_path, monkeypatch):
    shutil.copytree(tuned.init_from, tmp_path / "begun_with")
    tuned.init_from, tuned.train.loaded_rate = str(tmp_path / "begun_with"), 0.5
    data = recordings(classes=("wave", "stop"))
    whole = run(tuned, data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        assert Experiment(tuned, data).train(tmp_path / "parts") is None
    shutil.rmtree(tmp_path / "begun_with")
    assert_same(run(tuned, data, tmp_path / "parts"), whole)
    contents = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("whole", "parts")]
    assert contents[0]["loaded"] == contents[1]["loaded"] and len(contents[0]["loaded"]) == 16
    assert contents[0]["config"]["init_from"] == str(tmp_path / "begun_with")


def test_other_weights_matter_only_before_the_first_checkpoint(tuned, tmp_path):
    data, directory = recordings(), tmp_path / "run"
    run(tuned, data, directory)
    shutil.rmtree(directory / "checkpoints")
    path = directory / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"loaded": "0" * 16}))
    with pytest.raises(UserError, match=r"config.init_from=.* holds other weights than when this run was begun"):
        Experiment(tuned, data).train(directory)


def test_a_directory_of_the_hub_is_the_same(tuned, tmp_path):
    pytest.importorskip("safetensors")
    _, _, of_run = begun(tuned, recordings())
    exporting.run(tuned.init_from, str(tmp_path / "hub"))
    tuned.init_from = str(tmp_path / "hub")
    state, _, of_hub = begun(tuned, recordings())
    assert_same(of_run, of_hub)
    assert_same(state.params, of_run["params"])


def test_recordings_of_the_same_set_divided_in_another_way(tuned, caplog):
    begun(tuned, recordings())
    assert "may have trained it" not in caplog.text
    data = recordings()
    names = tuple(data.columns["split"].tolist())
    other = dataclasses.replace(data.benchmark, protocol=Protocol("split", test=tuple({names[0]})))
    begun(tuned, dataclasses.replace(data, benchmark=other))
    assert "some of those that test here may have trained it" in caplog.text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("model.activation", "softmax", "of another network: config.model.activation was tanh, is softmax; train one"),
        ("model.channels", (4, 8), "config.model.channels was"),
        ("streams", ("fast_temporal",), "has spatial_temporal, spatial, and none of the streams to be trained, fast"),
        ("init_from", "nowhere", "nowhere/config.json is not there"),
    ],
)
def test_what_training_cannot_begin_with(tuned, field, value, message):
    tuned.update_from_flattened_dict({field: value})
    with pytest.raises(UserError, match=message):
        begun(tuned, recordings())


def test_networks_of_folds(tuned, tmp_path):
    data = recordings(split=None, subjects=[1, 2] * 4)
    tuned.init_from, tuned.folds = "", (1,)
    Experiment(tuned, data).train(tmp_path / "folds")
    tuned.init_from, tuned.folds = str(tmp_path / "folds"), ()
    with pytest.raises(UserError, match="there are networks for each subject that was left out; export those of one"):
        begun(tuned, recordings())
    exporting.run(tuned.init_from, str(tmp_path / "hub"), fold=1)
    tuned.init_from = str(tmp_path / "hub")
    state, _, model = begun(tuned, recordings())
    assert_same(state.params, model["params"])


def test_all_folds_begin_with_the_same(tuned):
    state, _, model = begun(tuned, recordings(split=None, subjects=[1, 2] * 4, seed=1))
    twice = jax.tree.map(lambda leaf_N: np.concatenate([leaf_N, leaf_N]), model["params"])
    assert_same(state.params, twice)
