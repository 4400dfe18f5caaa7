"""How one's own files are written: the table [files] of a benchmark's file.

    [files]
    path = "{label}/*/{frame}.npy"        # which files, and what their paths say; * is any part of a name, ** of a path
    line = "frame"                        # what a line, or an array's row, holds: a recording, a frame or a joint
    columns = ["label", "skip", "numbers"]      # what stands in its columns; numbers are all the others
    columns = {label = "gesture", skip = ["time"]}        # or by the header's names, and all others are numbers
    take = ["0:132 xyz-", "1536:1662"]    # which of these numbers, as Python slices them, and their channels; - is none
    order = "channel joint"               # how a frame's numbers follow each other, the slowest first
    separator = ";"                       # or "," or "tab" or "blank"; found out where it is not said
    header = true                         # whether the first line is one; found out where it is not said
    first_label = 1                       # the number of the first class, where labels are numbers
    first_joint = 1                       # the number of the first joint, in a column of numbers
    test_every = 5                        # of each class the fifth, tenth, ... recording is in the part test
    keypoints = ["hand_left_keypoints_2d"]      # the lists that are read of OpenPose's files, one after the other

Each of these lines may be left out. A column holds numbers, x, y, z, c (of one joint a line), label, name (of a
recording), split, subject, camera, setup, frame (or a time: a number that orders the lines), body, joint (a name, or a
number from 0), or what is to skip. Labels stand in the path, in a column, or else in labels.csv.
"""

import dataclasses
import functools
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import numpy as np

from dsta_jax.datasets.recording import ORIGINS
from dsta_jax.errors import UserError

LINES = ("frame", "joint", "recording")
AXES = ("frame", "body", "joint", "channel")
FACTS = ("label", "split", *ORIGINS)  # What is said of a recording, in a path or a column.
CHANNEL_ROLES = ("x", "y", "z", "c")
ROLES = ("numbers", *CHANNEL_ROLES, *FACTS, "name", "frame", "body", "joint", "skip")
SEPARATORS = {",": ",", ";": ";", "tab": "\t", "blank": " "}
_FIELD = re.compile(r"\{(\w*)\}")
_TAKE = re.compile(r"(\d{1,7}):(\d{1,7})(?: ([xyzc-]{1,100}))?")


@dataclasses.dataclass(frozen=True)
class Files:
    """How files are written; UserError where that makes no sense."""

    path: str = "**"
    line: str = "frame"
    columns: tuple[str, ...] = ("numbers",)
    named: tuple[tuple[str, str], ...] = ()  # Names of a header, and what stands below; instead of `columns`.
    take: tuple[str, ...] = ()
    order: tuple[str, ...] = AXES  # All four.
    separator: str | None = None  # The character.
    header: bool | None = None
    first_label: int = 0
    first_joint: int = 0
    test_every: int = 0  # 0 for none.
    keypoints: tuple[str, ...] = ("pose_keypoints_2d",)

    def __post_init__(self) -> None:
        for role in self.roles:
            if role not in ROLES:
                raise UserError(f"columns name {role[:40]!r}, expected some of {', '.join(ROLES)}")
        repeated = [role for role in self.roles if role != "skip" and self.roles.count(role) > 1]
        numbers = set(self.roles) & {"numbers", *CHANNEL_ROLES}
        if repeated:
            raise UserError(f"columns name {repeated[0]} twice, expected it once")
        if not numbers and not self.named or len(numbers) > 1 and "numbers" in numbers:
            raise UserError("columns name no numbers or mix them with x, y, z; expected either numbers, or x, y, z, c")
        if numbers - {"numbers"} and self.line != "joint":
            raise UserError('columns x, y, z, c are those of one joint; say line = "joint", or numbers')
        if "joint" in self.roles and self.line != "joint":
            raise UserError('a column joint is for one joint a line; say line = "joint"')
        if "body" in self.roles and not self.has_frames or self.line == "recording" and self.has_frames:
            raise UserError("a column body needs one that says the frame, and a recording in one line has neither")
        if "joint" in self.roles and not self.has_frames and not self.frame_each:
            raise UserError("a column joint needs one that says the frame, or {frame} in path")
        if self.test_every and (not self.labelled or "split" in self.roles or "{split}" in self.path):
            raise UserError("test_every is for labels in paths or columns that name no split; remove one of them")
        fields = _FIELD.findall(self.path)
        for field in fields:
            if field not in (*FACTS, "frame") or fields.count(field) > 1:
                raise UserError(f"path has {{{field[:40]}}}, expected some of {', '.join(FACTS)}, frame, each once")
        if self.frame_each and (_FIELD.findall(self.path.rpartition("/")[2]) != ["frame"] or self.many_in_a_file):
            found = "expected it alone in the file's name, the rest in directories, and one frame in a file"
            raise UserError(f"path has {{frame}} among others; {found}")

    @functools.cached_property
    def roles(self) -> tuple[str, ...]:
        """What the columns hold, as far as they are named."""
        return tuple(role for _, role in self.named) if self.named else self.columns

    @property
    def has_frames(self) -> bool:
        """Whether a column says the frame."""
        return "frame" in self.roles

    @property
    def frame_each(self) -> bool:
        """Whether each file is one frame, and its directory the recording."""
        return "{frame}" in self.path

    @property
    def many_in_a_file(self) -> bool:
        """Whether a file has to be read to know its recordings."""
        return self.line == "recording" or "name" in self.roles or "label" in self.roles

    @property
    def labelled(self) -> bool:
        """Whether paths or columns say the labels, and labels.csv need not."""
        return "{label}" in self.path or "label" in self.roles

    def taken(self, channels: str) -> np.ndarray | None:
        """Which of the numbers are read, in the order of the channels; None for all."""
        chosen = []
        for text in self.take:
            match = _TAKE.fullmatch(text)
            start, stop = (int(match[1]), int(match[2])) if match else (0, 0)
            letters = match[3] or "" if match else ""
            kept = [letters.find(channel) for channel in channels] if letters else [0]
            width = len(letters) or 1
            if not start < stop or (stop - start) % width or -1 in kept:
                expected = f'"FROM:TO", or "FROM:TO CHANNELS" with each of {channels} and - for others'
                raise UserError(f"take has {text[:40]!r}, expected {expected}, whole joints")
            chosen.append(np.arange(start, stop).reshape(-1, width)[:, kept].ravel())
        return np.concatenate(chosen) if chosen else None


@functools.cache
def pattern_of(path: str) -> re.Pattern[str]:
    """What the paths of files look like, from the directory on; groups are what they say."""
    words = {"**": ".*", "*": "[^/]*?", "{frame}": r"(?P<frame>\d{1,12})"}
    texts = []
    for part in re.split(r"(\*\*|\*|\{\w+\})", path):
        field = f"(?P<{part[1:-1]}>[^/]+?)" if part.startswith("{") else re.escape(part)
        texts.append(words.get(part, field))
    return re.compile("".join(texts))


def of_table(contents: Mapping[str, Any]) -> Files:
    """What a table [files] says; UserError where a key is unknown or a value makes no sense."""
    known = {field.name for field in dataclasses.fields(Files)} - {"named"}
    values: dict[str, Any] = {}
    for key, value in contents.items():
        if key not in known:
            raise UserError(f"unknown key {key[:40]!r}, expected some of {', '.join(sorted(known))}")
        values |= _value(key, value)
    return Files(**values)


def of_text(text: str) -> Files:
    """What the inside of such a table says on a command line: KEY = VALUE, with commas between them."""
    try:
        return of_table(tomllib.loads(f"files = {{{text}}}")["files"])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"not readable as KEY = VALUE, KEY = VALUE ({str(error)[:80]})") from None


def _value(key: str, value: Any) -> dict[str, Any]:
    """A key's value as `Files` holds it."""
    if key == "columns" and isinstance(value, dict):
        pairs = [
            (name, role) for role, names in value.items() for name in (names if isinstance(names, list) else [names])
        ]
        if pairs and all(isinstance(name, str) and name.strip() for name, _ in pairs):
            return {"named": tuple((name.strip(), role) for name, role in pairs)}
    if key in ("columns", "take", "keypoints"):
        if isinstance(value, list) and value and all(isinstance(one, str) and one.isprintable() for one in value):
            return {key: tuple(value)}
        raise UserError(f"{key} is {str(value)[:60]!r}, expected a list of texts")
    if key == "order":
        words = tuple(value.split()) if isinstance(value, str) else ()
        if words and set(words) <= set(AXES) and len(set(words)) == len(words):
            return {key: (*(axis for axis in AXES if axis not in words), *words)}
        raise UserError(f"order is {str(value)[:60]!r}, expected different ones of {' '.join(AXES)}, the slowest first")
    if key == "separator" and value in SEPARATORS:
        return {key: SEPARATORS[value]}
    choices = {"line": LINES, "header": (True, False), "separator": tuple(SEPARATORS)}
    if key in choices and (not isinstance(value, str | bool) or value not in choices[key]):
        raise UserError(f"{key} is {str(value)[:60]!r}, expected one of {', '.join(map(str, choices[key])).lower()}")
    if key == "path" and not (isinstance(value, str) and value and value.isprintable() and len(value) <= 1000):
        raise UserError(f"path is {str(value)[:60]!r}, expected such as {{label}}/*/{{frame}}.npy")
    if key == "test_every" and (type(value) is not int or not 2 <= value <= 1000):
        raise UserError(f"test_every is {str(value)[:60]!r}, expected a whole number from 2 to 1000")
    if key.startswith("first") and (type(value) is not int or value not in (0, 1)):
        raise UserError(f"{key} is {str(value)[:60]!r}, expected 0 or 1")
    return {key: value}
