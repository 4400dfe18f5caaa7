"""Checkpoints: two are kept, and one that is damaged in whatever way is never used."""

import logging
import pathlib
import shutil

import jax
import numpy as np
import pytest

from dsta_jax import checkpoint, train
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A working directory with checkpoints of steps 7 and 14, and its members; made once, and not to be changed."""
    made = []

    def get(config):
        if not made:
            directory = tmp_path_factory.mktemp("trained")
            members = Experiment(config).members
            assert train.train(members, [directory]) is None
            made.append((directory, members))
        return made[0]

    return get


@pytest.fixture
def copied(config, trained, tmp_path):
    """A copy of it, to be damaged; and its members."""
    directory, members = trained(config)
    shutil.copytree(directory, tmp_path / "run")
    return tmp_path / "run", members


def restored(directory, members):
    shapes = jax.eval_shape(train._init(members, members.names))
    latest = checkpoint.Latest(directory)
    try:
        return latest.restore(checkpoint.with_sharding(shapes, members.mesh(8)), most=members.steps)
    finally:
        latest.close()


def step_files(directory, step, item="") -> list[pathlib.Path]:
    place = directory / "checkpoints" / "latest" / str(step) / item
    return sorted(path for path in place.rglob("*") if path.is_file())


def test_the_last_two_are_kept(copied):
    directory, _ = copied
    assert sorted(path.name for path in (directory / "checkpoints" / "latest").iterdir() if path.is_dir()) == [
        "14",
        "7",
    ]


@pytest.mark.parametrize("damage", ["truncated", "removed", "emptied"])
def test_a_damaged_one_is_passed_over_with_a_line(copied, damage, caplog):
    directory, members = copied
    for path in step_files(directory, 14, "model"):
        if damage == "removed":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 if damage == "truncated" else 0])
    with caplog.at_level(logging.WARNING):
        assert int(restored(directory, members).step) == 7
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("dsta_jax")]
    assert "latest/14" in line and "passed over, step 7 is taken instead" in line
    assert checkpoint.latest_step(directory) == 7, "the damaged one is gone, so that step 14 can be saved again"
    assert train.train(members, [directory]) is None
    assert int(restored(directory, members).step) == 14


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (MemoryError(), MemoryError),
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory"), jax.errors.JaxRuntimeError),
        (PermissionError(13, "Permission denied", "a"), UserError),
        (ValueError("PERMISSION_DENIED: opening a"), UserError),
    ],
)
def test_what_is_not_the_files_fault_deletes_nothing(copied, monkeypatch, error, raised):
    def restore(*_, **__):
        raise error

    directory, members = copied
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.ocp.CheckpointManager, "restore", restore)
        with pytest.raises(raised):
            restored(directory, members)
    assert int(restored(directory, members).step) == 14


def test_all_damaged_is_one_line(copied):
    directory, members = copied
    for step in (7, 14):
        for path in step_files(directory, step, "model"):
            path.unlink()
    with pytest.raises(UserError, match=r"latest/14 cannot be read .*; restore its files, or delete") as error:
        restored(directory, members)
    assert "\n" not in str(error.value)


def test_a_flipped_bit_is_never_trained_on(copied):
    directory, members = copied
    expected = jax.device_get(restored(directory, members))
    files = step_files(directory, 14)
    rng, found = np.random.default_rng(0), 0
    for trial in range(24):
        path = files[trial % len(files)]
        whole = path.read_bytes()
        if not whole:
            continue
        flipped = bytearray(whole)
        position = int(rng.integers(8 * len(whole)))
        flipped[position // 8] ^= 1 << position % 8
        copy = directory.parent / f"flipped_{trial}"
        shutil.copytree(directory, copy)
        (copy / path.relative_to(directory)).write_bytes(flipped)
        state = jax.device_get(restored(copy, members))
        if int(state.step) == 7:
            found += 1
            continue
        # A bit that changes nothing that is read, such as one of a time stamp.
        jax.tree.map(np.testing.assert_array_equal, state, expected)
    assert found, "none of the flipped bits was found"


def test_evaluation_passes_over_it_too_and_deletes_nothing(config, copied):
    directory, members = copied
    for path in step_files(directory, 14, "model"):
        path.write_bytes(path.read_bytes()[:-1])
    mesh = members.mesh(8)
    shapes = checkpoint._items(jax.eval_shape(train._init(members, members.names)))["model"]
    _, step = checkpoint.restore_model(directory, "latest", shapes, mesh)
    assert step == 7
    assert (directory / "checkpoints" / "latest" / "14").is_dir()


def test_another_network(config, copied):
    directory, _ = copied
    config.model.channels = (4, 16)
    with pytest.raises(UserError, match=r"is a checkpoint of another network: .*layer_1_spatial.*the network needs"):
        restored(directory, Experiment(config).members)


def test_the_best_of_a_step_may_be_saved_again(copied):
    """A run that was killed after it saved its best, and before its latest, comes back to the same step."""
    directory, members = copied
    state = restored(directory, members)
    model = {"params": state.params, "batch_stats": state.batch_stats}
    for accuracy in (0.5, 0.75):
        checkpoint.save_best(directory, 14, model, {"step": [14, 14], "accuracy": [accuracy, accuracy]})
    _, choice = checkpoint.restore_best(directory, model)
    assert choice["accuracy"] == [0.75, 0.75]


def test_entries_that_do_not_fit_are_named():
    wanted = {"a": (2, 3), "b": (4,), "c": ()}
    assert checkpoint.misfits(wanted, wanted) == ""
    other = checkpoint.misfits({"a": (3, 2), "c": (), "d": (1,), "e": (1,)}, wanted)
    assert other == "missing b; left over d; left over e; and 1 more"
