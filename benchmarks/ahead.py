"""The training step compiled for chips that are not here: whether it fits, what it moves and sends, and floors.

Everything is of one device and one step. The program is the one that the library would run there: its mesh, members in
turn where memory needs it, and rows of the usual number where absent bodies share one (where a part of the recordings
shows one person). `plan GB` is what the compiler plans, beside the memory that there is. `GFLOP` are counted from the
network's shapes. `GB` are read from the program, as `program_text.py` says, `pad GB` with tile padding; `moved` is what
of these goes into `copies`, which only bring numbers into another layout. `ms` is the least time of the operations, `ms
HBM` of the padded bytes, by `floors.RATES`: no measurement. Below the table stands what devices send to each other.
"""

import time
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from benchmarks import floors, ours, program_text, report, sides, targets
from benchmarks.program_text import Program
from benchmarks.shapes import Case
from dsta_jax import parallel

COLUMNS = (
    ("side", "side", ""),
    ("fits", "fits", ""),
    ("planned_gb", "plan GB", ".3g"),
    ("gflop_counted", "GFLOP", ".4g"),
    ("gb", "GB", ".3g"),
    ("padded_gb", "pad GB", ".3g"),
    ("moved_gb", "moved", ".3g"),
    ("moves", "copies", "d"),
    ("ms_flops", "ms", ".3g"),
    ("ms_bytes", "ms HBM", ".3g"),
)
SENT_COLUMNS = (
    ("kind", "collective", ""),
    ("what", "of", ""),
    ("instructions", "number", "d"),
    ("arrays", "arrays", "d"),
    ("kb", "kB", ".4g"),
    ("devices", "devices", "d"),
)

# Shapes and members, where no shape is asked for.
_CASES = (("ntu", 1), ("shrec", 4))


def analyse(arguments: Namespace) -> tuple[str, list[dict[str, Any]]]:
    """Tables and rows for `--target`.

    Raises:
      UserError: when nothing here compiles for such devices.
    """
    devices = targets.devices(arguments.target)
    texts, rows = [], []
    for shape, members in ((arguments.shape, arguments.members),) if arguments.shape else _CASES:
        case = Case.of(arguments, shape=shape, members=members, options="")
        options = arguments.options or ["model.precision=bfloat16"]
        specs = sides.of_library("train", case, options, arguments.single)
        packed = [spec for spec in specs if spec.case.single]
        of_case = [row_of(spec, devices) for spec in packed or specs]
        rows += of_case
        chips = f"{len(devices)} x {devices[0].device_kind} of {targets.memory_bytes(devices[0]) / 1e9:.3g} GB"
        texts.append(f"{case.title}, {chips}\n{report.table(of_case, COLUMNS)}\n")
        texts += [below(row) for row in of_case]
    return "\n".join(texts), rows


def below(row: dict[str, Any]) -> str:
    """What devices send, as a table; or why the compiler gave up."""
    if "why" in row:
        return f"{row['side']} does not fit: {row['why'].splitlines()[0]}\n"
    over = f"{row['devices_of_members']} x {row['devices_of_batches']} devices (members x batches)"
    sent = report.table(row["sent"], SENT_COLUMNS) if row["sent"] else "nothing"
    return f"{row['side']}: {over}, {row['rows']} rows a member; sent in a step:\n{sent}\n"


def row_of(spec: sides.Spec, devices: Sequence[jax.Device]) -> dict[str, Any]:
    """The row of one side on devices that are not here."""
    step = targets.training(spec.case, devices)
    rates, memory = floors.RATES[devices[0].device_kind], targets.memory_bytes(devices[0])
    frames, joints = step.members.input_shape(spec.case.batch).shape[1:3]
    batch_devices = parallel.batch_devices(step.mesh)
    flops = floors.step_flops(step.members.network, spec.case.members * step.rows, frames, joints) / step.mesh.size
    row: dict[str, Any] = {
        "side": spec.name,
        "rows": step.rows,
        "devices_of_members": step.mesh.size // batch_devices,
        "devices_of_batches": batch_devices,
        "in_turn": step.in_turn,
        "gflop_counted": flops / 1e9,
        "ms_flops": 1e3 * flops / rates.flops,
        "sent": [],
    }
    begin = time.process_time()
    try:
        compiled = step.compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return row | {"fits": "no", "why": str(error)}
    program, planned = Program(compiled.as_text()), ours.planned_bytes(compiled)
    traffic = program.traffic()
    return row | {
        "fits": "yes" if planned <= memory else "no",
        "planned_gb": planned / 1e9,
        "gb": traffic.bytes / 1e9,
        "padded_gb": traffic.padded / 1e9,
        "moved_gb": traffic.moved / 1e9,
        "moves": traffic.moves,
        "ms_bytes": 1e3 * traffic.padded / rates.bytes,
        "kinds": dict(program.kinds()),
        "sent": sent(program.collectives()),
        "processor_seconds": time.process_time() - begin,
    }


def sent(collectives: Iterable[program_text.Collective]) -> list[dict[str, Any]]:
    """Rows of what a device sends in a step, by kind, by what it is of, and by how many devices combine."""
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    for each in collectives:
        key = each.kind, source(each.told), each.devices
        named = dict(zip(("kind", "what", "devices"), key, strict=True))
        row = rows.setdefault(key, named | {"instructions": 0, "arrays": 0, "kb": 0.0})
        row["instructions"] += each.times * each.first
        row["arrays"] += each.times
        row["kb"] += each.times * each.bytes / 1e3
    return list(rows.values())


def source(told: str) -> str:
    """What an array that devices combine is of, by where in the training step it comes from."""
    path = told.split("/")
    if "norm" in path:
        return "BatchNorm"
    if path[-2:] == ["DSTANet._scores", "dot_general"] or path[-2:-1] == ["vmap(jvp(DSTANet))"]:
        return "shared rows"
    if "transpose(jvp(DSTANet))" in told:
        return "gradients"
    # A GPU's compiler combines many sums into one collective, and tells of none of them.
    return "loss, accuracy" if "DSTANet" not in told and path[-1] == "reduce_sum" else "not told"
