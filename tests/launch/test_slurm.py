"""launch/slurm.sbatch, with stand-ins for srun and scontrol."""

import re
import shutil

import pytest

from tests.launch.conftest import ROOT


@pytest.fixture
def submitted(stand_ins, tmp_path):
    """Runs the job as SLURM does: a copy of the script, which knows where the command was given."""
    (tmp_path / "launch").mkdir()
    shutil.copy(ROOT / "launch" / "commands.sh", tmp_path / "launch")
    copy = stand_ins.directory / "slurm_script"
    shutil.copy(ROOT / "launch" / "slurm.sbatch", copy)

    def run(*words: str, **environment: str):
        slurm = {"SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_JOB_ID": "42", "SLURM_CPUS_PER_TASK": "6", **environment}
        return stand_ins.run("bash", copy, "--config=demo", f"--workdir={tmp_path / 'run'}", *words, **slurm)

    return run


def programs(stand_ins) -> list[str]:
    return [call[0] for call in stand_ins.calls]


def test_one_task_a_gpu():
    text = (ROOT / "launch" / "slurm.sbatch").read_text()
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=?(\S*)$", text, re.MULTILINE))
    assert asked["gres"] == f"gpu:{asked['ntasks-per-node']}" and "gpus-per-task" not in asked
    assert "requeue" in asked and asked["signal"].startswith("TERM@")


def test_a_training_that_is_finished(stand_ins, submitted, tmp_path):
    finished = submitted("--config.train.decay_at=(0.5, 0.75)")
    assert finished.returncode == 0, finished.stderr
    (srun,) = stand_ins.calls
    training = ["--config=demo", f"--workdir={tmp_path / 'run'}", "--config.train.decay_at=(0.5, 0.75)"]
    assert srun[-len(training) :] == training
    assert {"--kill-on-bad-exit=1", "--cpus-per-task=6", "--output=slurm/42/0_%t.log"} <= set(srun)
    assert (tmp_path / "slurm" / "42").is_dir()


@pytest.mark.parametrize("status", ["0", "143"])  # It has saved, or SIGTERM came before it could.
def test_preempted_it_is_queued_again_and_goes_on(stand_ins, submitted, status):
    stand_ins.answers("srun", status)
    first = submitted()
    assert first.returncode == 0 and "queued again" in first.stdout
    assert stand_ins.calls[-1] == ["scontrol", "requeue", "42"]
    second = submitted(SLURM_RESTART_COUNT="1")
    assert second.returncode == 0 and "finished: " in second.stdout
    assert programs(stand_ins) == ["srun", "scontrol", "srun"]
    assert "--output=slurm/42/1_%t.log" in stand_ins.calls[-1]


@pytest.mark.parametrize("before", [False, True])
def test_a_training_that_fails_is_not_queued_again(stand_ins, submitted, tmp_path, before):
    stand_ins.answers("srun", "3")
    if before:  # Results of another configuration, say.
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "results.json").touch()
    finished = submitted()
    assert finished.returncode == 1
    assert finished.stderr == "error: the training failed with status 3; its logs are slurm/42/0_TASK.log\n"
    assert programs(stand_ins) == ["srun"]


@pytest.mark.parametrize(("restarts", "queued"), [("2", False), ("3", True), ("0", True)])
def test_restarts_are_bounded(stand_ins, submitted, restarts, queued):
    stand_ins.answers("srun", "0")
    finished = submitted(f"--restarts={restarts}", SLURM_RESTART_COUNT="2")
    assert ("scontrol" in programs(stand_ins)) == queued
    assert (finished.returncode == 0) == queued
    assert queued or "--restarts=2 is used up" in finished.stderr


def test_a_dry_run_prints_what_a_run_runs(stand_ins, submitted, commands):
    stand_ins.answers("srun", "0")
    printed = submitted("--dry_run")
    assert printed.returncode == 0 and not stand_ins.calls
    submitted()
    assert [one for one in commands(printed.stdout) if one[0] != "mkdir"] == stand_ins.calls


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--nodes=2"], "unknown option --nodes=2"),
        (["--restarts=many"], "expected a number"),
        (["--workdir="], "--workdir=DIRECTORY is missing"),
    ],
)
def test_options_are_checked(stand_ins, submitted, words, says):
    finished = submitted(*words)
    assert finished.returncode == 1 and not stand_ins.calls
    assert finished.stderr.startswith("error: ") and len(finished.stderr.splitlines()) == 1 and says in finished.stderr


def test_given_outside_of_the_checkout(stand_ins, submitted):
    finished = submitted(SLURM_SUBMIT_DIR=str(stand_ins.directory))
    assert finished.returncode == 1 and "is not the root of the checkout" in finished.stderr


def test_help_has_examples(stand_ins):
    shown = stand_ins.run("bash", "launch/slurm.sbatch", "--help")
    assert shown.returncode == 0 and shown.stdout.count("\n  sbatch ") == 3
    assert max(map(len, shown.stdout.splitlines())) <= 80
