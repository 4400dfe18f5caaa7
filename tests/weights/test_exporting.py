"""A run goes out: as PyTorch files by the authors' names, and as a directory for the hub; both bit by bit."""

import json

import numpy as np
import pytest

import dsta_jax
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.weights import exporting, torch_file, trained
from tests.weights.conftest import recordings


def test_a_directory_of_the_hub_answers_as_the_run(tiny, trained_run, tmp_path, capsys):
    run, out = trained_run(tiny), tmp_path / "hub"
    exporting.run(str(run), str(out))
    assert {path.name for path in out.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    assert str(out) in capsys.readouterr().out
    frames = [np.random.default_rng(seed).normal(size=(9, 6, 3)) for seed in range(3)]
    for ours, hubs in zip(dsta_jax.load(run)(frames), dsta_jax.load(out)(frames), strict=True):
        np.testing.assert_array_equal(ours.score_K, hubs.score_K)
        for stream in tiny.streams:
            np.testing.assert_array_equal(ours.streams[stream].score_K, hubs.streams[stream].score_K)


def test_no_directory_of_this_machine_is_told(tiny, trained_run, tmp_path):
    tiny.benchmark = "arrays"
    exporting.run(str(trained_run(tiny)), str(tmp_path / "hub"))
    config = json.loads((tmp_path / "hub" / "config.json").read_text())["config"]
    assert config["data"]["dir"] == "data" and "/" not in config["benchmark"] + config["init_from"]


def test_nothing_is_trained_there(tiny, trained_run, tmp_path):
    exporting.run(str(trained_run(tiny)), str(tmp_path / "hub"))
    with pytest.raises(UserError, match=r"nothing is trained there: .* by --config.init_from=.*hub"):
        Experiment(tiny, recordings()).train(tmp_path / "hub")


def test_a_directory_of_the_hub_goes_out_again(tiny, trained_run, tmp_path):
    exporting.run(str(trained_run(tiny)), str(tmp_path / "hub"))
    exporting.run(str(tmp_path / "hub"), str(tmp_path / "again"))
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("hub", "again")]
    assert weights[0] == weights[1]


def test_files_of_pytorch(tiny, trained_run, tmp_path):
    pytest.importorskip("torch", reason="needs PyTorch: launch/requirements/torch.txt")
    exporting.run(str(trained_run(tiny)), str(tmp_path / "x.pt"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x_spatial.pt", "x_spatial_temporal.pt"]
    state = torch_file.read(tmp_path / "x_spatial.pt")
    ours = trained.read(trained_run(tiny)).model["params"]
    np.testing.assert_array_equal(state["fc.weight"], ours["classifier"]["kernel"][1].T)
    np.testing.assert_array_equal(state["graph_layers.0.attention0s"][0], ours["layer_0_spatial"]["global_map"][1])


def test_nothing_is_written_over(tiny, trained_run, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(UserError, match=r"README.md is there already: choose another --out"):
        exporting.run(str(trained_run(tiny)), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_name_that_could_mean_two_things(tiny, trained_run, tmp_path):
    with pytest.raises(UserError, match=r"x.safetensors: expected NAME.pt, or a directory"):
        exporting.run(str(trained_run(tiny)), str(tmp_path / "x.safetensors"))
