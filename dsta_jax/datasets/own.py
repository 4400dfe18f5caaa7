"""Benchmarks of one's own: a TOML file says what is to be told apart, and by which joints.

    name = "my_gestures"                   # of the converted set
    classes = ["wave", "point", "stop"]    # labels 0, 1, 2
    layout = "mediapipe_hand_21"           # one of `LAYOUTS`; or instead of this line a table [layout.parents], below
    bodies = 1                             # people of a recording
    channels = "xyz"                       # or "xy"; a c behind them is a confidence

    [layout.parents]                       # joints in the order of the data, each with its parent; the root is its own
    wrist = "wrist"
    thumb = "wrist"

    [normalize]                            # instead of the layout's own way; what is not given is left as recorded
    center = "wrist"                       # a joint, or several joints for the middle of them
    scale = ["wrist", "middle_mcp"]        # the distance of these two is the unit
    scale_by = "median"                    # over all frames; or "first"
    up = ["wrist", "middle_mcp"]           # this direction turns to +z (of two coordinates, to +y)
    side = ["pinky_mcp", "index_mcp"]      # then this one, as seen along z, to +x

    [split]                                # who tests; all others train. Or: leave_out = "subject"
    subject = [3, 7]                       # or camera, setup; or split = ["test"], the parts that the recordings name

Without [split], the part `test` tests.
"""

import pathlib
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmarks import BENCHMARKS, CHANNELS, Benchmark, Columns
from dsta_jax.datasets.layouts import LAYOUTS, Layout, Point, Reference
from dsta_jax.errors import UserError

_NUMBERS = ("subject", "camera", "setup")


def find(name: str) -> Benchmark:
    """A benchmark by its name, or from a file whose name ends with .toml.

    Raises:
      UserError: when there is no such benchmark, or the file does not describe one.
    """
    if name.endswith(".toml"):
        return read(pathlib.Path(name))
    if name not in BENCHMARKS:
        raise UserError(f"benchmark {name!r}: expected one of {', '.join(BENCHMARKS)}, or a file NAME.toml of your own")
    return BENCHMARKS[name]


def read(path: pathlib.Path) -> Benchmark:
    """Reads a benchmark's file.

    Raises:
      UserError: when it cannot be read, a key is missing or unknown, or a value makes no sense.
    """
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; name yours by --config.benchmark=FILE.toml, or --benchmark") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: not a readable TOML file ({error})") from error
    top = _Table(path, "", contents, ("name", "classes", "layout", "bodies", "channels", "normalize", "split"))
    classes = top.take("classes", list, "a list of two or more different names", _are_classes)
    return Benchmark(
        name=top.take("name", str, "lower-case letters, digits and _, a letter first", _is_name),
        data_set=contents["name"],
        layout=_layout(top),
        bodies=top.take("bodies", int, "a whole number from 1", lambda bodies: bodies > 0, 1),
        class_names=tuple(classes),
        class_of_label=tuple(range(len(classes))),
        protocol=_protocol(top),
        prepare=(
            f"python -m data_prep.convert --from=FORMAT --in=RECORDINGS --to=tfrecord --out={{data_dir}} "
            f"--benchmark={path}",
        ),
        channels=top.take("channels", str, f"one of {', '.join(CHANNELS)}", lambda word: word in CHANNELS, "xyz"),
    )


class _Table:
    """A table of the file, whose keys are known.

    Attributes:
      place: where it is, for errors.
      contents: what it holds.
    """

    def __init__(self, path: pathlib.Path, name: str, contents: Mapping[str, Any], known: tuple[str, ...]):
        self.path, self.contents = path, contents
        self.place = f"{path}: [{name}]" if name else f"{path}:"
        for key in contents:
            if known and key not in known:
                raise UserError(f"{self.place} unknown key {key!r}, expected some of {', '.join(known)}")

    def table(self, key: str, *known: str) -> "_Table | None":
        """The table below `key`, if it is there; without known keys, any will do."""
        if key not in self.contents:
            return None
        contents = self.contents[key]
        if not isinstance(contents, dict):
            raise self.error(key, "a table")
        return _Table(self.path, key, contents, known)

    def take(
        self, key: str, kind: type, expected: str, fits: Callable[[Any], bool] = lambda _: True, default: Any = None
    ) -> Any:
        """The value of a key; `default` where it is not there, if there is one."""
        if key not in self.contents:
            if default is None:
                raise UserError(f"{self.place} the key {key} is missing, expected {expected}")
            return default
        value = self.contents[key]
        if not isinstance(value, kind) or isinstance(value, bool) or not fits(value):
            raise self.error(key, expected)
        return value

    def error(self, key: str, expected: str) -> UserError:
        """What is wrong with a key's value."""
        return UserError(f"{self.place} {key} is {str(self.contents[key])[:60]!r}, expected {expected}")


def _is_name(name: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9_]*", name) is not None


def _are_classes(names: list) -> bool:
    return len(names) > 1 and all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)


def _layout(top: _Table) -> Layout:
    """The layout that the file names or describes, with its own reference where it has one."""
    layout = _named_or_described(top)
    normalize = top.table("normalize", "center", "scale", "scale_by", "up", "side")
    if normalize is None:
        return layout
    reference = Reference(
        center=_point(normalize, "center", normalize.contents["center"]) if "center" in normalize.contents else None,
        scale=_two_points(normalize, "scale"),
        scale_by=normalize.take("scale_by", str, "first or median", lambda word: word in ("first", "median"), "first"),
        up=_two_points(normalize, "up"),
        side=_two_points(normalize, "side"),
    )
    if reference.side and not reference.up:
        raise normalize.error("side", "up, too: a body is turned upright first")
    return _checked(normalize, layout.name, layout.joints, layout.parents, reference)


def _named_or_described(top: _Table) -> Layout:
    expected = f"one of {', '.join(LAYOUTS)}, or a table [layout.parents]"
    if not isinstance(top.contents.get("layout"), dict):
        return LAYOUTS[top.take("layout", str, expected, lambda name: name in LAYOUTS)]
    described = top.table("layout", "name", "parents")
    assert described is not None
    name = described.take("name", str, "a name", default=str(top.contents.get("name")))
    parents = described.table("parents")
    if parents is None or not parents.contents:
        raise UserError(f'{described.place} the table parents is missing, expected JOINT = "PARENT" for each joint')
    joints = tuple(parents.contents)
    numbers = [
        joints.index(parents.take(joint, str, "the name of a joint", lambda parent: parent in joints))
        for joint in joints
    ]
    return _checked(described, name, joints, tuple(numbers), Reference())


def _checked(
    table: _Table, name: str, joints: tuple[str, ...], parents: tuple[int, ...], reference: Reference
) -> Layout:
    try:
        return Layout(name, joints, parents, reference)
    except ValueError as error:
        raise UserError(f"{table.place} {error}") from None


def _point(table: _Table, key: str, value: Any) -> Point:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise table.error(key, "a joint's name, or a list of them, for each point")
    return tuple(names)


def _two_points(table: _Table, key: str) -> tuple[Point, Point] | None:
    if key not in table.contents:
        return None
    points = table.take(key, list, "two points", lambda points: len(points) == 2)
    return _point(table, key, points[0]), _point(table, key, points[1])


def _protocol(top: _Table) -> Callable[[Columns], np.ndarray] | str:
    split = top.table("split", "leave_out", "split", *_NUMBERS)
    if split is None:
        return _in("split", ["test"])
    if len(split.contents) != 1:
        raise UserError(
            f"{split.place} {len(split.contents)} keys, expected one of leave_out, split, subject, camera, setup"
        )
    (key,) = split.contents
    if key == "leave_out":
        column: str = split.take(key, str, f"one of {', '.join(_NUMBERS)}", lambda name: name in _NUMBERS)
        return column
    kind, what = (str, "names of parts") if key == "split" else (int, "whole numbers")
    return _in(key, split.take(key, list, f"a list of {what}", lambda values: _all_of(values, kind)))


def _all_of(values: list, kind: type) -> bool:
    return len(values) > 0 and all(isinstance(value, kind) and not isinstance(value, bool) for value in values)


def _in(column: str, values: list) -> Callable[[Columns], np.ndarray]:
    """The protocol that tests on the recordings with one of these values."""
    return lambda columns: np.isin(columns[column], values)
