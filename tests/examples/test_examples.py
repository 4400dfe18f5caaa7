"""The examples run as they are, in a directory of their own, and print what they promise."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_train_and_recognise(tmp_path):
    program = [sys.executable, str(ROOT / "examples" / "train_and_recognise.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": ""}  # one device, as a user's laptop has
    finished = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]
    accuracy, circle, push, wave, without_thumb = finished.stdout.splitlines()
    assert int(re.fullmatch(r"accuracy on the test part: (\d+)%", accuracy)[1]) >= 90
    assert circle.startswith("circle: circle, probability")
    assert push.startswith("push: push, probability")
    assert wave.startswith("wave: wave, probability")
    assert without_thumb == "wave without a thumb: wave (spatial_temporal wave, slow_temporal wave)"
    assert (tmp_path / "runs" / "example" / "results.json").is_file()
