"""A directory of synthetic recordings, written whole or not at all.

A set is written to `OUT_DIR.incomplete` by a pool of processes and takes the name `OUT_DIR` when it is complete. Each
file appears at once, so that an interrupted or killed run of the same settings goes on where it stopped.
"""

import dataclasses
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from tqdm import tqdm

from data_prep import pool
from data_prep.lock import sole_writer
from dsta_jax.errors import UserError

SETTINGS_FILE = "synthetic.json"

# What OUT_DIR.incomplete holds beside the settings: the set, and the older one in whose place it comes.
_NEW, _REPLACED = "set", "replaced"
_TEMPORARY = ".tmp"
# Few enough that Ctrl-C need not wait, and enough that handing them out costs nothing.
_TAKES_A_CALL = 24


@dataclasses.dataclass(frozen=True)
class RawSet:
    """What is to be written.

    Attributes:
      settings: all that the files depend on.
      takes: what is recorded, by its file relative to the set's directory.
      contents: makes one take's file, in another process: a module's function, or a partial of one.
      lists: the files that tell of all takes: by name, what makes their text.
    """

    settings: Mapping[str, int | str]
    takes: Mapping[str, Any]
    contents: Callable[[Any], bytes]
    lists: Mapping[str, Callable[[], str]]


def write(raw_set: RawSet, out_dir: pathlib.Path, *, overwrite: bool = False, workers: int = 1) -> bool:
    """Writes a set, or the rest of it.

    Args:
      raw_set: what to write.
      out_dir: the set's directory; it may be absent, empty, or hold a synthetic set.
      overwrite: replaces a set that lies there.
      workers: processes that write.

    Returns:
      False when the very set lies there already.

    Raises:
      UserError: when `out_dir` or the directory beside it holds something else, or cannot be written.
    """
    out_dir = out_dir.resolve()
    incomplete = out_dir.parent / f"{out_dir.name}.incomplete"
    try:
        if not overwrite and _is_there(out_dir, raw_set):
            if _read_settings(incomplete / SETTINGS_FILE) == raw_set.settings:
                shutil.rmtree(incomplete)  # The run that wrote the set was killed when nothing was left to do.
            return False
        _refuse_others(out_dir)
        with sole_writer(incomplete):
            _keep_only(incomplete, raw_set)
            _fill(incomplete / _NEW, raw_set, workers)
            _put_in_place(incomplete, out_dir)
    except OSError as error:
        raise UserError(
            f"{out_dir}: the set cannot be written there ({error.strerror}); give another --out_dir"
        ) from error
    return True


# What lies there already.


def _is_empty(directory: pathlib.Path) -> bool:
    return not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))


def _read_settings(path: pathlib.Path) -> Any:
    """The settings of a set that lies there; None when there is no readable file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _refuse_others(out_dir: pathlib.Path) -> None:
    """Raises UserError when something lies in `out_dir` that is not a synthetic set."""
    if not _is_empty(out_dir) and not (out_dir / SETTINGS_FILE).is_file():
        raise UserError(f"{out_dir}: holds something other than synthetic recordings; give another --out_dir")


def _is_there(out_dir: pathlib.Path, raw_set: RawSet) -> bool:
    """Whether the very set lies in `out_dir`; raises UserError when something else does."""
    if _is_empty(out_dir):
        return False
    _refuse_others(out_dir)
    settings_path = out_dir / SETTINGS_FILE
    found = _read_settings(settings_path)
    if not isinstance(found, dict):
        raise UserError(f"{settings_path}: not a synthetic set's settings; give --overwrite to write the set anew")
    if found != raw_set.settings:
        raise UserError(
            f"{settings_path}: found a set of {found}, expected {dict(raw_set.settings)}; give --overwrite or another "
            "--out_dir"
        )
    missing = [name for name in (*raw_set.lists, *raw_set.takes) if not (out_dir / name).is_file()]
    if missing:
        raise UserError(
            f"{out_dir}: {len(missing)} files are missing, first {missing[0]}; give --overwrite to write all anew"
        )
    return True


def _keep_only(incomplete: pathlib.Path, raw_set: RawSet) -> None:
    """Empties the directory unless it holds a part of this very set."""
    for path in incomplete.rglob(f"*{_TEMPORARY}"):
        path.unlink(missing_ok=True)
    own = {SETTINGS_FILE, _NEW, _REPLACED}
    others = sorted(path.name for path in incomplete.iterdir() if path.name not in own)
    if others:
        raise UserError(f"{incomplete}: holds {others[0]}, which is no part of a synthetic set; move it elsewhere")
    new = incomplete / _NEW
    if _read_settings(incomplete / SETTINGS_FILE) != raw_set.settings:
        if new.exists():
            shutil.rmtree(new)
        _write_at_once(incomplete / SETTINGS_FILE, _settings_text(raw_set))
    new.mkdir(exist_ok=True)


# What is written.


def _settings_text(raw_set: RawSet) -> bytes:
    return f"{json.dumps(dict(raw_set.settings), indent=2)}\n".encode()


def _write_at_once(path: pathlib.Path, contents: bytes) -> None:
    """Writes a file that is there completely or not at all."""
    # A worker of a killed run may live a moment longer than its parent.
    temporary = path.with_name(f"{path.name}.{os.getpid()}{_TEMPORARY}")
    temporary.write_bytes(contents)
    temporary.replace(path)


def _write_takes(directory: pathlib.Path, takes: Mapping[str, Any], contents: Callable[[Any], bytes]) -> None:
    """Writes some takes, in a worker process."""
    for name, take in takes.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_at_once(path, contents(take))


def _fill(directory: pathlib.Path, raw_set: RawSet, workers: int) -> None:
    """Writes all files that are not there yet, with a progress bar on a terminal."""
    left = {name: take for name, take in raw_set.takes.items() if not (directory / name).exists()}
    names = list(left)
    parts = [names[start : start + _TAKES_A_CALL] for start in range(0, len(names), _TAKES_A_CALL)]
    calls = [(directory, {name: left[name] for name in part}, raw_set.contents) for part in parts]
    done = len(raw_set.takes) - len(left)
    with tqdm(total=len(raw_set.takes), initial=done, unit=" recordings", disable=None) as progress:
        for call, _ in pool.run(_write_takes, calls, workers):
            progress.update(len(parts[call]))
    for name, text in raw_set.lists.items():
        _write_at_once(directory / name, text().encode())
    _write_at_once(directory / SETTINGS_FILE, _settings_text(raw_set))


def _put_in_place(incomplete: pathlib.Path, out_dir: pathlib.Path) -> None:
    """Gives the finished set its name; wherever this is killed, the next run finds what it needs."""
    replaced = incomplete / _REPLACED
    if out_dir.exists():
        if replaced.exists():
            shutil.rmtree(replaced)
        out_dir.rename(replaced)
    (incomplete / _NEW).rename(out_dir)
    shutil.rmtree(incomplete)
