"""A training step, ours against PyTorch's: time, memory, and how near the device's limits.

    python -m benchmarks.train_step                               NTU RGB+D, the full network, batch 64
    python -m benchmarks.train_step --shape=shrec --batch=32 --members=1,4,20
    python -m benchmarks.train_step --network=small --batch=16    for a CPU

The batch lies on the device, and the sides take turns in one process. `packed` is the step with empty bodies sharing
a row, on recordings of which --single show one person; PyTorch's has every body.
"""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from benchmarks import command_line, floors, report, shapes, sides
from benchmarks.shapes import Case

MEMORY = (
    "process: peak of each side in a process of its own; planned: of ours what XLA plans for a step, of PyTorch what "
    "its tensors take on the GPU, in this process"
)
TIMES = (("side", "side", ""), *report.MS, *sides.COLUMNS, ("peak_gb", "peak GB", ".3g"))
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


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    parser = command_line.parser(
        __doc__, shape="ntu", network="full", batch=64, members=(1,), frames=0, single=0.8, options=None, both=""
    )
    command_line.add_torch(parser)
    parser.add_argument("--memory", choices=("process", "planned", "none"), default="process", help=MEMORY)
    parser.add_argument("--flops", type=float, help="the device's bfloat16 FLOP/s, where it is not known")
    parser.add_argument("--bytes-per-second", type=float, help="the device's bytes/s, where it is not known")
    arguments = parser.parse_args(words)
    rows = []
    texts = []
    for members in arguments.members:
        case = Case.of(arguments, members=members, options=arguments.both)
        found = measure(case, arguments)
        rows += found
        texts += [
            f"{case.title}\n{report.table(found, TIMES)}",
            f"{report.table(found, WORK)}\n{_floor(case, arguments)}",
        ]
    report.finish("train_step", arguments, "\n\n".join(texts), rows)
    return rows


def measure(case: Case, arguments: Namespace) -> list[dict[str, Any]]:
    """A row for each side."""
    of_library = sides.of_library("train", case, arguments.options, arguments.single)
    built = sides.build_all(sides.of_torch("train", case, arguments.torch) + of_library)
    specs = list(built)
    rows = sides.measured(built, arguments)
    for row, spec in zip(rows, specs, strict=True):
        if arguments.memory == "planned":
            row |= {"peak_bytes": built[spec].planned_bytes(), "memory_of": "step"}
        row |= _work(spec, built[spec], row["ms_median"] / 1e3, _rates(arguments))
    built.clear()  # Their memory is for the processes to come.
    for row, spec in zip(rows, specs, strict=True):
        if arguments.memory == "process":
            row |= sides.peak_memory(spec)
        row["peak_gb"] = row["peak_bytes"] / 1e9 if row.get("peak_bytes") else None
    return rows


def _work(spec: sides.Spec, side: Any, seconds: float, device: floors.Rates | None) -> dict[str, Any]:
    """Operations, counted by the rows; bytes of ours, as XLA estimates them; how many a second."""
    row = {"gflop": side.flops / 1e9, "tflops": side.flops / seconds / 1e12}
    if device is not None:
        row["of_device_flops"] = side.flops / seconds / device.flops
    if spec.framework == "torch":
        return row
    accessed = side.bytes_accessed
    row |= {"gb_accessed": accessed / 1e9, "gb_per_second": accessed / seconds / 1e9}
    if device is not None:
        row["of_device_bytes"] = accessed / seconds / device.bytes
    return {**row, "rows": side.rows, "rows_mean": side.rows_mean}


def _rates(arguments: Namespace) -> floors.Rates | None:
    import jax

    return floors.rates(jax.devices()[0].device_kind, arguments.flops, arguments.bytes_per_second)


def _floor(case: Case, arguments: Namespace) -> str:
    """How long the dense step takes at least on a device whose rates are known."""
    device = _rates(arguments)
    if device is None:
        return "no floor: the device's rates are not known (--flops, --bytes-per-second)"
    members = shapes.members_of(case)
    rows, frames, joints, _ = members.input_shape(case.batch).shape
    flops = floors.step_flops(members.network, case.members * rows, frames, joints)
    floor = f"least time in bfloat16, dense: arithmetic {1e3 * flops / device.flops:.3g} ms"
    if case.network == "full":
        least = floors.step_bytes(case.members * rows, frames, joints)
        floor += f", bytes {1e3 * least / device.bytes:.3g} ms"
    return floor


if __name__ == "__main__":
    main()
