"""Northwestern-UCLA's skeletons: one JSON file a recording, `aAA_sSS_eEE_vVV.json` (Wang et al., CVPR 2014).

This is the form in which the field passes the data set on: `file_name`, `skeletons` (frames x 20 joints x 3), `label`.
"""

import dataclasses
import json
import pathlib
import re

import numpy as np

from dsta_jax.datasets.layouts import KINECT_20
from dsta_jax.errors import UserError

FILE_PATTERN = "*.json"
# The actions that were recorded; class 0 is action 1, class 9 is action 12.
ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)
_FILE_NAME = re.compile(r"a(\d\d)_s(\d\d)_e(\d\d)_v(\d\d)\.json")
_VIEWS, _KEY = 3, "skeletons"


@dataclasses.dataclass(frozen=True)
class FileName:
    """What a file's name says.

    Attributes:
      action: one of `ACTIONS`.
      subject: 1 to 10.
      essai: which of the subject's tries it is, from 0.
      view: which camera, 1 to 3.
    """

    action: int
    subject: int
    essai: int
    view: int


def parse_file_name(path: pathlib.Path) -> FileName:
    """Reads action, subject, try and view from a file's name.

    Raises:
      UserError: when the name is not of the form, or names an action or view that the data set does not have.
    """
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise UserError(f"{path}: file name {path.name!r}, expected aAA_sSS_eEE_vVV.json, numbers of two digits")
    name = FileName(*(int(number) for number in match.groups()))
    if name.action not in ACTIONS or not 1 <= name.view <= _VIEWS:
        raise UserError(
            f"{path}: action {name.action}, view {name.view} in the file name, expected an action of "
            f"{', '.join(map(str, ACTIONS))} and a view of 1 to {_VIEWS}"
        )
    return name


def read_skeletons(path: pathlib.Path) -> np.ndarray:
    """Reads one recording.

    Returns:
      frames_TxVxC float32, metres, joints in the order of `KINECT_20`.

    Raises:
      UserError: when the file cannot be read, or holds something else than finite numbers, T x 20 x 3.
    """
    try:
        contents = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error}); copy or download it again") from error
    if not isinstance(contents, dict) or _KEY not in contents:
        found = f"keys {', '.join(map(str, contents)) or 'none'}" if isinstance(contents, dict) else "no object"
        raise UserError(f"{path}: {found}, expected an object with the key {_KEY}")
    joints = len(KINECT_20.joints)
    expected = f"expected frames (one at least) x {joints} joints x 3 numbers"
    try:
        frames_TxVxC = np.array(contents[_KEY])
    except ValueError:
        raise UserError(f"{path}: {_KEY} is not the same number of joints in every frame, {expected}") from None
    if frames_TxVxC.dtype.kind not in "fi" or frames_TxVxC.shape[1:] != (joints, 3):
        found = f"{frames_TxVxC.dtype} {' x '.join(map(str, frames_TxVxC.shape))}"
        raise UserError(f"{path}: {_KEY} is {found}, {expected}")
    finite_T = np.isfinite(frames_TxVxC).all(axis=(1, 2))
    if not finite_T.all():
        raise UserError(f"{path}: {_KEY} has NaN or infinity in frame {np.argmin(finite_T)}, {expected}")
    with np.errstate(over="ignore"):  # Infinity is refused when the set is written.
        return frames_TxVxC.astype(np.float32)
