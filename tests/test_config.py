"""Configurations: by name, checked before anything is loaded."""

import pytest

from dsta_jax import config as lib
from dsta_jax import get_config
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from tests.conftest import ROOT


def test_by_name_and_by_path(monkeypatch, tmp_path):
    by_path = get_config(str(ROOT / "configs" / "utd_mhad.py:small,spatial"))
    monkeypatch.chdir(tmp_path)
    assert get_config("utd_mhad:small,spatial").to_dict() == by_path.to_dict()
    assert get_config("configs/utd_mhad.py:small,spatial").to_dict() == by_path.to_dict()


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from dsta_jax.config import paper\n"
        "def get_config(words=''):\n    config = paper('shrec14', words)\n    config.seed = 7\n    return config\n"
    )
    assert get_config(f"{path}:spatial").seed == 7


def test_a_field_that_is_misspelt():
    with pytest.raises(AttributeError, match="epochs"):
        get_config("shrec14").train.epoch = 3


def test_a_file_without_a_configuration(tmp_path):
    (tmp_path / "mine.py").write_text("epochs = 3\n")
    with pytest.raises(UserError, match=r"mine.py: no function get_config"):
        get_config(str(tmp_path / "mine.py"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "shrec15",
            r"--config=shrec15: there is no such config; expected a .py file of your own, or one of demo, dhg14",
        ),
        ("elsewhere/shrec14.py", "there is no such config"),
        ("mine.toml", r"a benchmark's file; train on it by --config=own:small --config.benchmark=mine.toml"),
        ("shrec14:bones", "'bones' after the colon: expected 'small' or some of spatial_temporal"),
        ("", "there is no such config"),
    ],
)
def test_no_such_config(name, message):
    with pytest.raises(UserError, match=message):
        get_config(name)


def test_a_further_stream_does_not_join_the_papers(monkeypatch):
    monkeypatch.setattr(lib, "STREAMS", (*lib.STREAMS, "relative"))
    assert get_config("shrec14").streams == lib.PAPER_STREAMS
    assert get_config("shrec14:relative").streams == ("relative",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("streams", ("spatial", "bones")),
        ("streams", ()),
        ("streams", ("spatial", "spatial")),
        ("seed", -1),
        ("members_per_step", -1),
        ("model.attention", "global"),
        ("model.heads", 0),
        ("model.channels", (4, -8)),
        ("model.strides", (1, 0)),
        ("data.sampled_frames", 0),
        ("data.scale", 1.0),
        ("data.rotation_degrees", float("nan")),
        ("data.validation_fraction", 1.0),
        ("data.validation_by", "person"),
        ("data.fast_interval", 0),
        ("train.batch_size", 0),
        ("train.epochs", 0.0),
        ("train.epochs", float("inf")),
        ("train.learning_rate", -0.1),
        ("train.warmup_by", "hour"),
        ("train.decay_at", ("a",)),
        ("train.decay_at", (0.75, 0.5)),
        ("train.decay_at", (0.5, 0.5)),
        ("train.decay_at", (float("nan"),)),
        ("train.decay_at", (40.0, 52.0)),
        ("train.weight_decay", float("nan")),
        ("evaluate.batch_size", -4),
        ("benchmark", ""),
        ("benchmark", "my\nown.toml"),
        ("benchmark", "my\ud800.toml"),
        ("data.dir", ""),
        ("data.dir", " "),
        ("folds", (1.5,)),
        ("folds", (1, 2, 1)),
        ("folds", ("",)),
        ("seed", 1 << 64),
        ("data.sampled_frames", 10**12),
        ("data.slow_interval", 10**12),
        ("data.rotation_degrees", 1e300),
        ("data.scale", -0.1),
        ("model.heads", 10**12),
        ("model.heads", True),
        ("model.heads", None),
        ("model.input_channels", 10**12),
        ("model.channels", ()),
        ("model.channels", (10**12,)),
        ("model.channels", (4,) * 101),
        ("model.embedding", (0.5,)),
        ("model.strides", (None,)),
        ("train.epochs", 1e300),
        ("train.epochs", None),
        ("train.warmup_epochs", 1e300),
        ("train.learning_rate", 1e30),
        ("train.learning_rate", float("nan")),
        ("train.decay_factor", 0.5),
        ("train.decay_factor", 1e300),
        ("train.weight_decay", 1.0),
        ("train.momentum", 1.0),
        ("train.loaded_rate", -0.1),
        ("init_from", " "),
        ("train.batch_size", 10**12),
        ("evaluate.batch_size", 10**12),
        ("evaluate.every_epochs", 0.0),
        ("checkpoint.every_epochs", float("nan")),
        ("log.every_steps", 10**12),
    ],
)
def test_a_field_that_makes_no_sense_is_named(field, value):
    config = get_config("demo")
    config.update_from_flattened_dict({field: value})
    with pytest.raises(UserError, match=rf"^config\.{field}=.*: expected ") as error:
        lib.check(config)
    assert str(error.value).isprintable() and len(str(error.value)) < 250


def test_a_long_value_is_cut_short():
    config = get_config("demo")
    config.model.attention = "a" * 1000
    with pytest.raises(UserError, match=r"^config.model.attention=a{77}\.\.\.: expected one of per_frame, "):
        lib.check(config)


def test_every_field_has_a_rule():
    assert {f"config.{field}" for field in lib.RULES} == set(lib.fields(lib.paper("demo")))


def test_a_rate_for_what_is_not_loaded():
    config = get_config("demo")
    config.train.loaded_rate = 0.5
    with pytest.raises(UserError, match=r"^config.train.loaded_rate=0.5: nothing is loaded; name a run by config.init"):
        lib.check(config)
    config.init_from = "runs/another"
    lib.check(config)


def test_a_field_that_is_missing_or_unknown():
    config = lib.paper("demo")
    del config.train.epochs
    with pytest.raises(UserError, match=r"^config.train.epochs is missing: expected a number above 0"):
        lib.check(config)
    config = lib.paper("demo")
    config.train.epoch = 3.0
    with pytest.raises(UserError, match=r"^config.train.epoch: .* no such field, did you mean config.train.epochs\?"):
        lib.check(config)


def test_fields_that_do_not_go_together():
    config = get_config("demo")
    config.data.frames = 37
    with pytest.raises(UserError, match="config.data.frames=37: expected at most config.data.sampled_frames=36"):
        lib.check(config)
    config = get_config("demo")
    config.model.channels = (4, 8)
    with pytest.raises(UserError, match="need a number for each layer"):
        Experiment(config)
    config = get_config("demo")
    config.model.strides = (4, 4, 4)
    with pytest.raises(
        UserError, match=r"strides=\(4, 4, 4\): they leave one of 64 frames, expected at most config.data.fr"
    ):
        lib.check(config)


def test_a_rate_that_only_rises_is_told(caplog):
    config = get_config("shrec14")
    config.train.epochs = 5.0
    lib.check(config)
    assert "rises through the whole training" in caplog.text
