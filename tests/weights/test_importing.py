"""The authors' weights become a run: the golden ones answer as the authors' network did."""

import json
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dsta_jax
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.members import make_network
from dsta_jax.models.dsta import bodies_as_rows
from dsta_jax.weights import exporting, importing, trained
from tests.weights.conftest import GOLDEN, golden_config, golden_state, recordings

torch = pytest.importorskip("torch", reason="needs PyTorch: launch/requirements/torch.txt")


def save(state, path) -> str:
    torch.save({name: torch.from_numpy(np.array(value)) for name, value in state.items()}, path)
    return str(path)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden_weights_give_the_authors_scores(load_golden, tmp_path, name, capsys):
    golden = load_golden(name)
    path = save({f"module.{key}": value for key, value in golden_state(golden).items()}, tmp_path / "best.pt")
    config = golden_config(name, tmp_path)
    importing.run([path], config, str(tmp_path / "run"))
    assert f"spatial_temporal: {path}\n" in capsys.readouterr().out
    found = trained.read(tmp_path / "run")
    variables = jax.tree.map(lambda leaf_N: leaf_N[0], found.model)
    x_RxTxVxC = bodies_as_rows(jnp.asarray(golden["input_NCTVM"].transpose(0, 2, 3, 4, 1)))
    score_BxK = make_network(found.config.model, found.benchmark).apply(variables, x_RxTxVxC, train=False)
    np.testing.assert_allclose(score_BxK, golden["logits_eval"], atol=1e-4)


@pytest.fixture
def exported(tiny, trained_run, tmp_path):
    """The files of a run of ours."""
    exporting.run(str(trained_run(tiny)), str(tmp_path / "ours.pt"))
    return [str(tmp_path / f"ours_{stream}.pt") for stream in tiny.streams]


def benchmark_file(tmp_path) -> str:
    """The benchmark of `recordings`, as a user writes it."""
    path = tmp_path / "star.toml"
    parents = "\n".join(f'{joint} = "wrist"' for joint in recordings().benchmark.source.layout.joints)
    path.write_text(
        f'name = "star"\nclasses = ["wave", "point"]\n[layout.parents]\n{parents}\n[normalize]\ncenter = "wrist"\n'
    )
    return str(path)


def test_a_run_goes_out_and_comes_back_bit_by_bit(tiny, trained_run, exported, tmp_path):
    tiny.benchmark = benchmark_file(tmp_path)
    importing.run(exported, tiny, str(tmp_path / "again"))
    ours, again = trained.read(trained_run(tiny)), trained.read(tmp_path / "again")
    jax.tree.map(np.testing.assert_array_equal, ours.model, again.model)
    frames_TxVxC = np.random.default_rng(1).normal(size=(9, 6, 3))
    answers = [dsta_jax.load(run)(frames_TxVxC).score_K for run in (trained_run(tiny), tmp_path / "again")]
    np.testing.assert_array_equal(*answers)


def test_streams_by_name_and_in_order(tiny, trained_run, exported, tmp_path):
    tiny.benchmark = benchmark_file(tmp_path)
    importing.run([f"spatial={exported[1]}"], tiny, str(tmp_path / "bones"))
    found = trained.read(tmp_path / "bones")
    assert found.config.streams == ("spatial",)
    ours = jax.tree.map(lambda leaf_N: leaf_N[1:], trained.read(trained_run(tiny)).model)
    jax.tree.map(np.testing.assert_array_equal, ours, found.model)


def test_an_imported_run_is_evaluated(tiny, exported, tmp_path, caplog):
    tiny.benchmark = benchmark_file(tmp_path)
    run = tmp_path / "run"
    caplog.set_level(logging.INFO, "dsta_jax")
    importing.run(exported, tiny, str(run))
    results = Experiment(tiny, recordings()).evaluate(run)
    assert results["samples"] == 2 and set(results["accuracy"]) == {"spatial_temporal", "spatial", "fused"}
    assert f"{run} was imported, and what it was trained with is not known: results go to {run}" in caplog.text
    assert len(list(run.glob("evaluations/arrays_*/results.json"))) == 1
    content = json.loads((run / "config.json").read_text())
    assert set(content["imported"]) == {"spatial_temporal", "spatial"}


def test_nothing_is_trained_there(tiny, exported, tmp_path):
    tiny.benchmark = benchmark_file(tmp_path)
    importing.run(exported, tiny, str(tmp_path / "run"))
    with pytest.raises(UserError, match=r"nothing is trained there: .* begin with them by --config.init_from="):
        Experiment(tiny, recordings()).train(tmp_path / "run")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a.pt"], "1 files for 2 streams: expected one for each of spatial_temporal, spatial, or STREAM=FILE"),
        (["spatial=a.pt", "b.pt"], "expected STREAM=FILE, with each of .* at most once"),
        (["spatial=a.pt", "spatial=b.pt"], "at most once"),
        (["spatial=a.pt"], "a.pt: no such file"),
    ],
)
def test_files_that_make_no_run(tiny, tmp_path, files, message, monkeypatch):
    tiny.benchmark = benchmark_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        importing.run(files, tiny, "run")
    assert not (tmp_path / "run").exists()


def test_weights_of_another_network(tiny, exported, tmp_path):
    tiny.benchmark = benchmark_file(tmp_path)
    tiny.model.heads = 3
    with pytest.raises(UserError, match=r"ours_spatial_temporal.pt: state dictionary is of another network; shapes .*"):
        importing.run(exported, tiny, str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_directory_that_is_not_empty(tiny, exported, tmp_path):
    tiny.benchmark = benchmark_file(tmp_path)
    with pytest.raises(UserError, match="is there already, and not empty: choose another --out"):
        importing.run(exported, tiny, str(tmp_path))


def test_where_each_subject_is_left_out(tmp_path, load_golden):
    config = golden_config("dsta_hand_stgr", tmp_path)
    config.benchmark = "dhg14"
    path = save(golden_state(load_golden("dsta_hand_stgr")), tmp_path / "best.pt")
    with pytest.raises(UserError, match=r"name the one that was left out of this training, as --config.folds=7"):
        importing.run([path], config, str(tmp_path / "run"))
    config.folds = (7,)
    importing.run([path], config, str(tmp_path / "run"))
    assert trained.read(tmp_path / "run", fold=7).place == tmp_path / "run" / "folds" / "subject_07"
