"""A contact sheet: stick figures of some recordings, so that joints in a wrong order are seen at a glance.

The page is one matplotlib drawing whose unit is the inch: figures are scaled and moved to their places before they are
drawn, so that nothing is stretched, and nothing is cut.
"""

import itertools
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dsta_jax.check.joint_order import bones
from dsta_jax.datasets.layouts import Layout

# Okabe and Ito's colours, which colour-blind people can tell apart (https://jfly.uni-koeln.de/color/).
LEFT, RIGHT, MIDDLE = "#0072B2", "#D55E00", "#333333"
BRANCHES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", LEFT, RIGHT)
_PAPER, _INK, _PALE = "#F5F5F2", "#222222", "#6B6B6B"
_STYLES: tuple[Any, ...] = ("solid", (0, (2.2, 1.3)), (0, (0.8, 1.0)))  # one for each body; they repeat

DPI = 110
MOMENTS = 6  # frames of a recording
_MARGIN, _GAP, _LINE = 0.35, 0.3, 0.2  # of the page, between blocks, and a line of text
_BLOCK = 6.6  # width of a recording's block; two stand side by side
_PAGE = 2 * _MARGIN + 2 * _BLOCK + _GAP
_FIGURE = 0.8, 1.5  # height of a figure: as most of them need, within these
_KEY, _NAMES, _KEY_HEIGHT = 8.2, 2.3, 3.6  # width of the key skeleton, in it of a column of names; least height


class Sample(NamedTuple):
    """A recording to be drawn; its coordinates are NaN where a joint is not seen, and in some frame one is seen."""

    title: str
    name: str
    pose_TxVxMxC: np.ndarray


class View(NamedTuple):
    """A direction from which a body is seen: which coordinate is drawn to the right, and which up, or down."""

    name: str
    right: int
    vertical: int
    down: bool = False

    def project(self, points_xC: np.ndarray) -> np.ndarray:
        """Points x 2, to the right and up."""
        return points_xC[..., [self.right, self.vertical]] * (1, -1 if self.down else 1)


def views(layout: Layout, coordinates: int) -> list[View]:
    """From the front, and with three coordinates from the side."""
    # Turned upright, z is up (y of two coordinates). Otherwise it is y: up in space, and down in a picture.
    upright = layout.reference.up is not None
    if coordinates == 2:
        return [View("front", 0, 1, down=not upright)]
    return [View("front", 0, 2), View("side", 1, 2)] if upright else [View("front", 0, 1), View("side", 2, 1)]


# A name, a colour, and the joints that have it; a bone has the colour of the joint to which it leads.
Limb = tuple[str, str, list[int]]


def limbs(layout: Layout) -> list[Limb]:
    """Left, right and middle, where the joints' names tell them; or else what hangs on the first joint that forks."""
    sides = layout.right_of_left
    found = [("left", LEFT, list(sides)), ("right", RIGHT, list(sides.values()))] if sides else _branches(layout)
    taken = {joint for *_, joints in found for joint in joints}
    rest = [joint for joint in range(len(layout.joints)) if joint not in taken]
    name = ", ".join(layout.joints[joint] for joint in rest) if len(rest) < 3 else "middle"
    return [*found, (name, MIDDLE, rest)] if rest else found


def _branches(layout: Layout) -> list[Limb]:
    ends, starts = bones(layout)
    children = [ends[starts == joint].tolist() for joint in range(len(layout.joints))]
    fork = layout.root
    while len(children[fork]) == 1:
        (fork,) = children[fork]
    found = []
    for first, color in zip(children[fork], itertools.cycle(BRANCHES)):
        joints = [first]
        for joint in joints:  # The list grows on the way.
            joints += children[joint]
        prefix = os.path.commonprefix([layout.joints[joint] for joint in joints]).strip("_- ")
        found.append((prefix or layout.joints[first], color, joints))
    return found


def figures(pose_TxVxMxC: np.ndarray, views: Sequence[View]) -> tuple[list[int], np.ndarray]:
    """Up to `MOMENTS` frames, evenly chosen from those in which anybody is seen; and what each view shows of them.

    W views x T frames x V x M x 2 points, in each frame around the middle of all that are seen there.
    """
    seen = np.flatnonzero(~np.isnan(pose_TxVxMxC[..., 0]).all(axis=(1, 2)))
    parts = min(len(seen), MOMENTS)
    frames = [int(seen[int((part + 0.5) * len(seen) / parts)]) for part in range(parts)]
    points_WxTxVxMx2 = np.stack([view.project(pose_TxVxMxC[frames]) for view in views])
    edges = [edge.reduce(points_WxTxVxMx2, axis=(2, 3), keepdims=True) for edge in (np.fmin, np.fmax)]
    return frames, points_WxTxVxMx2 - sum(edges) / 2


def clearest(pose_NxVxC: np.ndarray, view: View, layout: Layout) -> int:
    """Of several bodies, the one whose joints are farthest from the next one, compared with the length of its bones."""
    points_NxVx2, (ends, starts) = view.project(pose_NxVxC), bones(layout)
    apart_NxVxV = np.linalg.norm(points_NxVx2[:, :, None] - points_NxVx2[:, None], axis=3)
    apart_NxVxV[:, range(len(layout.joints)), range(len(layout.joints))] = np.nan
    length_N = np.nansum(np.linalg.norm(pose_NxVxC[:, ends] - pose_NxVxC[:, starts], axis=2), axis=1)
    return int((np.nansum(np.fmin.reduce(apart_NxVxV, axis=1), axis=1) / np.maximum(length_N, 1e-9)).argmax())


def draw(samples: Sequence[Sample], layout: Layout, title: str) -> Any:
    """A contact sheet of one recording or more, as a matplotlib figure; ImportError without matplotlib."""
    from matplotlib.figure import Figure

    seen_from = views(layout, samples[0].pose_TxVxMxC.shape[-1])
    drawn = [figures(sample.pose_TxVxMxC, seen_from) for sample in samples]
    extents = [(len(frames), *_extent(points)) for frames, points in drawn]
    needed = [(_BLOCK - _LINE) / max(count, 3) * high / wide for count, wide, high in extents]
    figure_high = float(np.clip(np.median(needed), *_FIGURE))
    block_high = len(seen_from) * figure_high + 2.4 * _LINE
    key_high = max(_KEY_HEIGHT, _LINE * (-(-len(layout.joints) // 2) + 3))
    page_high = 2 * _MARGIN + 2 * _LINE + key_high + -(-len(samples) // 2) * (block_high + _GAP)
    page = Figure(figsize=(_PAGE, page_high), dpi=DPI, facecolor="white")
    axes = page.add_axes((0, 0, 1, 1), xlim=(0, _PAGE), ylim=(0, page_high))
    axes.set_axis_off()
    pen, bottom = _Pen(axes, layout), page_high - _MARGIN - _LINE - key_high
    pen.text(_MARGIN, page_high - _MARGIN, title, size=15, weight="bold", color=_INK, ha="left")
    bodies = [
        (pose_VxC, f"{sample.name}, frame {frame}")
        for sample, (frames, _) in zip(samples, drawn, strict=True)
        for frame in frames
        for pose_VxC in np.moveaxis(sample.pose_TxVxMxC[frame], 1, 0)
    ]
    pose_VxC, source = bodies[clearest(np.array([pose_VxC for pose_VxC, _ in bodies]), seen_from[0], layout)]
    _key(pen, _MARGIN, bottom, key_high, seen_from[0].project(pose_VxC), source)
    most = max(int((~np.isnan(sample.pose_TxVxMxC[..., 0])).any(axis=(0, 1)).sum()) for sample in samples)
    _legend(pen, _MARGIN + _KEY, bottom, bottom + key_high, most, seen_from)
    for number, (sample, (frames, points)) in enumerate(zip(samples, drawn, strict=True)):
        left = _MARGIN + number % 2 * (_BLOCK + _GAP)
        top = bottom - _GAP - number // 2 * (block_high + _GAP)
        _block(pen, left, top, figure_high, sample, frames, dict(zip(seen_from, points, strict=True)))
    return page


def _extent(points_xx2: np.ndarray) -> np.ndarray:
    """Width and height that hold each of the figures around zero."""
    return np.asarray(np.maximum(2 * np.fmax.reduce(np.abs(points_xx2.reshape(-1, 2))), 1e-9))


class _Pen:
    """Draws bodies of a layout, and text."""

    def __init__(self, axes: Any, layout: Layout):
        self.axes, self.layout, self.limbs = axes, layout, limbs(layout)
        self.colors = [color for _, color in sorted((joint, limb[1]) for limb in self.limbs for joint in limb[2])]

    def body(self, points_Vx2: np.ndarray, body: int, thick: float = 1.0) -> None:
        """One body, without what is NaN. The first is drawn solid, with filled joints."""
        from matplotlib.collections import LineCollection

        ends, starts = bones(self.layout)
        segments_Bx2x2 = np.stack([points_Vx2[starts], points_Vx2[ends]], axis=1)
        whole_B = np.isfinite(segments_Bx2x2).all(axis=(1, 2))
        colors, style = [self.colors[joint] for joint in ends[whole_B]], _STYLES[body % len(_STYLES)]
        lines = LineCollection(segments_Bx2x2[whole_B], colors=colors, linewidths=1.4 * thick, linestyles=[style])
        lines.set_capstyle("round" if style == "solid" else "butt")
        self.axes.add_collection(lines, autolim=False)
        look = {"c": self.colors if style == "solid" else ["white"] * len(self.colors), "edgecolors": self.colors}
        self.axes.scatter(*points_Vx2.T, s=7 * thick**2, linewidths=0.6 * thick, zorder=3, **look)

    def text(self, x: float, y: float, said: str, **given: Any) -> None:
        """Small grey text around a point, unless something else is given."""
        self.axes.text(x, y, said, **{"size": 7, "color": _PALE, "ha": "center", "va": "center", **given})


def _block(
    pen: _Pen, left: float, top: float, high: float, sample: Sample, frames: list[int], rows: dict[View, np.ndarray]
) -> None:
    """One recording: a row of figures for each view, all of one scale, each in the middle of its place."""
    from matplotlib.patches import Rectangle

    title, count = short(sample.title, 44), len(sample.pose_TxVxMxC)
    name = short(sample.name, 74 - int(1.3 * len(title)))  # The title's letters are so much wider.
    pen.text(left, top - 0.6 * _LINE, title, size=10, weight="bold", color=_INK, ha="left")
    pen.text(left + _BLOCK, top - 0.6 * _LINE, f"{name},  {count} frame{'s' * (count > 1)}", size=8, ha="right")
    top -= 1.2 * _LINE
    bottom = top - len(rows) * high - 1.2 * _LINE
    pen.axes.add_patch(Rectangle((left, bottom), _BLOCK, top - bottom, color=_PAPER, zorder=0))
    wide = (_BLOCK - _LINE) / max(len(frames), 3)
    middles = [left + _LINE + (column + 0.5) * wide for column in range(len(frames))]
    scale = 0.88 * float(np.min((wide, high) / np.maximum.reduce([_extent(points) for points in rows.values()])))
    for row, (view, figures) in enumerate(rows.items()):
        y = top - (row + 0.5) * high
        pen.text(left + 0.6 * _LINE, y, view.name, rotation=90)
        for x, points_VxMx2 in zip(middles, figures, strict=True):
            for body in range(points_VxMx2.shape[1]):
                pen.body(points_VxMx2[:, body] * scale + (x, y), body)
    for x, frame in zip(middles, frames, strict=True):
        pen.text(x, bottom + 0.6 * _LINE, f"frame {frame}")


def _key(pen: _Pen, left: float, low: float, high: float, points_Vx2: np.ndarray, source: str) -> None:
    """One large body, with the number and name of each joint in a column at its left or right."""
    edges_2x2 = np.stack([np.fmin.reduce(points_Vx2), np.fmax.reduce(points_Vx2)])
    scale = 0.86 * np.min((_KEY - 2 * _NAMES, high - 2 * _LINE) / np.maximum(np.ptp(edges_2x2, axis=0), 1e-9))
    points_Vx2 = (points_Vx2 - edges_2x2.mean(axis=0)) * scale + (left + _KEY / 2, low + high / 2 + _LINE)
    seen = np.argsort(points_Vx2[:, 0], kind="stable")[: np.isfinite(points_Vx2[:, 0]).sum()]  # NaN is sorted last
    half = len(seen) // 2
    for edge, out, joints in ((left + _NAMES, -1, seen[:half]), (left + _KEY - _NAMES, 1, seen[half:])):
        joints = joints[np.argsort(-points_Vx2[joints, 1], kind="stable")]
        places = np.linspace(low + high - 0.5 * _LINE, low + 1.5 * _LINE, len(joints))
        for joint, y in zip(joints.tolist(), places.tolist(), strict=True):
            x_joint, y_joint = points_Vx2[joint]
            pen.axes.plot([edge, x_joint], [y, y_joint], color=pen.colors[joint], lw=0.6, alpha=0.55, zorder=1)
            said = "  ".join([str(joint), short(pen.layout.joints[joint], 26)][::out])
            pen.text(edge + 0.07 * out, y, said, size=8, color=_INK, ha="right" if out < 0 else "left")
    pen.body(points_Vx2, 0, thick=2.0)
    unseen = ", ".join(name for joint, name in enumerate(pen.layout.joints) if joint not in seen)
    pen.text(left + _KEY / 2, low + 0.4 * _LINE, short(f"{source}; not seen: {unseen}" if unseen else source, 120))


def _legend(pen: _Pen, left: float, low: float, top: float, bodies: int, views: Sequence[View]) -> None:
    """Colours, line styles and directions."""
    rows = [(name, color, 3.0, _STYLES[0]) for name, color, _ in pen.limbs]
    if bodies > 1:
        rows += [(f"body {body}", _INK, 1.6, _STYLES[body % len(_STYLES)]) for body in range(bodies)]
    for row, (name, color, thick, style) in enumerate(rows):
        y = top - (1.5 + 1.2 * row) * _LINE
        pen.axes.plot([left + 0.3, left + 0.8], [y, y], color=color, lw=thick, ls=style)
        pen.text(left + 0.95, y, name, size=9, color=_INK, ha="left")
    arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    for number, view in enumerate(views):
        x, y, up = left + 2.9 + 1.3 * number, top - 0.85, -1 if view.down else 1
        for right, high, axis in ((0.5, 0, view.right), (0, 0.5 * up, view.vertical)):
            pen.axes.annotate("", (x + right, y + high), (x, y), arrowprops=arrow)
            pen.text(x + 1.2 * right, y + 1.24 * high, "xyz"[axis], size=9, color=_INK)
        pen.text(x + 0.25, y - 0.2 * up, view.name, size=8)
    note = "Joints, bodies and frames count from 0. The figures of a recording have one scale."
    pen.text(left + 0.3, low + 1.2 * _LINE, note, ha="left", size=7.5)


def short(text: str, letters: int) -> str:
    """A text of so many letters at most."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
