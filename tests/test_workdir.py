"""A working directory belongs to one configuration."""

import json

import pytest

from configs import demo, dhg14, shrec14
from dsta_jax import workdir
from dsta_jax.errors import UserError


def test_config_comes_back_as_it_was(tmp_path):
    config = shrec14.get_config("small,spatial")
    workdir.claim(tmp_path / "run", config)
    assert workdir.read_config(tmp_path / "run").to_dict() == config.to_dict()
    versions = json.loads((tmp_path / "run" / "config.json").read_text())["versions"]
    assert {"dsta_jax", "jax", "flax", "orbax-checkpoint"} <= set(versions)


def test_the_same_configuration_goes_on(tmp_path):
    workdir.claim(tmp_path, demo.get_config())
    before = (tmp_path / "config.json").read_bytes()
    workdir.claim(tmp_path, demo.get_config())
    assert (tmp_path / "config.json").read_bytes() == before


def test_another_configuration_is_refused_and_changes_nothing(tmp_path):
    workdir.claim(tmp_path, demo.get_config())
    before = (tmp_path / "config.json").read_bytes()
    other = demo.get_config()
    other.train.epochs, other.model.heads = 99.0, 1
    with pytest.raises(UserError) as error:
        workdir.claim(tmp_path, other)
    assert "config.model.heads was 3, is 1; config.train.epochs was" in str(error.value)
    assert "another --workdir" in str(error.value)
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="not empty and holds no config.json"):
        workdir.claim(tmp_path, demo.get_config())


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"versions": {}}'])
def test_no_readable_config(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json (is not there|cannot be read)"):
        workdir.read_config(tmp_path)


def test_which_folds_are_trained_may_change(tmp_path):
    config = dhg14.get_config()
    config.folds = (1, 2)
    workdir.claim(tmp_path, config)
    config.folds, config.members_per_step = (), 4
    workdir.claim(tmp_path, config)
    found = workdir.read_config(tmp_path)
    assert (found.folds, found.members_per_step) == ((), 4)
    config.seed = 7
    with pytest.raises(UserError, match="of another configuration: config.seed was 0, is 7. Choose"):
        workdir.claim(tmp_path, config)
