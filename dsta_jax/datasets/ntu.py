"""NTU RGB+D's skeletons: one text file a sample, `SsssCcccPpppRrrrAaaa.skeleton` (Shahroudy et al., CVPR 2016).

A file is `numFrame`, then for each frame `numBody`, then for each body a line of ten values (the first is `bodyID`),
`numJoint`, and for each joint a line of twelve values (the first three are x y z in metres). Each of these stands on a
line of its own.
"""

import dataclasses
import pathlib
import re

import numpy as np

from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.errors import UserError

FILE_PATTERN = "*.skeleton"
SETUPS, CAMERAS, ACTIONS = 32, 3, 120

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
_JOINTS = len(NTU_25.joints)
_BODY_VALUES, _JOINT_VALUES, _COORDINATES = 10, 12, 3
_JOINT_LINES = [_JOINT_VALUES] * _JOINTS

# Far more than the data set's samples have: up to 300 frames, of the six bodies that Kinect follows, in 5 MiB.
_MOST_FRAMES, _MOST_BODIES, _MOST_BYTES = 10_000, 1_000, 8 << 20

# Numbers of less than so many characters after the sign are read by exact arithmetic on whole numbers below 2**53.
_WIDTH = 16
_POWERS = 10.0 ** np.arange(_WIDTH)
_POINT = (ord(".") - ord("0")) % 256


@dataclasses.dataclass(frozen=True)
class SampleName:
    """What a sample's name says; the numbers count from 1.

    Attributes:
      setup: height and distance of the cameras; 1 to 32.
      camera: 1 to 3.
      subject: who acts; 1 to 106 in the published set.
      replication: the first or the second time.
      action: 1 to 120.
    """

    setup: int
    camera: int
    subject: int
    replication: int
    action: int


@dataclasses.dataclass(frozen=True, eq=False)
class Skeletons:
    """The K bodies of a sample, frame by frame as the file lists them.

    Attributes:
      frames: T, how many frames the sample has.
      frame_K: the frame in which each was seen, from 0, never falling.
      id_K: each one's `bodyID`. A file may use one id for two bodies of a frame.
      joints_KxVxC: float32, metres, joints in the order of `NTU_25`.
    """

    frames: int
    frame_K: np.ndarray
    id_K: tuple[int, ...]
    joints_KxVxC: np.ndarray


def parse_name(path: pathlib.Path) -> SampleName:
    """Reads a sample's name, a file's name without its ending.

    Raises:
      UserError: when the name is not of the form, or names a setup, camera or action that the data set does not have.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None or "000" in match.groups():
        raise UserError(f"{path}: name {path.stem!r}, expected SsssCcccPpppRrrrAaaa, numbers of three digits from 1")
    name = SampleName(*(int(number) for number in match.groups()))
    for what, found, most in (
        ("setup", name.setup, SETUPS),
        ("camera", name.camera, CAMERAS),
        ("action", name.action, ACTIONS),
    ):
        if found > most:
            raise UserError(f"{path}: {what} {found} in the name, expected 1 to {most}")
    return name


def read_names(path: pathlib.Path) -> list[str]:
    """Reads a list of samples, such as those with missing skeletons: any lines of text, then a name a line.

    Raises:
      UserError: when the file cannot be read, holds no name, or a line after the first name is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable text file ({error})") from error
    names: list[str] = []
    for number, line in enumerate(lines, start=1):
        if _NAME.fullmatch(line.strip()):
            names.append(line.strip())
        elif names and line.strip():
            raise UserError(f"{path}:{number}: {line[:40]!r}, expected a sample's name SsssCcccPpppRrrrAaaa")
    if not names:
        raise UserError(f"{path}: no sample's name in its {len(lines)} lines, expected lines SsssCcccPpppRrrrAaaa")
    return names


class _Words:
    """The words of a file by line; lines count from 0, and words stand between characters up to the space.

    Attributes:
      path: where it was read.
      text: the bytes.
      byte_P: the same as an array.
      start_W: where each word begins in it.
      end_W: where each word ends.
      first_L: the first word of each line.
      counts: how many words stand on each line.
    """

    def __init__(self, path: pathlib.Path, text: bytes) -> None:
        self.path = path
        self.text = text
        self.byte_P = np.frombuffer(text, np.uint8)
        # With a space before and after the text, every word has two edges.
        is_space_P = np.ones(len(text) + 2, np.bool_)
        np.less_equal(self.byte_P, ord(" "), out=is_space_P[1:-1])
        edges = np.flatnonzero(is_space_P[1:] != is_space_P[:-1])
        self.start_W, self.end_W = np.ascontiguousarray(edges.reshape(-1, 2).T)
        line_ends = np.flatnonzero(self.byte_P == ord("\n"))
        first_L = np.searchsorted(self.start_W, np.concatenate([[0], line_ends, [len(text)]]))
        self.first_L = first_L[:-1]
        self.counts: list[int] = np.diff(first_L).tolist()

    def check(self, start: int, stop: int, count: int, what: str) -> None:
        """Raises UserError unless the lines from `start` to before `stop` are there, with `count` words each."""
        for line in range(start, stop):
            if line >= len(self.counts):
                raise self.error(line, "the end of the file", what)
            if self.counts[line] != count:
                raise self.error(line, f"{self.counts[line]} values", f"{count} ({what})")

    def integer(self, line: int, count: int, what: str, least: int, most: int) -> int:
        """The first word of a line of `count` words, a whole number in decimal digits."""
        if line >= len(self.counts) or self.counts[line] != count:
            self.check(line, line + 1, count, what)
        place = self.first_L.item(line)
        word = self.text[self.start_W.item(place) : self.end_W.item(place)]
        # No limit is longer, and the length of a number must not cost time.
        number = int(word) if word.isdigit() and len(word) <= 20 else -1
        if not least <= number <= most:
            limits = f"a whole number from {least} to {most}" if least < most else f"{most}"
            raise self.error(line, f"{what} is {_quoted(word)}", limits)
        return number

    def error(self, line: int, found: str, expected: str) -> UserError:
        """The error that says what is wrong on a line."""
        return UserError(f"{self.path}:{line + 1}: {found}, expected {expected}; copy or unpack the file again")


def read_skeletons(path: pathlib.Path) -> Skeletons:
    """Reads one sample.

    Of a joint's values only x y z are looked at, and of a body's only its id. A coordinate that is NaN or infinite
    makes the file a broken one: nothing says how much of that body can be believed.

    Returns:
      All bodies of all frames; none at all when the file is well-formed but nobody was seen.

    Raises:
      UserError: when the file cannot be read, ends too early or too late, or a line has another number
        of values than it must have, or a coordinate is not a finite number.
    """
    words = _Words(path, _read(path))
    frames = words.integer(0, 1, "numFrame", 0, _MOST_FRAMES)
    line = 1
    frame_of: list[int] = []
    id_of: list[int] = []
    first_joint: list[int] = []
    for frame in range(frames):
        bodies = words.integer(line, 1, "numBody", 0, _MOST_BODIES)
        line += 1
        for _ in range(bodies):
            id_of.append(words.integer(line, _BODY_VALUES, "bodyID", 0, 2**64 - 1))
            words.integer(line + 1, 1, "numJoint", _JOINTS, _JOINTS)
            line += 2
            if words.counts[line : line + _JOINTS] != _JOINT_LINES:
                words.check(line, line + _JOINTS, _JOINT_VALUES, "a joint")
            frame_of.append(frame)
            first_joint.append(line)
            line += _JOINTS
    if line < len(words.counts):
        raise words.error(line, "more lines", f"the end of the file after {frames} frames")
    lines_KxV = np.array(first_joint, dtype=np.int64)[:, None] + np.arange(_JOINTS)
    return Skeletons(frames, np.array(frame_of, dtype=np.int64), tuple(id_of), _coordinates(words, lines_KxV))


def _read(path: pathlib.Path) -> bytes:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if len(text) > _MOST_BYTES:
        raise UserError(f"{path}: more than {_MOST_BYTES} bytes, expected less (300 frames of six bodies have 5 MiB)")
    text = text.rstrip(b" \t\r\n")
    if not text:
        raise UserError(f"{path}: the file is empty, expected numFrame; copy or unpack the file again")
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise UserError(f"{path}:{line}: a NUL byte, expected text; copy or unpack the file again")
    return text


def _coordinates(words: _Words, lines_KxV: np.ndarray) -> np.ndarray:
    """The x y z of joints that stand on given lines: joints_KxVxC float32."""
    word_W = (words.first_L[lines_KxV][..., None] + np.arange(_COORDINATES)).reshape(-1)
    start_W, end_W = words.start_W[word_W], words.end_W[word_W]
    number_W, known_W = _plain_decimals(words.byte_P, start_W, end_W)
    for place in np.flatnonzero(~known_W):
        word = words.text[start_W[place] : end_W[place]]
        try:
            number_W[place] = float(word.replace(b"_", b"?"))  # Python's numbers may have underscores.
        except ValueError:
            line = lines_KxV.reshape(-1)[place // _COORDINATES]
            raise words.error(line, f"coordinate {_quoted(word)}", "a number") from None
    with np.errstate(over="ignore"):
        joints_KxVxC = number_W.astype(np.float32).reshape(*lines_KxV.shape, _COORDINATES)
    finite_KxV = np.isfinite(joints_KxVxC).all(axis=-1)
    if not finite_KxV.all():
        raise words.error(lines_KxV[~finite_KxV][0], "NaN or infinity as a coordinate", "finite numbers")
    return joints_KxVxC


def _plain_decimals(byte_P: np.ndarray, start_W: np.ndarray, end_W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reads words that are a sign, digits and a point, all at once; many times faster than `float`, with its values.

    The digits make a whole number below 10**15, which divided by a power of ten up to 10**14 is rounded only once.

    Args:
      byte_P: the text.
      start_W: where each word begins.
      end_W: where each word ends.

    Returns:
      number_W float64, and known_W, False for words of another form, such as 1e-05; their numbers mean nothing.
    """
    first_W = byte_P[start_W]
    negative_W = first_W == ord("-")
    length_W = end_W - start_W - (negative_W | (first_W == ord("+")))
    # Each word in a column, its last character lowest; zeros fill up what is shorter.
    padded_P = np.concatenate([np.zeros(_WIDTH, np.uint8), byte_P])
    before_P = np.ndarray(len(byte_P) + 1, f"V{_WIDTH}", padded_P, strides=(1,))
    character_WxX = before_P[end_W].view(np.uint8).reshape(-1, _WIDTH)
    digit_XxW = np.ascontiguousarray(character_WxX.T) - np.uint8(ord("0"))
    place_Xx1 = np.arange(_WIDTH - 1, -1, -1, dtype=np.uint8)[:, None]
    digit_XxW *= place_Xx1 < np.minimum(length_W, _WIDTH).astype(np.uint8)
    is_point_XxW = digit_XxW == _POINT
    points_W = is_point_XxW.sum(axis=0, dtype=np.uint8)
    known_W = ((digit_XxW < 10) | is_point_XxW).all(axis=0)
    known_W &= (points_W <= 1) & (length_W > points_W) & (length_W < _WIDTH)
    digit_XxW *= ~is_point_XxW
    # With the point as a digit 0 of its own, what stands left of it is ten times too much.
    pair_XxW = 10 * digit_XxW[0::2] + digit_XxW[1::2]
    four_XxW = 100 * pair_XxW[0::2].astype(np.uint16) + pair_XxW[1::2]
    eight_XxW = 10_000 * four_XxW[0::2].astype(np.uint32) + four_XxW[1::2]
    tenfold_W = 1e8 * eight_XxW[0] + eight_XxW[1]
    power_W = _POWERS[(is_point_XxW * place_Xx1).sum(axis=0, dtype=np.uint8) % _WIDTH]
    left_W = np.where(points_W == 1, np.floor(tenfold_W / (10 * power_W)), 0)
    number_W = (tenfold_W - 9 * power_W * left_W) / power_W
    return np.where(negative_W, -number_W, number_W), known_W


def _quoted(word: bytes) -> str:
    text = word[:24].decode("ascii", "backslashreplace")
    return repr(text + ("..." if len(word) > 24 else ""))
