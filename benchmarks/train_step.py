"""A training step, ours against PyTorch's: time, memory, and how near the device's limits.

    python -m benchmarks.train_step                               NTU RGB+D, the full network, batch 64
    python -m benchmarks.train_step --shape=shrec --batch=32 --members=1,4,20
    python -m benchmarks.train_step --network=small --batch=16    for a CPU

The batch lies on the device, and the sides take turns in one process. `packed` is the step with empty bodies sharing
a row, on recordings of which --single show one person; PyTorch's has every body.
"""

import argparse
import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks import floors, report, sides, timing, torch_variants
from benchmarks.shapes import NETWORKS, SHAPES, Case

MEMORY = (
    "process: peak of each side in a process of its own; planned: of ours what XLA plans for a step, of PyTorch what "
    "its tensors take on the GPU, in this process"
)
TIMES = (
    ("side", "side", ""),
    ("ms_median", "ms", ".4g"),
    ("ms_min", "min", ".4g"),
    ("ms_max", "max", ".4g"),
    ("samples_per_second", "samples/s", ".4g"),
    ("times_as_fast", "x torch", ".2f"),
    ("peak_gb", "peak GB", ".3g"),
)
WORK = (
    ("side", "side", ""),
    ("rows", "rows", "d"),
    ("gflop", "GFLOP", ".4g"),
    ("tflops", "TFLOP/s", ".3g"),
    ("of_device_flops", "of device", ".1%"),
    ("gb_accessed", "GB", ".3g"),
    ("gb_per_second", "GB/s", ".4g"),
    ("of_device_bytes", "of device", ".1%"),
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = report.parser(__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="ntu")
    parser.add_argument("--network", choices=NETWORKS, default="full", help="small: for a CPU, with T 32")
    parser.add_argument("--batch", type=int, default=64, help="samples of a member's step (default 64)")
    parser.add_argument("--members", type=_numbers, default=(1,), help="networks in one program, such as 1,4,20")
    parser.add_argument("--frames", type=int, default=0, help="T; 0 is the network's own (default)")
    parser.add_argument("--single", type=float, default=0.8, help="part of clips with one person; 0 leaves packed out")
    parser.add_argument(
        "--options", action="append", help="a side of ours with these fields, 'model.activation=softmax'"
    )
    parser.add_argument("--both", default="", help="fields for ours and PyTorch's, such as 'model.temporal=conv'")
    parser.add_argument("--torch", type=torch_variants.parse, default=None, help=torch_variants.HELP)
    parser.add_argument("--memory", choices=("process", "planned", "none"), default="process", help=MEMORY)
    parser.add_argument("--flops", type=float, help="the device's bfloat16 FLOP/s, where it is not known")
    parser.add_argument("--bytes-per-second", type=float, help="the device's bytes/s, where it is not known")
    return parser.parse_args(words)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    arguments = parse(words)
    rows = []
    texts = []
    for members in arguments.members:
        found = measure(arguments, members)
        rows += found
        title = f"{arguments.shape}, {arguments.network} network, batch {arguments.batch}, {members} member(s)"
        texts += [
            f"{title}\n{report.table(found, TIMES)}",
            f"{report.table(found, WORK)}\n{_floor(arguments, members)}",
        ]
    report.finish("train_step", arguments, "\n\n".join(texts), rows)
    return rows


def measure(arguments: argparse.Namespace, members: int) -> list[dict[str, Any]]:
    """A row for each side."""
    case = Case(
        arguments.shape, arguments.network, arguments.batch, members, frames=arguments.frames, options=arguments.both
    )
    several_bodies = arguments.shape == "ntu" and arguments.single > 0
    singles = (0.0, arguments.single) if several_bodies else (0.0,)
    options = arguments.options or sides.default_options(case)
    specs = [
        *sides.of_torch("train", case, torch_variants.chosen(arguments.torch)),
        *sides.of_library("train", case, options, singles),
    ]
    built: dict[str, Any] = dict(sides.build_all(specs))
    times = timing.alternate(built, arguments.repeats, arguments.seconds)
    first_torch = next((spec.name for spec in specs if spec.framework == "torch" and spec.name in built), None)
    rows = []
    for spec in (spec for spec in specs if spec.name in built):
        row = {"side": spec.name, **dataclasses.asdict(spec.case), **times[spec.name].summary()}
        row["samples_per_second"] = members * arguments.batch / times[spec.name].median
        if first_torch is not None:
            row["ratios"] = timing.ratios(times[first_torch], times[spec.name])
            row["times_as_fast"] = statistics.median(row["ratios"])
        if arguments.memory == "planned":
            row |= {"peak_bytes": built[spec.name].planned_bytes(), "memory_of": "step"}
        rows.append(row | _work(spec, built[spec.name], times[spec.name].median, _rates(arguments)))
    built.clear()
    for row, spec in zip(rows, (spec for spec in specs if spec.name in times), strict=True):
        if arguments.memory == "process":
            row |= sides.peak_memory(spec)
        row["peak_gb"] = row["peak_bytes"] / 1e9 if row.get("peak_bytes") else None
    return rows


def _work(spec: sides.Spec, side: Any, seconds: float, device: floors.Rates | None) -> dict[str, Any]:
    """Operations, counted by the rows; bytes of ours, as XLA estimates them; how many a second."""
    from benchmarks import ours

    flops = ours.dense_flops(spec.case) if spec.framework == "torch" else side.flops
    row = {"gflop": flops / 1e9, "tflops": flops / seconds / 1e12}
    if device is not None:
        row["of_device_flops"] = flops / seconds / device.flops
    if spec.framework == "torch":
        return row
    accessed = side.compiled.cost_analysis()["bytes accessed"]
    row |= {"gb_accessed": accessed / 1e9, "gb_per_second": accessed / seconds / 1e9}
    if device is not None:
        row["of_device_bytes"] = accessed / seconds / device.bytes
    return {**row, "rows": side.rows, "rows_mean": side.rows_mean}


def _rates(arguments: argparse.Namespace) -> floors.Rates | None:
    import jax

    return floors.rates(jax.devices()[0].device_kind, arguments.flops, arguments.bytes_per_second)


def _floor(arguments: argparse.Namespace, members: int) -> str:
    """How long the dense step takes at least on a device whose rates are known."""
    from benchmarks import ours

    device = _rates(arguments)
    if device is None:
        return "no floor: the device's rates are not known (--flops, --bytes-per-second)"
    case = Case(
        arguments.shape, arguments.network, arguments.batch, members, frames=arguments.frames, options=arguments.both
    )
    floor = f"least time in bfloat16, dense: arithmetic {1e3 * ours.dense_flops(case) / device.flops:.3g} ms"
    if arguments.network == "full":
        floor += f", bytes {1e3 * ours.least_bytes(case) / device.bytes:.3g} ms"
    return floor


if __name__ == "__main__":
    main()
