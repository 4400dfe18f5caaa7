"""A run's working directory: which configuration, benchmark and data set it belongs to, in `config.json`."""

import contextlib
import functools
import json
import operator
import pathlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, NamedTuple

import ml_collections

import dsta_jax
from dsta_jax import config as config_lib
from dsta_jax import processes
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, regular, sole_writer

# Of config.json; raised when an older program could not make sense of it.
_FORMAT = 3

# Fields of a configuration that came after this format's first, and what earlier programs did.
_SINCE: dict[str, Any] = {"init_from": "", "train.loaded_rate": 1.0}
_MOST_BYTES = 64 << 20  # 100,000 classes have 10 MB.

# Fields that change nothing about what is trained: they may differ from one command to the next. What the benchmark's
# file and the data directory hold is compared itself.
_FREE = re.compile(r"config\.(folds|members_per_step|mesh|data\.dir|data\.frames_dir|benchmark)\b")

# How long the other processes wait until they see what the first one has written.
_SHARED_SECONDS = 60

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class Claimed(NamedTuple):
    """What `config.json` holds: the resolved configuration, the benchmark, and the data set's fingerprint.

    The fingerprint of a run whose weights came from elsewhere is empty: what it was trained with is not known.
    """

    config: ml_collections.ConfigDict
    benchmark: Benchmark
    fingerprint: str


@contextlib.contextmanager
def hold(directory: pathlib.Path) -> Iterator[None]:
    """Makes a working directory, and keeps other trainings out of it until this one ends: they get a UserError."""
    with contextlib.ExitStack() as stack:
        with _no_place(directory):
            stack.enter_context(sole_writer(directory))
        yield


def claim(directory: pathlib.Path, config: ml_collections.ConfigDict, data: DataSet, loaded: str | None = None) -> None:
    """Makes a working directory and writes `config.json`, or checks that it is of this very configuration and data.

    Which folds are trained, how many networks at once, and where the data lie may change: the file then says what was
    asked for last. `loaded` is the digest of the weights that training begins with; None where none are loaded now.

    Raises:
      UserError: when it belongs to other ones, and what differs; or when it cannot be written.
    """
    content = _content(config, data.benchmark, {"fingerprint": data.fingerprint, "recordings": len(data)})
    path = directory / "config.json"
    with _no_place(directory):
        if path.exists():
            before = read_content(directory)
            _check_same(path, before, content)
            _check_loaded(path, config.init_from, before.get("loaded"), loaded)
            loaded = loaded or before.get("loaded")
            if before["config"] == content["config"]:
                return
        elif directory.exists() and any(not one.name.endswith(".incomplete") for one in directory.iterdir()):
            raise UserError(f"{directory} is not empty and holds no config.json: choose another --workdir")
        _write(path, content | ({"loaded": loaded} if loaded else {}))


def claim_imported(
    directory: pathlib.Path, config: ml_collections.ConfigDict, benchmark: Benchmark, files: Mapping[str, str]
) -> None:
    """Writes the `config.json` of weights from elsewhere: from which file, by checksum, each stream's are."""
    with _no_place(directory):
        content = _content(config, benchmark, {"fingerprint": "", "recordings": 0})
        _write(directory / "config.json", content | {"imported": dict(files)})


def _content(config: ml_collections.ConfigDict, benchmark: Benchmark, data: dict[str, Any]) -> dict[str, Any]:
    content = {
        "format": _FORMAT,
        "config": config.to_dict(),
        "benchmark": benchmark.to_dict(),
        "data": data,
        "versions": _versions(),
    }
    return dict(json.loads(json.dumps(content)))  # Tuples become lists, as they are in what was written before.


def _write(path: pathlib.Path, content: Mapping[str, Any]) -> None:
    with complete_file(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")


def check_shared(directory: pathlib.Path) -> None:
    """Checks that all processes see the working directory that the first one has claimed.

    Raises:
      UserError: when one does not.
    """
    if processes.count() == 1:
        return
    path, seconds = directory / "config.json", 0
    while not path.exists() and seconds < _SHARED_SECONDS:  # A network file system may take its time.
        time.sleep(1)
        seconds += 1
    content = path.read_text(encoding="utf-8") if path.exists() else ""
    remedy = "it must be a directory that all of them share"
    processes.agree(f"--workdir={directory}, with its config.json,", content, remedy)


@contextlib.contextmanager
def _no_place(directory: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"{error.filename or directory}: {error.strerror}"
        raise UserError(f"--workdir={directory}: cannot be a working directory ({what})") from error


def read(directory: pathlib.Path) -> Claimed:
    """What a working directory belongs to.

    Raises:
      UserError: when there is no such file, or it is of another version of this program.
    """
    content = read_content(directory)
    benchmark = Benchmark.from_dict(content["benchmark"])
    known = BENCHMARKS.get(benchmark.name)  # It knows how its recordings are made, too.
    return Claimed(
        ml_collections.ConfigDict(_tuples(content["config"])),
        known if known and known.to_dict() == content["benchmark"] else benchmark,
        content["data"]["fingerprint"],
    )


def of_fold(directory: pathlib.Path, benchmark: Benchmark, value: Any) -> pathlib.Path:
    """The directory of one fold below the working directory: folds/subject_07, folds/subject_anna."""
    # A word may be a path; % is quoted so that no two are the same.
    word = f"{value:02d}" if isinstance(value, int) else str(value).replace("%", "%25").replace("/", "%2F")
    return directory / "folds" / f"{benchmark.left_out}_{word}"


def read_content(directory: pathlib.Path) -> dict[str, Any]:
    """The content of a config.json of this format, all of whose parts are there; UserError when it is another."""
    path = directory / "config.json"
    try:
        content = json.loads(regular(path, _MOST_BYTES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is not there: {path.parent} is not the working directory of a run") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} cannot be read as a configuration ({error}): it was damaged or edited; train again in another "
            f"--workdir"
        ) from error
    found = content.get("format", 1) if isinstance(content, dict) else None
    if found != _FORMAT:
        versions = content.get("versions") if isinstance(content, dict) else None
        by = versions.get("dsta_jax") if isinstance(versions, dict) else "another version"
        raise UserError(
            f"{path} is of format {found}, written by dsta_jax {by}, but this is {dsta_jax.__version__}, which reads "
            f"format {_FORMAT}: use that version, or train again in another --workdir"
        )
    try:
        _add_fields_since(content["config"])
        Benchmark.from_dict(content["benchmark"])
        config_lib.check_fields(ml_collections.ConfigDict(content["config"]))
        content["data"]["fingerprint"], content["data"]["recordings"]
    except (UserError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read as a configuration ({error!r}): it was damaged or edited; train again in another "
            f"--workdir"
        ) from error
    return dict(content)


def _add_fields_since(config: dict[str, Any]) -> None:
    for field, value in _SINCE.items():
        *groups, name = field.split(".")
        functools.reduce(operator.getitem, groups, config).setdefault(name, value)


def _check_same(path: pathlib.Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Compares configuration, benchmark and data set, field by field."""
    if "imported" in before or "exported" in before:
        raise UserError(
            f"{path} is of weights that were imported or exported, and nothing is trained there: choose another "
            f"--workdir, and begin with them by --config.init_from={path.parent}"
        )
    differ = [line for line in differences(before["config"], now["config"], "config.") if not _FREE.match(line)]
    differ += differences(before["benchmark"], now["benchmark"], "benchmark.")
    if before["data"]["fingerprint"] != now["data"]["fingerprint"]:
        counts = f"{before['data']['recordings']} recordings then, {now['data']['recordings']} now"
        differ.append(f"the data set holds other records ({counts})")
    if differ:
        raise UserError(
            f"{path} is of another configuration: {'; '.join(differ)}. Choose another --workdir, or give the same "
            f"configuration and data to go on"
        )


def _check_loaded(path: pathlib.Path, place: str, before: str | None, now: str | None) -> None:
    """Compares the weights that some networks began with, and that those not begun yet would begin with."""
    if now and before and now != before:
        raise UserError(
            f"{path}: config.init_from={place} holds other weights than when this run was begun: choose another "
            f"--workdir, or put those back that were there"
        )


def differences(before: Any, now: Any, name: str) -> list[str]:
    """Where two trees of JSON values differ, a line each."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted(before.keys() | now.keys())
            for line in differences(before.get(key, "absent"), now.get(key, "absent"), f"{name}{key}.")
        ]
    if before == now:
        return []
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now) > 3:
        number = next(number for number, (one, other) in enumerate(zip(before, now, strict=True)) if one != other)
        return differences(before[number], now[number], f"{name.removesuffix('.')}[{number}].")
    return [f"{name.removesuffix('.')} was {_shown(before)}, is {_shown(now)}"]


def _shown(value: Any) -> str:
    text = str(tuple(value) if isinstance(value, list) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _tuples(value: Any) -> Any:
    """JSON has lists where a configuration has tuples."""
    if isinstance(value, dict):
        return {key: _tuples(entry) for key, entry in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _versions() -> dict[str, str]:
    """The code's version, its commit where it is a checkout, and the packages that decide the numbers."""
    versions = {"dsta_jax": dsta_jax.__version__, **{name: metadata.version(name) for name in _PACKAGES}}
    git = ["git", "-C", str(pathlib.Path(__file__).resolve().parent), "describe", "--always", "--dirty", "--abbrev=40"]
    with contextlib.suppress(FileNotFoundError):
        if commit := subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip():
            versions["commit"] = commit
    return versions
