"""The processes of one program, on one machine or many: how they find each other, who writes, what they agree on.

JAX's own runtime connects them (https://docs.jax.dev/en/latest/multi_process.html). Every process runs the same
program over the devices of all; the first one alone writes files and says how it goes.
"""

import contextlib
import faulthandler
import glob
import hashlib
import importlib.util
import itertools
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils

from dsta_jax.errors import UserError

# How long the others wait for a process: at the start until it is there, and later until it is taken for dead.
_START_SECONDS, _SILENCE_SECONDS = 300, 60
_PATIENCE_SECONDS = 20  # After it, somebody who waits at the start is told what for.

# A message from one process to the others has so many bytes.
_MESSAGE_BYTES = 4096

_FLAGS = "--coordinator=HOST:PORT --processes=COUNT --process=NUMBER"

# What the runtime raises as an error of another type, such as a ValueError.
_OF_THE_RUNTIME = re.compile("Gloo|NCCL|RPC|[Cc]oordination service")

_calls = itertools.count()


class _Launcher(NamedTuple):
    """A program that starts several processes, and the variables by which it tells each how many, and which it is."""

    name: str
    count_key: str
    number_key: str
    coordinator_key: str  # What JAX needs to find out the coordinator's address; empty where it cannot.


_LAUNCHERS = (
    _Launcher("SLURM", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_STEP_NODELIST"),
    _Launcher("Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_MCA_orte_hnp_uri"),
    _Launcher("MPI", "PMI_SIZE", "PMI_RANK", ""),
    _Launcher("torchrun", "WORLD_SIZE", "RANK", ""),
)


def start(coordinator: str | None = None, count: int | None = None, number: int | None = None) -> None:
    """Connects this process with the others, before JAX is used: those that are given, or that a launcher started.

    SLURM, Open MPI, Cloud TPU, GKE and indexed jobs of Kubernetes are recognised. A count of 1 is this process alone,
    whatever the launcher says.

    Raises:
      UserError: when there should be several processes, and something is missing.
    """
    launcher = next((one for one in _LAUNCHERS if (_told(one.count_key) or 1) > 1), None)
    if count == 1 and (coordinator, number) == (None, None):
        return
    if launcher is None and (coordinator, count, number) == (None, None, None):
        return _start_as_found()
    by = ""
    if launcher is not None:
        by = f"{launcher.name} starts {_told(launcher.count_key)} processes, but "
        coordinator = coordinator or os.environ.get("JAX_COORDINATOR_ADDRESS")
        count = _told(launcher.count_key) if count is None else count
        number = _told(launcher.number_key) if number is None else number
        if not coordinator and launcher.coordinator_key not in os.environ:
            how = "this one was not started by srun" if launcher.name == "SLURM" else "does not say where the first is"
            raise UserError(f"{by}{how}: start it so, or give --coordinator=HOST:PORT, or --processes=1 for this alone")
    missing = {"--coordinator": coordinator or launcher, "--processes": count, "--process": number}
    if unknown := [flag for flag, value in missing.items() if value is None]:
        raise UserError(f"{by}{' and '.join(unknown)} missing: several processes need {_FLAGS}")
    assert count is not None and number is not None
    if not 0 <= number < count:
        raise UserError(f"--process={number} of --processes={count}: expected a number from 0 to {count - 1}")
    _initialize(coordinator, count, number)


def _told(key: str) -> int | None:
    """The number that a launcher tells by a variable of the environment; None where it is not there."""
    found = os.environ.get(key, "")
    return int(found) if found.isdecimal() else None


def _start_as_found() -> None:
    """A TPU's machines and the pods of a job know each other; otherwise this process is alone."""
    of_job = "KUBERNETES_SERVICE_HOST" in os.environ and "JOB_COMPLETION_INDEX" in os.environ
    if _on_tpu():
        with contextlib.suppress(ValueError):  # It is not in a cluster; the runtime will say whether it is alone.
            _initialize()
        if jax.process_count() > 1 and not jax.distributed.is_initialized():
            raise UserError(f"this TPU has {jax.process_count()} machines that do not find each other: give {_FLAGS}")
    elif of_job and not importlib.util.find_spec("kubernetes"):
        raise UserError(
            "an indexed job of Kubernetes, but the package that asks it for the other pods is not installed: install "
            f"dsta_jax[kubernetes], or give {_FLAGS}, or --processes=1 for this process alone"
        )
    elif of_job:
        _initialize()


def _on_tpu() -> bool:
    chips = glob.glob("/dev/accel*") + glob.glob("/dev/vfio/[0-9]*")
    return bool(chips and importlib.util.find_spec("libtpu")) and os.environ.get("JAX_PLATFORMS", "") in ("", "tpu")


def _initialize(coordinator: str | None = None, count: int | None = None, number: int | None = None) -> None:
    # When another process is not there, or is lost, the runtime aborts: what it says then is enough.
    faulthandler.disable()
    who = "this process" if number is None else f"process {number} of {count}"
    at = f" at {coordinator}" if coordinator else ""
    waiting = threading.Timer(_PATIENCE_SECONDS, _say, [f"{who} waits for the others{at}"])
    last = f"error: {who} did not find the others{at} in {_START_SECONDS} s: start all, with the same coordinator"
    giving_up = threading.Timer(_START_SECONDS - 1, _say, [last])
    for timer in (waiting, giving_up):
        timer.daemon = True
        timer.start()
    try:
        jax.distributed.initialize(
            coordinator,
            count,
            number,
            initialization_timeout=_START_SECONDS,
            heartbeat_timeout_seconds=_SILENCE_SECONDS,
            shutdown_timeout_seconds=_SILENCE_SECONDS,
        )
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{who} cannot join the others{at} ({reason}): start all, with the same coordinator") from error
    finally:
        waiting.cancel()
        giving_up.cancel()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def count() -> int:
    """How many processes there are."""
    return jax.process_count()


def is_first() -> bool:
    """Whether this is the process that writes; the only one is."""
    return jax.process_index() == 0


def on_first(action: Callable[[], object]) -> None:
    """Has the first process do something, such as writing a file, while the others wait.

    Raises:
      UserError: in all processes, when it does in the first.
    """
    if count() == 1:
        action()
        return
    said = ""
    if is_first():
        try:
            action()
        except UserError as error:
            said = str(error)
    if said := _everybody_says(said)[0]:
        raise _SaidByFirst(said)


def agree(what: str, text: str, remedy: str = "give all processes the same command, code and files") -> None:
    """Checks that something is the same in all processes.

    Raises:
      UserError: in all processes, when it is not.
    """
    if count() == 1:
        return
    digests = _everybody_says(hashlib.sha256(text.encode()).hexdigest())
    if others := [number for number, digest in enumerate(digests) if digest != digests[0]]:
        raise _SaidByFirst(
            f"{what} is not in process {', '.join(map(str, others[:5]))} what it is in process 0: {remedy}"
        )


def least(number: int) -> int:
    """The smallest of all processes' numbers."""
    return min(map(int, _everybody_says(str(number)))) if count() > 1 else number


def _everybody_says(text: str) -> list[str]:
    """What each process says, in their order."""
    said = np.zeros(_MESSAGE_BYTES, np.uint8)
    encoded = text.encode()[:_MESSAGE_BYTES]
    said[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    return [bytes(row).rstrip(b"\0").decode(errors="ignore") for row in multihost_utils.process_allgather(said)]


def stop_wanted() -> bool:
    """Whether all processes stop after this step, as one of them was told to by SIGTERM; asked by all at each step."""
    return bool(multihost_utils.reached_preemption_sync_point(next(_calls)))


class _SaidByFirst(UserError):
    """An error that all processes have, and the first one tells."""


@contextlib.contextmanager
def ending_together() -> Iterator[None]:
    """Ends this process at once on an error where there are others, which would wait for it in vain.

    The others notice that it is gone, and end too. So does this one when it is another that is gone.
    """
    try:
        yield
    except (SystemExit, KeyboardInterrupt):
        raise
    except Exception as error:
        if not jax.distributed.is_initialized():
            raise
        number = jax.process_index()
        if isinstance(error, jax.errors.JaxRuntimeError) or _OF_THE_RUNTIME.search(str(error)):
            print(
                f"\nerror: process {number} cannot go on, as another one is gone, or a device failed "
                f"({str(error).splitlines()[0][:200]}); give all processes the same command again, which goes on from "
                f"the latest checkpoint",
                file=sys.stderr,
            )
        elif not isinstance(error, UserError):
            traceback.print_exc()
        elif number == 0 or not isinstance(error, _SaidByFirst):
            print(f"error: {error}" if number == 0 else f"error in process {number}: {error}", file=sys.stderr)
        sys.stderr.flush()
        if number == 0:  # The others' own messages come before they find that the first is gone.
            time.sleep(2)
        os._exit(1)
