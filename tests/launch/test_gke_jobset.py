"""launch/gke_jobset.py, with a stand-in for kubectl; and what the JobSet runs, without Kubernetes."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.launch.conftest import ROOT

WORKDIR = "gs://bucket/runs/demo_1"
TRAINING = ("--config=demo", "--config.data.dir=gs://bucket/data", f"--workdir={WORKDIR}")
COMMAND = (sys.executable, "launch/gke_jobset.py", "--target=v6e:4x4", "--image=registry/dsta:1", *TRAINING)


def manifest(printed: str) -> str:
    return printed.partition("<<'JOBSET'\n")[2].partition("JOBSET\n")[0]


@pytest.fixture
def dry(stand_ins):
    """The JobSet that a dry run prints."""

    def read(*options: str) -> dict:
        finished = stand_ins.run(*COMMAND, *options, "--dry_run")
        assert finished.returncode == 0, finished.stderr
        return yaml.safe_load(manifest(finished.stdout))

    return read


def parts(jobset: dict) -> tuple[dict, dict, dict]:
    job = jobset["spec"]["replicatedJobs"][0]["template"]["spec"]
    pod = job["template"]["spec"]
    return job, pod, pod["containers"][0]


# https://cloud.google.com/kubernetes-engine/docs/concepts/plan-tpus
@pytest.mark.parametrize(
    ("target", "hosts", "chips", "label"),
    [
        ("v5e:1x1", 1, 1, "tpu-v5-lite-podslice"),
        ("v5e:4x4", 4, 4, "tpu-v5-lite-podslice"),
        ("v5p:2x2x2", 2, 4, "tpu-v5p-slice"),
        ("v6e:2x4", 2, 4, "tpu-v6e-slice"),
        ("tpu7x:2x2x1", 1, 4, "tpu7x"),
        ("tpu7x:4x4x4", 16, 4, "tpu7x"),
    ],
)
def test_one_argument_says_hosts_chips_and_topology(dry, target, hosts, chips, label):
    jobset = dry(f"--target={target}")
    job, pod, container = parts(jobset)
    assert job["parallelism"] == job["completions"] == hosts
    assert container["resources"]["limits"]["google.com/tpu"] == chips
    assert pod["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": label,
        "cloud.google.com/gke-tpu-topology": target.partition(":")[2],
    }
    assert ("annotations" in jobset["metadata"]) == (hosts > 1)


def test_preemptions_start_it_again_and_failures_do_three_times(dry):
    jobset = dry("--spot", "--grace=60", "--max_restarts=5", "--service_account=trainer")
    job, pod, _ = parts(jobset)
    assert jobset["metadata"]["name"] == "demo-1"
    policy = jobset["spec"]["failurePolicy"]
    assert policy["maxRestarts"] == 5
    (again,) = policy["rules"]
    assert again["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    assert again["onJobFailureReasons"] == ["PodFailurePolicy"]
    taken, stopped = job["podFailurePolicy"]["rules"]
    assert taken["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert stopped["onExitCodes"] == {"containerName": "train", "operator": "In", "values": [75]}
    assert job["backoffLimit"] == 0 and pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] == 60 and pod["serviceAccountName"] == "trainer"
    assert pod["nodeSelector"]["cloud.google.com/gke-spot"] == "true"


def test_the_dry_run_is_what_kubectl_gets(stand_ins, commands):
    printed = stand_ins.run(*COMMAND, "--dry_run").stdout
    assert not stand_ins.calls
    finished = stand_ins.run(*COMMAND)
    assert finished.returncode == 0, finished.stderr
    assert (stand_ins.directory / "manifest").read_text() == manifest(printed)
    call = next(line for line in printed.splitlines() if line.startswith("kubectl")).partition(" <<")[0]
    assert [" ".join(call) for call in stand_ins.calls] == [call]
    assert "16 chips on 4 nodes of ct6e-standard-4t: 16 chip-hours an hour" in finished.stdout
    assert "kubectl delete jobset demo-1" in finished.stdout


def test_a_cluster_that_does_not_answer_once(stand_ins):
    stand_ins.answers("kubectl", "1 - Unable to connect to the server: net/http: TLS handshake timeout")
    finished = stand_ins.run(*COMMAND)
    assert finished.returncode == 0 and len(stand_ins.calls) == 2
    assert "TLS handshake timeout; again in 2 s" in finished.stdout


def test_an_answer_that_was_lost(stand_ins):
    stand_ins.answers("kubectl", "1 - unexpected EOF", "1 - Error from server (AlreadyExists): demo-1 already exists")
    assert stand_ins.run(*COMMAND).returncode == 0


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (
            "Error from server (Forbidden): jobsets is forbidden: exceeded quota: tpus, used: 16, limited: 16",
            "no quota: ",
        ),
        ("Error from server (AlreadyExists): jobsets demo-1 already exists", "delete it first: kubectl delete jobset"),
        ('error: resource mapping not found: no matches for kind "JobSet"', "no JobSet controller"),
        ("error: You must be logged in to the server (Unauthorized)", "kubectl refused JobSet demo-1: error: You must"),
    ],
)
def test_a_refusal_ends_it_at_once(stand_ins, told, says):
    stand_ins.answers("kubectl", f"1 - {told}")
    finished = stand_ins.run(*COMMAND)
    assert finished.returncode == 1 and len(stand_ins.calls) == 1
    assert finished.stderr.startswith("error: ") and len(finished.stderr.splitlines()) == 1 and says in finished.stderr


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--target=v6e:3x3", "v6e has no topology '3x3'; known are 1x1, 2x2, 2x4"),
        ("--target=v7:2x2", "expected a generation and a topology, such as v4:2x2x2, v5e:2x2"),
        ("--tagret=v6e:2x2", "unknown option --tagret=v6e:2x2"),
        ("--workdir=runs/demo", "expected gs://BUCKET/RUN"),
        ("--config.data.dir=data", "expected gs://BUCKET/DATA"),
        ("--name=Mine", "expected at most 42 small letters"),
        ("--grace=long", "invalid int value"),
    ],
)
def test_options_are_checked(stand_ins, option, says):
    finished = stand_ins.run(*COMMAND, option)
    assert finished.returncode == 2 and not stand_ins.calls
    assert finished.stderr.startswith("error: ") and len(finished.stderr.splitlines()) == 1 and says in finished.stderr


def test_stopped_by_hand_it_says_how_to_delete_what_may_be_there(stand_ins):
    stand_ins.answers("kubectl", "waits")
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=stand_ins.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while process.poll() is None and not stand_ins.calls:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "kubectl delete jobset demo-1" in said and "Traceback" not in said


def test_help_has_examples(stand_ins):
    shown = stand_ins.run(sys.executable, "launch/gke_jobset.py", "--help")
    assert shown.returncode == 0 and shown.stdout.count("python launch/gke_jobset.py") == 2
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.fixture
def pod(dry, tmp_path):
    """The container's command, with a directory as the workdir and a shell's text as the training."""
    _, _, container = parts(dry())
    words = container["command"]
    assert "$(" not in "".join(words)  # Kubernetes would look into it.
    assert words[3:] == ["until_finished", WORKDIR, "python", "-m", "dsta_jax.main", *TRAINING]
    python = pathlib.Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{python}{os.pathsep}{os.environ['PATH']}"}

    def start(training: str, **more: str) -> subprocess.Popen:
        command = [*words[:4], str(tmp_path), "bash", "-c", training]
        return subprocess.Popen(command, cwd=tmp_path, env={**environment, **more})

    return start


@pytest.mark.parametrize(
    ("training", "status"),
    [("touch results.json", 0), ("true", 75), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 75)],
)
def test_the_status_says_whether_it_is_finished(pod, training, status):
    assert pod(training).wait(timeout=60) == status


def test_only_the_first_host_looks_for_the_results(pod):
    assert pod("true", JOB_COMPLETION_INDEX="1").wait(timeout=60) == 0


@pytest.mark.parametrize(("then", "status"), [("", 75), ("touch results.json;", 0)])
def test_the_training_is_told_to_stop_and_may_take_its_time(pod, tmp_path, then, status):
    save = f"touch told; sleep 0.3; {then} touch saved; exit 0"
    with pod(f"trap '{save}' TERM; touch ready; while :; do sleep 0.05; done") as process:
        while process.poll() is None and not (tmp_path / "ready").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == status
    assert (tmp_path / "told").exists() and (tmp_path / "saved").exists()
