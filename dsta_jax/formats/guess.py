"""What a file or a directory of somebody's might be, and the text of a benchmark's file that would read it.

It is a guess by counts, names and keys. What they leave open is said: which layout the joints have, whether a third
number is a coordinate or a confidence, what numbers without names mean.
"""

import dataclasses
import json
import pathlib
import re
import shlex
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmarks import BENCHMARKS, SOURCES
from dsta_jax.datasets.recording import NTU_NAME
from dsta_jax.errors import UserError, shown
from dsta_jax.files import read_json, regular
from dsta_jax.formats import guess_table, npy_rows, safe_pickle
from dsta_jax.formats.described import LIST
from dsta_jax.formats.guess_table import MOST_CLASSES, TEST_EVERY, Guess, Skeleton, channels_of, of_joints, unknown_of

_WIDTH, _LOOKED_AT = 80, 2_000
_LARGEST = 512 << 20  # Bytes of a pickle that is looked into.
_HOLISTIC = 1662  # MediaPipe's pose 33 x 4, face 468 x 3, left hand 21 x 3, right hand 21 x 3.
_NUMBERS = re.compile(r"\d+")


def text(path: pathlib.Path) -> str:
    """What a file or a directory is taken for, in lines of 80 columns; UserError when it cannot be read."""
    guess = of(path)
    lines = [*guess.found, f"Taken for: {guess.taken_for}."]
    lines += [f"By the count of its numbers: {'; or '.join(map(str, guess.skeletons[:6]))}."] if guess.skeletons else []
    lines += [f"Not known: {one}." for one in guess.unknown]
    said = [line for one in lines for line in _wrapped(one)]
    toml = _toml(path, guess) if guess.form == "folder" or guess.skeletons else []
    name = f"{_name(path)}.toml"
    place = path.parent if guess.needs_list and path.is_file() else path
    command = [f"dsta convert --from={guess.form} --in={shlex.quote(str(place))} \\"]
    command += ["    --out=data" + (f" --benchmark={name}" if toml else "")]
    listed = f"Write {place / LIST}: file,label,subject and a line for each recording."
    listed += ' Or, where names such as a01_s02.txt say it, write path = "a{label}_s{subject}.txt" below [files].'
    after = [*_wrapped(listed), ""] if guess.needs_list else []
    shown_toml = [f"{name}:", "", *toml, ""] if toml else []
    return "\n".join([*said, "", *after, *shown_toml, "Then:", "", *command])


def _wrapped(line: str) -> list[str]:
    if line.startswith("  "):
        return [line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."]
    return textwrap.wrap(line, _WIDTH, break_on_hyphens=False) or [""]


def of(path: pathlib.Path) -> Guess:
    """What a file or a directory is taken for; UserError when it cannot be read."""
    if path.is_dir():
        return _directory(path)
    readers: dict[str, Callable[[pathlib.Path], Guess]] = {
        ".npy": _array,
        ".npz": _archive,
        ".json": _json,
        ".pkl": _pickle,
        ".pickle": _pickle,
        ".skeleton": lambda path: _raw(path, "a recording of NTU RGB+D", "ntu60"),
        ".mat": lambda path: _raw(path, "a MATLAB file, as UTD-MHAD's are", "utd_mhad"),
    }
    if path.suffix.lower() not in readers and not path.exists():
        raise UserError(f"{path}: no such file or directory")
    return readers.get(path.suffix.lower(), guess_table.of)(path)


def _raw(path: pathlib.Path, what: str, form: str) -> Guess:
    name = path if path.is_dir() else path.parent
    return Guess((f"{path.name or path}",), f"{what}; convert the directory {name} of them all", form=form)


# Arrays.


def _array(path: pathlib.Path) -> Guess:
    array = npy_rows.mapped(path)
    found = (f"{path.name}: an array of {' x '.join(map(str, array.shape))}, {array.dtype}",)
    if not array.ndim or not array.size:
        raise UserError(f"{path}: {shown(array)}, expected the numbers of a recording")
    negative = bool(np.any(array[:_LOOKED_AT] < 0))
    if array.ndim == 5:
        n, channels, frames, joints, bodies = array.shape
        what = f"{n} recordings of {frames} frames, as ST-GCN's (N x C x T x V x M); its labels are in a file beside it"
        return Guess(found, what, of_joints(joints, channels_of(channels), bodies), form="npy")
    if array.ndim in (3, 4) and array.shape[-1] in (2, 3, 4):
        fits = of_joints(
            array.shape[-2],
            channels_of(array.shape[-1], array[:_LOOKED_AT, ..., -1]),
            1 if array.ndim == 3 else array.shape[1],
        )
        axes = "frames x joints x channels" if array.ndim == 3 else "frames x bodies x joints x channels"
        return Guess(found, f"a recording, {axes}", fits, unknown=unknown_of(fits), needs_list=True)
    if array.ndim in (3, 4) and array.shape[0] in (2, 3, 4):
        fits = of_joints(
            array.shape[2],
            channels_of(array.shape[0], array[-1, :_LOOKED_AT]),
            1 if array.ndim == 3 else array.shape[3],
        )
        order = "channel frame joint" + " body" * (array.ndim == 4)
        return Guess(
            found,
            f"a recording, by axes {order}",
            fits,
            (f'order = "{order}"',),
            unknown=unknown_of(fits),
            needs_list=True,
        )
    width = array.shape[-1] if array.ndim in (1, 2) else 0
    frames = "a frame" if array.ndim == 1 else f"a recording of {array.shape[0]} frames, a row each"
    if width == _HOLISTIC:
        return _holistic(found, frames)
    fits = guess_table.skeletons(width, negative)
    if not fits:
        expected = "not known; a recording would be frames x joints x channels, or frames x numbers"
        return Guess(found, expected, unknown=("what its axes are",), needs_list=True)
    return Guess(found, frames, fits, unknown=unknown_of(fits), needs_list=True)


def _holistic(found: tuple[str, ...], frames: str) -> Guess:
    parts = "MediaPipe's holistic numbers, if the usual code wrote them: 0:132 the pose (x y z visibility), "
    parts += "132:1536 the face, 1536:1599 the left hand, 1599:1662 the right hand"
    return Guess(
        (*found, f"1662 = 33 x 4 + 468 x 3 + 21 x 3 + 21 x 3: {parts}"),
        f"{frames}; the text below takes both hands",
        (Skeleton("mediapipe_hand_21", 21, 2, "xyz"),),
        ('take = ["1536:1599", "1599:1662"]    # or "0:132 xyzc" for the pose, of xyzc',),
        unknown=("which of its parts you want",),
        needs_list=True,
    )


def _archive(path: pathlib.Path) -> Guess:
    names = npy_rows.names(path)
    found: tuple[str, ...] = (f"{path.name}: arrays {', '.join(names[:10])}",)
    if not any(name.startswith("x_") for name in names):
        unknown = ("what its arrays are; save each recording as a .npy file",)
        return Guess(found, "an archive of arrays that no reader knows", unknown=unknown, needs_list=True)
    rows = npy_rows.ArchivedRows(path, next(name for name in names if name.startswith("x_")))
    fits = guess_table.skeletons(rows.shape[-1]) if len(rows.shape) == 3 else ()
    found += (f"{rows.place}: an array of {' x '.join(map(str, rows.shape))}",)
    return Guess(found, "the file of CTR-GCN and others", fits, unknown=unknown_of(fits), form="npz")


def _pickle(path: pathlib.Path) -> Guess:
    if (size := regular(path).stat().st_size) > _LARGEST:
        return Guess(
            (f"{path.name}: {size >> 20} MiB, which were not looked into",), "a pickle of pyskl's", form="pyskl"
        )
    contents = safe_pickle.load(path)
    annotations: Any = contents.get("annotations") if isinstance(contents, dict) else contents
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    if not isinstance(first, dict) or "frame_dir" not in first:
        raise UserError(f"{path}: {shown(contents)}, expected pyskl's annotations; save recordings as .npy files")
    splits = contents.get("split") if isinstance(contents, dict) else None
    found = [f"{path.name}: {len(annotations)} annotations of {', '.join(map(str, list(first)[:10]))}"]
    found += [f"splits {', '.join(map(str, splits))}"] if isinstance(splits, dict) else []
    keypoint = first.get("keypoint")
    shape: tuple[int, ...] = keypoint.shape if isinstance(keypoint, np.ndarray) else ()
    found += [f"keypoint of the first: {shown(keypoint)}"]
    fits = of_joints(shape[2], ("xyz" if shape[3] == 3 else "xyc",), shape[0]) if len(shape) == 4 else ()
    names = tuple(split for split in splits or () if isinstance(split, str) and re.search("val|test", split))
    labels = [one.get("label") for one in annotations if isinstance(one, dict)]
    numbers = [label for label in labels if isinstance(label, int)]
    classes = ("...",) * (max(numbers) + 1) if numbers and max(numbers) < MOST_CLASSES else None
    return Guess(
        tuple(found),
        "the annotations of pyskl and mmaction2",
        fits,
        classes=classes,
        unknown=(
            "how many people there are at most (bodies); those of the first recording are given",
            *unknown_of(fits),
        ),
        form="pyskl",
        split=f"split = {json.dumps(list(names[:1]))}" if names else "",
    )


# JSON.


def _json(path: pathlib.Path) -> Guess:
    contents = read_json(path)
    if isinstance(contents, dict) and "skeletons" in contents:
        return _raw(path, "a recording of Northwestern-UCLA, as CTR-GCN passes it on", "nw_ucla")
    if isinstance(contents, dict) and isinstance(contents.get("data"), list) and "label_index" in contents:
        return _raw(path, "a video of Kinetics-Skeleton", "kinetics")
    if isinstance(contents, dict) and isinstance(contents.get("people"), list):
        people = [one for one in contents["people"] if isinstance(one, dict)]
        lists = {key: len(values) for one in people for key, values in one.items() if "keypoints" in key and values}
        found = [
            f"{path.name}: {len(people)} people with {', '.join(f'{key} ({count})' for key, count in lists.items())}"
        ]
        key = "pose_keypoints_2d" if "pose_keypoints_2d" in lists or not lists else next(iter(lists))
        fits = of_joints(lists.get(key, 75) // 3, ("xyc", "xy"))
        fits = tuple(one for one in fits if "openpose" in one.layout) or fits
        files = ('path = "{label}/*/*_{frame}_keypoints.json"', f'keypoints = ["{key}"]')
        unknown = ["which directory is the label; here it is the uppermost"]
        unknown += ["how many joints there are, as nobody is seen"] if not lists else []
        return Guess(
            tuple(found), "a frame of OpenPose's; its directory is a recording", fits, files, unknown=tuple(unknown)
        )
    person, what = _person(contents)
    values = person.get("keypoints") if person else None
    if not isinstance(values, list) or not values:
        keys = ", ".join(contents) if isinstance(contents, dict) else shown(contents)
        raise UserError(f"{path}: {keys[:80]}, expected JSON of OpenPose, AlphaPose, COCO or MMPose; save .npy files")
    nested = isinstance(values[0], list)
    joints = len(values) if nested else len(values) // 3
    channels = ("xyz"[: len(values[0])] + "c", "xyz"[: len(values[0])]) if nested else ("xyc", "xy")
    fits = of_joints(joints, channels)
    return Guess(
        (f"{path.name}: keypoints of {joints} joints",),
        f"a recording of {what}",
        fits,
        unknown=unknown_of(fits),
        needs_list=True,
    )


def _person(contents: Any) -> tuple[dict[str, Any] | None, str]:
    """The first person of a file, and whose file it is."""
    if isinstance(contents, dict) and isinstance(contents.get("instance_info"), list):
        instances = [one.get("instances") for one in contents["instance_info"] if isinstance(one, dict)]
        people: Any = [person for listed in instances if isinstance(listed, list) for person in listed]
        what = "MMPose's"
    elif isinstance(contents, dict):
        people, what = contents.get("annotations"), "COCO's annotations"
    else:
        people, what = contents, "AlphaPose's, or COCO's results"
    return next((one for one in people if isinstance(one, dict)), None) if isinstance(people, list) else None, what


# Directories.


def _directory(path: pathlib.Path) -> Guess:
    marks = (
        ("*_label.json", "Kinetics-Skeleton", "kinetics"),
        ("*_label.pkl", "the pair of files of ST-GCN and others", "npy"),
        ("informations_troncage_sequences.txt", "DHG-14/28", "dhg"),
        ("train_gestures.txt", "SHREC'17", "shrec17"),
        ("dataset_info.json", "a converted set", "tfrecord"),
    )
    for pattern, what, form in marks:
        if any(path.glob(pattern)):
            return Guess((f"{path}: {pattern} is there",), f"the directory of {what}", form=form)
    endings = (".npy", ".csv", ".txt", ".json", ".skeleton", ".mat")
    files = [one for one in path.rglob("*") if one.suffix.lower() in endings and one.name != LIST and one.is_file()]
    if not files:
        raise UserError(f"{path}: no files {', '.join(endings)} there, expected recordings")
    first = min(files, key=lambda one: (-sum(other.suffix == one.suffix for other in files[:1000]), str(one)))
    if first.suffix == ".skeleton" and NTU_NAME.fullmatch(first.stem):
        return Guess((f"{path}: {len(files)} files such as {first.name}",), "NTU RGB+D's raw files", form="ntu60")
    guess = of(first)
    if guess.form in SOURCES:
        return dataclasses.replace(guess, found=(f"{path}: {len(files)} files such as {first.name}",))
    relative = first.relative_to(path)
    found = (f"{path}: {len(files)} files such as {relative}", *guess.found)
    if (path / LIST).exists():
        found = (*found, f"{LIST} lists them, and says the labels.")
        return dataclasses.replace(guess, found=found, needs_list=False)
    if 'line = "recording"' in guess.files or len(relative.parts) == 1 or guess.form != "folder":
        return dataclasses.replace(guess, found=found)
    frame_each = first.name.endswith("_keypoints.json") or _NUMBERS.fullmatch(first.stem) and _is_frame(first)
    name = "*_{frame}_keypoints.json" if first.name.endswith("_keypoints.json") else "{frame}" + first.suffix
    below = ["*"] * (len(relative.parts) - 2)
    pattern = "/".join(["{label}", *below, name if frame_each else f"*{first.suffix}"])
    classes = tuple(sorted({one.relative_to(path).parts[0] for one in files if len(one.relative_to(path).parts) > 1}))
    kept = tuple(line for line in guess.files if not line.startswith("path"))
    unknown = [one for one in guess.unknown if "directory" not in one]
    return dataclasses.replace(
        guess,
        found=found,
        taken_for="frames, a file each; a directory is a recording" if frame_each else guess.taken_for,
        files=(f'path = "{pattern}"', *kept, TEST_EVERY),
        classes=classes if len(classes) <= MOST_CLASSES else None,
        unknown=(*unknown, "whether the uppermost directories are the labels, as is taken here", "who tests"),
        split='split = ["test"]',
        needs_list=False,
    )


def _is_frame(path: pathlib.Path) -> bool:
    return path.suffix.lower() != ".npy" or npy_rows.mapped(path).ndim == 1


# The text to be written.


def _name(path: pathlib.Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", path.resolve().stem.lower()).strip("_")
    name = name if name[:1].isalpha() else f"my_{name}".strip("_")
    return f"my_{name}" if name in SOURCES or name in BENCHMARKS else name


def _listed(key: str, names: Sequence[str]) -> list[str]:
    """A list of texts, in lines that end between two of them."""
    lines = [f"{key} = ["]
    for number, name in enumerate(names):
        text = json.dumps(name, ensure_ascii=False) + (", " if number < len(names) - 1 else "]")
        if len(lines[-1]) + len(text) > _WIDTH:
            lines.append("    ")
        lines[-1] += text
    return [line.rstrip() for line in lines]


def _toml(path: pathlib.Path, guess: Guess) -> list[str]:
    """The benchmark's file, with ... for what only its owner can know."""
    best = guess.skeletons[0] if guess.skeletons else Skeleton("", 1, 1, "xyz")
    alike = [one.layout for one in guess.skeletons if dataclasses.replace(one, layout=best.layout) == best][1:]
    lines = [f'name = "{_name(path)}"', *_listed("classes", guess.classes or ("...", "..."))]
    if not guess.skeletons:
        lines.append('layout = "..."    # or instead of it a table [layout.parents]')
    elif best.layout:
        lines.append(f'layout = "{best.layout}"' + (f"    # or {', '.join(alike)}" if alike else ""))
    lines += [f"bodies = {best.bodies}"] if best.bodies > 1 else []
    lines.append(f'channels = "{best.channels}"')
    if guess.skeletons and not best.layout:
        joints = guess.joints or [f"joint_{number}" for number in range(min(best.joints, 1000))]
        lines += ["", "[layout.parents]    # a joint's parent; the root is its own"]
        lines += [f'{json.dumps(joint)} = "..."' for joint in joints]
    lines += ["", "[files]", *guess.files] if guess.files else []
    split = guess.split or 'subject = ["..."]    # who tests'
    return [*lines, "", "[split]", split]
