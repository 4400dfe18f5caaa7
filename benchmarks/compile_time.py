"""How long the compiled training step takes to be there: without a cache, and with JAX's persistent one.

    python -m benchmarks.compile_time
    python -m benchmarks.compile_time --network=small --options= --options=model.temporal=conv

Each time is that of a process of its own. `cold` has no cache, `filling` an empty one, `cached` the one that it filled.
Trace is from the network to XLA's input; compile from there to a program.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import report, sides
from benchmarks.shapes import NETWORKS, SHAPES, Case
from benchmarks.sides import Spec

COLUMNS = (
    ("side", "side", ""),
    ("cache", "cache", ""),
    ("trace_seconds", "trace s", ".2f"),
    ("compile_seconds", "compile s", ".2f"),
    ("first_step_seconds", "first step s", ".2f"),
    ("process_seconds", "process s", ".1f"),
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = report.parser(__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="ntu")
    parser.add_argument("--network", choices=NETWORKS, default="full", help="small: for a CPU, with T 32")
    parser.add_argument("--batch", type=int, default=64, help="samples of a member's step (default 64)")
    parser.add_argument("--members", type=int, default=1, help="networks in one program")
    parser.add_argument("--options", action="append", help="a side with these fields, 'model.temporal=conv'")
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # in the child: the side, as JSON
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    arguments = parse(words)
    if arguments.measure is not None:
        print(json.dumps(measure(Spec.from_json(arguments.measure))))
        return []
    case = Case(arguments.shape, arguments.network, arguments.batch, arguments.members)
    rows = []
    for spec in sides.of_library("train", case, arguments.options or sides.default_options(case), (0.0,)):
        with tempfile.TemporaryDirectory() as cache:
            for name, directory in (("cold", ""), ("filling", cache), ("cached", cache)):
                rows.append({"side": spec.name, "cache": name, **in_a_process(spec, directory)})
    title = f"{arguments.shape}, {arguments.network} network, batch {arguments.batch}, {arguments.members} member(s)"
    report.finish("compile_time", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def in_a_process(spec: Spec, cache: str) -> dict[str, Any]:
    """What a new process takes, with a directory for the cache, or none.

    Raises:
      subprocess.CalledProcessError: when it fails; its message stands above.
    """
    # Every program is cached, the short ones too.
    environment = {**os.environ, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_COMPILATION_CACHE_DIR": cache}
    begin = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.compile_time", "--measure", spec.to_json()]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=report.ROOT, env=environment, check=True)
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return {**found, "process_seconds": time.perf_counter() - begin}


def measure(spec: Spec) -> dict[str, float]:
    """Seconds of tracing, of compiling, and of the first step after it."""
    from benchmarks import ours, timing

    side = ours.Training(spec.case)
    return {
        "trace_seconds": side.trace_seconds,
        "compile_seconds": side.compile_seconds,
        "first_step_seconds": timing.timed(side, 1),
    }


if __name__ == "__main__":
    main()
