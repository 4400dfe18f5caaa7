"""launch/ntu120_all.sh, with a stand-in for the training."""

import pytest

from dsta_jax import get_config

# Notes its words; answers as the file `answers` says, a status a line, and is finished with status 0.
_TRAINING = """#!/usr/bin/env bash
echo "$*" >>"$STAND_INS/trainings"
read -r status <"$STAND_INS/answers" || status=0
sed -i 1d "$STAND_INS/answers"
[ "$status" = stopped ] && exit 0
for word; do case $word in --workdir=*) workdir=${word#*=} ;; esac; done
[ "$status" -ne 0 ] || { mkdir -p "$workdir" && touch "$workdir/results.json"; }
exit "$status"
"""


@pytest.fixture
def trained(stand_ins, tmp_path):
    """Runs it with the stand-in, which answers as told; returns the process and what was trained."""
    training = stand_ins.directory / "training"
    training.write_text(_TRAINING)
    training.chmod(0o755)
    (stand_ins.directory / "trainings").touch()

    def run(*words: object, answers: str = ""):
        (stand_ins.directory / "answers").write_text(answers)
        finished = stand_ins.run("bash", "launch/ntu120_all.sh", "data", tmp_path, *words, PYTHON=str(training))
        return finished, (stand_ins.directory / "trainings").read_text().splitlines()

    return run


def words_of(config: str, runs: object, *options: str) -> str:
    return " ".join([f"--config={config}", "--config.data.dir=data", f"--workdir={runs}/{config}", *options])


def test_both_experiments_with_four_streams(trained, tmp_path):
    finished, trainings = trained("--config.model.precision=bfloat16")
    assert finished.returncode == 0, finished.stderr
    names = ("ntu120_cs", "ntu120_ce")
    assert trainings == [
        f"-m dsta_jax.main {words_of(name, tmp_path, '--config.model.precision=bfloat16')}" for name in names
    ]
    assert [len(get_config(name).streams) for name in names] == [4, 4]


def test_it_goes_on_where_it_was_stopped(trained):
    first, trainings = trained(answers="0\n130\n")
    assert first.returncode == 1 and "error: ntu120_ce ended with status 130" in first.stderr
    second, trainings = trained()
    assert second.returncode == 0 and len(trainings) == 4


def test_a_training_that_was_told_to_stop_is_not_passed_over(trained):
    finished, trainings = trained(answers="stopped\n")
    assert finished.returncode == 1 and "ntu120_cs was stopped before it was finished" in finished.stderr
    assert len(trainings) == 1


def test_any_launcher(trained, stand_ins, tmp_path):
    finished, _ = trained("--", stand_ins.directory / "training", "--spot", answers="stopped\n")
    assert finished.returncode == 0  # A launcher's own status counts: sbatch only puts it into the queue.
    trainings = (stand_ins.directory / "trainings").read_text().splitlines()
    assert trainings == [f"--spot {words_of(name, tmp_path)}" for name in ("ntu120_cs", "ntu120_ce")]


def test_a_dry_run_prints_what_a_run_runs(trained, stand_ins, commands):
    printed, trainings = trained("--dry_run")
    assert printed.returncode == 0 and not trainings
    _, trainings = trained()
    assert [" ".join(one[1:]) for one in commands(printed.stdout)] == trainings


@pytest.mark.parametrize("words", [["third"], ["--spot"], ["--"]])
def test_options_are_checked(trained, words):
    finished, trainings = trained(*words)
    assert finished.returncode == 1 and not trainings
    assert finished.stderr.startswith("error: ") and len(finished.stderr.splitlines()) == 1


def test_help_has_examples(stand_ins):
    shown = stand_ins.run("bash", "launch/ntu120_all.sh", "--help")
    assert shown.returncode == 0 and shown.stdout.count("\n  launch/ntu120_all.sh") == 4
    assert max(map(len, shown.stdout.splitlines())) <= 80
