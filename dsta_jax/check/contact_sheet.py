"""A contact sheet: stick figures of some recordings, so that joints in a wrong order are seen at a glance.

Needs matplotlib, which is imported where it is used. Axes have the inch as their unit: figures are moved and scaled to
their places before matplotlib has them, so that nothing is stretched, and nothing is cut.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dsta_jax.check import faults, figures
from dsta_jax.check.figures import Sample, Strip, View
from dsta_jax.datasets.layouts import Layout

DPI = 110

_STYLES = ("solid", (0, (2.2, 1.3)), (0, (0.8, 1.0)))  # a body each; they repeat
_PAPER, _INK, _PALE = "#F5F5F2", "#222222", "#6B6B6B"

_MARGIN, _GAP, _LINE = 0.35, 0.3, 0.2  # of the page, between blocks, and a line of text
_BLOCK = 6.6  # width of a recording's block; two stand side by side
_PAGE = 2 * _MARGIN + 2 * _BLOCK + _GAP
_FIGURE = 0.8, 1.5  # height of a figure: as most of them need, within these
_KEY, _NAMES = 8.2, 2.3  # width of the key skeleton, and in it of a column of names
_KEY_HEIGHT = 3.6  # at least
_NOTE = (
    "Joints, bodies and frames count from 0. The figures of a recording\n"
    "have one scale; each is in the middle of its place."
)


def draw(samples: Sequence[Sample], layout: Layout, channels: str, title: str) -> Any:
    """Draws a contact sheet.

    Args:
      samples: one recording or more.
      layout: the joints.
      channels: what the C channels are, as `Benchmark.channels`.
      title: of the whole.

    Returns:
      A matplotlib figure.

    Raises:
      ImportError: without matplotlib.
    """
    from matplotlib.figure import Figure

    strips = [Strip(sample, channels, figures.views(layout, channels)) for sample in samples]
    pen = _Pen(layout)
    needed = [_column(strip) * strip.extent_2[1] / strip.extent_2[0] for strip in strips]
    figure_high = float(np.clip(np.median(needed), *_FIGURE))
    block_high = len(strips[0].views) * figure_high + 2.4 * _LINE
    key_high = max(_KEY_HEIGHT, _LINE * (-(-len(layout.joints) // 2) + 3))
    high = 2 * _MARGIN + 2 * _LINE + key_high + -(-len(strips) // 2) * (block_high + _GAP)
    page = Figure(figsize=(_PAGE, high), dpi=DPI, facecolor="white")
    page.text(_MARGIN / _PAGE, 1 - _MARGIN / high, title, size=15, weight="bold", color=_INK, va="center")
    bottom = high - _MARGIN - _LINE - key_high
    _key(_axes(page, _MARGIN, bottom, _KEY, key_high), pen, *figures.clearest(strips, layout))
    bodies = max(strip.bodies for strip in strips)
    _legend(_axes(page, _MARGIN + _KEY, bottom, _PAGE - 2 * _MARGIN - _KEY, key_high), pen, bodies, strips[0].views)
    for number, strip in enumerate(strips):
        row, column = divmod(number, 2)
        left, low = _MARGIN + column * (_BLOCK + _GAP), bottom - (row + 1) * (block_high + _GAP)
        _block(_axes(page, left, low, _BLOCK, block_high), pen, strip, figure_high)
    return page


def save(page: Any, path: pathlib.Path) -> None:
    """Writes a figure as PNG; the same bytes for the same figure."""
    page.savefig(path, format="png", metadata={"Software": None})


def _axes(page: Any, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place of the page, without frame; all in inches."""
    wide, high = page.get_size_inches()
    axes = page.add_axes((left / wide, bottom / high, width / wide, height / high))
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.set_axis_off()
    return axes


class _Pen:
    """Draws bodies of a layout."""

    def __init__(self, layout: Layout):
        self.layout, self.limbs = layout, figures.limbs(layout)
        color_of = {joint: limb.color for limb in self.limbs for joint in limb.joints}
        self.colors = [color_of[joint] for joint in range(len(layout.joints))]

    def body(self, axes: Any, points_Vx2: np.ndarray, body: int, thick: float = 1.0) -> None:
        """One body, without what is NaN. The first is drawn solid, with filled joints."""
        from matplotlib.collections import LineCollection

        ends = faults.bones(self.layout)
        segments_Bx2x2 = np.stack([points_Vx2[np.array(self.layout.parents)[ends]], points_Vx2[ends]], axis=1)
        whole_B = np.isfinite(segments_Bx2x2).all(axis=(1, 2))
        colors, style = [self.colors[joint] for joint in ends[whole_B]], _STYLES[body % len(_STYLES)]
        lines = LineCollection(segments_Bx2x2[whole_B], colors=colors, linewidths=1.4 * thick, linestyles=[style])
        lines.set_capstyle("round" if style == "solid" else "butt")
        axes.add_collection(lines, autolim=False)
        inside = self.colors if style == "solid" else ["white"] * len(self.colors)
        axes.scatter(*points_Vx2.T, s=7 * thick**2, c=inside, edgecolors=self.colors, linewidths=0.6 * thick, zorder=3)


def _column(strip: Strip) -> float:
    """Width of a figure's place in its block."""
    return (_BLOCK - _LINE) / max(len(strip.frames), 3)


def _block(axes: Any, pen: _Pen, strip: Strip, figure_high: float) -> None:
    """One recording: a row of figures for each view, all of one scale, each in the middle of its place."""
    from matplotlib.patches import Rectangle

    wide, high = _column(strip), len(strip.views) * figure_high + 1.2 * _LINE
    scale = 0.88 * float(min(wide / strip.extent_2[0], figure_high / strip.extent_2[1]))
    axes.add_patch(Rectangle((0, 0), _BLOCK, high, color=_PAPER, zorder=0))
    _caption(axes, strip, high + 0.6 * _LINE)
    for row, (view, points) in enumerate(zip(strip.views, strip.rows, strict=True)):
        y = high - (row + 0.5) * figure_high
        _text(axes, 0.6 * _LINE, y, view.name, rotation=90)
        for column, points_VxMx2 in enumerate(points):
            placed_VxMx2 = points_VxMx2 * scale + (_LINE + (column + 0.5) * wide, y)
            for body in range(placed_VxMx2.shape[1]):
                pen.body(axes, placed_VxMx2[:, body], body)
    for column, frame in enumerate(strip.frames):
        _text(axes, _LINE + (column + 0.5) * wide, 0.6 * _LINE, f"frame {frame}")


def _caption(axes: Any, strip: Strip, y: float) -> None:
    title = _short(strip.sample.title, 44)
    axes.text(0, y, title, size=10, weight="bold", color=_INK, va="center")
    name = _short(strip.sample.name, 74 - int(1.3 * len(title)))  # The title's letters are so much wider.
    count = len(strip.sample.frames_TxVxMxC)
    _text(axes, _BLOCK, y, f"{name},  {count} frame{'s' if count > 1 else ''}", size=8, ha="right")


def _key(axes: Any, pen: _Pen, points_Vx2: np.ndarray, source: str) -> None:
    """One large body, with the number and name of each joint in a column at its left or right."""
    high = axes.get_ylim()[1] - 2 * _LINE
    box_2x2 = figures.box(points_Vx2)
    scale = 0.86 * np.min((_KEY - 2 * _NAMES, high) / np.maximum(np.ptp(box_2x2, axis=0), 1e-9))
    points_Vx2 = (points_Vx2 - box_2x2.mean(axis=0)) * scale + (_KEY / 2, high / 2 + 2 * _LINE)
    shown = np.flatnonzero(np.isfinite(points_Vx2).all(axis=1))
    shown = shown[np.argsort(points_Vx2[shown, 0], kind="stable")]
    for edge, out, joints in ((_NAMES, -1, shown[: len(shown) // 2]), (_KEY - _NAMES, 1, shown[len(shown) // 2 :])):
        joints = joints[np.argsort(-points_Vx2[joints, 1], kind="stable")]
        places = _spaced(points_Vx2[joints, 1].tolist(), _LINE, 1.5 * _LINE, high + 1.5 * _LINE)
        for joint, y in zip(joints.tolist(), places, strict=True):
            x_joint, y_joint = points_Vx2[joint]
            axes.plot([edge, x_joint], [y, y_joint], color=pen.colors[joint], linewidth=0.6, alpha=0.55, zorder=1)
            words = (_short(pen.layout.joints[joint], 26), str(joint))
            said = "  ".join(words if out < 0 else reversed(words))
            _text(axes, edge + 0.07 * out, y, said, size=8, color=_INK, ha="right" if out < 0 else "left")
    pen.body(axes, points_Vx2, 0, thick=2.0)
    if unseen := [joint for number, joint in enumerate(pen.layout.joints) if number not in shown]:
        source += f"; not seen: {', '.join(unseen)}"
    _text(axes, _KEY / 2, 0.4 * _LINE, _short(source, 120))


def _spaced(wanted: Sequence[float], apart: float, bottom: float, top: float) -> list[float]:
    """Places from the top down, near those that are wanted (in falling order), with room between them."""
    places: list[float] = []
    for number, place in enumerate(wanted):
        highest = places[-1] - apart if places else top
        lowest = bottom + apart * (len(wanted) - 1 - number)
        places.append(max(min(place, highest), lowest))
    return places


def _legend(axes: Any, pen: _Pen, bodies: int, views: Sequence[View]) -> None:
    """Colours, line styles and directions."""
    rows: list[tuple[str, str, Any]] = [(limb.name, limb.color, "solid") for limb in pen.limbs]
    if bodies > 1:
        rows += [(f"body {body}", _INK, _STYLES[body % len(_STYLES)]) for body in range(bodies)]
    y = axes.get_ylim()[1] - 1.5 * _LINE
    for name, color, style in rows:
        axes.plot([0.3, 0.8], [y, y], color=color, linewidth=1.6 if color == _INK else 3, linestyle=style)
        _text(axes, 0.95, y, name, size=9, color=_INK, ha="left")
        y -= 1.2 * _LINE
    for number, view in enumerate(views):
        _directions(axes, view, 2.9 + 1.3 * number, axes.get_ylim()[1] - 0.85)
    _text(axes, 0.3, 1.2 * _LINE, _NOTE, ha="left", size=7.5)


def _directions(axes: Any, view: View, x: float, y: float) -> None:
    """Two arrows from a corner, and the coordinates along which they point."""
    arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    up = -1 if view.down else 1
    axes.annotate("", (x + 0.5, y), (x, y), arrowprops=arrow)
    axes.annotate("", (x, y + 0.5 * up), (x, y), arrowprops=arrow)
    _text(axes, x + 0.6, y, "xyz"[view.right], size=9, color=_INK)
    _text(axes, x, y + 0.62 * up, "xyz"[view.vertical], size=9, color=_INK)
    _text(axes, x + 0.25, y - 0.2 * up, view.name, size=8)


def _text(axes: Any, x: float, y: float, said: str, **given: Any) -> None:
    """Small grey text around a point, unless something else is given."""
    axes.text(x, y, said, **{"size": 7, "color": _PALE, "ha": "center", "va": "center", **given})


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
