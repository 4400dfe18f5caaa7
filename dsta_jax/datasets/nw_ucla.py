"""Northwestern-UCLA Multiview Action 3D (Wang et al., CVPR 2014): Kinect v1 skeletons seen by three cameras.

A recording is a JSON file `aAA_sSS_eEE_vVV.json` (action, subject, essai, view), the form in which the field passes the
data set on: `file_name`, `skeletons` (frames x 20 joints x 3, metres), `label`.
"""

import pathlib
import re

import numpy as np

from dsta_jax.datasets.benchmark import Benchmark, Protocol, Source, names
from dsta_jax.datasets.layouts import KINECT_20
from dsta_jax.datasets.recording import Collection, Entry, Recording, in_files, is_real, lost_as_nan
from dsta_jax.errors import UserError, shown
from dsta_jax.files import read_json

ACTIONS = names("""
    pick up with one hand, pick up with two hands, drop trash, walk around, sit down, stand up, donning, doffing, throw,
    carry
""")
_NUMBERS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)  # Of these actions.
_FILE_NAME = re.compile(r"a(\d\d)_s(\d\d)_e(\d\d)_v(\d\d)\.json")
_VIEWS, _KEY = 3, "skeletons"
_MOST_BYTES = 8 << 20  # The largest file has 300 kB.


def find(raw_dir: pathlib.Path) -> Collection:
    """The recordings below a directory; UserError when there are none, or a JSON file has another kind of name."""
    return in_files(raw_dir, "*.json", _entry, read, ACTIONS)


def _entry(path: pathlib.Path) -> Entry:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise UserError(f"{path}: file name {path.name!r}, expected aAA_sSS_eEE_vVV.json, numbers of two digits")
    action, subject, _, view = map(int, match.groups())
    if action not in _NUMBERS or not 1 <= view <= _VIEWS:
        expected = f"an action of {', '.join(map(str, _NUMBERS))} and a view of 1 to {_VIEWS}"
        raise UserError(f"{path}: action {action}, view {view} in the file name, expected {expected}")
    return Entry(path.stem, path, _NUMBERS.index(action), subject, view)


def read(entry: Entry) -> Recording:
    """Reads a recording; UserError when the file holds something else than numbers, T x 20 x 3."""
    contents = read_json(entry.path, most=_MOST_BYTES)
    if not isinstance(contents, dict) or _KEY not in contents:
        found = f"keys {', '.join(map(str, contents)) or 'none'}" if isinstance(contents, dict) else "no object"
        raise UserError(f"{entry.path}: {found[:80]}, expected an object with the key {_KEY}")
    joints = len(KINECT_20.joints)
    try:
        frames_TxVxC = np.array(contents[_KEY])
        found = shown(frames_TxVxC)
    except ValueError:
        frames_TxVxC, found = np.array(None), "not the same number of joints in every frame"
    if not is_real(frames_TxVxC) or frames_TxVxC.shape[1:] != (joints, 3):
        raise UserError(f"{entry.path}: {_KEY} is {found}, expected frames x {joints} joints x 3 numbers")
    return Recording(lost_as_nan(frames_TxVxC[:, :, None]))


NW_UCLA = Source(
    name="nw_ucla",
    layout=KINECT_20,
    label_names=ACTIONS,
    find=find,
    description="10 actions of 10 subjects seen by three Kinect v1 cameras: skeletons of 20 joints.",
    citation="J. Wang, X. Nie, Y. Xia, Y. Wu, S.-C. Zhu. Cross-view Action Modeling, Learning and Recognition. "
    "CVPR 2014.",
    homepage="https://wangjiangb.github.io/my_data.html",
    published=1484,
    prepare=("python -m data_prep.convert --from=nw_ucla --in=DIRECTORY_OF_JSON_FILES --out={data_dir}",),
)

BENCHMARKS = (Benchmark.of_labels("nw_ucla", NW_UCLA, Protocol("camera", test=(3,))),)
