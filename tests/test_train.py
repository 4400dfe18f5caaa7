"""The loop: exact resume, devices, members, the best checkpoint, and what stops it."""

import dataclasses
import json
import shutil
import signal

import jax
import numpy as np
import pytest

from dsta_jax import checkpoint, evaluate, train, train_state
from dsta_jax.data import batches
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.members import variable_shapes

STEPS = 14


def _train(config, workdir):
    members = Experiment(config).members
    interrupted = train.train(members, [workdir])
    return members, interrupted is None


def _final_state(members, workdir):
    shapes = jax.eval_shape(train._init(members, members.names))
    latest = checkpoint.Latest(workdir)
    like = checkpoint.with_sharding(shapes, members.mesh(members.config.train.batch_size))
    state = latest.restore(like, most=members.steps)
    latest.close()
    return jax.device_get(state)


def _metrics(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("samples_per_second", None)
    return lines


def _assert_equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def whole(request, tmp_path_factory):
    """A training without any interruption, to compare with; made by the first test that asks."""
    made = {}

    def get(config):
        if not made:
            workdir = tmp_path_factory.mktemp("whole")
            members, finished = _train(config, workdir)
            assert finished
            made["all"] = (workdir, _final_state(members, workdir))
        return made["all"]

    return get


def _raise_at(monkeypatch, step, action):
    """Does something as soon as a step has been dispatched."""
    count = {"steps": 0}
    note = train.Reporter.note

    def note_and_act(reporter, *given):
        note(reporter, *given)
        count["steps"] += 1
        if count["steps"] == step:
            action()

    monkeypatch.setattr(train.Reporter, "note", note_and_act)


def test_metrics_have_a_line_for_every_other_step(config, whole):
    workdir, state = whole(config)
    assert [line["step"] for line in _metrics(workdir)] == list(range(2, STEPS + 1, 2))
    assert int(state.step) == STEPS
    last = _metrics(workdir)[-1]
    assert last["epoch"] == pytest.approx(4.0)
    assert last["learning_rate"] == pytest.approx(0.1 / 100)
    assert {"train/loss/spatial_temporal", "train/accuracy/fast_temporal"} <= set(last)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_and_resumed_is_the_same(config, whole, tmp_path, monkeypatch, stop):
    with monkeypatch.context() as patch:
        _raise_at(patch, 5, lambda: signal.raise_signal(stop))
        _, finished = _train(config, tmp_path)
    assert not finished
    assert checkpoint.latest_step(tmp_path) == 5
    members, finished = _train(config, tmp_path)
    assert finished
    workdir, state = whole(config)
    _assert_equal(_final_state(members, tmp_path), state)
    assert _metrics(tmp_path) == _metrics(workdir)


def test_killed_and_resumed_is_the_same(config, whole, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def kill():
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        _raise_at(patch, 12, kill)
        _train(config, tmp_path)
    assert checkpoint.latest_step(tmp_path) == 7, "the checkpoint of two epochs"
    assert _metrics(tmp_path)[-1]["step"] == 10, "metrics are ahead of the checkpoint"
    members, _ = _train(config, tmp_path)
    workdir, state = whole(config)
    _assert_equal(_final_state(members, tmp_path), state)
    assert _metrics(tmp_path) == _metrics(workdir)


def test_interrupted_at_the_last_step_stops_before_the_evaluation(config, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        _raise_at(patch, STEPS, lambda: signal.raise_signal(signal.SIGINT))
        members, finished = _train(config, tmp_path)
    assert not finished
    _assert_equal(_final_state(members, tmp_path), whole(config)[1])
    assert _train(config, tmp_path)[1]


def test_finished_run_is_left_alone(config, whole):
    workdir, _ = whole(config)
    before = (workdir / "metrics.jsonl").read_bytes()
    _, finished = _train(config, workdir)
    assert finished
    assert (workdir / "metrics.jsonl").read_bytes() == before


def test_one_device_and_eight_give_the_same_losses(config, whole, tmp_path, use_devices, strict_transfers):
    use_devices(8)
    members = Experiment(config).members
    assert members.mesh(8).devices.shape == (2, 4), "members over two, batches over four"
    train.train(members, [tmp_path])
    use_devices(1)
    assert members.mesh(8).devices.shape == (1, 1)
    workdir, _ = whole(config)
    for eight, one in zip(_metrics(tmp_path), _metrics(workdir), strict=True):
        for key in one:
            if "loss" in key:
                assert one[key] == pytest.approx(eight[key], rel=2e-3), (one["step"], key)


def test_a_member_trains_as_it_would_alone(config, whole, tmp_path):
    config.streams = ("fast_temporal",)
    _train(config, tmp_path)
    config.streams = ("spatial_temporal", "fast_temporal")
    workdir, _ = whole(config)
    for alone, together in zip(_metrics(tmp_path), _metrics(workdir), strict=True):
        assert alone["train/loss/fast_temporal"] == pytest.approx(together["train/loss/fast_temporal"], rel=2e-3)


def test_members_in_turns_are_the_same(config, whole, tmp_path):
    config.members_per_step = 1
    members, _ = _train(config, tmp_path)
    config.members_per_step = 0
    workdir, state = whole(config)
    for in_turns, together in zip(_metrics(tmp_path)[:2], _metrics(workdir), strict=False):
        assert in_turns == pytest.approx(together, rel=2e-3)
    shapes = [jax.tree.map(np.shape, each) for each in (_final_state(members, tmp_path), state)]
    assert shapes[0] == shapes[1]


def test_learns(config, tmp_path):
    config.train.epochs, config.train.decay_at = 30.0, (0.8,)
    members, _ = _train(config, tmp_path)
    first, last = _metrics(tmp_path)[0], _metrics(tmp_path)[-1]
    for stream in members.streams:
        assert last[f"train/loss/{stream}"] < first[f"train/loss/{stream}"] - 0.3


def test_best_is_chosen_on_the_held_out_part(config, tmp_path):
    config.data.validation_fraction, config.data.validation_by = 0.3, "recording"
    members, _ = _train(config, tmp_path)
    (fold,) = members.folds
    shapes = variable_shapes(members.network, members.input_shape(8), 2)
    shapes = checkpoint.with_sharding(shapes, members.mesh(8))
    model, choice = checkpoint.restore_best(tmp_path, shapes)
    validated = [line for line in _metrics(tmp_path) if any(key.startswith("validation") for key in line)]
    assert len(validated) > 2
    for stream, step, accuracy in zip(members.streams, choice["step"], choice["accuracy"], strict=True):
        by_step = {line["step"]: line[f"validation/accuracy/{stream}"] for line in validated}
        assert accuracy == max(by_step.values())
        assert step == min(s for s, a in by_step.items() if a == accuracy), "the first of equal ones"
    for part, accuracy in zip(evaluate.score(members, model, fold.validation), choice["accuracy"], strict=True):
        assert part.top(1) == pytest.approx(accuracy), "the saved variables are those that were validated"
    assert not set(fold.validation.name_N) & (set(fold.train.name_N) | set(fold.test.name_N))
    assert evaluate.evaluate(members, fold.test, tmp_path, tmp_path)["checkpoint"] == "best"


def test_a_best_checkpoint_that_is_gone_is_told(config, tmp_path, monkeypatch, caplog):
    config.data.validation_fraction, config.data.validation_by = 0.3, "recording"
    with monkeypatch.context() as patch:
        _raise_at(patch, 6, lambda: signal.raise_signal(signal.SIGINT))
        _train(config, tmp_path)
    shutil.rmtree(tmp_path / "checkpoints" / "best")
    _train(config, tmp_path)
    assert "best is not there any more: the best is chosen anew, from step 6 on" in caplog.text


def test_a_loss_that_is_not_finite_stops_training(config, tmp_path):
    config.train.warmup_epochs = 0.0
    members = Experiment(config).members
    config.train.learning_rate = 1e30  # which the configuration's check would refuse
    with pytest.raises(UserError, match=r"spatial_temporal is not finite at step \d+, of .* and 4 more: lower config"):
        train.train(members, [tmp_path])
    assert checkpoint.latest_step(tmp_path) in (0, 7), "no state with such a loss is saved"


def test_parameters_that_are_not_finite_while_the_loss_is_are_noticed(config, tmp_path):
    """One step at a huge rate: the loss is of before it."""
    config.train.update({"warmup_epochs": 0.0, "epochs": 1 / 3.5, "decay_at": ()})
    members = Experiment(config).members
    config.train.learning_rate = 1e39
    assert members.steps == 1
    with pytest.raises(UserError, match=r"a parameter or a running statistic of .* is not finite at step 1"):
        train.train(members, [tmp_path])
    assert checkpoint.latest_step(tmp_path) == 0


def _poisoned(config, name):
    """Members whose training recording of this name holds numbers whose squares overflow."""
    data = Experiment(config).data
    (number,) = np.flatnonzero(data.name_N == name)
    frames_FxVxC = data.frames_FxVxC.copy()
    start = data.start_NxM[number].max()
    frames_FxVxC[start : start + data.length_N[number]] *= 1e30
    return Experiment(config, dataclasses.replace(data, frames_FxVxC=frames_FxVxC)).members


def test_the_step_and_the_samples_that_are_to_blame_are_named(config, tmp_path):
    config.streams = ("spatial_temporal",)
    name = str(Experiment(config).members.folds[0].train.name_N[3])
    members = _poisoned(config, name)
    seen = [
        step
        for step in range(members.steps)
        if 3 in batches.train_samples(members.folds[0].train, config.train.batch_size, config.seed, step)[1]
    ]
    with pytest.raises(UserError, match=rf"spatial_temporal is not finite at step {seen[0] + 1}, of "):
        train.train(members, [tmp_path])


def test_steps_that_would_not_be_finite_are_undone(config, tmp_path, capsys):
    """With config.train.if_not_finite=skip: the others train on, and the metrics count what was undone."""
    config.streams, config.train.if_not_finite = ("spatial_temporal",), "skip"
    members = _poisoned(config, str(Experiment(config).members.folds[0].train.name_N[3]))
    assert train.train(members, [tmp_path]) is None
    lines = _metrics(tmp_path)
    assert sum(line["train/skipped/spatial_temporal"] for line in lines) == 4, "once an epoch"
    assert all(np.isfinite(line["train/loss/spatial_temporal"]) for line in lines)
    said = [line for line in capsys.readouterr().err.splitlines() if "is not finite at step" in line]
    assert said and len(said) == len(set(said))
    assert train_state.all_finite(_final_state(members, tmp_path).params)


def test_an_undone_step_is_as_going_back_and_leaving_its_batch_out(config, tmp_path):
    config.streams, config.train.if_not_finite = ("spatial_temporal",), "skip"
    members = _poisoned(config, str(Experiment(config).members.folds[0].train.name_N[3]))
    assert train.train(members, [tmp_path]) is None
    data, size = members.folds[0].train, config.train.batch_size
    left_out = [step for step in range(members.steps) if 3 in batches.train_samples(data, size, config.seed, step)[1]]

    mesh = members.mesh(size)
    shapes = checkpoint.with_sharding(jax.eval_shape(train._init(members, members.names)), mesh)
    step_fn = train.compiled_step(members, mesh, shapes)
    state = jax.jit(train._init(members, members.names), out_shardings=train._shardings(shapes))()
    for step, batch in enumerate(train.Feed(members, mesh).batches(0)):
        if step not in left_out:
            state = step_fn(state, batch)[0]
    assert len(left_out) == 4
    undone = _final_state(members, tmp_path)
    _assert_equal(
        (undone.params, undone.batch_stats, undone.opt_state),
        jax.device_get((state.params, state.batch_stats, state.opt_state)),
    )


def test_another_network_is_refused(config, whole):
    workdir, _ = whole(config)
    config.model.channels = (4, 16)
    with pytest.raises(UserError, match=r"is a checkpoint of another network: .*layer_1_spatial.*the network needs"):
        _train(config, workdir)
