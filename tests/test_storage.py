"""Data and runs in a bucket: what they come to is what they come to on a disk."""

import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import jax
import numpy as np
import pytest

from data_prep import conversion, convert
from data_prep.synthetic import hands as synthetic_hands
from data_prep.synthetic import raw_set
from dsta_jax import checkpoint, fusion, load, parallel, scores, storage
from dsta_jax.data import records
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, read_json, regular, sole_writer
from dsta_jax.logs import Metrics
from dsta_jax.train_state import Totals, TrainState
from tests.conftest import ROOT
from tests.test_main import TINY


@pytest.fixture(scope="module")
def bucket() -> Iterator[pathlib.Path]:
    """An empty directory of a bucket that an emulator on this machine keeps."""
    for package in ("gcsfs", "gcp_storage_emulator"):
        if not importlib.util.find_spec(package):  # gcsfs reads variables when it is imported
            pytest.skip(f"needs {package}: pip install 'dsta_jax[test]'")
    from tests import object_store

    with pytest.MonkeyPatch.context() as patch, object_store.running() as variables:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield storage.place(f"gs://{object_store.BUCKET}/below")


def environment() -> dict[str, str]:
    """Of commands; the variables by which the bucket is found are in it."""
    return {**os.environ, "XLA_FLAGS": "", "COLUMNS": "80"}


def python(*words) -> str:
    """What a command prints."""
    finished = subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout.strip()


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def metrics_of(workdir: pathlib.Path) -> list[dict]:
    """All lines, but for what depends on the clock."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "samples_per_second"} for line in lines]


def test_convert_train_preempt_resume_evaluate(bucket, hands, tmp_path, capsys):
    raw, data = hands.parent / "raw", bucket / "data"
    convert = ("-m", "data_prep.convert", "--from=shrec17", f"--in={raw}", f"--out={data}", "--name=synthetic_hands")
    assert f"in {data}/synthetic_hands/1.0.0" in python(*convert, "--workers=1")
    assert contents(data / "synthetic_hands/1.0.0") == contents(hands / "synthetic_hands/1.0.0")

    words = ["-m", "dsta_jax.main", "--config=demo:spatial,fast_temporal", *TINY, "--config.train.epochs=80"]
    words += ["--config.checkpoint.every_epochs=20", "--config.log.every_steps=10"]
    workdir = bucket / "runs" / "one"
    in_bucket = [*words, f"--config.data.dir={data}", f"--workdir={workdir}"]
    with subprocess.Popen(
        [sys.executable, *in_bucket], cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (workdir / "metrics.jsonl").exists():  # written with a checkpoint
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=200)[1]
    assert process.returncode == 0 and "the same command goes on from here" in said, said
    stopped = metrics_of(workdir)
    assert stopped and not (workdir / "results.json").exists()
    assert f"Everything is in {workdir}" in python(*in_bucket)

    local = tmp_path / "run"
    python(*words, f"--config.data.dir={hands}", f"--workdir={local}")
    assert metrics_of(workdir) == metrics_of(local) and metrics_of(local)[: len(stopped)] == stopped
    assert read_json(workdir / "results.json") == read_json(local / "results.json")
    for stream in ("spatial", "fast_temporal"):
        one, other = (np.load((where / f"scores/test/{stream}.npz").open("rb")) for where in (workdir, local))
        assert {key: one[key].tolist() for key in one} == {key: other[key].tolist() for key in other}

    report = (workdir / "report.html").read_text(encoding="utf-8")
    assert report.startswith("<!DOCTYPE html>") and f"<dd>{workdir}</dd>" in report
    assert "eft out" not in report, "nothing is missing"

    results = (workdir / "results.json").read_bytes()
    (workdir / "results.json").unlink()
    python("-m", "dsta_jax.main", "--mode=evaluate", f"--workdir={workdir}")
    assert read_json(workdir / "results.json") == json.loads(results)

    fusion.main([str(workdir), f"--out={bucket / 'fused.npz'}"])
    assert f"{workdir}/scores/test/spatial.npz" in capsys.readouterr().out
    assert scores.load(bucket / "fused.npz").metrics() == json.loads(results)["accuracy"]["fused"]
    assert load(str(workdir)).streams == ("spatial", "fast_temporal")


def test_a_set_is_replaced_only_when_that_is_asked_for(bucket, hands, tmp_path, capsys):
    raw, out = hands.parent / "raw", bucket / "again"
    directory = out / "synthetic_hands" / "1.0.0"
    storage.write_object(directory / "left_by_a_conversion_that_was_killed", b"")
    for overwrite in (False, True):
        convert.run("shrec17", raw, conversion.Options(out, overwrite=overwrite), name="synthetic_hands")
        assert contents(directory) == contents(hands / "synthetic_hands" / "1.0.0")
    capsys.readouterr()
    convert.run("shrec17", raw, conversion.Options(out), name="synthetic_hands")
    assert capsys.readouterr().out.startswith(f"already converted: {directory}")
    raw_set.write(synthetic_hands.shrec_set(subjects=3, essais=1), tmp_path / "other")
    with pytest.raises(UserError, match=r"a set made from other recordings is there; add --overwrite to replace it"):
        convert.run("shrec17", tmp_path / "other", conversion.Options(out), name="synthetic_hands")
    (directory / "dataset_info.json").unlink()
    with pytest.raises(UserError, match=r"dataset_info.json: no such file, so no complete data set"):
        next(records.read_set(records.find_data_set(out, "synthetic_hands")))


def test_an_object_is_there_whole_or_not_at_all(bucket):
    path = bucket / "a.bin"
    for content in (b"one", b"two"):
        with complete_file(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    with pytest.raises(KeyboardInterrupt), complete_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"two"
    with pytest.raises(OSError) as caught:
        storage.write_object(storage.place("gs://of_nobody/a"), b"")
    assert caught.value.filename == "gs://of_nobody/a" and caught.value.strerror == "no such bucket or object"


def test_what_is_read(bucket):
    path = bucket / "read" / "a.json"
    storage.write_object(path, b"[1]")
    assert read_json(path) == [1] and storage.size(path) == 3 and storage.open_whole(path).read() == b"[1]"
    with pytest.raises(UserError, match=r"a.json: 3 bytes, expected at most 2"):
        regular(path, most=2)
    with pytest.raises(UserError, match=f"{bucket}/read/b.json: no such file"):
        read_json(bucket / "read" / "b.json")
    # What came from elsewhere since is seen.
    assert [one.name for one in path.parent.iterdir()] == ["a.json"]
    write = "import sys; from dsta_jax import storage; storage.write_object(storage.place(sys.argv[1]), b'[2]')"
    python("-c", write, bucket / "read" / "b.json")
    assert sorted(one.name for one in path.parent.iterdir()) == ["a.json", "b.json"]


def test_directories(bucket):
    one, other = bucket / "moved" / "one", bucket / "moved" / "other"
    with sole_writer(one), sole_writer(one):  # nobody is kept out
        storage.make_directory(one)
    assert not one.exists()
    storage.write_object(one / "a" / "b", b"1")
    storage.write_object(one / "c", b"2")
    storage.move_directory(one, other)
    assert not one.exists() and (other / "a" / "b").read_bytes() == b"1" and (other / "c").read_bytes() == b"2"
    storage.remove_directory(other)
    storage.remove_directory(other)
    assert not other.exists()


def test_metrics_come_with_a_save_and_later_ones_are_dropped(bucket):
    workdir = bucket / "metrics"
    metrics = Metrics(workdir, 0)
    metrics.write(1, {"loss": 0.5})
    assert not workdir.exists()
    metrics.save()
    metrics.write(2, {"loss": 0.25})
    assert [line["step"] for line in metrics_of(workdir)] == [1]
    metrics.close()
    assert [line["step"] for line in metrics_of(workdir)] == [1, 2]
    resumed = Metrics(workdir, 1)
    resumed.write(3, {})
    resumed.close()
    assert [line["step"] for line in metrics_of(workdir)] == [1, 3]
    assert len(list((workdir / "tensorboard").iterdir())) == 2


def test_a_damaged_checkpoint_is_put_aside(bucket):
    def state(step: int) -> TrainState:
        array, number = np.full((2, 3), step, np.float32), np.int32(step)
        parts = {"params": {"w": array}, "batch_stats": {"m": array}, "opt_state": {"v": array}}
        return jax.device_put(TrainState(step=number, totals=Totals(*[array] * 5), **parts))

    like = checkpoint.replicated(jax.eval_shape(lambda: state(0)), parallel.one_device_mesh())
    saved = checkpoint.Latest(bucket / "damaged")
    for step in (1, 2):
        saved.save(state(step), step)
    saved.close()
    directory = bucket / "damaged" / "checkpoints"
    (directory / "latest" / "2" / "model" / "_METADATA").unlink()
    again = checkpoint.Latest(bucket / "damaged")
    found = again.restore(like, most=2)
    again.close()
    assert found is not None and int(found.step) == 1
    np.testing.assert_array_equal(found.params["w"], state(1).params["w"])
    assert (directory / "damaged_2").is_dir() and not (directory / "latest" / "2").exists()
    assert checkpoint.latest_step(bucket / "damaged") == 1


@pytest.mark.parametrize("kind", ["gs", "s3"])
def test_without_its_package(kind, monkeypatch):
    package, extra = storage._PACKAGES[kind]
    monkeypatch.setitem(sys.modules, package, None)
    storage._paths_of.cache_clear()
    with pytest.raises(UserError, match=rf"{kind}://... needs the package {package} .*'dsta_jax\[{extra}\]'") as error:
        storage.place(f"{kind}://bucket/run")
    assert "\n" not in str(error.value)


def test_a_run_cannot_lie_in_s3():
    with pytest.raises(UserError, match=r"s3://bucket/run: a run cannot lie in S3, .* give a directory, or gs://"):
        storage.place_of_run("s3://bucket/run")


def test_a_bucket_that_cannot_be_reached(monkeypatch):
    class Path:
        def __init__(self, name):
            self.name = name

        def exists(self):
            raise RuntimeError("no credentials\nanywhere")

    monkeypatch.setattr(storage, "_paths_of", lambda kind: Path)
    with pytest.raises(UserError, match=r"gs://unreachable: cannot be reached \(RuntimeError: no credentials anywhere"):
        storage.place("gs://unreachable/run")


@pytest.mark.parametrize("name", ["az://bucket/run", "gs://", "gs:///run"])
def test_no_place(name):
    with pytest.raises(UserError, match="expected a directory, or gs://BUCKET/DIRECTORY"):
        storage.place(name)


def test_a_place_of_this_machine(tmp_path):
    assert storage.place(str(tmp_path)) == storage.place(tmp_path) == tmp_path
    assert storage.is_local(storage.place("runs/one"))
