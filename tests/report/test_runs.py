"""Reports of real runs, with checkpoints: after training, of other recordings, and of folds."""

import shutil

import numpy as np
import pytest

from data_prep import conversion, convert
from dsta_jax import experiment, report
from dsta_jax.experiment import Experiment
from tests import raw_recordings
from tests.report.test_output import read


@pytest.fixture(autouse=True)
def reports(use_reports):
    """All evaluations here write theirs."""
    use_reports()


def test_training_and_evaluation_write_it_and_it_can_be_written_again(config, tmp_path, strict_transfers):
    directory = tmp_path / "run"
    results = Experiment(config).train(directory)
    page = read(directory / "report.html")
    assert "Left out" not in page.said and "are left out" not in page.said
    assert f"{100 * results['accuracy']['fused']['top1']:.2f}" in page.said
    assert "Layer 1, spatial, head 1 of 2" in page.said and "Layer 2, temporal, head 2 of 2" in page.said
    assert f"step {results['step']}" in page.said and "trained for" in page.said
    before = (directory / "report.html").read_bytes()
    (directory / "report.html").unlink()
    assert report.write(directory).read_bytes() == before, "from what lies on the disk"
    (directory / "report.html").unlink()
    experiment.of_run(directory).evaluate(directory)
    assert (directory / "report.html").read_bytes() == before
    (directory / "report.html").unlink()
    Experiment(config).train(directory)
    assert (directory / "report.html").read_bytes() == before, "of a run that is finished, where it is missing"
    (directory / "report.html").write_text("kept")
    Experiment(config).train(directory)
    assert (directory / "report.html").read_text() == "kept"


def test_when_the_data_set_or_the_checkpoints_are_gone(config, hands, tmp_path):
    directory = tmp_path / "run"
    config.data.dir = str(shutil.copytree(hands, tmp_path / "data"))
    data = Experiment(config).data
    Experiment(config).train(directory)
    shutil.rmtree(tmp_path / "data")
    page = read(report.write(directory))
    assert "Skeletons are left out: " in page.said and "Layer 1" not in page.said
    shutil.rmtree(directory / "checkpoints")
    page = read(report.write(directory, data))
    assert "Left out: " in page.said and "holds no checkpoint" in page.said and "drawing" in page.data


def test_of_other_recordings_it_goes_beside_their_results(config, tmp_path):
    directory = tmp_path / "run"
    run = Experiment(config)
    run.train(directory)
    own = (directory / "report.html").read_bytes()
    few = Experiment(config, run.data.select(np.arange(len(run.data)) % 3 > 0))
    object.__setattr__(few.data, "fingerprint", "of another set")
    few.evaluate(directory)
    (out,) = (directory / "evaluations").iterdir()
    page = read(out / "report.html")
    assert "others than those that it was trained for" in page.said and "drawing" in page.data
    assert "these are other recordings than the run's" in read(report.write(out)).said
    assert (directory / "report.html").read_bytes() == own


def test_folds_have_one_together(config, tmp_path):
    keys = [(gesture, 1, subject, 1) for subject in (2, 5) for gesture in range(1, 15)]
    raw_recordings.write_dhg(tmp_path / "raw", keys)
    convert.run("dhg", tmp_path / "raw", conversion.Options(tmp_path / "data"))
    config.benchmark, config.data.dir, config.members_per_step = "dhg14", str(tmp_path / "data"), 4
    config.train.update({"epochs": 2.0, "decay_at": (0.5,), "learning_rate": 0.01})
    results = Experiment(config).train(tmp_path / "run")
    page = read(tmp_path / "run" / "report.html")
    assert "2 folds together" in page.said and "Top-1 by the subject that was left out" in page.said
    assert f"mean {100 * results['mean']['spatial_temporal']:.2f}" in page.said
    assert sum(times for *_, times in page.data["counts"]["counts"]) == len(keys)
    assert "Layer 1, spatial" in page.said and "the mean over the folds" in page.said
    assert "Left out" not in page.said
    assert not list((tmp_path / "run" / "folds").glob("*/report.html"))
