"""The page's still figures, as SVG that takes the page's colours; matplotlib is imported where it is used.

Each is about as wide as a telephone, and the page lets as many stand side by side as there is room for.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dsta_jax.check import contact_sheet
from dsta_jax.check.joint_order import bones
from dsta_jax.datasets.layouts import Layout
from dsta_jax.report.calibration import Calibration
from dsta_jax.report.history import Curves

WIDTH = 4.6  # inches
_LINE = 0.17  # height of a class's line

# Colours that nothing else has: in the SVG they become those of the page, light or dark.
_INK, _PALE = "#010203", "#040506"
_OF_PAGE = {_INK: "currentColor", _PALE: "var(--pale)"}
_RC: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dsta_jax",  # the same bytes for the same figure
    "text.parse_math": False,
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
    "grid.color": _PALE,
}

# Okabe and Ito's, for the streams, in their order; their fusion has the colour of text.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINKS = 10  # pairs of joints that are drawn for each head


def color_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each stream; `fused` has the page's."""
    streams = [name for name in names if name != "fused"]
    return {"fused": _INK, **{name: _COLORS[number % len(_COLORS)] for number, name in enumerate(streams)}}


def _drawn(high: float, draw: Callable[[Any], None], layout: Any = "constrained") -> str:
    """The SVG of a figure of so many inches; ImportError without matplotlib.

    Where the places of the axes are known, no layout saves half of the time.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=(WIDTH, high), layout=layout)
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _inline(file.getvalue())


def _inline(svg: str) -> str:
    """The SVG as a part of a page: without a head, what it says of itself, and names that every figure has."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    svg = re.sub(r' id="[^"_]+_\d+"', "", svg)
    for color, name in _OF_PAGE.items():
        svg = svg.replace(color, name)
    return svg


def curves(found: Curves, kind: str, titles: Mapping[str, str], colors: Mapping[str, str]) -> str:
    """The curves of `loss` or `accuracy` by epoch: of training batches solid, of the held-out part dashed."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, (epoch_E, value_E) in found.items():
            part, what, stream = name.split("/")
            if what != kind:
                continue
            held_out = part == "validation"
            look = {"ls": (0, (3, 1.5)) if held_out else "-", "lw": 1.3, "color": colors[stream]}
            label = titles[stream] + (", held out" if held_out else "")
            axes.plot(epoch_E, 100 * value_E if kind == "accuracy" else value_E, label=label, **look)
        axes.set(xlabel="epoch", ylabel="accuracy, %" if kind == "accuracy" else "loss")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.legend(fontsize=7.5)

    return _drawn(3.1, draw)


def per_class(
    accuracy: Mapping[str, np.ndarray], class_names: Sequence[str], titles: Mapping[str, str], minus: str | None = None
) -> str:
    """Accuracy of each class in each stream, in the order given; or how far it is above that of the stream `minus`."""
    colors, place_K = color_of(list(accuracy)), np.arange(len(class_names))

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        apart = np.linspace(-0.24, 0.24, len(accuracy)) if len(accuracy) > 1 else (0,)  # so that all are seen
        for shift, (name, accuracy_K) in zip(apart, accuracy.items(), strict=True):
            value_K = 100 * (accuracy_K if minus is None else accuracy_K - accuracy[minus])
            if name == minus:
                continue
            look = {"marker": "D", "s": 20, "zorder": 3} if name == "fused" else {"marker": "o", "s": 15, "alpha": 0.85}
            axes.scatter(value_K, place_K + shift, label=titles[name], color=colors[name], linewidths=0, **look)
        said = "accuracy, %" if minus is None else f"percentage points above {titles[minus]}"
        axes.set(xlabel=said, ylim=(len(class_names) - 0.5, -0.5))
        if minus is None:
            axes.set_xlim(-3, 103)
        else:
            axes.axvline(0, color=_INK, lw=0.8)
        axes.set_yticks(place_K, [contact_sheet.short(" ".join(name.split()), 30) for name in class_names])
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        axes.tick_params(axis="x", labeltop=len(class_names) > 30)
        axes.grid()
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper center", ncols=3, fontsize=7.5, handletextpad=0.1)

    return _drawn(1.1 + _LINE * len(class_names), draw)


def reliability(found: Calibration) -> str:
    """How often answers are right, by how sure they are; below, how many answers there are of each sureness."""
    edge_E = np.linspace(0, 100, len(found.count_B) + 1)
    wide = edge_E[1]

    def draw(figure: Any) -> None:
        above, below = figure.subplots(2, height_ratios=(3, 1), sharex=True)
        above.bar(edge_E[:-1], 100 * found.accuracy_B, wide, align="edge", color=_COLORS[5], edgecolor=_INK, lw=0.4)
        above.plot((0, 100), (0, 100), color=_INK, lw=0.8, ls=(0, (4, 3)))
        above.plot(100 * found.probability_B, 100 * found.accuracy_B, "o", ms=3, color=_INK)
        above.set(ylabel="right, %", ylim=(0, 102), xlim=(0, 100))
        above.text(3, 93, f"expected calibration error {100 * found.error:.1f}%")
        below.bar(edge_E[:-1], found.count_B, wide, align="edge", color=_COLORS[5], edgecolor=_INK, lw=0.4)
        below.set(xlabel="probability of the answer, %", ylabel="recordings")

    return _drawn(4.2, draw)


def spatial_head(map_VxV: np.ndarray, pose_VxC: np.ndarray, layout: Layout) -> str:
    """A head's map with the joints' names, and on the skeleton: the larger a joint, the more it gives to all.

    Lines join the pairs of different joints with the largest weights. The darkest colour is the largest weight.
    """

    def draw(figure: Any) -> None:
        above, below = figure.add_axes((0.24, 0.51, 0.75, 0.48)), figure.add_axes((0.02, 0.01, 0.96, 0.34))
        _map(above, map_VxV)
        names = [contact_sheet.short(name, 16) for name in layout.joints]
        small = 6.5 if len(names) > 16 else 8
        above.set_xticks(range(len(names)), names, rotation=90, fontsize=small)
        above.set_yticks(range(len(names)), names, fontsize=small)
        _skeleton(below, map_VxV, pose_VxC, layout)

    return _drawn(7.2, draw, None)


def _map(axes: Any, map_PxP: np.ndarray) -> None:
    most = float(np.abs(map_PxP).max()) or 1.0
    axes.imshow(map_PxP, cmap="PuOr_r", vmin=-most, vmax=most, interpolation="none")
    axes.spines[:].set_visible(True)
    axes.tick_params(length=0)


def _skeleton(axes: Any, map_VxV: np.ndarray, pose_VxC: np.ndarray, layout: Layout) -> None:
    from matplotlib.collections import LineCollection

    view = contact_sheet.views(layout, pose_VxC.shape[-1])[0]
    points_Vx2 = view.project(pose_VxC)
    ends, starts = bones(layout)
    bone_Bx2x2 = list(np.stack([points_Vx2[starts], points_Vx2[ends]], axis=1))
    axes.add_collection(LineCollection(bone_Bx2x2, colors=_PALE, linewidths=2.5, capstyle="round"))
    apart_VxV = np.abs(map_VxV - np.diag(map_VxV.diagonal()))
    order = np.argsort(-apart_VxV, axis=None, kind="stable")[:_LINKS]
    for start, end in np.stack(np.unravel_index(order, map_VxV.shape), 1).tolist():
        color = "#B35806" if map_VxV[start, end] > 0 else "#7A5CA8"
        look = {"color": color, "alpha": 0.75, "lw": 2 * apart_VxV[start, end] / max(apart_VxV.max(), 1e-9)}
        axes.plot(*points_Vx2[[start, end]].T, zorder=2, **look)
    given_V = np.abs(map_VxV).mean(1)
    part_V = (given_V - given_V.min()) / max(np.ptp(given_V), 1e-9)
    axes.scatter(*points_Vx2.T, s=5 + 85 * part_V, color="#B35806", alpha=0.85, linewidths=0, zorder=3)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.15)
    axes.set_axis_off()


def temporal_head(map_PxP: np.ndarray, pose_TxVxC: np.ndarray, layout: Layout, moments: int = 8) -> str:
    """A head's map over frames, and on skeletons: the stronger a frame is drawn, the more it gives."""
    from matplotlib.collections import LineCollection

    frames, positions = len(pose_TxVxC), len(map_PxP)
    given_P = np.abs(map_PxP).mean(1)
    view = contact_sheet.views(layout, pose_TxVxC.shape[-1])[0]
    ends, starts = bones(layout)

    def draw(figure: Any) -> None:
        places = ((0.13, 0.38, 0.85, 0.61), (0.13, 0.2, 0.85, 0.1), (0.02, 0.01, 0.96, 0.14))
        above, middle, below = map(figure.add_axes, places)
        _map(above, map_PxP)
        ticks = np.linspace(0, positions - 1, min(positions, 5)).astype(int)
        labels = [str(place * frames // positions) for place in ticks]
        above.set_xticks(ticks, labels)
        above.set_yticks(ticks, labels)
        above.set(ylabel="from frame", xlabel="to frame")
        middle.fill_between(np.arange(positions), given_P, color="#B35806", alpha=0.7, lw=0)
        middle.set(xlim=(0, max(positions - 1, 1)), ylim=(0, None), ylabel="given")
        middle.set_xticks(ticks, labels)
        middle.set_yticks([])
        chosen = np.linspace(0, positions - 1, min(positions, moments)).astype(int)
        points_PxVx2 = view.project(pose_TxVxC[chosen * frames // positions])
        points_PxVx2 = points_PxVx2 - (points_PxVx2.max(1, keepdims=True) + points_PxVx2.min(1, keepdims=True)) / 2
        apart = 1.15 * np.ptp(points_PxVx2[..., 0], axis=1).max()
        for number, (place, points_Vx2) in enumerate(zip(chosen, points_PxVx2, strict=True)):
            points_Vx2 = points_Vx2 + (number * apart, 0)
            part = float(given_P[place] / max(given_P.max(), 1e-9))
            lines = list(np.stack([points_Vx2[starts], points_Vx2[ends]], axis=1))
            below.add_collection(LineCollection(lines, colors=_INK, linewidths=1.3, alpha=0.12 + 0.88 * part**2))
        below.autoscale()
        below.set_aspect("equal")
        below.set_axis_off()

    return _drawn(6.4, draw, None)
