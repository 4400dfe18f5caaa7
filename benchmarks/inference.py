"""Evaluation, ours against PyTorch's: latency of single samples, and throughput of batches.

    python -m benchmarks.inference
    python -m benchmarks.inference --shape=shrec --network=small

Latency is from the host's memory and back, one sample; throughput that of batches that lie on the device. One network,
as the library evaluates it: BatchNorm folded into the linear maps. In `packed`, absent bodies have no row: the sample
of latency shows one person, and so do --single of a batch's. PyTorch runs every body.
"""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from benchmarks import command_line, report, sides
from benchmarks.shapes import Case
from benchmarks.sides import Task

COLUMNS = (("side", "side", ""), ("task", "task", ""), ("batch", "batch", "d"), *report.MS, *sides.COLUMNS)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    parser = command_line.parser(
        __doc__, shape="ntu", network="full", batch=64, frames=0, single=0.8, options=None, both=""
    )
    command_line.add_torch(parser)
    arguments = parser.parse_args(words)
    rows = measure(arguments, "latency", 1) + measure(arguments, "throughput", arguments.batch)
    title = f"{arguments.shape}, {arguments.network} network, evaluation"
    report.finish("inference", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def measure(arguments: Namespace, task: Task, batch: int) -> list[dict[str, Any]]:
    """A row for each side."""
    case = Case.of(arguments, batch=batch, samples=batch, options=arguments.both)
    single = 1.0 if task == "latency" and arguments.single else arguments.single
    specs = sides.of_torch(task, case, arguments.torch) + sides.of_library(task, case, arguments.options, single)
    return sides.measured(sides.build_all(specs), arguments)


if __name__ == "__main__":
    main()
