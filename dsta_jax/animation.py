"""A recording as an animated picture, a GIF: the skeleton from the front, as `--check` draws it, and the answer."""

import pathlib

import numpy as np

from dsta_jax.check import contact_sheet
from dsta_jax.datasets.layouts import Layout
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, writable

_SIZE, _MARGIN, _LINE = 360, 24, 22  # pixels
_MOST = 150  # pictures; of a longer recording, evenly chosen ones


def write(path: pathlib.Path, frames_TxVxMxC: np.ndarray, layout: Layout, title: str, fps: float) -> None:
    """Draws raw or normalised joints, NaN or zero where one is not seen, at so many frames a second.

    Raises:
      UserError: when Pillow is not installed, or the file cannot be written.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise UserError(f"pictures need Pillow ({error}): pip install 'dsta_jax[draw]'") from error
    kept = np.unique(np.linspace(0, len(frames_TxVxMxC) - 1, min(_MOST, len(frames_TxVxMxC))).astype(int))
    points_TxVxMx2 = _on_page(frames_TxVxMxC[kept], layout)
    color_V = {joint: color for _, color, joints in contact_sheet.limbs(layout) for joint in joints}
    pictures = []
    for points_VxMx2 in points_TxVxMx2:
        picture = Image.new("RGB", (_SIZE, _SIZE + _LINE), "white")
        draw = ImageDraw.Draw(picture)
        draw.text((_MARGIN, _SIZE), title, fill="#222222", font=ImageFont.load_default(15))
        for body in range(points_VxMx2.shape[1]):
            for joint, parent in enumerate(layout.parents):
                ends = points_VxMx2[[parent, joint], body]
                if np.isfinite(ends).all() and joint != parent:
                    draw.line([tuple(end) for end in ends.tolist()], fill=color_V[joint], width=4)
        pictures.append(picture)
    # GIF counts hundredths of a second; the parts of them that are left over are made up for.
    ends = np.round(100 * len(frames_TxVxMxC) / fps * np.arange(len(pictures) + 1) / len(pictures)).astype(int)
    look = {"save_all": True, "append_images": pictures[1:], "duration": (10 * np.diff(ends)).tolist(), "loop": 0}
    with writable(path), complete_file(path) as file:
        pictures[0].save(file, "GIF", **look)


def _on_page(frames_TxVxMxC: np.ndarray, layout: Layout) -> np.ndarray:
    """T x V x M x 2 pixels, of one scale for all frames; NaN where a joint is not seen."""
    view, *_ = contact_sheet.views(layout, min(3, frames_TxVxMxC.shape[-1]))
    seen_TxVxM = (frames_TxVxMxC != 0).any(axis=-1) & ~np.isnan(frames_TxVxMxC).any(axis=-1)
    points_TxVxMx2 = np.where(seen_TxVxM[..., None], view.project(frames_TxVxMxC), np.nan) * (1, -1)
    low, high = (edge.reduce(points_TxVxMx2, axis=(0, 1, 2)) for edge in (np.fmin, np.fmax))
    scale = (_SIZE - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    return np.asarray((points_TxVxMx2 - (low + high) / 2) * scale + _SIZE / 2)
