"""How a training step grows with its shape: time and memory along one axis after the other, and fitted exponents.

    python -m benchmarks.scaling --network=small --batch=8 --json=scaling.json --figure=scaling.png
    python -m benchmarks.scaling --axes=frames,joints,batch,bodies,members,classes

An exponent p says that time grows as (value)^p; it is fitted over all values of the axis, so a fixed cost at the small
end lowers it. The axis `samples` is the loading of a converted set: seconds and memory by its number of recordings.
"""

import pathlib
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import command_line, report, timing
from benchmarks.shapes import Case

AXES: dict[str, tuple[int, ...]] = {
    "frames": (32, 64, 128, 256, 512),
    "joints": (17, 25, 50, 75, 133),
    "batch": (8, 16, 32, 64, 128),
    "bodies": (1, 2, 4),
    "members": (1, 4, 8, 20),
    "classes": (10, 60, 400),
    "samples": (1000, 2000, 4000, 8000),
}
COLUMNS = (
    ("axis", "axis", ""),
    ("value", "value", "d"),
    *report.MS,
    ("planned_gb", "GB", ".3g"),
    ("exponent", "exponent", ".2f"),
    ("exponent_gb", "of GB", ".2f"),
)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, draws, and returns the rows."""
    parser = command_line.parser(__doc__, shape="ntu", network="full", batch=32, options="")
    parser.add_argument("--axes", default=",".join(AXES), help="some of %(default)s (default all)")
    parser.add_argument("--values", type=command_line.numbers, help="instead of an axis's own, such as 32,64")
    parser.add_argument("--figure", type=pathlib.Path, help="draw the curves into this file; needs matplotlib")
    arguments = parser.parse_args(words)
    rows = []
    for axis in arguments.axes.split(","):
        rows += with_exponents(along(axis, arguments.values or AXES[axis], arguments))
    title = f"{Case.of(arguments).title}, a training step"
    report.finish("scaling", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    if arguments.figure is not None:
        draw(rows, arguments.figure)
    return rows


def along(axis: str, values: Sequence[int], arguments: Namespace) -> list[dict[str, Any]]:
    """A row for each value of an axis. The values are measured in turn, all in one process."""
    if axis == "samples":
        from benchmarks import loading

        return loading.measure(values, arguments.shape)
    from benchmarks import ours

    built = {value: ours.Training(Case.of(arguments, **{axis: value})) for value in values}
    times = timing.alternate(built, arguments.repeats, arguments.seconds)
    return [
        {"axis": axis, "value": value, **times[value].summary(), "planned_gb": side.planned_bytes() / 1e9}
        for value, side in built.items()
    ]


def with_exponents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of an axis, the last of them with the exponents of time and memory, where there are values to fit."""
    if len(rows) > 1:
        value = [row["value"] for row in rows]
        rows[-1]["exponent"] = exponent(value, [row["ms_median"] for row in rows])
        if all(row["planned_gb"] > 0 for row in rows):
            rows[-1]["exponent_gb"] = exponent(value, [row["planned_gb"] for row in rows])
    return rows


def exponent(value: Sequence[float], cost: Sequence[float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    return float(np.polyfit(np.log(value), np.log(cost), 1)[0])


def draw(rows: Sequence[dict[str, Any]], path: pathlib.Path) -> None:
    """A panel for each axis: milliseconds over the value, both by logarithms, with the extremes, and linear growth."""
    try:
        from matplotlib import figure
    except ImportError:
        report.say("no figure: matplotlib is not installed")
        return
    axes = list(dict.fromkeys(row["axis"] for row in rows))
    columns = min(4, len(axes))
    drawn = figure.Figure(figsize=(3 * columns, 3 * -(-len(axes) // columns)), layout="constrained")
    panels = drawn.subplots(-(-len(axes) // columns), columns, squeeze=False).ravel()
    for panel in panels[len(axes) :]:
        panel.set_axis_off()
    for panel, axis in zip(panels, axes, strict=False):
        _panel(panel, [row for row in rows if row["axis"] == axis])
    drawn.savefig(path, dpi=100)


def _panel(panel: Any, rows: Sequence[dict[str, Any]]) -> None:
    """One axis. A dashed line grows with the value, from the first median on."""
    value = np.array([row["value"] for row in rows])
    median = np.array([row["ms_median"] for row in rows])
    spread = [median - [row["ms_min"] for row in rows], [row["ms_max"] for row in rows] - median]
    panel.plot(value, median[0] * value / value[0], "--", color="0.7")
    panel.errorbar(value, median, yerr=spread, marker="o", capsize=3)
    panel.set(xscale="log", yscale="log", xlabel=rows[0]["axis"], ylabel="ms")
    panel.set_xticks(value, [f"{each:g}" for each in value])
    panel.minorticks_off()
    low, high = panel.get_ylim()
    tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    ticks = [tick for tick in np.multiply.outer(tens, [1, 2, 5]).ravel() if low <= tick <= high]
    panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    if (power := rows[-1].get("exponent")) is not None:
        panel.set_title(f"exponent {power:.2f}")


if __name__ == "__main__":
    main()
