"""Two lists of joints side by side, where a recording has others than those that a network was trained on."""

import itertools

from dsta_jax.datasets.layouts import LAYOUTS, Layout
from dsta_jax.errors import UserError


class OtherJoints(UserError):
    """A recording has another number of joints than expected; `table` shows both lists."""

    def __init__(self, message: str, layout: Layout, found: int):
        super().__init__(message)
        self.table = side_by_side(layout, found)


def side_by_side(layout: Layout, found: int) -> str:
    """The layout's joints, and beside them those of what has so many: of a layout that is known, or numbers alone."""
    alike = [one for one in LAYOUTS.values() if len(one.joints) == found]
    names = alike[0].joints if alike else ("?",) * found
    title = f"as {' or '.join(one.name for one in alike)}" if alike else "of no layout that is built in"
    left = f"expected: {len(layout.joints)} joints ({layout.name})"
    width = max(map(len, (left, *(f"{99} {name}" for name in layout.joints))))
    lines = [f"{left:{width}}  found: {found} joints, {title}"]
    for number, (own, other) in enumerate(itertools.zip_longest(layout.joints, names)):
        cells = (f"{number:2} {name}" if name is not None else "" for name in (own, other))
        lines.append("  ".join(f"{cell:{width}}" for cell in cells).rstrip())
    return "\n".join(lines)
