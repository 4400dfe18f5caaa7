"""UTD-MHAD's skeletons: one MATLAB file a recording, `aA_sS_tT_skeleton.mat` (Chen et al., ICIP 2015)."""

import dataclasses
import io
import pathlib
import re

import numpy as np

from dsta_jax.datasets.layouts import UTD_MHAD_20
from dsta_jax.errors import UserError

FILE_PATTERN = "*_skeleton.mat"
_FILE_NAME = re.compile(r"(a([1-9]\d*)_s([1-9]\d*)_t([1-9]\d*))_skeleton\.mat")
_ACTIONS, _KEY = 27, "d_skel"


@dataclasses.dataclass(frozen=True)
class FileName:
    """What a file's name says; the numbers count from 1.

    Attributes:
      recording: 'aA_sS_tT'.
      action: 1 to 27.
      subject: 1 to 8 in the published set.
      trial: 1 to 4 in the published set.
    """

    recording: str
    action: int
    subject: int
    trial: int


def parse_file_name(path: pathlib.Path) -> FileName:
    """Reads action, subject and trial from a file's name.

    Raises:
      UserError: when the name is not of the form, or the action is none of the 27.
    """
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise UserError(f"{path}: file name {path.name!r}, expected aA_sS_tT_skeleton.mat, numbers from 1")
    action, subject, trial = (int(number) for number in match.groups()[1:])
    if action > _ACTIONS:
        raise UserError(f"{path}: action {action} in the file name, expected 1 to {_ACTIONS}")
    return FileName(match[1], action, subject, trial)


def read_skeletons(path: pathlib.Path) -> np.ndarray:
    """Reads one recording.

    Args:
      path: a MATLAB file with the array `d_skel`, 20 joints x 3 coordinates x T frames.

    Returns:
      frames_TxVxC float32, metres, joints in the order of `UTD_MHAD_20`.

    Raises:
      UserError: when the file cannot be read, or holds another array or numbers that are not finite.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    import scipy.io

    try:
        contents = scipy.io.loadmat(io.BytesIO(raw))
    except Exception as error:  # SciPy raises what its parser stumbles over: zlib.error, TypeError, MatReadError, ...
        raise UserError(f"{path}: not a readable MATLAB file ({error}); copy or download it again") from error
    if _KEY not in contents:
        arrays = ", ".join(key for key in contents if not key.startswith("__")) or "none"
        raise UserError(f"{path}: arrays {arrays}, expected {_KEY}")
    skeleton_VxCxT = contents[_KEY]
    joints = len(UTD_MHAD_20.joints)
    if skeleton_VxCxT.dtype.kind not in "fiu":
        raise UserError(f"{path}: {_KEY} is of type {skeleton_VxCxT.dtype}, expected real numbers")
    if skeleton_VxCxT.ndim != 3 or skeleton_VxCxT.shape[:2] != (joints, 3) or not skeleton_VxCxT.shape[2]:
        found = " x ".join(str(size) for size in skeleton_VxCxT.shape)
        raise UserError(f"{path}: {_KEY} is {found}, expected {joints} x 3 x frames (one at least)")
    frames_TxVxC = np.ascontiguousarray(skeleton_VxCxT.transpose(2, 0, 1), dtype=np.float32)
    finite_T = np.isfinite(frames_TxVxC).all(axis=(1, 2))
    if not finite_T.all():
        raise UserError(f"{path}: {_KEY} has NaN or infinity in frame {np.argmin(finite_T) + 1}, expected numbers")
    return frames_TxVxC
