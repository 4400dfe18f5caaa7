"""Evaluation, ours against PyTorch's: latency of single samples, and throughput of batches.

    python -m benchmarks.inference
    python -m benchmarks.inference --shape=shrec --network=small

Latency is from the host's memory and back, one sample; throughput that of batches that lie on the device. One network,
as the library evaluates it: BatchNorm folded into the linear maps. In `packed`, absent bodies have no row: the sample
of latency shows one person, and so do --single of a batch's. PyTorch runs every body.
"""

import argparse
import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks import report, sides, timing, torch_variants
from benchmarks.shapes import NETWORKS, SHAPES, Case
from benchmarks.sides import Task

COLUMNS = (
    ("side", "side", ""),
    ("task", "task", ""),
    ("batch", "batch", "d"),
    ("ms_median", "ms", ".4g"),
    ("ms_min", "min", ".4g"),
    ("ms_max", "max", ".4g"),
    ("samples_per_second", "samples/s", ".4g"),
    ("times_as_fast", "x torch", ".2f"),
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = report.parser(__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="ntu")
    parser.add_argument("--network", choices=NETWORKS, default="full", help="small: for a CPU, with T 32")
    parser.add_argument("--batch", type=int, default=64, help="samples of a batch, for throughput (default 64)")
    parser.add_argument("--frames", type=int, default=0, help="T; 0 is the network's own (default)")
    parser.add_argument("--single", type=float, default=0.8, help="part of clips with one person; 0 leaves packed out")
    parser.add_argument(
        "--options", action="append", help="a side of ours with these fields, 'model.activation=softmax'"
    )
    parser.add_argument("--both", default="", help="fields for ours and PyTorch's, such as 'model.temporal=conv'")
    parser.add_argument("--torch", type=torch_variants.parse, default=None, help=torch_variants.HELP)
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    arguments = parse(words)
    rows = measure(arguments, "latency", 1) + measure(arguments, "throughput", arguments.batch)
    title = f"{arguments.shape}, {arguments.network} network, evaluation"
    report.finish("inference", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def measure(arguments: argparse.Namespace, task: Task, batch: int) -> list[dict[str, Any]]:
    """A row for each side."""
    case = Case(
        arguments.shape, arguments.network, batch, frames=arguments.frames, samples=batch, options=arguments.both
    )
    single = 1.0 if task == "latency" else arguments.single
    singles = (0.0, single) if arguments.shape == "ntu" and arguments.single else (0.0,)
    specs = [
        *sides.of_torch(task, case, torch_variants.chosen(arguments.torch)),
        *sides.of_library(task, case, arguments.options or sides.default_options(case), singles),
    ]
    built = sides.build_all(specs)
    times = timing.alternate(built, arguments.repeats, arguments.seconds)
    first = next(iter(times))
    rows = []
    for spec in (spec for spec in specs if spec.name in times):
        row = {"side": spec.name, "task": task, **dataclasses.asdict(spec.case), **times[spec.name].summary()}
        row["samples_per_second"] = batch / times[spec.name].median
        if first.startswith("PyTorch"):
            row["ratios"] = timing.ratios(times[first], times[spec.name])
            row["times_as_fast"] = statistics.median(row["ratios"])
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
