"""What XLA made of the training step: bytes, operations, kernels and memory, by its own analysis; nothing is timed.

    python -m benchmarks.compiled
    python -m benchmarks.compiled --options= --options=model.temporal=conv --options=model.activation=softmax

Bytes accessed are those that each kernel reads and writes, added up. Kernels are the instructions of the optimised
program's entry that do something on the device: fusions, custom calls (library kernels), copies and so on.
"""

import argparse
import collections
import re
from collections.abc import Sequence
from typing import Any

from benchmarks import report, sides
from benchmarks.shapes import NETWORKS, SHAPES, Case

COLUMNS = (
    ("side", "side", ""),
    ("gb_accessed", "GB", ".4g"),
    ("gflop", "GFLOP", ".4g"),
    ("gflop_counted", "counted", ".4g"),
    ("kernels", "kernels", "d"),
    ("fusions", "fusions", "d"),
    ("custom_calls", "calls", "d"),
    ("planned_gb", "plan GB", ".3g"),
)

# Instructions that are only names for what is there already.
_NO_KERNEL = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id", "iota"}


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = report.parser(__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="ntu")
    parser.add_argument("--network", choices=NETWORKS, default="full", help="small: for a CPU, with T 32")
    parser.add_argument("--batch", type=int, default=64, help="samples of a member's step (default 64)")
    parser.add_argument("--members", type=int, default=1, help="networks in one program")
    parser.add_argument("--single", type=float, default=0.8, help="part of clips with one person; 0 leaves packed out")
    parser.add_argument("--options", action="append", help="a side with these fields, 'model.temporal=conv'")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Compiles, prints, and returns the rows."""
    arguments = parse(words)
    case = Case(arguments.shape, arguments.network, arguments.batch, arguments.members)
    singles = (0.0, arguments.single) if arguments.shape == "ntu" and arguments.single else (0.0,)
    options = arguments.options or sides.default_options(case)
    rows = [analyse(spec) for spec in sides.of_library("train", case, options, singles)]
    title = f"{arguments.shape}, {arguments.network} network, batch {arguments.batch}, {arguments.members} member(s)"
    report.finish("compiled", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def analyse(spec: sides.Spec) -> dict[str, Any]:
    """The row of one side."""
    from benchmarks import ours

    side = ours.Training(spec.case)
    costs = side.compiled.cost_analysis()
    kinds = kernels(side.compiled.as_text())
    return {
        "side": spec.name,
        "rows": side.rows,
        "gb_accessed": costs["bytes accessed"] / 1e9,
        "gflop": costs["flops"] / 1e9,
        "gflop_counted": side.flops / 1e9,
        "kernels": sum(kinds.values()),
        "fusions": kinds["fusion"],
        "custom_calls": kinds["custom-call"],
        "planned_gb": side.planned_bytes() / 1e9,
        "kinds": dict(kinds),
    }


def kernels(optimised: str) -> collections.Counter[str]:
    """How many instructions of each kind the entry of an optimised program has, as text, that do something."""
    entry = optimised[optimised.index("\nENTRY ") + 1 :]
    body = entry[: entry.index("\n}")]
    kinds = re.findall(r"^ +(?:ROOT )?%?[\w.\-]+ = .*? ([a-z][a-z0-9\-]*)\(", body, re.MULTILINE)
    return collections.Counter(kind for kind in kinds if kind not in _NO_KERNEL)


if __name__ == "__main__":
    main()
