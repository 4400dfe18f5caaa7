"""What XLA made of the training step: bytes, operations, kernels and memory, by its own analysis; nothing is timed.

    python -m benchmarks.compiled
    python -m benchmarks.compiled --options= --options=model.temporal=conv --options=model.activation=softmax
    python -m benchmarks.compiled --target=v5e:4x4
    python -m benchmarks.compiled --target=h100 --shape=ntu --members=4 --options=

Bytes accessed are those that each kernel reads and writes, added up. Kernels are the instructions of the optimised
program's entry that do something on the device: fusions, custom calls (library kernels), copies and so on.

With --target the step is compiled for devices that are not here: NTU RGB+D's of one network and SHREC'17's of four
where no shape is given, in bfloat16 where no options are. benchmarks/ahead.py says what the columns are.
"""

import collections
from collections.abc import Sequence
from typing import Any

from benchmarks import command_line, report, sides
from benchmarks.program_text import Program
from benchmarks.shapes import Case
from dsta_jax.errors import UserError

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


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Compiles, prints, and returns the rows."""
    defaults = {"shape": "ntu", "network": "full", "batch": 64, "members": 1, "single": 0.8, "options": None}
    parser = command_line.parser(__doc__, **defaults)
    parser.add_argument("--target", help="devices such as v5e:4x4, v5p:2x2x2, v6e:2x4, tpu7x:2x2x1, h100 or h200:8")
    parser.set_defaults(shape=None)
    arguments = parser.parse_args(words)
    if arguments.target:
        from benchmarks import ahead

        try:
            text, rows = ahead.analyse(arguments)
        except UserError as error:
            raise SystemExit(f"error: {error}") from None
    else:
        arguments.shape = arguments.shape or "ntu"
        case = Case.of(arguments, options="")
        rows = [analyse(spec) for spec in sides.of_library("train", case, arguments.options, arguments.single)]
        text = f"{case.title}\n{report.table(rows, COLUMNS)}"
    report.finish("compiled", arguments, text, rows)
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
    return Program(optimised).kinds()


if __name__ == "__main__":
    main()
