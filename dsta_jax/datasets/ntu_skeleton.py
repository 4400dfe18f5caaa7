"""NTU RGB+D's skeleton files: what stands in them, and which of the bodies that Kinect saw are people who act.

A file is `numFrame`, then for each frame `numBody`, then for each body a line of ten values (the first is `bodyID`),
`numJoint`, and for each joint a line of twelve values (the first three are x y z in metres). Each of these stands on a
line of its own. The choice of bodies follows the authors' data preparation (Shi et al., ACCV 2020).
"""

import contextlib
import dataclasses
import pathlib
import warnings

import numpy as np

from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.datasets.recording import Entry, Recording, lost_as_nan
from dsta_jax.errors import UserError, shown
from dsta_jax.files import readable

_JOINTS, _BODIES = len(NTU_25.joints), 2
_BODY_VALUES, _JOINT_VALUES, _COORDINATES = 10, 12, 3

# Far more than the data set's files have: up to 300 frames, of the six bodies that Kinect follows, in 5 MiB.
_MOST_FRAMES, _MOST_BODIES, _MOST_BYTES = 10_000, 1_000, 8 << 20
# Control characters separate values as spaces do; only the end of a line stays.
_SPACES = bytes(byte if byte > ord(" ") or byte == ord("\n") else ord(" ") for byte in range(256))
# A joint's line; what is not used may be anything.
_JOINT = np.dtype([("xyz", np.float32, _COORDINATES), ("others", "S1", _JOINT_VALUES - _COORDINATES)])
_SPINE_BASE = NTU_25.joints.index("spine_base")
_LOW_ENERGY, _UPRIGHT = 0.85, 0.8


@dataclasses.dataclass(frozen=True, eq=False)
class Skeletons:
    """The K bodies of a recording, frame by frame as the file lists them."""

    frames: int  # T, how many frames the recording has.
    frame_K: np.ndarray  # The frame in which each was seen, from 0, never falling.
    id_K: tuple[int, ...]  # Each one's `bodyID`. A file may use one id for two bodies of a frame.
    joints_KxVxC: np.ndarray  # float32, metres, joints in the order of `NTU_25`.


def read(entry: Entry) -> Recording:
    """Reads a recording: float32 metres; UserError as `read_skeletons`."""
    return Recording(lost_as_nan(seen_first(select_bodies(read_skeletons(entry.path)))))


class _Lines:
    """A file's lines `texts`, counted from 0, and the number of the `next` one to be taken."""

    def __init__(self, path: pathlib.Path, text: bytes) -> None:
        self._path = path
        self.texts, self.next = text.translate(_SPACES).decode("ascii", "backslashreplace").split("\n"), 0

    def values(self, line: int, count: int, what: str) -> list[str]:
        """The values on a line, so many of them."""
        if line >= len(self.texts):
            raise self.error(len(self.texts), "the end of the file", what)
        values = self.texts[line].split()
        if len(values) != count:
            raise self.error(line, f"{len(values)} values", f"{count} ({what})")
        return values

    def take_integer(self, count: int, what: str, least: int, most: int) -> int:
        """The first value of the next line, a whole number in decimal digits."""
        word = self.values(self.next, count, what)[0]
        # No limit is longer, and the length of a number must not cost time.
        number = int(word) if word.isdigit() and len(word) <= 20 else -1
        if not least <= number <= most:
            limits = f"a whole number from {least} to {most}" if least < most else f"{most}"
            raise self.error(self.next, f"{what} is {shown(word)}", limits)
        self.next += 1
        return number

    def joint(self, line: int) -> list[float]:
        """The coordinates on a joint's line."""
        words = self.values(line, _JOINT_VALUES, "a joint")[:_COORDINATES]
        for word in words:
            try:
                float(word.replace("_", "?"))  # Python's numbers may have underscores.
            except ValueError:
                raise self.error(line, f"coordinate {shown(word)}", "a number") from None
        return [float(word) for word in words]

    def error(self, line: int, found: str, expected: str) -> UserError:
        """What is wrong on a line."""
        return UserError(f"{self._path}:{line + 1}: {found}, expected {expected}; copy or unpack the file again")


def read_skeletons(path: pathlib.Path) -> Skeletons:
    """Reads one file: all bodies of all frames; none at all when the file is well-formed but nobody was seen.

    Of a joint's values only x y z are looked at, and of a body's only its id. Raises UserError when the file cannot be
    read, ends too early or too late, a line has another number of values than it must have, or a coordinate is NaN or
    infinite: nothing says how much of such a body can be believed.
    """
    lines = _Lines(path, _read(path))
    frame_of: list[int] = []
    id_of: list[int] = []
    joint_lines: list[int] = []
    try:
        frames = lines.take_integer(1, "numFrame", 0, _MOST_FRAMES)
        for frame in range(frames):
            for _ in range(lines.take_integer(1, "numBody", 0, _MOST_BODIES)):
                frame_of.append(frame)
                id_of.append(lines.take_integer(_BODY_VALUES, "bodyID", 0, 2**64 - 1))
                lines.take_integer(1, "numJoint", _JOINTS, _JOINTS)
                joint_lines += range(lines.next, lines.next + _JOINTS)
                lines.next += _JOINTS
        if lines.next < len(lines.texts):
            raise lines.error(lines.next, "more lines", f"the end of the file after {frames} frames")
        joints_WxC = _coordinates(lines, joint_lines)
    except UserError:
        for line in joint_lines:  # One of them may be the cause.
            lines.joint(line)
        raise
    finite_W = np.isfinite(joints_WxC).all(axis=1)
    if not finite_W.all():
        raise lines.error(joint_lines[finite_W.argmin()], "NaN or infinity as a coordinate", "finite numbers")
    joints_KxVxC = joints_WxC.reshape(-1, _JOINTS, _COORDINATES)
    return Skeletons(frames, np.array(frame_of, dtype=np.int64), tuple(id_of), joints_KxVxC)


def _coordinates(lines: _Lines, joint_lines: list[int]) -> np.ndarray:
    """The x y z of the joints that stand on given lines, float32."""
    texts = [lines.texts[line] for line in joint_lines if line < len(lines.texts)]
    with warnings.catch_warnings(action="error"), contextlib.suppress(ValueError, UserWarning):
        rows = np.loadtxt(texts, _JOINT, comments=None, ndmin=1)
        if len(rows) == len(joint_lines):  # It skips empty lines.
            return np.ascontiguousarray(rows["xyz"])
    with np.errstate(over="ignore"):
        return np.array([lines.joint(line) for line in joint_lines]).reshape(-1, _COORDINATES).astype(np.float32)


def _read(path: pathlib.Path) -> bytes:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with readable(path, "text"), path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise UserError(f"{path}: more than {_MOST_BYTES} bytes, expected less (300 frames of six bodies have 5 MiB)")
    text = text.rstrip(b" \t\r\n")
    if not text:
        raise UserError(f"{path}: the file is empty, expected numFrame; copy or unpack the file again")
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise UserError(f"{path}:{line}: a NUL byte, expected text; copy or unpack the file again")
    return text


def select_bodies(skeletons: Skeletons) -> np.ndarray:
    """Chooses at most two bodies, that of most energy first: float32, metres, M = 2, zeros where one was not seen.

    A track is all that was seen under one id. Where there are several, those that have less than 0.85 of the largest
    energy and are not upright when first seen are dropped; of the others the two of most energy stay.
    """
    tracks = _tracks(skeletons)
    if len(tracks) > 1:
        energies = [_energy(skeletons.joints_KxVxC[track]) for track in tracks]
        enough = _LOW_ENERGY * max(energies)
        kept = [
            track
            for energy, track in sorted(zip(energies, tracks, strict=True), key=lambda pair: -pair[0])
            if energy >= enough or _is_upright(skeletons.joints_KxVxC[track[0]])
        ]
        tracks = kept[:_BODIES]
    frames_TxVxMxC = np.zeros((skeletons.frames, _JOINTS, _BODIES, _COORDINATES), np.float32)
    for body, track in enumerate(tracks):
        frames_TxVxMxC[skeletons.frame_K[track], :, body] = skeletons.joints_KxVxC[track]
    return frames_TxVxMxC


def seen_first(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """The frames in which somebody is seen before all others, if nobody is seen in the first one."""
    seen_T = np.asarray(frames_TxVxMxC.any(axis=(1, 2, 3)))
    return frames_TxVxMxC if seen_T[:1].all() else frames_TxVxMxC[np.argsort(~seen_T, kind="stable")]


def _tracks(skeletons: Skeletons) -> list[list[int]]:
    """For each id the bodies that it names, in order of appearance; an id's second in a frame gets the next free id."""
    seen_K = (skeletons.joints_KxVxC != 0).any(axis=(1, 2)).tolist()
    tracks: dict[int, list[int]] = {}
    taken: set[int] = set()
    last_frame = -1
    for number, (frame, body) in enumerate(zip(skeletons.frame_K.tolist(), skeletons.id_K, strict=True)):
        if frame != last_frame:
            taken, last_frame = set(), frame
        while body in taken:
            body += 1
        taken.add(body)
        if seen_K[number]:
            tracks.setdefault(body, []).append(number)
    return list(tracks.values())


def _energy(joints_TxVxC: np.ndarray) -> float:
    """How much a track moves and extends: standard deviations of x, y and z about the spine's base, summed."""
    offsets_TxVxC = joints_TxVxC.astype(np.float64) - joints_TxVxC[:, _SPINE_BASE, None]
    return float(offsets_TxVxC.std(axis=(0, 1)).sum())


def _is_upright(joints_VxC: np.ndarray) -> bool:
    width, height, _ = np.ptp(joints_VxC.astype(np.float64), axis=0)
    return bool(_UPRIGHT * height > width)
