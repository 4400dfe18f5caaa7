"""A working directory belongs to one configuration, one benchmark and one data set."""

import dataclasses
import json

import numpy as np
import pytest

from dsta_jax import get_config, workdir
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets.benchmark import Benchmark, Protocol
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.errors import UserError


def recordings(seed: int = 0, **given) -> DataSet:
    """Six recordings of two classes."""
    frames = np.random.default_rng(seed).normal(size=(6, 5, 21, 3))
    words = {"layout": "mediapipe_hand_21", "classes": ["wave", "point"], "subjects": [1, 1, 2, 2, 3, 3]}
    words |= {"split": ["train"] * 4 + ["test"] * 2, **given}
    return DataSet.from_arrays(list(frames), [0, 1, 0, 1, 0, 1], **words)


def with_benchmark(data: DataSet, **changes) -> DataSet:
    return dataclasses.replace(data, benchmark=dataclasses.replace(data.benchmark, **changes))


def error_of(directory, config, data) -> str:
    before = (directory / "config.json").read_bytes()
    with pytest.raises(UserError) as error:
        workdir.claim(directory, config, data)
    assert "\n" not in str(error.value) and "another --workdir" in str(error.value)
    assert (directory / "config.json").read_bytes() == before
    return str(error.value)


def test_all_comes_back_as_it_was(tmp_path):
    config, data = get_config("shrec14:small,spatial"), recordings()
    workdir.claim(tmp_path / "run", config, data)
    found = workdir.read(tmp_path / "run")
    assert found.config.to_dict() == config.to_dict()
    assert found.benchmark.to_dict() == data.benchmark.to_dict()
    assert found.fingerprint == data.fingerprint
    versions = json.loads((tmp_path / "run" / "config.json").read_text())["versions"]
    assert {"dsta_jax", "jax", "flax", "orbax-checkpoint"} <= set(versions)


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=BENCHMARKS)
def test_every_benchmark_survives_json(benchmark):
    values = json.loads(json.dumps(benchmark.to_dict()))
    again = Benchmark.from_dict(values)
    assert json.loads(json.dumps(again.to_dict())) == values
    assert again.source.normalized_by == benchmark.source.normalized_by
    assert again.protocol == benchmark.protocol


def test_the_same_goes_on(tmp_path):
    workdir.claim(tmp_path, get_config("demo"), recordings())
    before = (tmp_path / "config.json").read_bytes()
    workdir.claim(tmp_path, get_config("demo"), recordings())
    assert (tmp_path / "config.json").read_bytes() == before


def test_another_configuration_is_refused(tmp_path):
    workdir.claim(tmp_path, get_config("demo"), recordings())
    other = get_config("demo")
    other.train.epochs, other.model.heads = 99.0, 1
    said = error_of(tmp_path, other, recordings())
    assert "config.model.heads was 3, is 1; config.train.epochs was" in said


def test_other_recordings_are_refused(tmp_path):
    workdir.claim(tmp_path, get_config("demo"), recordings())
    assert "the data set holds other records (6 recordings then, 6 now)" in error_of(
        tmp_path, get_config("demo"), recordings(seed=1)
    )


def test_another_split_is_refused(tmp_path):
    data = with_benchmark(recordings(), protocol=Protocol("subject", test=(3,)))
    workdir.claim(tmp_path, get_config("demo"), data)
    said = error_of(tmp_path, get_config("demo"), with_benchmark(data, protocol=Protocol("subject", test=(2,))))
    assert "benchmark.protocol.test was (3,), is (2,)" in said


def test_permuted_classes_are_refused(tmp_path):
    data = recordings()
    workdir.claim(tmp_path, get_config("demo"), data)
    said = error_of(tmp_path, get_config("demo"), with_benchmark(data, class_names=("point", "wave")))
    assert "benchmark.class_names was ('wave', 'point'), is ('point', 'wave')" in said


def test_another_normalisation_is_refused(tmp_path):
    data = recordings()
    workdir.claim(tmp_path, get_config("demo"), data)
    source = dataclasses.replace(
        data.benchmark.source, reference=dataclasses.replace(data.benchmark.source.normalized_by, scale=None)
    )
    assert "benchmark.normalize.scale was" in error_of(
        tmp_path, get_config("demo"), with_benchmark(data, source=source)
    )


def test_what_changes_nothing_may_change(tmp_path):
    config = get_config("dhg14")
    config.folds = (1, 2)
    workdir.claim(tmp_path, config, recordings())
    config.folds, config.members_per_step, config.data.dir = (), 4, "moved"
    workdir.claim(tmp_path, config, recordings())
    found = workdir.read(tmp_path).config
    assert (found.folds, found.members_per_step, found.data.dir) == ((), 4, "moved")
    for folds in ((1, 2, 3, 4), (1, 2, 3, 5)):
        config.folds = folds
        workdir.claim(tmp_path, config, recordings())
    config.seed = 7
    assert "config.seed was 0, is 7" in error_of(tmp_path, config, recordings())


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match=r"not empty and holds no config.json"):
        workdir.claim(tmp_path, get_config("demo"), recordings())


def test_killed_while_the_first_config_was_written(tmp_path):
    (tmp_path / "config.json.incomplete").write_text('{"conf')
    workdir.claim(tmp_path, get_config("demo"), recordings())
    assert workdir.read(tmp_path).config.benchmark == "synthetic14"


@pytest.mark.parametrize("place", ["file", "file/below", "x" * 300])
def test_no_place_for_a_directory(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--workdir=.*: cannot be a working directory") as error:
        workdir.claim(tmp_path / place, get_config("demo"), recordings())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "[]", '{"versions": {}}', '{"versions": 3}', '{"format": 2}', '{"format": 2, "config": 3}'],
)
def test_no_readable_config(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json (is not there|cannot be read|is of format)") as error:
        workdir.read(tmp_path)
    assert "\n" not in str(error.value)
    if content is not None:
        with pytest.raises(UserError, match="config.json"):
            workdir.claim(tmp_path, get_config("demo"), recordings())


@pytest.mark.parametrize("change", [{"heads": "x"}, {"heads": 0}, {"heads": None}, {}])
def test_a_config_that_was_edited_is_one_line(tmp_path, change):
    workdir.claim(tmp_path, get_config("demo"), recordings())
    content = json.loads((tmp_path / "config.json").read_text())
    del content["config"]["model"]["heads"]
    content["config"]["model"].update(change)
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="config.json cannot be read as a configuration .*: it was damaged") as error:
        workdir.read(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("number", "by"), [(1, "0.1.0"), (4, "9.9")])
def test_a_config_of_another_version_is_one_line(tmp_path, number, by):
    content = {"format": number, "config": {}, "versions": {"dsta_jax": by}}
    if number == 1:
        del content["format"]  # as it was
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"is of format {number}, written by dsta_jax {by}, but this is .*train again"):
        workdir.read(tmp_path)


def test_a_config_from_before_fine_tuning_is_read(tmp_path):
    workdir.claim(tmp_path, get_config("demo"), recordings())
    content = json.loads((tmp_path / "config.json").read_text())
    del content["config"]["init_from"], content["config"]["train"]["loaded_rate"]
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert workdir.read(tmp_path).config.to_dict() == get_config("demo").to_dict()
    workdir.claim(tmp_path, get_config("demo"), recordings())


def test_the_weights_that_it_began_with_stay_known(tmp_path):
    config = get_config("demo")
    config.init_from = "runs/another"
    workdir.claim(tmp_path, config, recordings(), "1234")
    config.data.dir = "moved"
    workdir.claim(tmp_path, config, recordings())
    workdir.claim(tmp_path, config, recordings(), "1234")
    with pytest.raises(UserError, match=r"config.init_from=runs/another holds other weights than when this run was"):
        workdir.claim(tmp_path, config, recordings(), "5678")
    assert workdir.read_content(tmp_path)["loaded"] == "1234"


def test_imported_weights_are_not_trained_on(tmp_path):
    data = recordings()
    workdir.claim_imported(tmp_path, get_config("demo"), data.benchmark, {"spatial": "sha"})
    assert workdir.read(tmp_path).fingerprint == ""
    assert "begin with them by --config.init_from=" in error_of(tmp_path, get_config("demo"), data)


def test_a_fold_stays_below_its_directory(tmp_path):
    benchmark = recordings(split=None).benchmark
    places = [workdir.of_fold(tmp_path, benchmark, value) for value in (7, "anna", "../../a", "..%2F..%2Fa")]
    assert {place.parent for place in places} == {tmp_path / "folds"} and len(set(places)) == 4
    assert [place.name for place in places[:2]] == ["subject_07", "subject_anna"]


def test_a_directory_that_another_process_does_not_see(tmp_path, monkeypatch):
    """The first process's file is compared; where there is none after a while, that is a difference."""
    compared = []
    monkeypatch.setattr(workdir.processes, "count", lambda: 2)
    monkeypatch.setattr(workdir.processes, "agree", lambda what, text, remedy: compared.append((text, remedy)))
    monkeypatch.setattr(workdir, "_SHARED_SECONDS", 0)
    workdir.check_shared(tmp_path)
    workdir.claim(tmp_path, get_config("demo"), recordings())
    workdir.check_shared(tmp_path)
    (missing, remedy), (found, _) = compared
    assert missing == "" and json.loads(found)["format"] and "share" in remedy
