"""DHG-14/28's hand skeletons and list (De Smedt, Wannous, Vandeborre, CVPRW 2016), in text files.

A recording is `gesture_G/finger_F/subject_S/essai_E/skeleton_world.txt`, in SHREC'17's format. The list says from which
frame to which the gesture lasts.
"""

import dataclasses
import pathlib

from dsta_jax.datasets import shrec17
from dsta_jax.errors import UserError

SKELETON_FILE, LIST_FILE = "skeleton_world.txt", "informations_troncage_sequences.txt"
GESTURES, FINGERS = 14, 2
_COLUMNS = ("gesture", "finger", "subject", "essai", "start", "end")


@dataclasses.dataclass(frozen=True)
class Recording:
    """One line of the list; the first four numbers count from 1.

    Attributes:
      gesture: 1 to 14, in the order of `SHREC_GESTURES`.
      finger: 1 when done with one finger, 2 with the whole hand.
      subject: who did it.
      essai: which of the subject's tries it is.
      start: first frame of the gesture, from 0.
      end: its last frame, which belongs to it.
    """

    gesture: int
    finger: int
    subject: int
    essai: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """The recording's name, and its directory below the raw data's."""
        return shrec17.recording_name(self.gesture, self.finger, self.subject, self.essai)

    @property
    def label28(self) -> int:
        """The class among 28, from 0: the gesture, and 14 more for the whole hand."""
        return self.gesture - 1 + GESTURES * (self.finger - 1)


def read_list(path: pathlib.Path) -> list[Recording]:
    """Reads the list: six integers a line, as `Recording` names them.

    Raises:
      UserError: when the file is missing or empty, a line is malformed, or one recording stands on two lines.
    """
    recordings: list[Recording] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(shrec17.read_lines(path), start=1):
        try:
            recording = Recording(*(int(word) for word in line.split()))
        except (TypeError, ValueError):
            raise UserError(f"{path}:{number}: {line[:60]!r}, expected 6 integers: {' '.join(_COLUMNS)}") from None
        if not (1 <= recording.gesture <= GESTURES and 1 <= recording.finger <= FINGERS):
            found = f"gesture {recording.gesture}, finger {recording.finger}"
            raise UserError(f"{path}:{number}: {found}; expected 1 to {GESTURES} and 1 to {FINGERS}")
        if min(recording.subject, recording.essai) < 1 or not 0 <= recording.start <= recording.end:
            raise UserError(f"{path}:{number}: {line!r}, expected subject and essai from 1, 0 <= start <= end")
        if recording.name in line_of:
            raise UserError(f"{path}:{number}: {recording.name} stands on line {line_of[recording.name]} already")
        line_of[recording.name] = number
        recordings.append(recording)
    return recordings
