"""The paper's tables."""

import json
import re

import pytest

from dsta_jax import experiments
from dsta_jax.config import PAPER_STREAMS, get_config
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.members import make_network


def choices(table: str) -> dict:
    return {row.name: experiments._config(get_config("shrec14"), row, 0) for row in experiments.TABLES[table].rows}


def test_every_row_of_table_1_is_another_network_and_its_choices_are_the_papers():
    config = get_config("shrec14")
    found = choices("table1")
    networks = [make_network(one.model, Experiment(one).benchmark) for one in found.values()]
    assert len(set(networks)) == len(networks) == 7
    settings = [
        (one.model.position, one.model.regularization, one.model.attention, one.streams) for one in found.values()
    ]
    joints = ("spatial_temporal",)
    assert settings == [
        ("none", "none", "shared", joints),
        ("unified", "none", "shared", joints),
        ("decoupled", "none", "shared", joints),
        ("decoupled", "spatial", "shared", joints),
        ("decoupled", "spatial_temporal", "shared", joints),
        ("decoupled", "spatial", "per_frame", joints),
        ("decoupled", "spatial", "cross_frame", joints),
    ]
    assert config == get_config("shrec14"), "a row changes nothing of the configuration that it is made from"


def test_rows_of_table_2_are_of_one_run():
    found = choices("table2")
    assert {one.streams for one in found.values()} == {PAPER_STREAMS}
    rows = experiments.TABLES["table2"].rows
    assert len({experiments._directory(row, 1) for row in rows}) == 1
    assert len({experiments._directory(row, 1) for row in experiments.TABLES["table1"].rows}) == 7


def test_the_papers_numbers():
    """DSTA-Net, Tables 1 and 2, and what it reports of each benchmark."""
    one, two = ([row.paper for row in experiments.TABLES[name].rows] for name in ("table1", "table2"))
    assert one == [89.4, 93.2, 94.5, 96.3, 94.6, 94.6, 95.1] and two == [96.3, 95.1, 93.7, 94.5, 97.0]
    assert experiments.table_of("table4", get_config("ntu60_cv")).rows[0].paper == 96.4
    with pytest.raises(
        UserError, match="table4 is of ntu60_cs, ntu60_cv, and --config is of shrec14; table1 and table2"
    ):
        experiments.table_of("table4", get_config("shrec14"))


def test_mean_deviation_and_differences():
    table = experiments.TABLES["table2"]
    found = {row.name: [80.0, 82.0, 84.0] for row in table.rows} | {"fused": [90.0, 91.0, 95.0]}
    said = experiments.in_words(table, "synthetic14", found)
    assert re.search(r"spatial +82\.00 +2\.00 +95\.1 +80\.00 82\.00 84\.00", said)
    assert re.search(r"fused +92\.00 +2\.65 +97\.0", said)
    # Seed by seed 10, 9, 11: a mean of 10 and a standard error of 1 / sqrt(3).
    assert "+10.00 +- 0.58 (more than twice its standard error)" in said
    assert "The paper's numbers are of shrec14, and ours of synthetic14" in said
    alone = experiments.in_words(table, "shrec14", {row.name: [90.0] for row in table.rows})
    assert "one seed: no spread is known" in alone and "compare differences" not in alone


@pytest.fixture
def tiny(config):
    config.train.epochs = 1 / 3.5
    config.train.update({"warmup_epochs": 0.0, "decay_at": ()})
    return config


def test_a_table_is_trained_once_and_goes_on(tiny, tmp_path, capsys, monkeypatch):
    trained = []
    train = Experiment.train
    monkeypatch.setattr(Experiment, "train", lambda self, place: trained.append(place.name) or train(self, place))
    assert experiments.run("table2", tiny, 2, tmp_path) == 0
    said = capsys.readouterr().out
    content = json.loads((tmp_path / "table2.json").read_text())
    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in trained]
    assert trained == ["4_streams_seed_0", "4_streams_seed_1"]
    for row in experiments.TABLES["table2"].rows:
        accuracies = [100 * one["accuracy"][row.shows]["top1"] for one in results]
        assert content["top1"][row.name] == pytest.approx(accuracies)
    assert said.strip() in (tmp_path / "table2.md").read_text()
    before = (tmp_path / "table2.json").read_bytes()
    assert experiments.run("table2", tiny, 2, tmp_path) == 0
    assert (tmp_path / "table2.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "section", "other"), [("fig5", "attention", "classes"), ("fig6", "classes", "attention")]
)
def test_figures_are_pages_of_one_section(tiny, tmp_path, capsys, name, section, other):
    tiny.model.channels, tiny.model.embedding, tiny.model.strides = (4,), (2,), (2,)
    assert experiments.draw(name, tiny, tmp_path) == 0
    assert capsys.readouterr().out == f"{tmp_path / name}.html\n"
    page = (tmp_path / f"{name}.html").read_text()
    assert f'id="{section}"' in page and f'id="{other}"' not in page


def test_interrupted(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Experiment, "train", lambda self, place: None)
    assert experiments.run("table2", tiny, 1, tmp_path) == 130
    assert not (tmp_path / "table2.json").exists()
