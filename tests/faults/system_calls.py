"""System calls of a program, of its threads and of its workers, by strace: counted, or one of them its last.

Python's audit hooks do not see what libraries in C++ do, and are not handed on to workers. strace sees both. A system
call is found again by its name and by how many of that name its thread has made; threads share work out anew each
time, so that what is met may be another one than was aimed at.
"""

import pathlib
import re
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

# Those that change files. openat is counted where it may write.
NAMES = ("openat", "write", "writev", "pwrite64", "fsync", "rename", "link", "unlink", "unlinkat", "mkdir", "rmdir")
PREFIX = "system call "

_CALL = re.compile(rf"(\d+) +({'|'.join(NAMES)})\(")


def is_here() -> bool:
    """Whether strace is installed."""
    return shutil.which("strace") is not None


def follow(process: int, trace: pathlib.Path, last: tuple[str, int] | None = None) -> subprocess.Popen[bytes]:
    """Writes the system calls of a process and of all that it starts to a file; `last`: name and number of the last."""
    words = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(trace), "-e", f"trace={','.join(NAMES)}"]
    if last:
        words += ["-e", f"inject={last[0]}:signal=SIGKILL:when={last[1]}"]
    strace = subprocess.Popen([*words, "-p", str(process)], stderr=subprocess.PIPE)
    while "TracerPid:\t0\n" in pathlib.Path(f"/proc/{process}/status").read_text():
        if strace.poll() is not None:
            assert strace.stderr
            raise RuntimeError(f"strace cannot follow process {process}: {strace.stderr.read().decode()}")
        time.sleep(0.01)
    return strace


def of_call(call: str) -> str:
    """The name in what `counted` calls, for example, `system call fsync of scores`."""
    return call.removeprefix(PREFIX).split()[0]


def counted(trace: pathlib.Path, below: str, kind_of: Callable[[str], str]) -> Mapping[str, Sequence[int]]:
    """The calls below a directory, by their name and the kind of their path: their numbers in their threads."""
    found: dict[str, list[int]] = defaultdict(list)
    made: dict[tuple[str, str], int] = defaultdict(int)
    for line in trace.read_text(errors="replace").splitlines():
        if call := _CALL.match(line):
            process_and_name = call[1], call[2]
            made[process_and_name] += 1
            if kind := _kind(line, below, kind_of):
                found[f"{PREFIX}{call[2]} of {kind}"].append(made[process_and_name])
    return found


def last_of(trace: pathlib.Path, name: str, below: str, kind_of: Callable[[str], str]) -> str:
    """What the call of this name that never came back is called; of which file is left out where strace does not say.

    strace ends its line with `= ?`, or breaks it off where other threads have something to say meanwhile.
    """
    open_calls: dict[str, str] = {}  # by process
    for line in trace.read_text(errors="replace").splitlines():
        process, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.startswith(f"{name}("):
            open_calls[process] = line
        came_back = rest.startswith((f"{name}(", f"<... {name} resumed>")) and not rest.endswith(
            ("= ?", "<unfinished ...>")
        )
        if came_back:
            open_calls.pop(process, None)
    if not open_calls:
        return f"{PREFIX}that strace does not tell"
    kinds = filter(None, (_kind(line, below, kind_of) for line in open_calls.values()))
    kind = next(kinds, "")
    return f"{PREFIX}{name}{f' of {kind}' if kind else ''}"


def _kind(line: str, below: str, kind_of: Callable[[str], str]) -> str:
    paths = re.findall(re.escape(below) + r'[^">]*', line)
    reads = "openat(" in line and not re.search("O_WRONLY|O_RDWR|O_CREAT", line)
    return kind_of(paths[-1].removeprefix(below)) if paths and not reads else ""
