"""launch/slurm.sbatch trains: two real processes on this machine, under a stand-in for srun that sets its variables."""

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

from tests.launch.conftest import ROOT

# One node; each task has its own log, as --output=..._%t.log says.
_SRUN = """#!{python}
import os, subprocess, sys

options = [word for word in sys.argv[1:] if word.startswith("--")]
first = next(place for place, word in enumerate(sys.argv) if place and not word.startswith("--"))
output = next(word.partition("=")[2] for word in options if word.startswith("--output="))
tasks = 2
node = {{"SLURM_JOB_NODELIST": "localhost", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_NUM_NODES": "1"}}
node |= {{"SLURM_NTASKS": str(tasks), "SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_NODEID": "0"}}
running = []
for task in range(tasks):
    own = {{"SLURM_PROCID": str(task), "SLURM_LOCALID": str(task)}}
    log = open(output.replace("%t", str(task)), "w")
    running.append(subprocess.Popen(sys.argv[first:], env=os.environ | node | own, stdout=log, stderr=log))
sys.exit(max(abs(one.wait()) for one in running))
"""


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """Of a job of SLURM, in which a process has two devices."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "srun").write_text(_SRUN.format(python=sys.executable))
    (programs / "srun").chmod(0o755)
    (tmp_path / "launch").mkdir()
    shutil.copy(ROOT / "launch" / "commands.sh", tmp_path / "launch")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
        "PYTHON": sys.executable,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "SLURM_JOB_ID": _job_id(),
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_CPUS_PER_TASK": "1",
    }


def _job_id() -> str:
    """A job whose port (jax._src.clusters.slurm_cluster: 61440 + the last 12 bits) is free."""
    for job in range(os.getpid(), os.getpid() + 4096):
        with socket.socket() as one:
            if one.connect_ex(("localhost", 61440 + job % 4096)):
                return str(job)
    raise RuntimeError("no port is free")


def test_jax_finds_the_other_process(environment, tmp_path):
    program = "import jax; jax.distributed.initialize(); print(jax.process_count(), jax.device_count())"
    command = ["srun", f"--output={tmp_path}/%t.log", sys.executable, "-c", program]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, timeout=120)
    assert [(tmp_path / f"{task}.log").read_text().splitlines()[-1] for task in (0, 1)] == ["2 4"] * 2


def test_two_processes_train_together(environment, hands, tmp_path):
    workdir = tmp_path / "run"
    words = [
        "--config=demo:spatial,fast_temporal",
        "--config.train.epochs=2",
        "--config.train.batch_size=8",
        "--config.data.sampled_frames=10",
        "--config.data.frames=8",
        "--config.model.channels=(4, 8)",
        "--config.model.embedding=(2, 2)",
        "--config.model.strides=(2, 1)",
        "--config.model.input_channels=4",
        f"--config.data.dir={hands}",
        f"--workdir={workdir}",
    ]
    finished = subprocess.run(
        ["bash", ROOT / "launch" / "slurm.sbatch", *words],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    logs = sorted((tmp_path / "slurm" / environment["SLURM_JOB_ID"]).iterdir())
    said = "\n".join(log.read_text() for log in logs)
    assert finished.returncode == 0, f"{finished.stderr}\n{said}"
    assert [log.name for log in logs] == ["0_0.log", "0_1.log"]
    assert [str(path) for path in tmp_path.rglob("results.json")] == [str(workdir / "results.json")]
    assert set(json.loads((workdir / "results.json").read_text())["accuracy"]) == {"spatial", "fast_temporal", "fused"}
    assert "4 cpu device(s)" in said
    assert f"finished: {workdir}/results.json" in finished.stdout
    steps = [json.loads(line)["step"] for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))  # One process writes.
