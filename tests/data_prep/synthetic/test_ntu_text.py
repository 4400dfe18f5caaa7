"""The text of `.skeleton` files: numbers like printf's, lines as Kinect's recorder ended them."""

import numpy as np
import pytest

from data_prep.synthetic import ntu_text
from dsta_jax.datasets.ntu import read_skeletons


def printed(number_N: np.ndarray) -> list[str]:
    return ntu_text.number_fields(number_N).tobytes().translate(None, b"\0").decode().split(" ")[:-1]


def columns(frame_K: list[int], frames: int) -> ntu_text.Columns:
    rng, bodies = np.random.default_rng(len(frame_K)), len(frame_K)
    return ntu_text.Columns(
        frames=frames,
        frame_K=np.array(frame_K, dtype=np.int64),
        id_K=2**56 + np.arange(bodies),
        integers_KxI=np.arange(bodies)[:, None] * np.ones((1, ntu_text.INTEGERS), np.int64),
        lean_Kx2=rng.uniform(-1, 1, (bodies, 2)),
        numbers_KxVxD=rng.normal(0, 1, (bodies, 25, ntu_text.NUMBERS)) * (1, 1, 1, *4 * [400], *4 * [1]),
        state_KxV=rng.integers(1, 3, (bodies, 25)),
    )


def test_numbers_are_printed_as_printf_does():
    rng = np.random.default_rng(0)
    numbers_N = rng.normal(0, 1, 50_000) * 10.0 ** rng.integers(-8, 4, 50_000)
    edges = [0.5, 1.0, -1.0, 1e-4, 9.99999949e-5, 999.99999, 9.9999999, 0.099999996, 9999.0, 1000.0625, 0.00010000005]
    for numbers in (numbers_N[np.abs(numbers_N) <= 9_999], numbers_N.astype(np.float32).clip(-9, 9), np.array(edges)):
        assert printed(numbers.astype(np.float64)) == [
            f"{number:.7G}" for number in numbers.astype(np.float64).tolist()
        ]


def test_zeros_have_no_sign():
    assert printed(np.array([0.0, -0.0])) == ["0", "0"]


def test_five_digits_are_refused():
    with pytest.raises(ValueError, match="-12345.6 has more than four digits"):
        ntu_text.number_fields(np.array([1.0, -12345.6]))


def test_a_file_is_read_back(tmp_path):
    written = columns([1, 1, 2, 5], frames=7)
    path = tmp_path / "S001C001P001R001A001.skeleton"
    path.write_bytes(ntu_text.text_of(written))
    read = read_skeletons(path)
    assert read.frames == 7
    assert read.frame_K.tolist() == [1, 1, 2, 5]
    assert read.id_K == tuple(written.id_K.tolist())
    np.testing.assert_allclose(read.joints_KxVxC, written.numbers_KxVxD[..., :3], rtol=1e-6)


def test_lines():
    written = columns([1], frames=2)
    text = ntu_text.text_of(written).decode()
    assert text.endswith("\r\n") and text.count("\n") == text.count("\r\n")
    lines = text.split("\r\n")[:-1]
    lean = " ".join(f"{number:.7G}" for number in written.lean_Kx2[0])
    assert lines[:5] == ["2", "0", "1", f"{2**56} 0 0 0 0 0 0 {lean} 2", "25"]
    assert len(lines) == 5 + 25
    for line, numbers_D, state in zip(lines[5:], written.numbers_KxVxD[0], written.state_KxV[0], strict=True):
        assert line == " ".join([*(f"{number:.7G}" for number in numbers_D), str(state)])


def test_a_file_of_no_frames_and_one_of_nobody():
    assert ntu_text.text_of(columns([], frames=0)) == b"0\r\n"
    assert ntu_text.text_of(columns([], frames=2)) == b"2\r\n0\r\n0\r\n"
