"""Writes NTU RGB+D's `.skeleton` text as Kinect's recorder did: numbers of seven significant digits, lines ended CR LF.

Letters in names: K bodies of all frames, V joints, N numbers, D = 11 numbers of a joint, I = 6 integers of a body.
"""

import dataclasses

import numpy as np

NUMBERS = 11
INTEGERS = 6

# A number's characters; NULs stand for those that it does not have, and are deleted in the end.
_FIELD = np.dtype(
    [("sign", "u1"), ("whole", "u4"), ("point", "u1"), ("high", "u4"), ("middle", "u4"), ("low", "u4"), ("end", "u1")]
)
# The digits of 0 to 9999, four characters each, in one word: without zeros before them; all four; and, from 10,000 on
# in the same table, without zeros after them.
_WHOLE = np.frombuffer(b"".join(b"%d" % n + b"\0" * (4 - len(str(n))) for n in range(10_000)), np.uint32)
_PART = np.frombuffer(
    b"".join(
        [b"%04d" % n for n in range(10_000)] + [(b"%04d" % n).rstrip(b"0").ljust(4, b"\0") for n in range(10_000)]
    ),
    np.uint32,
)
_TRIMMED = np.int32(10_000)
# From which size on a number has how many decimals; below the first it is written with an exponent.
_SIZES = 10.0 ** np.arange(-4, 4)
_SCALES = 10.0 ** np.array((0, 10, 9, 8, 7, 6, 5, 4, 3))


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """What a file says of its K bodies, in the order of its lines.

    Attributes:
      frames: T.
      frame_K: the frame in which each was seen, from 0, never falling.
      id_K: the bodies' ids.
      integers_KxI: clipped edges, left hand's confidence and state, right hand's confidence and state, restricted.
      lean_Kx2: to the side and forwards, -1 to 1.
      numbers_KxVxD: x y z in metres, x y of the depth image, x y of the color image, w x y z of the orientation.
      state_KxV: 2 for a joint that was tracked, 1 for one that was inferred.
    """

    frames: int
    frame_K: np.ndarray
    id_K: np.ndarray
    integers_KxI: np.ndarray
    lean_Kx2: np.ndarray
    numbers_KxVxD: np.ndarray
    state_KxV: np.ndarray


def text_of(columns: Columns) -> bytes:
    """The text of a file.

    Raises:
      ValueError: when a number has more than four digits before the point.
    """
    lines = _joint_lines(columns.numbers_KxVxD, columns.state_KxV)
    heads = _body_lines(columns)
    first_T = np.searchsorted(columns.frame_K, np.arange(columns.frames + 1)).tolist()
    parts = [b"%d\r\n" % columns.frames]
    for first, stop in zip(first_T[:-1], first_T[1:], strict=True):
        parts.append(b"%d\r\n" % (stop - first))
        for body in range(first, stop):
            parts += (heads[body], lines[body])
    return b"".join(parts)


def _body_lines(columns: Columns) -> list[bytes]:
    """For each body its line of ten values and the count of its joints."""
    joints, line = columns.state_KxV.shape[1], " ".join(["%d"] * (1 + INTEGERS)) + " %.7G %.7G 2\r\n%d\r\n"
    values = zip(columns.id_K.tolist(), columns.integers_KxI.tolist(), columns.lean_Kx2.tolist(), strict=True)
    return [(line % (body, *integers, *lean, joints)).encode() for body, integers, lean in values]


def _joint_lines(numbers_KxVxD: np.ndarray, state_KxV: np.ndarray) -> list[bytes]:
    """For each body the lines of its joints."""
    bodies, joints = state_KxV.shape
    field_KxVxD = number_fields(numbers_KxVxD.reshape(-1)).reshape(bodies, joints, NUMBERS)
    width = NUMBERS * _FIELD.itemsize
    line_KxVxP = np.empty((bodies, joints, width + 3), np.uint8)
    line_KxVxP[..., :width] = field_KxVxD.view(np.uint8).reshape(bodies, joints, width)
    line_KxVxP[..., width] = state_KxV + ord("0")
    line_KxVxP[..., width + 1 :] = ord("\r"), ord("\n")
    return [line_VxP.tobytes().translate(None, b"\0") for line_VxP in line_KxVxP]


def number_fields(number_N: np.ndarray) -> np.ndarray:
    """Numbers as text like printf's `%.7G`, a space behind each, and NULs to be deleted.

    Raises:
      ValueError: when a number has more than four digits before the point.
    """
    size_N = np.abs(number_N)
    if (size_N > 9_999.0).any():
        raise ValueError(f"{number_N[size_N.argmax()]:g} has more than four digits before the point")
    scale_N = _SCALES[np.searchsorted(_SIZES, size_N, side="right")]
    # All are whole numbers below 2**53, so nothing is rounded but here.
    digits_N = np.rint(size_N * scale_N)
    whole_N = (digits_N / scale_N).astype(np.int32)
    decimals_N = (digits_N - whole_N * scale_N) * (1e12 / scale_N)
    high_N = (decimals_N / 1e8).astype(np.int32)
    rest_N = (decimals_N - 1e8 * high_N).astype(np.int32)
    middle_N, low_N = np.divmod(rest_N, np.int32(10_000))

    field_N = np.empty(len(number_N), _FIELD)
    field_N["sign"] = (number_N < 0) * np.uint8(ord("-"))
    field_N["whole"] = _WHOLE[whole_N]
    field_N["point"] = (decimals_N > 0) * np.uint8(ord("."))
    field_N["high"] = _PART[high_N + _TRIMMED * (rest_N == 0)]
    field_N["middle"] = _PART[middle_N + _TRIMMED * (low_N == 0)]
    field_N["low"] = _PART[low_N + _TRIMMED]
    field_N["end"] = ord(" ")
    for place in np.flatnonzero((size_N < _SIZES[0]) & (size_N > 0)):
        text = b"%.7G" % number_N[place]
        field_N[place] = np.frombuffer(text.ljust(_FIELD.itemsize - 1, b"\0") + b" ", _FIELD)[0]
    return field_N
