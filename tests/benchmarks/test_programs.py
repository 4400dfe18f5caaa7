"""The programs run, with tiny networks, and their JSON has what is promised. No time is asserted."""

import argparse
import json

import numpy as np
import pytest

from benchmarks import (
    command_line,
    compiled,
    floors,
    inference,
    input_pipeline,
    loading,
    members,
    on_device,
    precision,
    report,
    scaling,
    shapes,
    sides,
    spellings,
    timing,
    train_step,
)
from benchmarks.shapes import Case
from dsta_jax.data import batches
from dsta_jax.models.dsta import DSTANet
from dsta_jax.train import Feed

TINY = ["--network=tiny", "--batch=4", "--repeats=2", "--seconds=0.001"]
EVERYWHERE = {"program", "command", "date", "device", "versions", "commit", "settings", "rows", "load_average"}


@pytest.fixture
def measured(tmp_path, capsys, monkeypatch):
    """Runs a program's main as from the command line: its rows, its line of JSON and its table."""

    def run(program, *words):
        path = tmp_path / "results.jsonl"
        monkeypatch.setenv("BENCHMARK_PART", "a part")
        rows = program.main([*TINY, *words, f"--json={path}"])
        record = json.loads(path.read_text().splitlines()[-1])
        assert record.keys() >= EVERYWHERE and record["part"] == "a part" and record["rows"] == rows
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines())) <= 80, printed
        return rows, printed

    return run


def test_train_step(measured):
    rows, printed = measured(train_step, "--torch=none", "--memory=planned", "--flops=1e12", "--bytes-per-second=1e11")
    assert [row["side"] for row in rows] == ["ours", "ours packed"]
    dense, packed = rows
    assert dense["rows"] == 8 and packed["rows"] < 8 and packed["rows"] <= packed["rows_mean"] <= 8
    for row in rows:
        assert len(row["ms"]) == 2 and row["ms_min"] <= row["ms_median"] <= row["ms_max"]
        assert row["samples_per_second"] == pytest.approx(4 / (row["ms_median"] / 1e3))
        assert row["peak_bytes"] > 0 and row["gb_accessed"] > 0 and row["of_device_bytes"] > 0
    assert "least time" in printed


def test_train_step_against_pytorch(measured):
    pytest.importorskip("torch", reason="needs PyTorch: pip install torch")
    rows, printed = measured(train_step, "--torch=eager", "--single=0", "--memory=none")
    assert [row["side"] for row in rows] == ["PyTorch eager", "ours"] and rows[0]["times_as_fast"] == 1
    assert "x torch" in printed and "no floor" in printed


def test_without_pytorch(monkeypatch, capsys):
    monkeypatch.setattr(sides.importlib.util, "find_spec", lambda name: None)
    assert sides.of_torch("train", Case(), None) == []
    assert "PyTorch is left out: it is not installed" in capsys.readouterr().err


def test_inference(measured):
    rows, _ = measured(inference, "--torch=none")
    found = [(row["side"], row["task"], row["batch"], row["single"]) for row in rows]
    assert found == [
        ("ours", "latency", 1, 0.0),
        ("ours packed", "latency", 1, 1.0),
        ("ours", "throughput", 4, 0.0),
        ("ours packed", "throughput", 4, 0.8),
    ]


def test_members(measured):
    rows, _ = measured(members, "--shape=ntu", "--members=2")
    assert [row["members"] for row in rows] == [2] and rows[0]["gb_per_member"] > 0


def test_input_pipeline(measured):
    case = Case("ntu", "tiny", 4, single=0.8, samples=24)
    members = shapes.members_of(case)
    counts = Feed(members, members.mesh(4)).row_counts
    assert counts.usual < counts.most, "else one program would do for all steps"
    rows, _ = measured(input_pipeline, "--members=1", "--steps=6", "--shapes=ntu")
    without_training = ["alone, 1 thread", "alone, 2 threads", "feed", "on device"]
    assert [row["what"] for row in rows] == [*without_training, "training", "step alone"]
    assert {row["bodies"] for row in rows} == {"packed"}


@pytest.mark.parametrize(("members", "single", "rows"), [(4, 0.0, None), (4, 0.5, 8), (1, 0.5, None)])
def test_batches_made_on_the_device_are_the_library_s(members, single, rows):
    made = shapes.members_of(Case("ntu", "tiny", 4, members, single, samples=11))
    (fold,) = made.folds
    device = on_device.OnDevice(made, fold.train)
    for step in range(5):
        batch = batches.train_batch(fold.train, made.streams, made.sampling, 4, made.config.seed, step, rows)
        np.testing.assert_array_equal(device.make(step, rows), batch.x)


def test_compiled(measured):
    (row,), _ = measured(compiled, "--single=0")
    assert row["kernels"] == sum(row["kinds"].values()) > row["fusions"] > 0 and row["gb_accessed"] > 0


def test_spellings(measured, monkeypatch):
    monkeypatch.setattr(spellings, "SPELLINGS", dict(list(spellings.SPELLINGS.items())[:2]))
    rows, _ = measured(spellings)
    assert [row["spelling"] for row in rows] == ["as it is", "statistics in two passes"]
    assert rows[0]["gb_accessed"] < rows[1]["gb_accessed"]


def test_precision(hands, monkeypatch, tmp_path, capsys):
    configured = precision.configuration

    def tiny(*arguments):
        config = configured(*arguments)
        config.data.update({"sampled_frames": 10, "frames": 8, "validation_by": "recording"})  # there is one subject
        config.model.update({"input_channels": 4, "channels": (4,), "embedding": (2,), "strides": (2,), "heads": 1})
        config.train.batch_size = config.evaluate.batch_size = 4
        return config

    monkeypatch.setattr(precision, "configuration", tiny)
    rows = precision.main(["--config=demo:spatial", f"--data_dir={hands}", "--seeds=3", "--epochs=2"])
    assert [(row["seed"], row["precision"]) for row in rows] == [(3, "float32")] * 3 + [(3, "bfloat16")] * 3
    assert [row["step"] for row in rows[:3]] == sorted({row["step"] for row in rows[3:]})
    for row in rows:
        assert row["loss"] > 0 and row["mean2_over_var"] > 0
        assert all(0 <= row[accuracy] <= 100 for accuracy in ("trained", "running", "batch"))
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_scaling(measured, tmp_path):
    rows, _ = measured(scaling, "--axes=batch", "--values=4", f"--figure={tmp_path / 'figure.png'}")
    assert [(row["axis"], row["value"]) for row in rows] == [("batch", 4)]


def test_sets_of_any_size_load(tmp_path):
    loading.write(tmp_path, "shrec", 20)
    assert loading.load(str(tmp_path), "shrec")["seconds"] > 0


def test_exponent():
    assert scaling.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2)


@pytest.mark.parametrize(
    ("network", "joints", "gflop"),
    [(DSTANet(14, 1), 22, 8.37), (DSTANet(60, 2), 25, 19.10 / 2), (DSTANet(60, 2, temporal="conv"), 25, 16.32 / 2)],
)
def test_counted_operations(network, joints, gflop):
    assert floors.forward_flops(network, 128, joints) / 1e9 == pytest.approx(gflop, rel=1e-3)


def test_rates_of_unknown_devices():
    assert floors.rates("some processor", None, None) is None
    assert floors.rates("NVIDIA H200", None, 1e12) == floors.Rates(790e12, 1e12)


def test_kernels_of_a_program():
    program = """
%fused (p: f32[2]) -> f32[2] {
  ROOT %a = f32[2]{0} add(%p, %p)
}

ENTRY %main (p: f32[2]) -> (f32[2], f32[2]) {
  %p = f32[2]{0} parameter(0)
  %f = f32[2]{0:T(128)} fusion(%p), kind=kLoop, calls=%fused
  %c.1 = (f32[2]{0}, s8[4]{0}) custom-call(%f), custom_call_target="__cublas$gemm"
  %g = f32[2]{0} get-tuple-element(%c.1), index=0
  ROOT %t = (f32[2], f32[2]) tuple(%f, %g)
}
"""
    assert compiled.kernels(program) == {"fusion": 1, "custom-call": 1}


def test_made_recordings():
    made = shapes.made_recordings(Case("ntu", single=0.8, samples=400))
    assert 0.7 < 1 - made.body_NxM[:, 1].mean() < 0.9 and made.body_NxM[:, 0].all()
    assert len(made.frames_FxVxC) == made.length_N @ made.body_NxM.sum(1)
    for number in (0, 399):
        frames_TxVxMxC = loading.frames_of(made, number)
        assert len(frames_TxVxMxC) == made.length_N[number]
        np.testing.assert_array_equal(frames_TxVxMxC.any((0, 1, 3)), made.body_NxM[number])


@pytest.mark.parametrize("changed", [{"joints": 133}, {"joints": 17}, {"classes": 400, "bodies": 4}, {"frames": 512}])
def test_shapes_that_no_benchmark_has(changed):
    case = Case("ntu", network="small", batch=2, samples=4, **changed)
    members = shapes.members_of(case)
    frames, joints, bodies = changed.get("frames", 32), changed.get("joints", 25), changed.get("bodies", 2)
    assert members.input_shape(2).shape == (2 * bodies, frames, joints, 3)
    assert members.network.classes == changed.get("classes", 60)


def test_twenty_members_are_five_folds_of_four_streams():
    members = shapes.members_of(Case("shrec", "tiny", members=20, samples=4))
    assert len(set(members.names)) == len(members) == 20 and len(members.folds) == 5


def test_an_option_that_is_no_field():
    with pytest.raises(ValueError, match="no field model.speed"):
        shapes.config_of(Case(options="model.speed=9"))
    assert shapes.config_of(Case(options="model.temporal=conv train.batch_size=8")).model.temporal == "conv"


def test_torch_variants():
    assert command_line.variants("none") == () and command_line.variants("eager,bf16") == ("eager", "bf16")
    with pytest.raises(argparse.ArgumentTypeError, match="'fast': expected some of"):
        command_line.variants("fast")


def test_the_default_of_a_shared_argument_tells_its_type():
    parser = command_line.parser("A program.", batch=64, members=(1, 4), single=0.8, options=None, both="")
    given = parser.parse_args(["--batch=8", "--members=2,3", "--single=1", "--options=a=1", "--options="])
    assert (given.batch, given.members, given.single) == (8, (2, 3), 1.0)
    assert (given.options, given.both) == (["a=1", ""], "")
    assert (parser.parse_args([]).members, parser.parse_args([]).options) == ((1, 4), None)


def test_sides_take_turns():
    taken = []
    alternating = {name: timing_side(name, taken) for name in "ab"}
    times = timing.alternate(alternating, 3, 0)
    turns = "".join(taken).replace("aaa", "", 1).replace("bbb", "", 1)
    assert turns == "aabb" * 3 and {len(each.seconds) for each in times.values()} == {3}
    assert timing.ratios(timing.Times((2.0, 9.0)), timing.Times((1.0, 3.0))) == [2, 3]


def timing_side(name, taken):
    class Recorded:
        def start(self):
            taken.append(name)

        def wait(self):
            pass

    return Recorded()


def test_table():
    rows = [{"side": "ours", "ms": 1.234}, {"side": "other", "ms": None}]
    text = report.table(rows, (("side", "side", ""), ("ms", "ms", ".1f")))
    assert text.splitlines() == ["side    ms", "ours   1.2", "other    -"]


@pytest.fixture(autouse=True)
def one_side_of_ours(monkeypatch):
    """Without the side in bfloat16."""
    monkeypatch.setattr(sides, "OPTIONS", ("",))
