"""Tables of 80 columns, and JSON lines that say when, where and by which command a figure was measured."""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "torch", "libtpu", "jax-cuda13-plugin")

# A column of a table: key, title and format.
Column = tuple[str, str, str]
MS: tuple[Column, ...] = (("ms_median", "ms", ".4g"), ("ms_min", "min", ".4g"), ("ms_max", "max", ".4g"))


def say(line: str) -> None:
    """A line about the measuring, which is no result."""
    print(line, file=sys.stderr, flush=True)


def table(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> str:
    """Rows in columns, the first to the left; a value that is missing is a dash."""
    texts = [[title for _, title, _ in columns]]
    for row in rows:
        texts.append([format(row[key], how) if row.get(key) is not None else "-" for key, _, how in columns])
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for cells in texts:
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def finish(program: str, arguments: argparse.Namespace, text: str, rows: Sequence[dict[str, Any]]) -> None:
    """Prints the table, and appends the result to the file that `--json` names."""
    print(text, flush=True)
    if arguments.json is None:
        return
    settings = {
        name: str(value) if isinstance(value, pathlib.Path) else value for name, value in vars(arguments).items()
    }
    record = {
        "program": program,
        "part": os.environ.get("BENCHMARK_PART", ""),
        "command": f"python -m benchmarks.{program} " + " ".join(map(_quoted, sys.argv[1:])),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        **environment(),
        "settings": settings,
        "rows": list(rows),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    with arguments.json.open("a") as file:
        file.write(json.dumps(record) + "\n")


def _quoted(word: str) -> str:
    """A word of a command line, in quotation marks where a shell needs them."""
    return repr(word) if not word or " " in word else word


def in_a_process(program: str, *words: str, **environment: str) -> dict[str, Any]:
    """What one of the programs prints as JSON in its last line, when it runs in a process of its own.

    Args:
      program: its name.
      words: its arguments.
      environment: variables that are added to this process's.

    Raises:
      subprocess.CalledProcessError: when it fails; its message stands above.
    """
    command = [sys.executable, "-m", f"benchmarks.{program}", *words]
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **environment}, check=True
    )
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found


def environment() -> dict[str, Any]:
    """Device, versions, commit, and how busy the machine is."""
    import jax

    device = jax.devices()[0]
    return {
        "device": device.device_kind if device.platform != "cpu" else _processor(),
        "platform": device.platform,
        "cores": os.cpu_count(),
        "cores_used": len(os.sched_getaffinity(0)),  # fewer under taskset
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """The commit of the checkout, with a `+` where files were changed; BENCHMARK_COMMIT where there is no git."""
    git = ["git", "-C", str(ROOT)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("BENCHMARK_COMMIT", "unknown")
    return commit + ("+" if changed.stdout.strip() else "")
