"""SHREC'17's hand skeletons and lists (De Smedt et al., 3DOR 2017), in text files with one row a line."""

import dataclasses
import pathlib

import numpy as np

from dsta_jax.datasets.layouts import HAND_22
from dsta_jax.errors import UserError

SKELETON_FILE = "skeletons_world.txt"
TRAIN_LIST, TEST_LIST = LISTS = "train_gestures.txt", "test_gestures.txt"

_COLUMNS = ("gesture", "finger", "subject", "essai", "label14", "label28", "frames")
_GESTURES, _FINGERS = 14, 2


@dataclasses.dataclass(frozen=True)
class Recording:
    """One line of a list; all numbers count from 1.

    Attributes:
      gesture: 1 to 14, in the order of `SHREC_GESTURES`.
      finger: 1 when done with one finger, 2 with the whole hand.
      subject: who did it.
      essai: which of the subject's tries it is.
      label14: the class among 14; the gesture again.
      label28: the class among 28; 2 (label14 - 1) + finger.
      frames: how many frames the list counts.
    """

    gesture: int
    finger: int
    subject: int
    essai: int
    label14: int
    label28: int
    frames: int

    @property
    def name(self) -> str:
        """The recording's name, and its directory below the raw data's."""
        return recording_name(self.gesture, self.finger, self.subject, self.essai)


def recording_name(gesture: int, finger: int, subject: int, essai: int) -> str:
    """A recording's directory below the raw data's: 'gesture_G/finger_F/subject_S/essai_E', numbers from 1."""
    return f"gesture_{gesture}/finger_{finger}/subject_{subject}/essai_{essai}"


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a text file, without empty ones at its end."""
    try:
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable text file ({error})") from error
    if not lines:
        raise UserError(f"{path}: the file is empty")
    return lines


def read_skeletons(path: pathlib.Path) -> np.ndarray:
    """Reads `skeletons_world.txt`: 66 numbers a line, x y z of the 22 joints of one frame.

    Returns:
      frames_TxVxC float32, metres, joints in the order of `HAND_22`.

    Raises:
      UserError: when the file is missing or empty, or a line has not 66 finite numbers.
    """
    joints = len(HAND_22.joints)
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if len(words) != 3 * joints:
            raise UserError(f"{path}:{number}: {len(words)} columns, expected {3 * joints} (22 joints of x y z)")
        try:
            rows.append(list(map(float, words)))
        except ValueError as error:
            raise UserError(f"{path}:{number}: {error}, expected {3 * joints} numbers") from None
    frames_TxVxC = np.array(rows, dtype=np.float32).reshape(-1, joints, 3)
    finite_T = np.isfinite(frames_TxVxC).all(axis=(1, 2))
    if not finite_T.all():
        raise UserError(f"{path}:{np.argmin(finite_T) + 1}: NaN or infinity, expected finite numbers")
    return frames_TxVxC


def read_list(path: pathlib.Path) -> list[Recording]:
    """Reads one of the two official lists: seven integers a line, as `Recording` names them.

    Raises:
      UserError: when the file is missing or empty, a line is malformed or contradicts itself, or one recording stands
        on two lines.
    """
    recordings: list[Recording] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        try:
            recording = Recording(*(int(word) for word in words))
        except (TypeError, ValueError):
            raise UserError(f"{path}:{number}: {line!r}, expected 7 integers: {' '.join(_COLUMNS)}") from None
        problem = _contradiction(recording)
        if problem:
            raise UserError(f"{path}:{number}: {problem}")
        if recording.name in line_of:
            raise UserError(f"{path}:{number}: {recording.name} stands on line {line_of[recording.name]} already")
        line_of[recording.name] = number
        recordings.append(recording)
    return recordings


def _contradiction(recording: Recording) -> str:
    """What is impossible about a line, or an empty string."""
    for column in _COLUMNS:
        if getattr(recording, column) < 1:
            return f"{column} is {getattr(recording, column)}, expected 1 or more"
    if recording.gesture > _GESTURES or recording.finger > _FINGERS:
        return f"gesture {recording.gesture}, finger {recording.finger}; expected 1 to {_GESTURES} and 1 to {_FINGERS}"
    if recording.label14 != recording.gesture:
        return f"label14 is {recording.label14}, expected the gesture, {recording.gesture}"
    fine = _FINGERS * (recording.label14 - 1) + recording.finger
    if recording.label28 != fine:
        return f"label28 is {recording.label28}, expected 2 (label14 - 1) + finger = {fine}"
    return ""
