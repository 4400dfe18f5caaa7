"""A few kills at chosen places; `python -m tests.faults.soak` has many at random ones."""

import json
import subprocess
import sys

import pytest

from tests import raw_recordings

PLACES = {
    "training, held out": [
        "half a line of metrics:1",
        "between the best checkpoint and the latest:1",
        "behind a save, which goes on in the background:1",
        "rename of the latest checkpoint:3",
        "rename of scores:2",
    ],
    "training, folds": ["behind a save, which goes on in the background:5", "open of results.json:3"],
    "conversion, replacing": ["rename of the set:2", "rmtree of the set:1"],
    "pair of npy, replacing": ["rename of the pair:1", "rename of the pair:3"],
}


@pytest.mark.parametrize("kind", PLACES)
def test_killed_programs_end_as_undisturbed_ones(kind, tmp_path):
    out = tmp_path / "faults.json"
    finished = subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", f"--only={kind}", f"--out={out}", "--at", *PLACES[kind]],
        env=raw_recordings.environment(),
        cwd=raw_recordings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(out.read_text())
    assert found["ended"] == {kind: 1} and not found["wrong"]
    assert sum(one["kills"] for one in found["kills"]) == len(PLACES[kind]), found["kills"]
