"""What XLA made of the training step: bytes, operations, kernels and memory, by its own analysis; nothing is timed.

    python -m benchmarks.compiled
    python -m benchmarks.compiled --options= --options=model.temporal=conv --options=model.activation=softmax

Bytes accessed are those that each kernel reads and writes, added up. Kernels are the instructions of the optimised
program's entry that do something on the device: fusions, custom calls (library kernels), copies and so on.
"""

import collections
import re
from collections.abc import Sequence
from typing import Any

from benchmarks import command_line, report, sides
from benchmarks.shapes import Case

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


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Compiles, prints, and returns the rows."""
    defaults = {"shape": "ntu", "network": "full", "batch": 64, "members": 1, "single": 0.8, "options": None}
    arguments = command_line.parser(__doc__, **defaults).parse_args(words)
    case = Case.of(arguments, options="")
    rows = [analyse(spec) for spec in sides.of_library("train", case, arguments.options, arguments.single)]
    report.finish("compiled", arguments, f"{case.title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def analyse(spec: sides.Spec) -> dict[str, Any]:
    """The row of one side."""
    from benchmarks import ours

    side = ours.Training(spec.case)
    kinds = kernels(side.compiled.as_text())
    return {
        "side": spec.name,
        "rows": side.rows,
        "gb_accessed": side.bytes_accessed / 1e9,
        "gflop": side.compiled.cost_analysis()["flops"] / 1e9,
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
