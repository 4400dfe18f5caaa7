"""Programs in forked children, that are killed before a chosen call or after a time; and what they leave running.

Calls are Python's, told of by its audit hooks and by the programs, or the system's, as `system_calls` has them.

A fork saves each program the seconds that imports take. So whoever starts programs must not have used JAX itself.
"""

import json
import os
import pathlib
import re
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import psutil
import tqdm

from tests.faults import system_calls

KILLED = -signal.SIGKILL

# What Python tells its audit hooks of, which system calls stand behind; and the number of the argument that is looked
# at: of a renaming the new name.
_EVENTS = {"open": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "shutil.rmtree": 0}

# What the paths are of; the first that is found in one counts. Directories of a checkpoint's arrays are many.
_KINDS = (
    ("a checkpoint's arrays", r"checkpoints/.*/(model|train)[/.]"),
    ("the latest checkpoint", r"checkpoints/latest"),
    ("the best checkpoint", r"checkpoints/best"),
    ("config.json", r"config\.json"),
    ("metrics", r"metrics\.jsonl|tensorboard"),
    ("scores", r"scores"),
    ("results.json", r"results\.json"),
    ("a finished shard's note", r"finished"),
    ("a shard", r"tfrecord-"),
    ("the pair", r"\.npy|\.pkl|_beside\.json|/out$"),
    ("the set's metadata", r"\.json|\.txt"),
    ("the set", r"\d+\.\d+\.\d+"),
    ("a directory", r""),
)


class Place(NamedTuple):
    """Where a program is killed: before the `number`-th call (from 1) of a name, or after so many seconds.

    The number of a system call is that of all calls of its name, whatever their files, in one thread.
    """

    call: str = ""
    number: int = 1
    seconds: float | None = None
    of_worker: bool = False  # Whether one of its workers is killed, not the program itself.


class Ended(NamedTuple):
    """How a program ended; how long it took; what it said; what it left running.

    And the numbers of each call that it came past, unless it was killed; then, before which call (empty for a moment).
    """

    status: int
    seconds: float
    said: str
    orphans: list[str]
    calls: Mapping[str, Sequence[int]]
    killed_at: str


class Watch:
    """Counts what a program does below a directory, and kills it where it shall be killed."""

    def __init__(self, place: Place, below: pathlib.Path):
        self.calls: Counter[str] = Counter()
        self._place, self._below = place, str(below)
        sys.addaudithook(self._audit)

    def passes(self, name: str) -> None:
        """The program is about to do what is called so."""
        self.calls[name] += 1
        if self.is_last(name):
            os.kill(os.getpid(), signal.SIGKILL)

    def is_last(self, name: str) -> bool:
        """Whether the program shall be killed at the call that `passes` was told of last."""
        return name == self._place.call and self.calls[name] == self._place.number

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS or not isinstance(arguments[_EVENTS[event]], str | os.PathLike):
            return
        path = str(arguments[_EVENTS[event]])
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if path.startswith(self._below):
            self.passes(f"{event.split('.')[-1]} of {_kind_of(path.removeprefix(self._below))}")


def _kind_of(path: str) -> str:
    return next(kind for kind, pattern in _KINDS if re.search(pattern, path))


def run(
    program: Callable[[Watch], int], place: Place, below: pathlib.Path, log: pathlib.Path, follow: bool = False
) -> Ended:
    """Runs a program in a child with a session of its own, to its end or its place; processes it leaves are ended.

    With `follow` its calls are the system's; else those that Python and the program itself tell of.
    """
    started = time.monotonic()
    waiting, gate = os.pipe()
    child = os.fork()
    if not child:
        os.close(gate)
        _become(program, place, below, log, waiting)
    trace, strace = log.with_suffix(".strace"), None
    if follow or place.call.startswith(system_calls.PREFIX):
        last = (system_calls.of_call(place.call), place.number) if place.call else None
        strace = system_calls.follow(child, trace, last)
    os.close(waiting)
    os.close(gate)
    status = _killed_after(child, place) if place.seconds is not None else _waited(child, 600)
    seconds, orphans = time.monotonic() - started, _orphans(child)
    calls, killed_at = _told(log) if status != KILLED else {}, place.call
    if strace:
        strace.communicate()
        calls = system_calls.counted(trace, str(below), _kind_of)
        if place.call:
            killed_at = system_calls.last_of(trace, system_calls.of_call(place.call), str(below), _kind_of)
    return Ended(status, seconds, log.read_text(errors="replace"), orphans, calls, killed_at)


def _told(log: pathlib.Path) -> dict[str, range]:
    """The calls that a program told of which came to its end; one with an error tells of none."""
    calls = log.with_suffix(".calls")
    counts = json.loads(calls.read_text()) if calls.exists() else {}
    return {name: range(1, count + 1) for name, count in counts.items()}


def _become(
    program: Callable[[Watch], int], place: Place, below: pathlib.Path, log: pathlib.Path, waiting: int
) -> None:
    """The child's life, that begins when nobody holds the other end of the pipe any more."""
    status = 70
    try:
        os.read(waiting, 1)
        os.close(waiting)
        log.with_suffix(".calls").unlink(missing_ok=True)
        os.setsid()
        tqdm.tqdm.set_lock(threading.RLock())  # Its own is shared with children that were killed while they held it.
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        watch = Watch(place, below)
        status = program(watch)
        log.with_suffix(".calls").write_text(json.dumps(watch.calls))
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _killed_after(child: int, place: Place) -> int:
    end = time.monotonic() + (place.seconds or 0)
    while time.monotonic() < end:
        if (status := _waited(child, 0)) is not None:
            return status
        time.sleep(0.01)
    victims = [child]
    if place.of_worker:
        victims = [one.pid for one in psutil.Process(child).children() if "spawn_main" in " ".join(one.cmdline())]
    for victim in victims[:1]:
        os.kill(victim, signal.SIGKILL)
    return _waited(child, 600)


def _waited(child: int, seconds: float) -> Any:
    """The child's status when it has ended; None when it has not after so long, if that is 0, else it is ended."""
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if not seconds:
            return None
        if time.monotonic() > end:
            os.kill(child, signal.SIGABRT)
            end += 10
        time.sleep(0.01)


def _orphans(session: int, seconds: float = 10) -> list[str]:
    """The command lines of a session's processes that are still there after so long; they are ended."""
    end = time.monotonic() + seconds
    while (found := _of_session(session)) and time.monotonic() < end:
        time.sleep(0.05)
    for one in found:
        one.kill()
    return [" ".join(one.cmdline()) for one in found]


def _of_session(session: int) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            if os.getsid(one.pid) == session and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except (ProcessLookupError, psutil.NoSuchProcess):
            pass
    return found
