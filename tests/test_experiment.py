"""An experiment and its working directory: what was trained is known, and nothing else is taken for it."""

import dataclasses
import json
import shutil
import signal

import jax.numpy as jnp
import numpy as np
import pytest

from dsta_jax import evaluate, experiment
from dsta_jax.data.records import Record
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.files import sole_writer
from tests import raw_recordings

TOML = f"{raw_recordings.TINY}[split]\nsubject = [4]\n"


def recordings(seed: int = 0, subjects=(1, 2, 3, 4), frames: int = 12) -> list[Record]:
    """Two recordings of each class by each subject: joints in a random walk."""
    rng = np.random.default_rng(seed)
    return [
        Record(
            f"s{subject}_{label}_{number}", label, subject, 1, 1,
            np.cumsum(rng.normal(size=(frames, 3, 2, 3)), axis=0).astype(np.float32),
        )
        for subject in subjects
        for label in range(3)
        for number in range(2)
    ]  # fmt: skip


@pytest.fixture
def place(tmp_path, config):
    """A directory with a benchmark's file and its set; `config` trains on it."""
    write(tmp_path, "data", recordings())
    (tmp_path / "tiny.toml").write_text(TOML)
    config.benchmark, config.data.dir = str(tmp_path / "tiny.toml"), str(tmp_path / "data")
    config.train.update({"epochs": 2.0, "batch_size": 6})
    return tmp_path


def write(directory, name, found):
    shutil.rmtree(directory / name, ignore_errors=True)
    raw_recordings.write_set(directory / name / "tiny" / "1.0.0", {"all": [found]})


def change(place, old, new):
    text = (place / "tiny.toml").read_text()
    assert old in text
    (place / "tiny.toml").write_text(text.replace(old, new))


def test_missing_recordings_name_the_command(config, tmp_path):
    config.benchmark, config.data.dir = "shrec28", str(tmp_path)
    with pytest.raises(UserError, match=rf"make it with: python -m data_prep.convert --from=shrec17 .*{tmp_path}"):
        Experiment(config).train(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_edited_split_is_refused(place, config):
    Experiment(config).train(place / "run")
    change(place, "subject = [4]", "subject = [3]")
    with pytest.raises(UserError, match=r"benchmark.protocol.test was \(4,\), is \(3,\)"):
        Experiment(config).train(place / "run")


def test_what_was_moved_goes_on(place, config, caplog):
    results = Experiment(config).train(place / "run")
    for name in ("tiny.toml", "data", "run"):
        (place / name).rename(place / f"moved_{name}")
    config.benchmark, config.data.dir = str(place / "moved_tiny.toml"), str(place / "moved_data")
    with caplog.at_level("INFO"):
        assert Experiment(config).train(place / "moved_run") == results
    assert "finished already" in caplog.text
    again = experiment.of_run(place / "moved_run")
    assert again.evaluate(place / "moved_run")["accuracy"] == results["accuracy"]


def test_two_trainings_in_one_directory(place, config):
    results = Experiment(config).train(place / "run")
    before = (place / "run" / "config.json").read_bytes()
    config.members_per_step = 1  # which would be written to config.json
    with sole_writer(place / "run"):
        with pytest.raises(UserError, match="run: another program is writing there; wait for it or end it"):
            Experiment(config).train(place / "run")
        assert (place / "run" / "config.json").read_bytes() == before
        assert experiment.of_run(place / "run").evaluate(place / "run") == results
    assert Experiment(config).train(place / "run") == results


def test_a_training_holds_its_directory_until_it_ends(place, config, monkeypatch):
    def second(*_):
        with pytest.raises(UserError, match="another program is writing there"):
            Experiment(config).train(place / "run")
        return signal.SIGINT

    with monkeypatch.context() as patch:
        patch.setattr(experiment.train, "train", second)
        assert Experiment(config).train(place / "run") is None, "interrupted"
    assert Experiment(config).train(place / "run")


def test_no_place_for_a_directory(place, config):
    with pytest.raises(UserError, match="--workdir=.*: cannot be a working directory"):
        Experiment(config).train(place / "tiny.toml" / "run")


def test_evaluation_needs_no_benchmark_file(place, config):
    results = Experiment(config).train(place / "run")
    (place / "tiny.toml").unlink()
    assert experiment.of_run(place / "run").evaluate(place / "run") == results


def test_results_of_other_recordings_go_beside_the_runs_own(place, config, caplog):
    own = Experiment(config).train(place / "run")
    before = {path: path.read_bytes() for path in (place / "run").rglob("*") if path.is_file()}
    write(place, "elsewhere", recordings(seed=1))
    with caplog.at_level("INFO"):
        other = experiment.of_run(place / "run", {"data.dir": str(place / "elsewhere")}).evaluate(place / "run")
    (out,) = (place / "run" / "evaluations").iterdir()
    assert out.name.startswith("tiny_") and f"results go to {out}" in caplog.text
    assert json.loads((out / "results.json").read_text()) == other and other["accuracy"] != own["accuracy"]
    assert (out / "scores" / "test" / "spatial_temporal.npz").exists()
    assert {path: path.read_bytes() for path in before} == before
    assert Experiment(config).train(place / "run") == own, "finished already, with the run's own results"


def test_another_split_of_the_same_recordings_is_another_evaluation(place, config):
    Experiment(config).train(place / "run")
    benchmark = {"benchmark": str(place / "tiny.toml")}
    for old, new in (("[4]", "[2]"), ("[2]", "[3]")):
        change(place, f"subject = {old}", f"subject = {new}")
        for _ in range(2):
            experiment.of_run(place / "run", benchmark).evaluate(place / "run")
    assert len(list((place / "run" / "evaluations").iterdir())) == 2, "one for each split"


def test_a_benchmark_file_that_changed_is_told(place, config, caplog):
    results = Experiment(config).train(place / "run")
    assert experiment.of_run(place / "run") and "not what it was" not in caplog.text
    change(place, "subject = [4]", "subject = [2]")
    assert experiment.of_run(place / "run").evaluate(place / "run") == results, "of the benchmark of the training"
    path = place / "tiny.toml"
    assert f"{path} is not what it was when the run was trained (protocol." in caplog.text
    assert f"--config.benchmark={path} takes the file" in caplog.text
    path.write_text("[")
    assert experiment.of_run(place / "run").benchmark and "not readable as TOML" in caplog.text


def test_a_set_with_only_a_test_part_can_be_evaluated(place, config):
    Experiment(config).train(place / "run")
    write(place, "later", recordings(seed=2, subjects=(4,)))
    results = experiment.of_run(place / "run", {"data.dir": str(place / "later")}).evaluate(place / "run")
    assert results["samples"] == 6
    config.data.dir = str(place / "later")
    with pytest.raises(UserError, match="none of its recordings is for the train part of benchmark tiny"):
        Experiment(config).train(place / "other")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('["a", "b", "c"]', '["b", "a", "c"]', "other class_names"),
        ("bodies = 2", "bodies = 2\nchannels = 'xyc'", "other channels"),
        ("left =", "links =", "other joints"),
    ],
)
def test_what_the_network_was_not_trained_on_is_refused(place, config, old, new, what):
    Experiment(config).train(place / "run")
    change(place, old, new)
    with pytest.raises(UserError, match=what):
        experiment.of_run(place / "run", {"benchmark": str(place / "tiny.toml")}).evaluate(place / "run")


@pytest.mark.parametrize("field", ["model.heads", "train.epochs", "streams", "data.frames"])
def test_an_evaluation_takes_the_runs_own_fields(place, config, field):
    Experiment(config).train(place / "run")
    with pytest.raises(UserError, match=rf"--config.{field}: an evaluation takes the run's own"):
        experiment.of_run(place / "run", {field: 1})


@pytest.mark.parametrize(
    ("group", "field", "value"), [("data", "fast_interval", 3), ("model", "activation", "softmax")]
)
def test_an_evaluation_with_another_network_is_refused(place, config, group, field, value):
    Experiment(config).train(place / "run")
    config[group][field] = value
    with pytest.raises(UserError, match=f"trained with another configuration: config.{group}.{field} was"):
        Experiment(config).evaluate(place / "run")


def test_a_finished_run_without_checkpoints_trains_again(place, config):
    results = Experiment(config).train(place / "run")
    shutil.rmtree(place / "run" / "checkpoints")
    assert Experiment(config).train(place / "run") == results
    assert (place / "run" / "checkpoints" / "latest").is_dir()


def test_a_finished_run_without_the_best_checkpoint(place, config):
    config.data.update({"validation_fraction": 0.3, "validation_by": "recording"})
    results = Experiment(config).train(place / "run")
    shutil.rmtree(place / "run" / "checkpoints" / "latest")
    assert Experiment(config).train(place / "run") == results, "the best is all that is evaluated"
    shutil.rmtree(place / "run" / "checkpoints" / "best")
    with pytest.raises(UserError, match="best is not there any more, .*: copy it there again, or train in another"):
        Experiment(config).train(place / "run")


def test_a_finished_run_whose_last_checkpoint_is_damaged_goes_on(place, config):
    config.checkpoint.every_epochs = 1.0
    results = Experiment(config).train(place / "run")
    last = place / "run" / "checkpoints" / "latest" / str(results["step"])
    shutil.rmtree(last / "model")
    evaluated = experiment.of_run(place / "run").evaluate(place / "run")
    assert evaluated["step"] == evaluated["trained"] < results["step"]
    assert Experiment(config).train(place / "run") == results


@pytest.mark.parametrize("text", ['{"trained": "x"}', '{"trained": 16}', "[]", ""])
def test_results_that_are_not_whole_are_written_again(place, config, text):
    results = Experiment(config).train(place / "run")
    (place / "run" / "results.json").write_text(text)
    assert Experiment(config).train(place / "run") == results


def test_results_that_cannot_be_written(place, config):
    Experiment(config).train(place / "run")
    shutil.rmtree(place / "run" / "scores")
    (place / "run" / "scores").touch()
    with pytest.raises(UserError, match="scores.*: cannot be written"):
        Experiment(config).evaluate(place / "run")


def test_scores_that_are_not_finite_are_no_results(place, config, monkeypatch):
    Experiment(config).train(place / "run")
    before = (place / "run" / "results.json").read_bytes()
    compiled = evaluate.compiled_step
    monkeypatch.setattr(evaluate, "compiled_step", lambda *how: lambda *given: jnp.nan * compiled(*how)(*given))
    with pytest.raises(UserError, match="spatial_temporal: the scores of 6 of 6 recordings are not finite"):
        Experiment(config).evaluate(place / "run")
    assert (place / "run" / "results.json").read_bytes() == before


@pytest.mark.parametrize("frames", [1, 12])
def test_motion_streams_of_recordings_that_stand_still_are_refused(place, config, frames):
    still = [
        dataclasses.replace(record, frames_TxVxMxC=np.repeat(record.frames_TxVxMxC[:1], frames, axis=0))
        for record in recordings()
    ]
    write(place, "data", still)
    with pytest.raises(UserError, match="nothing moves in any of the 18 training recordings, .* fast_temporal could"):
        Experiment(config).train(place / "run")
    config.streams = ("spatial_temporal",)
    assert Experiment(config).train(place / "run")


def test_recordings_that_mostly_stand_still_are_told(place, config, caplog):
    write(
        place,
        "data",
        [dataclasses.replace(one, frames_TxVxMxC=one.frames_TxVxMxC[:1]) for one in recordings(subjects=(1, 2))]
        + recordings(subjects=(3, 4)),
    )
    Experiment(config).train(place / "run")
    assert "nothing moves in 12 of 18 training recordings: fast_temporal see only zeros there" in caplog.text
