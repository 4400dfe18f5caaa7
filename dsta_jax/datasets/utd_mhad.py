"""UTD-MHAD (Chen, Jafari, Kehtarnavaz, ICIP 2015): 27 actions of eight subjects seen by a Kinect v1.

A recording is a MATLAB file `aA_sS_tT_skeleton.mat` (action, subject, trial) of the authors' Skeleton.zip, with the
array `d_skel`: 20 joints x 3 coordinates in metres x T frames.
"""

import io
import math
import pathlib
import re

from dsta_jax.datasets.benchmark import Benchmark, Protocol, Source, names
from dsta_jax.datasets.layouts import UTD_MHAD_20
from dsta_jax.datasets.recording import Collection, Entry, Recording, in_files, is_real, lost_as_nan
from dsta_jax.errors import UserError, shown
from dsta_jax.files import readable, regular

# Actions 1 to 27 as the authors number them.
ACTIONS = names("""
    right arm swipe to the left, right arm swipe to the right, right hand wave, two hand front clap, right arm throw,
    cross arms in the chest, basketball shoot, right hand draw x, right hand draw circle clockwise,
    right hand draw circle counter-clockwise, draw triangle, bowling, front boxing, baseball swing from right,
    tennis right hand forehand swing, arm curl, tennis serve, two hand push, right hand knock on door,
    right hand catch an object, right hand pick up and throw, jogging in place, walking in place, sit to stand,
    stand to sit, forward lunge, squat
""")
FILE_PATTERN = "*_skeleton.mat"
_FILE_NAME = re.compile(r"(a([1-9]\d*)_s([1-9]\d*)_t([1-9]\d*))_skeleton\.mat")
_KEY = "d_skel"
_MOST_BYTES, _MOST_FRAMES = 8 << 20, 10_000  # The authors' have up to 60 kB and 125 frames.


def find(raw_dir: pathlib.Path) -> Collection:
    """The recordings below a directory; UserError when there are none, or one has another kind of name."""
    return in_files(raw_dir, FILE_PATTERN, _entry, read, ACTIONS)


def _entry(path: pathlib.Path) -> Entry:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise UserError(f"{path}: file name {path.name!r}, expected aA_sS_tT_skeleton.mat, numbers from 1")
    action, subject, _ = map(int, match.groups()[1:])
    if action > len(ACTIONS):
        raise UserError(f"{path}: action {action} in the file name, expected 1 to {len(ACTIONS)}")
    return Entry(match[1], path, action - 1, subject)


def read(entry: Entry) -> Recording:
    """Reads a recording; UserError when the file cannot be read, or holds another array."""
    import scipy.io

    joints = len(UTD_MHAD_20.joints)
    with readable(entry.path, "a MATLAB file"):
        file = io.BytesIO(regular(entry.path, _MOST_BYTES).read_bytes())
        claimed = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(file)}  # Nothing is unpacked yet.
        if _KEY not in claimed:
            raise UserError(f"{entry.path}: arrays {', '.join(claimed) or 'none'}, expected {_KEY}")
        shape, kind = claimed[_KEY]
        if kind in ("cell", "struct", "object", "function", "opaque"):
            raise UserError(f"{entry.path}: {_KEY} is a {kind}, expected numbers, {joints} x 3 x frames")
        if (frames := math.prod(shape) // (3 * joints)) > _MOST_FRAMES:
            raise UserError(f"{entry.path}: {frames} frames, expected at most {_MOST_FRAMES}")
        skeleton_VxCxT = scipy.io.loadmat(file, variable_names=[_KEY])[_KEY]
    if not is_real(skeleton_VxCxT) or skeleton_VxCxT.ndim != 3 or skeleton_VxCxT.shape[:2] != (joints, 3):
        found = shown(skeleton_VxCxT)
        raise UserError(f"{entry.path}: {_KEY} is {found}, expected numbers, {joints} x 3 x frames")
    return Recording(lost_as_nan(skeleton_VxCxT.transpose(2, 0, 1)[:, :, None]))


UTD_MHAD = Source(
    name="utd_mhad",
    layout=UTD_MHAD_20,
    label_names=ACTIONS,
    find=find,
    description="27 actions of 8 subjects seen by Kinect v1: skeletons of 20 joints.",
    citation="C. Chen, R. Jafari, N. Kehtarnavaz. UTD-MHAD: A Multimodal Dataset for Human Action Recognition "
    "Utilizing a Depth Camera and a Wearable Inertial Sensor. ICIP 2015.",
    homepage="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
    published=861,
    prepare=("python -m data_prep.convert --from=utd_mhad --in=DIRECTORY_OF_MAT_FILES --out={data_dir}",),
)

BENCHMARKS = (Benchmark.of_labels("utd_mhad", UTD_MHAD, Protocol("subject", test=(2, 4, 6, 8))),)
