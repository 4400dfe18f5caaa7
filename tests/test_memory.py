"""How many networks train at once: an estimate that XLA's own plan bears out, and what is said about it."""

import logging
import types

import jax
import pytest

from dsta_jax import checkpoint, memory, parallel, train
from dsta_jax.experiment import Experiment
from tests import compiling

# What XLA plans, over the estimate: with less than 1 the estimate is on the safe side.
LEAST, MOST = 0.4, 1.0


@pytest.fixture
def members(config):
    return Experiment(config).members


@pytest.mark.parametrize(
    ("key", "value"),
    [("activation", "tanh"), ("precision", "bfloat16"), ("temporal", "conv"), ("attention", "per_frame")],
)
def test_the_estimate_is_a_little_more_than_what_is_planned(config, key, value):
    config.streams, config.train.batch_size, config.model[key] = ("spatial",), 16, value
    members = Experiment(config).members
    mesh = parallel.make_mesh(1, 16)
    shapes = checkpoint.with_sharding(jax.eval_shape(train._init(members, members.names)), mesh)
    lowered = train.compiled_step(members, mesh, shapes).lower(shapes, train.Feed(members, mesh).shapes(None))
    plan = lowered.compile(compiler_options=compiling.OPTIONS).memory_analysis()
    planned = plan.temp_size_in_bytes + plan.argument_size_in_bytes
    assert LEAST < planned / memory.member_bytes(members, mesh) < MOST


def test_a_split_batch_and_shared_rows_take_less(config, members, use_devices):
    whole = memory.member_bytes(members, parallel.make_mesh(2, 8))
    assert memory.member_bytes(members, parallel.make_mesh(2, 8), rows=4) < 0.7 * whole
    use_devices(8)
    assert memory.member_bytes(members, parallel.make_mesh(2, 8)) < 0.4 * whole


@pytest.mark.parametrize(("networks", "most"), [(2.5, 2), (0.5, 1), (30, 30)])
def test_as_many_as_memory_holds(members, monkeypatch, networks, most):
    mesh = parallel.make_mesh(2, 8)
    monkeypatch.setattr(memory, "device_bytes", lambda mesh: int(networks * memory.member_bytes(members, mesh)))
    assert memory.most_members(members, mesh) == most
    members.config.members_per_step = 7
    assert memory.most_members(members, mesh) == 7


def said(members, networks, monkeypatch, caplog):
    """How many networks are at work at once, and what is said where memory holds so many."""
    mesh = parallel.make_mesh(2, 8)
    with monkeypatch.context() as patch, caplog.at_level(logging.INFO):
        patch.setattr(memory, "device_bytes", lambda mesh: int(networks * memory.member_bytes(members, mesh)))
        caplog.clear()
        in_turn = memory.members_in_turn(members, mesh, None)
    assert all(len(line) <= 80 for record in caplog.records for line in record.getMessage().splitlines())
    return in_turn, caplog.text


def test_networks_take_turns_on_a_processor(config, members, monkeypatch, caplog):
    assert said(members, 2.5, monkeypatch, caplog) == (1, "")
    config.members_per_step = 2
    assert said(members, 0.5, monkeypatch, caplog) == (2, "")


def test_what_is_said(config, members, monkeypatch, caplog):
    monkeypatch.setattr(memory, "_one_is_enough", lambda mesh: False)
    assert said(members, 2.5, monkeypatch, caplog) == (2, "")
    in_turn, text = said(members, 1.5, monkeypatch, caplog)
    assert in_turn == 1 and "2 networks train 1 at a time (config.members_per_step sets another number):" in text
    in_turn, text = said(members, 0.5, monkeypatch, caplog)
    assert in_turn == 1 and "If training fails, lower config.train.batch_size or config.data.frames" in text
    config.members_per_step = 1
    assert said(members, 0.5, monkeypatch, caplog) == (1, "")


def device(limit):
    stats = None if limit is None else {"bytes_limit": limit}
    return types.SimpleNamespace(memory_stats=lambda: stats)


def test_memory_of_devices(monkeypatch):
    mesh = types.SimpleNamespace(local_devices=[device(100 * 10**9)] * 2)
    assert memory.device_bytes(mesh) == 80 * 10**9, "each has its own"
    monkeypatch.setattr(memory, "_host_bytes", lambda: 10 * 10**9)
    mesh = types.SimpleNamespace(local_devices=[device(None)] * 2)
    assert memory.device_bytes(mesh) == 4 * 10**9, "they share the machine's"


@pytest.mark.parametrize(
    ("line", "file", "expected"),
    [
        ("0::/job/step", "job/memory.max", [5000]),
        ("0::/", "memory.max", [5000]),
        ("4:cpu,memory:/job", "memory/memory.limit_in_bytes", [5000]),
        ("4:cpu:/job", "memory/memory.limit_in_bytes", []),
    ],
)
def test_limits_of_a_container_or_a_job(tmp_path, line, file, expected):
    (tmp_path / "cgroup").write_text(f"{line}\n")
    (tmp_path / "root" / file).parent.mkdir(parents=True)
    (tmp_path / "root" / file).write_text("5000\n")
    assert memory._limits(tmp_path / "cgroup", tmp_path / "root") == expected
    (tmp_path / "root" / file).write_text("max\n")
    assert memory._limits(tmp_path / "cgroup", tmp_path / "root") == []
    assert memory._limits(tmp_path / "elsewhere", tmp_path) == []
