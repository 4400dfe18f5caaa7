"""Stand-ins for gcloud, kubectl, srun and so on, first on PATH: they answer as they are told, and note the calls."""

import os
import pathlib
import shlex
import subprocess
from collections.abc import Callable

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A file for each verb holds one answer a line: STATUS STATE MESSAGE, where STATE becomes the slice's, "-" for none.
# Without a line everything goes well: a slice is ACTIVE as soon as it is asked for, and a training is finished.
_COMMON = """#!/usr/bin/env bash
cd "$STAND_INS"
printf '%q ' "${0##*/}" "$@" >>calls && echo >>calls

answer() { # answer VERB: takes the first line of its file, as status, new_state and message
  status="" new_state="" message=""
  [ -s "$1" ] || return 1
  read -r status new_state message <"$1"
  sed -i 1d "$1"
  [ -z "$message" ] || echo "$message" >&2
  case $new_state in "") ;; -) rm -f state ;; *) echo "$new_state" >state ;; esac
}
"""
_GCLOUD = """
case "$*" in
*failedData*) cat why 2>/dev/null ;;
*"tpu-vm describe "*) cat node 2>/dev/null || echo READY ;;
*" describe "*) cat state 2>/dev/null || { echo "NOT_FOUND" >&2; exit 1; } ;;
*" create "*)
  answer create && exit "$status"
  [ ! -e state ] || { echo "ALREADY_EXISTS" >&2; exit 1; }
  echo ACTIVE >state ;;
*" delete "*)
  answer delete && exit "$status"
  rm -f state node ;;
*" scp "*) answer copy && exit "$status" ;;
*--output-directory=*)
  for word; do case $word in --output-directory=*) logs=${word#*=} ;; esac; done
  [ -d "$logs" ] || exit 9
  echo "what worker 0 says" >"$logs/0.log"
  [ ! -e finish ] || touch finished
  [ ! -e preempt ] || { rm preempt && echo PREEMPTED >node; }
  answer train && { [ "$status" != waits ] || exec /bin/sleep 60; exit "$status"; }
  touch finished ;;
*" ssh "*) answer install && exit "$status" ;;
*"storage ls"*)
  [ -e finished ]
  exit ;;
*) exit 99 ;;
esac
exit 0
"""
_KUBECTL = """
cat >manifest
answer kubectl && { [ "$status" != waits ] || exec /bin/sleep 60; exit "$status"; }
exit 0
"""
_SRUN = """
answer srun && exit "$status"
for word; do case $word in --workdir=*) mkdir -p "${word#*=}" && touch "${word#*=}/results.json" ;; esac; done
"""


class StandIns:
    """A directory of stand-ins, what they shall answer, and how they were called."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        programs = directory / "bin"
        programs.mkdir()
        answering = {"gcloud": _GCLOUD, "kubectl": _KUBECTL, "srun": _SRUN, "scontrol": "", "sleep": ""}
        for name, text in answering.items():
            (programs / name).write_text(_COMMON + text)
            (programs / name).chmod(0o755)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "STAND_INS": str(directory),
            "TMPDIR": str(directory),
        }

    def answers(self, verb: str, *lines: str) -> None:
        (self.directory / verb).write_text("".join(f"{line}\n" for line in lines))

    def state(self, state: str) -> None:
        (self.directory / "state").write_text(state)

    @property
    def calls(self) -> list[list[str]]:
        calls = self.directory / "calls"
        return [shlex.split(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def run(self, *words: object, **environment: str) -> subprocess.CompletedProcess:
        """A command in the root of the checkout."""
        return subprocess.run(
            list(map(str, words)), cwd=ROOT, env={**self.environment, **environment},
            capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def stand_ins(tmp_path: pathlib.Path) -> StandIns:
    directory = tmp_path / "stand_ins"
    directory.mkdir()
    return StandIns(directory)


@pytest.fixture
def commands() -> Callable[[str], list[list[str]]]:
    """The commands that a dry run printed, as a shell reads them."""

    def read(printed: str) -> list[list[str]]:
        return [shlex.split(line) for line in printed.splitlines() if line and not line.startswith("#")]

    return read
