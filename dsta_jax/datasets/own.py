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

    [normalize.fallback]                   # the same keys, for recordings in which the joints above are never seen
    center = "index_mcp"

    [split]                                # who tests; all others train. Or: leave_out = "subject"
    subject = [3, 7]                       # or camera, setup, as numbers or words; or split = ["test"], the parts that
                                           # the recordings name

    [files]                                # how files are written, where that is another way than the usual one:
    path = "{label}/*/{frame}.npy"         # `own_files`

Without [split], the part `test` tests.
"""

import pathlib
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from dsta_jax.datasets import own_files
from dsta_jax.datasets.benchmark import CHANNELS, Benchmark, Protocol, Source
from dsta_jax.datasets.benchmarks import BENCHMARKS, SOURCES
from dsta_jax.datasets.layouts import LAYOUTS, Layout, Point, Reference
from dsta_jax.datasets.own_files import Files
from dsta_jax.datasets.recording import MOST_CLASSES, ORIGINS
from dsta_jax.errors import UserError
from dsta_jax.files import readable, regular

_MOST_BODIES, _MOST_JOINTS = 100, 1_000
_MOST_BYTES, _MOST_DEPTH = 4 << 20, 5
# Strings and comments, up to the end of the line where they are not closed; a key of more parts than that.
_TEXTS = re.compile(r"""("(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?|\#[^\n]*+)""")
_DEEP_KEY = re.compile(rf"""(?<![\w-])(?:(?:""|[\w-]++)[ \t]*+\.[ \t]*+){{{_MOST_DEPTH}}}""", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NORMALIZE = ("center", "scale", "scale_by", "up", "side")


def find(name: str) -> Benchmark:
    """A benchmark by its name, or from a file whose name ends with .toml; UserError when there is none."""
    if name.lower().endswith(".toml"):
        return read(pathlib.Path(name))
    if name not in BENCHMARKS:
        raise UserError(f"benchmark {name!r}: expected one of {', '.join(BENCHMARKS)}, or a file NAME.toml of your own")
    return BENCHMARKS[name]


def read(path: pathlib.Path) -> Benchmark:
    """Reads a benchmark's file; UserError when a key is missing or unknown, or a value makes no sense."""
    keys = ("name", "classes", "layout", "bodies", "channels", "normalize", "split", "files")
    top = _Table(path, "", _contents(path), keys)
    name = top.take("name", str, "lower-case letters, digits and _, a letter first", _NAME.fullmatch)
    layout = _layout(top, name)
    named = f"a list of two or more different names without blanks around them, at most {MOST_CLASSES}"
    counted = f"a whole number from 1 to {_MOST_BODIES}"
    channels = top.take("channels", str, f"one of {', '.join(CHANNELS)}", lambda word: word in CHANNELS, "xyz")
    source = Source(
        name=name,
        layout=layout,
        label_names=tuple(top.take("classes", list, named, _are_classes)),
        reference=_reference(top.table("normalize", *_NORMALIZE, "fallback"), layout, channels),
        bodies=top.take("bodies", int, counted, lambda bodies: 0 < bodies <= _MOST_BODIES, 1),
        channels=channels,
        files=_files(top, channels),
        description=f"Recordings of {name}, described by a file of its owner's.",
        prepare=(f"python -m data_prep.convert --from=FORMAT --in=RECORDINGS --out={{data_dir}} --benchmark={path}",),
    )
    _check_name(top, source)
    return Benchmark.of_labels(name, source, _protocol(top))


def _check_name(top: "_Table", source: Source) -> None:
    """Raises UserError when the name is taken: by a data set that this is not another division of, or a benchmark."""
    published = SOURCES.get(source.name)
    if published and _described(published) == _described(source):
        return
    if published:
        remedy = "to divide that data set anew give its joints, classes, bodies, channels and normalisation"
        raise UserError(f"{top.place} name {source.name!r} is that of a built-in data set; choose another ({remedy})")
    if source.name in BENCHMARKS:
        raise UserError(f"{top.place} name {source.name!r} is that of a built-in benchmark; choose another")


def _described(source: Source) -> tuple[Any, ...]:
    """What a converted set depends on."""
    return source.layout.joints, source.frame_shape, source.channels, source.label_names, source.normalized_by


def _contents(path: pathlib.Path) -> dict[str, Any]:
    with readable(path, "TOML", "correct it"):
        if not path.is_file():
            found = "not a file" if path.exists() else "no such file"
            raise UserError(f"{path}: {found}; name yours by --config.benchmark=FILE.toml, or --benchmark")
        text = regular(path, _MOST_BYTES).read_text(encoding="utf-8-sig")
        keys = _TEXTS.sub('""', text)
        if deep := _DEEP_KEY.search(keys):  # Time and memory would grow with the square of the depth.
            line = keys.count("\n", 0, deep.start()) + 1
            raise UserError(f"{path}:{line}: a key of more than {_MOST_DEPTH} parts, expected at most three")
        return tomllib.loads(text)


class _Table:
    """A table of the file, whose keys are known; `place` is what errors call it."""

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
        return _Table(self.path, key, self.take(key, dict, "a table"), known)

    def take(
        self, key: str, kind: type, expected: str, fits: Callable[[Any], Any] = lambda _: True, default: Any = None
    ) -> Any:
        """The value of a key; `default` where it is not there, if there is one."""
        if key not in self.contents:
            if default is None:
                raise UserError(f"{self.place} the key {key} is missing, expected {expected}")
            return default
        value = self.contents[key]
        if not isinstance(value, kind) or isinstance(value, bool) or not fits(value):
            raise UserError(f"{self.place} {key} is {str(value)[:60]!r}, expected {expected}")
        return value


def _are_words(values: list) -> bool:
    return len(values) > 0 and all(isinstance(value, str) and value and value.isprintable() for value in values)


def _are_classes(names: list) -> bool:
    different = 1 < len(names) <= MOST_CLASSES and _are_words(names) and len(set(names)) == len(names)
    return different and all(name == name.strip() for name in names)  # In labels.csv, blanks around a cell are none.


def _are_origins(values: list) -> bool:
    numbers = [value for value in values if type(value) is int and 0 < value < 1 << 63]
    return _are_words(values) or 0 < len(numbers) == len(values)


def _layout(top: _Table, name: str) -> Layout:
    """The layout that the file names or describes."""
    if not isinstance(top.contents.get("layout"), dict):
        expected = f"one of {', '.join(LAYOUTS)}, or a table [layout.parents]"
        return LAYOUTS[top.take("layout", str, expected, lambda name: name in LAYOUTS)]
    described = _Table(top.path, "layout", top.contents["layout"], ("name", "parents"))
    parents = described.table("parents")
    if parents is None or not 0 < len(parents.contents) <= _MOST_JOINTS:
        found = 0 if parents is None else len(parents.contents)
        expected = f'JOINT = "PARENT" for each of 1 to {_MOST_JOINTS} joints'
        raise UserError(f"{described.place} {found} joints in the table parents, expected {expected}")
    joints = tuple(parents.contents)
    numbers = [joints.index(parents.take(joint, str, "the name of a joint", joints.__contains__)) for joint in joints]
    try:
        return Layout(described.take("name", str, "a name", default=name), joints, tuple(numbers))
    except UserError as error:
        raise UserError(f"{described.place} {error}") from None


def _reference(table: _Table | None, layout: Layout, channels: str) -> Reference | None:
    """What a table [normalize] or [normalize.fallback] says."""
    if table is None:
        return None

    def point(key: str, value: Any) -> Point:
        names = tuple([value] if isinstance(value, str) else value if isinstance(value, list) else ())
        if not names or not all(name in layout.joints for name in names):
            expected = f"a joint of {layout.name}, or a list of them, for each point"
            raise UserError(f"{table.place} {key} is {str(table.contents[key])[:60]!r}, expected {expected}")
        return names

    def two_points(key: str) -> tuple[Point, Point] | None:
        if key not in table.contents:
            return None
        first, second = table.take(key, list, "two points", lambda points: len(points) == 2)
        points = point(key, first), point(key, second)
        if set(points[0]) == set(points[1]):
            raise UserError(f"{table.place} {key} is twice the same point, expected two")
        return points

    if "side" in table.contents and "up" not in table.contents:
        raise UserError(f"{table.place} side without up, expected up, too: a body is turned upright first")
    if "side" in table.contents and "z" not in channels:
        raise UserError(f"{table.place} side is for three coordinates, but channels are {channels}; remove it")
    pairs = {key: two_points(key) for key in ("scale", "up", "side")}
    if pairs["side"] and sorted(pairs["side"]) == sorted(pairs["up"] or ()):
        raise UserError(f"{table.place} side is the same direction as up, expected one across it")
    return Reference(
        center=point("center", table.contents["center"]) if "center" in table.contents else None,
        scale_by=table.take("scale_by", str, "first or median", lambda word: word in ("first", "median"), "first"),
        **pairs,
        fallback=_reference(table.table("fallback", *_NORMALIZE), layout, channels),
    )


def _files(top: _Table, channels: str) -> Files | None:
    """What the table [files] says."""
    table = top.table("files")
    if table is None:
        return None
    try:
        files = own_files.of_table(table.contents)
        files.taken(channels)
    except UserError as error:
        raise UserError(f"{table.place} {error}") from None
    return files


def _protocol(top: _Table) -> Protocol:
    split = top.table("split", "leave_out", "split", *ORIGINS)
    if split is None:
        return Protocol("split", test=("test",))
    if len(split.contents) != 1:
        expected = f"one of leave_out, split, {', '.join(ORIGINS)}"
        raise UserError(f"{split.place} {len(split.contents)} keys, expected {expected}")
    (key,) = split.contents
    if key == "leave_out":
        return Protocol(split.take(key, str, f"one of {', '.join(ORIGINS)}", lambda name: name in ORIGINS))
    if key == "split":
        return Protocol(key, test=tuple(split.take(key, list, "a list of names of parts", _are_words)))
    expected = "a list of whole numbers from 1, or a list of words"
    return Protocol(key, test=tuple(split.take(key, list, expected, _are_origins)))
