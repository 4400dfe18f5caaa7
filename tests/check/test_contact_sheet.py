"""Contact sheets: colours, directions and frames; what stands on them is whole, and wrong joints look wrong."""

import importlib
import io
import struct

import numpy as np
import pytest

from dsta_jax.check import contact_sheet
from dsta_jax.check.contact_sheet import MIDDLE, Sample
from dsta_jax.datasets.layouts import HAND_22, LAYOUTS, NTU_25, UTD_MHAD_20, Layout

pytest.importorskip("matplotlib", reason="contact sheets need matplotlib, of the extra 'draw'")
backend_agg = importlib.import_module("matplotlib.backends.backend_agg")


def walk(frames, joints=22, bodies=1, channels=3, seed=0):
    steps = np.random.default_rng([frames, seed]).normal(size=(frames, joints, bodies, channels))
    return np.cumsum(steps, axis=0)


def without(joint, pose):
    pose[:, joint] = np.nan
    return pose


def sheet(pose_TxVxMxC, layout=HAND_22, copies=1):
    samples = [Sample(f"class {n}", f"recording {n}", pose_TxVxMxC) for n in range(copies)]
    return contact_sheet.draw(samples, layout, "title")


def drawn_joints(page):
    """All joints, N x 2, in inches."""
    (axes,) = page.axes
    return np.concatenate(
        [np.ma.filled(part.get_offsets(), np.nan) for part in axes.collections if "Path" in repr(part)]
    )


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_each_joint_belongs_to_one_limb(layout):
    joints = [joint for *_, joints in contact_sheet.limbs(layout) for joint in joints]
    assert sorted(joints) == list(range(len(layout.joints)))
    colors = [color for _, color, _ in contact_sheet.limbs(layout)]
    assert len(set(colors)) == len(colors)


def test_what_a_limb_is():
    assert [name for name, *_ in contact_sheet.limbs(UTD_MHAD_20)] == ["left", "right", "middle"]
    names = ["thumb", "index", "middle", "ring", "little", "wrist, palm"]
    assert [name for name, *_ in contact_sheet.limbs(HAND_22)] == names
    own = Layout("own", ("a", "b", "c", "d"), (0, 0, 1, 1))
    assert [(name, joints) for name, _, joints in contact_sheet.limbs(own)] == [
        ("c", [2]),
        ("d", [3]),
        ("a, b", [0, 1]),
    ]
    assert contact_sheet.limbs(Layout("line", ("a", "b"), (0, 0))) == [("a, b", MIDDLE, [0, 1])]


@pytest.mark.parametrize(
    ("layout", "coordinates", "expected"),
    [
        (NTU_25, 3, [("front", [0, 2]), ("side", [1, 2])]),
        (UTD_MHAD_20, 3, [("front", [0, 1]), ("side", [2, 1])]),
        (UTD_MHAD_20, 2, [("front", [0, -1])]),
        (NTU_25, 2, [("front", [0, 1])]),
    ],
)
def test_directions(layout, coordinates, expected):
    point_C = np.array([10.0, 20.0, 30.0])[:coordinates]
    for view, (name, directions) in zip(contact_sheet.views(layout, coordinates), expected, strict=True):
        assert view.name == name
        assert view.project(point_C).tolist() == [np.sign(d or 1) * point_C[abs(d)] for d in directions]


def test_frames_are_the_middles_of_equal_parts_of_the_seen_ones():
    views, pose = contact_sheet.views(HAND_22, 3), walk(64)
    pose[:4] = np.nan
    assert contact_sheet.figures(pose, views)[0] == [9, 19, 29, 39, 49, 59]
    assert contact_sheet.figures(pose[:6], views)[0] == [4, 5]
    assert contact_sheet.figures(pose[4:5], views)[0] == [0]


def test_figures_stand_around_the_middle_of_what_is_seen():
    pose = walk(30, bodies=2)
    pose[:, :, 1] = pose[12, 7] = np.nan
    frames, points = contact_sheet.figures(pose, contact_sheet.views(HAND_22, 3))
    assert points.shape == (2, 6, 22, 2, 2) and 12 in frames
    assert np.isnan(points[..., 1, :]).all()
    assert np.argwhere(np.isnan(points[0, ..., 0, 0])).tolist() == [[frames.index(12), 7]]
    edges = np.stack([np.nanmin(points, axis=(2, 3)), np.nanmax(points, axis=(2, 3))])
    np.testing.assert_allclose(edges.mean(axis=0), 0, atol=1e-9)


def test_the_clearest_body_is_the_one_that_is_spread_out():
    spread, nobody = walk(1, seed=3)[0, :, 0], np.full((22, 3), np.nan)
    from_the_side = spread[:, [2, 1, 0]] * [0.01, 1, 1]
    (front, _) = contact_sheet.views(HAND_22, 3)
    for factor in (1, 100):
        bodies = np.stack([nobody, factor * from_the_side, spread, nobody])
        assert contact_sheet.clearest(bodies, front, HAND_22) == 2


@pytest.mark.parametrize(
    ("pose", "layout"),
    [
        (walk(40), HAND_22),
        (walk(1), HAND_22),
        (walk(9, joints=25, bodies=2), NTU_25),
        (walk(30, channels=2), HAND_22),
        (without(2, walk(12, joints=4, bodies=3)), Layout("own", ("a", "b", "c", "d"), (0, 0, 1, 1))),
        (np.ones((3, 22, 1, 3)), HAND_22),
    ],
    ids=["hand", "one frame", "two bodies", "flat", "unknown layout", "a dot"],
)
@pytest.mark.parametrize("copies", [1, 3])
def test_all_joints_lie_on_the_page_and_nothing_is_stretched(pose, layout, copies):
    page = sheet(pose, layout, copies)
    (axes,), (wide, high) = page.axes, page.get_size_inches()
    assert axes.get_xlim() == (0, wide) and axes.get_ylim() == (0, high) and axes.get_position().bounds == (0, 0, 1, 1)
    points = drawn_joints(page)
    points = points[np.isfinite(points).all(axis=1)]
    _, joints, bodies, coordinates = pose.shape
    seen = joints - np.isnan(pose[0, :, 0, 0]).sum()
    assert len(points) == seen * (1 + copies * bodies * (coordinates - 1) * min(len(pose), 6))
    assert (points > 0).all() and (points < (wide, high)).all()


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


def test_the_key_names_each_joint_that_is_seen_once_and_the_others_below():
    names = [text.get_text() for text in sheet(without(7, walk(5))).axes[0].texts]
    for number, joint in enumerate(HAND_22.joints):
        assert sum(text in (f"{number}  {joint}", f"{joint}  {number}") for text in names) == (number != 7)
    assert sum(text.endswith("; not seen: index_first") for text in names) == 1


def test_long_names_are_cut():
    texts = [
        text.get_text()
        for text in contact_sheet.draw([Sample("c" * 60, "r" * 90, walk(2))], HAND_22, "title").axes[0].texts
    ]
    assert "c" * 43 + "…" in texts and "r" * 16 + "…,  2 frames" in texts


def test_a_png_of_the_expected_size_and_always_the_same():
    def png(page):
        file = io.BytesIO()
        page.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()

    pose = walk(2)
    page = sheet(pose)
    data = png(page)
    expected = tuple(int(inches * contact_sheet.DPI) for inches in page.get_size_inches())
    assert struct.unpack(">II", data[16:24]) == pytest.approx(expected, abs=1)
    assert png(sheet(pose)) == data != png(sheet(pose[:, np.random.default_rng(0).permutation(22)]))


def test_permuted_joints_have_long_bones():
    pose = np.repeat(np.arange(22.0)[None, :, None, None], 8, axis=0) * [1, 0.5, 0.2]
    line = Layout("line", tuple(f"joint_{n}" for n in range(22)), (0, *range(21)))
    order = np.random.default_rng(0).permutation(22)

    def drawn_length(pose):
        (axes,) = sheet(pose, line).axes
        parts = [part.get_segments() for part in axes.collections if hasattr(part, "get_segments")]
        return sum(np.linalg.norm(end - start) for segments in parts[1:] for start, end in segments)

    assert drawn_length(pose[:, order]) > 3 * drawn_length(pose)
