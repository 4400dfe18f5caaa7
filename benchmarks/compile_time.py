"""How long it takes until the compiled training step is there: without a cache, and with JAX's persistent one.

    python -m benchmarks.compile_time
    python -m benchmarks.compile_time --network=small --options= --options=model.temporal=conv

Each row is a process of its own. `cold` has no cache, `filling` an empty one, `cached` the one that it filled. Tracing
leads from the network to XLA's input, compiling from there to a program.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import command_line, report, sides
from benchmarks.shapes import Case
from benchmarks.sides import Spec

COLUMNS = (
    ("side", "side", ""),
    ("cache", "cache", ""),
    ("trace_seconds", "trace s", ".2f"),
    ("compile_seconds", "compile s", ".2f"),
    ("first_step_seconds", "first step s", ".2f"),
    ("process_seconds", "process s", ".1f"),
)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    parser = command_line.parser(__doc__, shape="ntu", network="full", batch=64, members=1, options=None)
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # in the process that is measured: the side, as JSON
    arguments = parser.parse_args(words)
    if arguments.measure is not None:
        print(json.dumps(measure(Spec.from_json(arguments.measure))))
        return []
    case = Case.of(arguments, options="")
    rows = []
    for spec in sides.of_library("train", case, arguments.options):
        with tempfile.TemporaryDirectory() as cache:
            for name, directory in (("cold", ""), ("filling", cache), ("cached", cache)):
                rows.append({"side": spec.name, "cache": name, **in_a_process(spec, directory)})
    report.finish("compile_time", arguments, f"{case.title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def in_a_process(spec: Spec, cache: str) -> dict[str, Any]:
    """What a new process takes, with a directory for the cache, or none."""
    # Every program is cached, the short ones too.
    environment = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_COMPILATION_CACHE_DIR": cache}
    begin = time.perf_counter()
    found = report.in_a_process("compile_time", "--measure", spec.to_json(), **environment)
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
