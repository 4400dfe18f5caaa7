"""launch/tpu_pod.sh, with a stand-in for gcloud."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from tests.launch.conftest import ROOT

WORKDIR = "gs://bucket/runs/NTU60_cs"
TRAINING = ("--config=ntu60_cs", "--config.train.decay_at=(0.5, 0.75)", "--config.data.dir=gs://bucket/data")
VERBS = {
    "create": " create ", "delete": " delete ", "copy": " scp ", "train": "--output-directory", "install": " ssh ",
}  # fmt: skip


@pytest.fixture
def command(tmp_path) -> list[str]:
    options = ("--zone=us-east5-b", "--target=v6e:2x4", f"--logs={tmp_path / 'logs'}")
    return ["bash", "launch/tpu_pod.sh", *options, *TRAINING, f"--workdir={WORKDIR}"]


@pytest.fixture
def verbs(stand_ins):
    """What gcloud was told to do, one word a call, without the looking."""

    def read() -> list[str]:
        said = [" ".join(call) for call in stand_ins.calls]
        named = [next((verb for verb, part in VERBS.items() if part in one), "") for one in said]
        return [verb for verb in named if verb]

    return read


def test_from_the_request_to_the_deletion(stand_ins, command, verbs, tmp_path):
    finished = stand_ins.run(*command)
    assert finished.returncode == 0, finished.stderr
    assert verbs() == ["create", "copy", "install", "train", "delete"]
    assert f"finished: {WORKDIR}/results.json" in finished.stdout
    assert "8 chips were there for 0 minutes" in finished.stdout
    assert (tmp_path / "logs" / "1" / "0.log").read_text() == "what worker 0 says\n"


def test_a_dry_run_prints_what_a_run_runs(stand_ins, command, commands):
    printed = stand_ins.run(*command, "--dry_run")
    assert printed.returncode == 0 and not stand_ins.calls
    assert stand_ins.run(*command).returncode == 0
    dry = commands(printed.stdout)
    assert all(call in dry for call in stand_ins.calls)
    assert [one for one in dry if one[0] == "gcloud" and one not in stand_ins.calls] == []


def test_what_the_workers_are_told(stand_ins, command):
    stand_ins.run(*command, "--spot", "--project=mine")
    create, train = (next(call for call in stand_ins.calls if word in " ".join(call)) for word in (" create ", "flock"))
    options = ("--accelerator-type=v6e-8", "--runtime-version=v2-alpha-tpuv6e", "--spot", "--project=mine")
    assert {*options, "--zone=us-east5-b", "--node-id=ntu60-cs"} <= set(create)
    assert "--worker=all" in train
    told = next(word for word in train if word.startswith("--command="))
    script = f"shift 4; printf '%s\\n' \"$@\"; }}; flock {told.partition(' flock ')[2]}"
    read = subprocess.run(["bash", "-c", "flock() { " + script], capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == ["dsta_jax.main", *TRAINING, f"--workdir={WORKDIR}"]


def test_a_request_that_fails_once(stand_ins, command, verbs):
    stand_ins.answers("create", "1 - ERROR: UNAVAILABLE: The service is currently unavailable")
    finished = stand_ins.run(*command)
    assert finished.returncode == 0
    assert verbs() == ["create", "create", "copy", "install", "train", "delete"]
    assert "could not be created; attempt 1" in finished.stdout


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("1 - ERROR: Quota limit 'TPUV6EPreemptible' has been exceeded. Limit: 0 in region us-east5.", "no quota: "),
        ("1 - ERROR: PERMISSION_DENIED: Permission 'tpu.nodes.create' denied", "gcloud refused to create ntu60-cs"),
        ("2 - ERROR: argument --zone: expected one argument", "gcloud refused to create ntu60-cs"),
    ],
)
def test_a_refusal_ends_it_at_once(stand_ins, command, verbs, told, says):
    stand_ins.answers("create", told)
    finished = stand_ins.run(*command)
    assert finished.returncode == 1
    errors = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and says in errors[0]
    assert verbs() == ["create"]


def test_no_quota_that_shows_only_later(stand_ins, command, verbs):
    stand_ins.answers("create", "0 FAILED")
    (stand_ins.directory / "why").write_text("Quota 'TPUV5sPreemptible' exhausted. Limit 16 in region us-west4\n")
    finished = stand_ins.run(*command)
    assert finished.returncode == 1
    assert "error: no quota: Quota 'TPUV5sPreemptible' exhausted. Limit 16" in finished.stderr
    assert verbs() == ["create", "delete"]


def test_preempted(stand_ins, command, verbs):
    stand_ins.answers("train", "255 SUSPENDING", "1 -")
    stand_ins.answers("create", "0 ACTIVE", "0 ACTIVE", "0 ACTIVE")
    finished = stand_ins.run(*command, "--spot")
    assert finished.returncode == 0, finished.stderr
    life = ["create", "copy", "install", "train"]
    assert verbs() == [*life, "delete", *life, *life, "delete"]
    assert "(status 255) and ntu60-cs is SUSPENDING; attempt 1" in finished.stdout


def test_preempted_before_the_resource_shows_it(stand_ins, command, verbs):
    stand_ins.answers("train", "1 ACTIVE")
    (stand_ins.directory / "preempt").touch()
    finished = stand_ins.run(*command)
    assert finished.returncode == 0, finished.stderr
    life = ["create", "copy", "install", "train"]
    assert verbs() == [*life, "delete", *life, "delete"]


@pytest.mark.parametrize("state", ["SUSPENDED", "FAILED"])
def test_a_resource_of_before_is_deleted_before_it_is_made_again(stand_ins, command, verbs, state):
    stand_ins.state(state)
    assert stand_ins.run(*command).returncode == 0
    assert verbs() == ["delete", "create", "copy", "install", "train", "delete"]


def test_a_slice_that_is_there_is_used(stand_ins, command, verbs):
    stand_ins.state("ACTIVE")
    assert stand_ins.run(*command).returncode == 0
    assert verbs() == ["copy", "install", "train", "delete"]


def test_nothing_is_asked_for_when_it_is_finished(stand_ins, command, verbs):
    (stand_ins.directory / "finished").touch()
    finished = stand_ins.run(*command)
    assert finished.returncode == 0 and "finished already" in finished.stdout and not verbs()


@pytest.mark.parametrize("status", ["0", "143"])
def test_told_to_stop_it_trains_again_on_the_same_slice(stand_ins, command, verbs, status):
    stand_ins.answers("train", f"{status} ACTIVE")
    assert stand_ins.run(*command).returncode == 0
    assert verbs() == ["create", "copy", "install", "train", "copy", "install", "train", "delete"]


def test_a_training_that_fails_is_not_tried_again(stand_ins, command, verbs):
    stand_ins.answers("train", "3 ACTIVE")
    finished = stand_ins.run(*command, "--spot")
    assert finished.returncode == 1
    assert "what worker 0 says" in finished.stderr and "failed with status 3" in finished.stderr
    assert verbs() == ["create", "copy", "install", "train", "delete"]


def test_a_connection_that_is_lost_at_the_end(stand_ins, command, verbs):
    stand_ins.answers("train", "255 ACTIVE")
    (stand_ins.directory / "finish").touch()
    assert stand_ins.run(*command).returncode == 0
    assert verbs() == ["create", "copy", "install", "train", "delete"]


def test_retries_are_bounded(stand_ins, command, verbs):
    stand_ins.answers("train", *["255 SUSPENDED"] * 9)
    finished = stand_ins.run(*command, "--retries=2")
    assert finished.returncode == 1 and "--retries=2 is used up" in finished.stderr
    assert verbs().count("train") == 3 and verbs()[-1] == "delete"


def test_workers_that_cannot_be_set_up_do_not_cost_for_long(stand_ins, command, verbs):
    stand_ins.answers("install", *["1 ACTIVE"] * 9)
    finished = stand_ins.run(*command)
    assert finished.returncode == 1 and "three times on a slice that is there" in finished.stderr
    assert verbs().count("install") == 3 and verbs()[-1] == "delete"


def test_waits_grow(stand_ins, command):
    stand_ins.answers("create", *["1 - UNAVAILABLE"] * 8)
    assert stand_ins.run(*command, "--poll=10").returncode == 0
    waits = [int(call[1]) for call in stand_ins.calls if call[0] == "sleep"]
    assert waits == [20, 40, 80, 160, 320, 320, 320, 320]


def test_a_deletion_that_fails_is_tried_again(stand_ins, command, verbs):
    stand_ins.answers("delete", "1 ACTIVE")
    assert stand_ins.run(*command).returncode == 0
    assert verbs()[-2:] == ["delete", "delete"]


def test_a_slice_that_cannot_be_deleted_is_shouted_about(stand_ins, command):
    stand_ins.answers("delete", *["1 ACTIVE"] * 3)
    finished = stand_ins.run(*command)
    assert finished.returncode == 1 and "COSTS UNTIL IT IS" in finished.stderr
    assert "gcloud compute tpus queued-resources delete ntu60-cs --zone=us-east5-b --force" in finished.stderr


def test_a_slice_can_stay(stand_ins, command, verbs):
    finished = stand_ins.run(*command, "--delete=never")
    assert finished.returncode == 0 and "delete" not in verbs()
    assert "queued-resources delete ntu60-cs" in finished.stdout


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delete", ["finished", "always"])
def test_stopped_by_hand(stand_ins, command, verbs, tmp_path, delete, which):
    stand_ins.answers("train", "waits ACTIVE")
    with subprocess.Popen(
        [*command, f"--delete={delete}"], cwd=ROOT, env=stand_ins.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        log = pathlib.Path(tmp_path / "logs" / "1" / "0.log")
        while process.poll() is None and not (log.exists() and not (stand_ins.directory / "train").read_text()):
            time.sleep(0.02)
        process.send_signal(which)
        said = process.communicate(timeout=30)[0]
    assert process.returncode == 130
    assert (verbs()[-1] == "delete") == (delete == "always")
    assert delete == "always" or "queued-resources delete ntu60-cs --zone=us-east5-b --force --quiet" in said


def test_it_is_deleted_although_nobody_reads_what_is_said(stand_ins, command, verbs):
    read, write = os.pipe()
    os.close(read)
    finished = subprocess.run(command, cwd=ROOT, env=stand_ins.environment, stdout=write, stderr=write, timeout=60)
    os.close(write)
    assert finished.returncode == 0 and verbs()[-1] == "delete"


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--tagret=v6e:2x4", "unknown option --tagret=v6e:2x4"),
        ("--target=v6e:3x3", "v6e has no topology '3x3'; known are 1x1, 2x2, 2x4"),
        ("--target=tpu7x:2x2x1", "the Cloud TPU API does not know tpu7x: use launch/gke_jobset.py"),
        ("--target=", "--target=TARGET is missing"),
        ("--zone=", "--zone=ZONE is missing"),
        ("--workdir=runs/ntu60", "expected gs://BUCKET/RUN"),
        ("--config.data.dir=data", "expected gs://BUCKET/DATA"),
        ("--delete=yes", "expected finished, always or never"),
        ("--retries=many", "expected a number"),
        ("--name=1", "expected small letters"),
    ],
)
def test_options_are_checked_before_anything_costs(stand_ins, command, option, says):
    finished = stand_ins.run(*command, option)
    assert finished.returncode == 1 and not stand_ins.calls
    assert len(finished.stderr.splitlines()) == 1
    assert finished.stderr.startswith("error: ") and says in finished.stderr


def test_help_has_examples(stand_ins):
    shown = stand_ins.run("bash", "launch/tpu_pod.sh", "--help")
    assert shown.returncode == 0 and shown.stdout.count("\n  launch/tpu_pod.sh") == 3
    assert max(map(len, shown.stdout.splitlines())) <= 80
