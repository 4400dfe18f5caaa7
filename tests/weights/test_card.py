"""The card says what the networks recognise, of what, and how well."""

import json

import pytest

from dsta_jax.weights import card, trained


@pytest.fixture
def parts(tiny, trained_run):
    run = trained_run(tiny)
    text = card.text(trained.read(run), "mine", None)
    _, head, body = text.split("---\n", 2)
    return run, dict(line.split(": ", 1) for line in head.splitlines()), body


def test_metadata(parts):
    run, head, _ = parts
    assert head["license"].startswith("unknown") and head["library_name"] == "dsta_jax"
    assert "dsta-net" in json.loads(head["tags"]) and json.loads(head["datasets"]) == ["arrays"]
    (index,) = json.loads(head["model-index"])
    accuracy = json.loads((run / "results.json").read_text())["accuracy"]
    found = {one["name"]: one["value"] for one in index["results"][0]["metrics"]}
    assert found == {f"top-1, {network}": part["top1"] for network, part in accuracy.items()}


def test_body(parts):
    _, _, body = parts
    assert "**2 classes**: wave, point." in body
    assert (
        "frames x 6 joints x (x, y, z)" in body and "in this order: wrist, thumb, index, middle, ring, pinky." in body
    )
    assert "any unit: the recogniser normalises them (wrist becomes the origin)" in body
    assert "on 2 test recordings of arrays" in body and 'snapshot_download("OWNER/mine")' in body


def test_of_a_fold_that_was_not_evaluated(tiny, trained_run, tmp_path):
    found = trained.read(trained_run(tiny))._replace(place=tmp_path)
    text = card.text(found, "mine", 7)
    assert "**Accuracy**: not evaluated." in text and "model-index" not in text
    assert "that was left out of training: 7." in text
