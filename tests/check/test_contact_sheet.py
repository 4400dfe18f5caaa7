"""Contact sheets: what stands on them is whole, and wrong joints look wrong."""

import importlib
import struct

import numpy as np
import pytest

from dsta_jax.check import contact_sheet
from dsta_jax.check.figures import Sample
from dsta_jax.datasets.layouts import HAND_22, NTU_25, Layout

pytest.importorskip("matplotlib", reason="contact sheets need matplotlib, of the extra 'draw'")
backend_agg = importlib.import_module("matplotlib.backends.backend_agg")


def walk(frames, joints=22, bodies=1, channels=3):
    steps = np.random.default_rng(frames).normal(size=(frames, joints, bodies, channels))
    return np.cumsum(steps, axis=0).astype(np.float32)


def sheet(frames_TxVxMxC, layout=HAND_22, channels="xyz", copies=1):
    samples = [Sample(f"class {n}", f"recording {n}", frames_TxVxMxC) for n in range(copies)]
    return contact_sheet.draw(samples, layout, channels, "title")


def joints_of(page):
    """For each axes with figures, all joints drawn there: N x 2, in its inches."""
    found = []
    for axes in page.axes:
        offsets = [part.get_offsets() for part in axes.collections if len(part.get_offsets()) > 1]
        if offsets:
            found.append((axes, np.concatenate([np.ma.filled(points, np.nan) for points in offsets])))
    return found


@pytest.mark.parametrize(
    ("frames", "layout", "channels"),
    [
        (walk(40), HAND_22, "xyz"),
        (walk(1), HAND_22, "xyz"),
        (walk(9, joints=25, bodies=2), NTU_25, "xyz"),
        (walk(30, channels=2), HAND_22, "xy"),
        (np.abs(walk(12, joints=4, bodies=3)), Layout("own", ("a", "b", "c", "d"), (0, 0, 1, 1)), "xyc"),
        (np.ones((3, 22, 1, 3), np.float32), HAND_22, "xyz"),
    ],
    ids=["hand", "one frame", "two bodies", "flat", "unknown layout", "a dot"],
)
def test_all_joints_lie_inside_their_axes(frames, layout, channels):
    drawn = joints_of(sheet(frames, layout, channels))
    assert len(drawn) == 2  # the key and the recording
    for axes, points in drawn:
        points = points[np.isfinite(points).all(axis=1)]
        assert len(points)
        for low_high, along in zip((axes.get_xlim(), axes.get_ylim()), points.T, strict=True):
            assert low_high[0] <= along.min() and along.max() <= low_high[1]


def test_nothing_is_stretched():
    page = sheet(walk(10), copies=3)
    wide, high = page.get_size_inches()
    for axes in page.axes:
        place = axes.get_position()
        assert place.width * wide == pytest.approx(axes.get_xlim()[1])
        assert place.height * high == pytest.approx(axes.get_ylim()[1])
        assert min(place.x0, place.y0) >= 0 and max(place.x1, place.y1) <= 1


def test_texts_do_not_overlap_and_nothing_is_cut():
    page = sheet(walk(30, joints=25, bodies=2), NTU_25, copies=2)
    canvas = backend_agg.FigureCanvasAgg(page)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for axes in page.axes for text in axes.texts if text.get_text()]
    assert len(boxes) > 25 + 2 * 8
    page_box = page.bbox
    for number, box in enumerate(boxes):
        assert page_box.x0 <= box.x0 and box.x1 <= page_box.x1 and page_box.y0 <= box.y0 and box.y1 <= page_box.y1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_the_key_names_each_joint_once():
    page = sheet(walk(5))
    names = [text.get_text() for text in page.axes[0].texts]
    for number, joint in enumerate(HAND_22.joints):
        assert sum(text in (f"{number}  {joint}", f"{joint}  {number}") for text in names) == 1


def test_a_png_of_the_expected_size_and_always_the_same(tmp_path):
    first, again, permuted = (tmp_path / name for name in ("first.png", "again.png", "permuted.png"))
    frames = walk(2)
    page = sheet(frames)
    contact_sheet.save(page, first)
    contact_sheet.save(sheet(frames), again)
    contact_sheet.save(sheet(frames[:, np.random.default_rng(0).permutation(22)]), permuted)
    data = first.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    expected = tuple(int(inches * contact_sheet.DPI) for inches in page.get_size_inches())
    assert struct.unpack(">II", data[16:24]) == pytest.approx(expected, abs=1)
    assert again.read_bytes() == data != permuted.read_bytes()


def test_permuted_joints_have_long_bones():
    frames = np.repeat(np.arange(22, dtype=np.float32)[None, :, None, None], 8, axis=0) * [1, 0.5, 0.2]
    line = Layout("line", tuple(f"joint_{n}" for n in range(22)), (0, *range(21)))
    order = np.random.default_rng(0).permutation(22)

    def drawn_length(frames):
        axes = sheet(frames.astype(np.float32), line).axes[-1]
        segments = [
            segment for part in axes.collections if hasattr(part, "get_segments") for segment in part.get_segments()
        ]
        return sum(np.linalg.norm(end - start) for start, end in segments)

    assert drawn_length(frames[:, order]) > 3 * drawn_length(frames)
