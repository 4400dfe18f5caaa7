r"""Trains on a slice of TPUs in Google Kubernetes Engine, as a JobSet.

  python launch/gke_jobset.py --target=v6e:4x4 --spot --image=IMAGE \
      --config=ntu60_cs --config.model.precision=bfloat16 \
      --config.data.dir=gs://my-bucket/data \
      --workdir=gs://my-bucket/runs/ntu60_cs --dry_run
  python launch/gke_jobset.py --target=tpu7x:2x2x1 --image=IMAGE \
      --service_account=trainer --config=demo \
      --config.data.dir=gs://my-bucket/data --workdir=gs://my-bucket/runs/demo

Every option below is about the JobSet; --config..., --workdir and so on are the
training's. A preempted training starts again by itself until it is finished.
docs/launch.md explains it, and says what it costs.
"""

import argparse
import pathlib
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import targets
import yaml

# Of launch/until_finished.sh: stopped before it was finished.
_STOPPED = 75
# Between two attempts to reach the cluster.
_WAITS_S = (2, 4, 8, 16)
_PASSING = r"Unable to connect|connection refused|connection reset|timeout|deadline exceeded|Too Many|InternalError|EOF"
_COMMAND = ["kubectl", "create", "--filename=-"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see --help\n")


def options(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options of the JobSet, and the words of the training."""
    parser = _Parser(
        usage="gke_jobset.py --target=TARGET --image=IMAGE [OPTION...] --config=NAME ...",
        description=__doc__,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=79),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--target", required=True, type=_target, help="the slice, such as v5e:4x4, v5p:2x2x2, v6e:2x4, tpu7x:2x2x1")
    add("--image", required=True, help="a container image with Python and dsta_jax[tpu,gcs]")
    add("--name", help="of the JobSet; default: the end of the workdir")
    add("--spot", action="store_true", help="on Spot VMs only")
    add("--service_account", metavar="NAME", help="of Kubernetes, which may write to the bucket")
    add("--grace", type=int, default=120, metavar="SECONDS", help="from SIGTERM to the end; a save takes part of it")
    add("--max_restarts", type=int, default=3, metavar="N", help="after failures; preemptions are not counted")
    add("--dry_run", action="store_true", help="print the command, and do not run it")
    known, training = parser.parse_known_args(words)
    for word in training:
        if not re.match(r"--config(\.[\w.]+)?=|--workdir=", word):
            parser.error(f"unknown option {word}")
    for flag, what in (
        ("--workdir", "RUN, which outlives the slice"),
        ("--config.data.dir", "DATA, which all can read"),
    ):
        if not _value(training, flag).startswith("gs://"):
            parser.error(f"{flag}={_value(training, flag)}: expected gs://BUCKET/{what}")
    known.workdir = _value(training, "--workdir").rstrip("/")
    known.name = known.name or re.sub(r"[_.]", "-", known.workdir.rpartition("/")[2].lower())
    # JobSet adds -slice-0-0 and five characters to the names of its pods, which may have 63.
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", known.name):
        parser.error(f"--name={known.name}: expected at most 42 small letters, digits and -, a letter first")
    return known, training


def _target(name: str) -> targets.Target:
    try:
        return targets.target(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _value(words: Sequence[str], flag: str) -> str:
    return next((word.partition("=")[2] for word in reversed(words) if word.startswith(f"{flag}=")), "")


def jobset(known: argparse.Namespace, training: Sequence[str]) -> dict[str, Any]:
    """The JobSet (jobset.x-k8s.io/v1alpha2): one job, whose pods are the hosts of the slice.

    A pod that a node takes with it, or whose training was stopped before it was finished, fails its job by the policy
    for pods, and such failures start the JobSet again without being counted.
    """
    slice_ = known.target
    until_finished = pathlib.Path(__file__).with_name("until_finished.sh").read_text()
    command = ["python", "-m", "dsta_jax.main", *training]
    selector = {
        "cloud.google.com/gke-tpu-accelerator": slice_.generation.label,
        "cloud.google.com/gke-tpu-topology": slice_.topology,
    }
    container = {
        "name": "train",
        "image": known.image,
        "command": ["bash", "-c", until_finished, "until_finished", known.workdir, *command],
        "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
        "ports": [{"containerPort": port} for port in (8471, 8431, 8482)],  # libtpu's, its metrics', JAX's coordinator
        "resources": {"limits": {"google.com/tpu": slice_.chips_per_host}},
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": known.grace,
        "nodeSelector": selector,
        "containers": [container],
    }
    if known.spot:
        selector["cloud.google.com/gke-spot"] = "true"
        spot = {"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
        pod["tolerations"] = [spot]
    if known.service_account:
        pod["serviceAccountName"] = known.service_account
    taken = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    exit_codes = {"containerName": "train", "operator": "In", "values": [_STOPPED]}
    stopped = {"action": "FailJob", "onExitCodes": exit_codes}
    job = {
        "parallelism": slice_.hosts,
        "completions": slice_.hosts,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "podFailurePolicy": {"rules": [taken, stopped]},
        "template": {"spec": pod},
    }
    again = {
        "name": "preempted",
        "action": "RestartJobSetAndIgnoreMaxRestarts",
        "onJobFailureReasons": ["PodFailurePolicy"],
    }
    metadata: dict[str, Any] = {"name": known.name}
    if slice_.hosts > 1:  # All hosts in one node pool, which is the slice.
        metadata["annotations"] = {"alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": metadata,
        "spec": {
            "failurePolicy": {"maxRestarts": known.max_restarts, "rules": [again]},
            "replicatedJobs": [{"name": "slice", "replicas": 1, "template": {"spec": job}}],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and nothing as a reference to what stands above."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def create(manifest: str, name: str) -> None:
    """Creates the JobSet; a cluster that does not answer is asked again, with growing waits.

    Raises:
      SystemExit: with one line, when the cluster refuses it.
    """
    for wait_s in (*_WAITS_S, None):
        finished = subprocess.run(_COMMAND, input=manifest, text=True, stderr=subprocess.PIPE, check=False)
        if finished.returncode == 0:
            return
        said = " ".join(finished.stderr.split())
        if "AlreadyExists" in said:
            if wait_s != _WAITS_S[0]:  # By an attempt whose answer was lost.
                return
            raise SystemExit(f"error: JobSet {name} is there already; delete it first: kubectl delete jobset {name}")
        if "quota" in said:
            raise SystemExit(f"error: no quota: {said}")
        if 'no matches for kind "JobSet"' in said:
            raise SystemExit(
                "error: the cluster has no JobSet controller: https://jobset.sigs.k8s.io/docs/installation"
            )
        if wait_s is None or not re.search(_PASSING, said, re.IGNORECASE):
            raise SystemExit(f"error: kubectl refused JobSet {name}: {said}")
        print(f"# {said}; again in {wait_s} s")
        time.sleep(wait_s)


def main() -> None:
    """Prints or creates the JobSet of the command line."""
    known, training = options(sys.argv[1:])
    slice_, name = known.target, known.name
    manifest = yaml.dump(jobset(known, training), Dumper=_Dumper, sort_keys=False, width=1000)
    print(f"# {slice_.chips} chips on {slice_.hosts} nodes of {slice_.machine_type}: {slice_.chips} chip-hours an hour")
    if known.dry_run:
        print(f"{shlex.join(_COMMAND)} <<'JOBSET'\n{manifest}JOBSET")
    else:
        try:
            create(manifest, name)
        except KeyboardInterrupt:
            print(f"stopped; delete what may be there already: kubectl delete jobset {name}", file=sys.stderr)
            sys.exit(130)
    print(f"""# how it goes, each host's log, and the end; nodes that are not scaled down cost, also after the end:
# kubectl get jobset {name}
# kubectl logs --follow --prefix --max-log-requests={slice_.hosts} --selector=jobset.sigs.k8s.io/jobset-name={name}
# kubectl delete jobset {name}""")


if __name__ == "__main__":
    main()
