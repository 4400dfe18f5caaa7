"""A few kills at chosen places; `python -m tests.faults.soak` has many at random ones."""

import json
import subprocess
import sys

import pytest

from tests import raw_recordings
from tests.faults import system_calls

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

# Of a training, arrays are written by tensorstore's threads; of a conversion, shards by workers.
SYSTEM_CALLS = {
    "training, held out": ["system call fsync:2", "system call writev:3"],
    "conversion": ["system call fsync:2", "system call rename:1"],
}


@pytest.mark.parametrize("kind", PLACES)
def test_killed_programs_end_as_undisturbed_ones(kind, tmp_path):
    killed(kind, PLACES[kind], tmp_path / "faults.json")


@pytest.mark.skipif(not system_calls.is_here(), reason="needs strace")
@pytest.mark.parametrize("kind", SYSTEM_CALLS)
def test_killed_before_system_calls(kind, tmp_path):
    where = [one["where"] for one in killed(kind, SYSTEM_CALLS[kind], tmp_path / "faults.json")]
    # strace tells what was met, so that kills at the wrong place would be seen.
    assert [one.split(" of ")[0].split(",")[0] for one in where] == [call.split(":")[0] for call in SYSTEM_CALLS[kind]]


def killed(kind, places, out):
    """Kills a program at each place in turn, starts it again, compares; what the soak says of the kills."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", f"--only={kind}", f"--out={out}", "--at", *places],
        env=raw_recordings.environment(),
        cwd=raw_recordings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(out.read_text())
    assert found["ended"] == {kind: 1} and not found["wrong"]
    assert sum(one["kills"] for one in found["kills"]) == len(places), found["kills"]
    return found["kills"]
