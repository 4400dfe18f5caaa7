"""A directory of synthetic recordings, written whole or not at all.

It is called `OUT_DIR.incomplete` until it is complete. What a run of the same settings that was stopped left is used.
"""

import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, sole_writer, writable

from .. import pool, shards

SETTINGS_FILE = "synthetic.json"


class RawSet(NamedTuple):
    """All that the files depend on; and for each file, by its path below the set's, what makes it (can be pickled)."""

    settings: dict[str, Any]
    files: dict[str, Callable[[], bytes]]


def generator(*key: int) -> np.random.Generator:
    """Draws that depend on the key alone, so that no recording depends on another."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def write(raw_set: RawSet, out_dir: pathlib.Path, *, overwrite: bool = False, workers: int = 1) -> bool:
    """Writes a set, or the rest of it, with so many processes.

    `out_dir` may be absent, empty, or hold a synthetic set: this very one, or with `overwrite` any, to be replaced.
    Returns False when the very set lies there already. UserError when `out_dir` or the directory beside it holds
    something else, or cannot be written.
    """
    out_dir = out_dir.resolve()
    incomplete = out_dir.with_name(f"{out_dir.name}.incomplete")
    with writable(out_dir):
        found = _settings_in(out_dir)
        if found is not None and not overwrite:
            missing = [name for name in raw_set.files if not (out_dir / name).is_file()]
            if found != raw_set.settings:
                problem = f"{out_dir / SETTINGS_FILE}: found a set of {found}, expected {raw_set.settings}"
                raise UserError(f"{problem}; give --overwrite or another --out_dir")
            if missing:
                raise UserError(f"{out_dir}: {len(missing)} files are missing, first {missing[0]}; give --overwrite")
            return False
        with sole_writer(incomplete):
            if _settings_in(incomplete) != raw_set.settings:
                _empty(incomplete)
                (incomplete / SETTINGS_FILE).write_text(f"{json.dumps(raw_set.settings, indent=2)}\n")
            _fill(raw_set, incomplete, workers)
            if out_dir.exists():
                _empty(out_dir)
            incomplete.rename(out_dir)
    return True


def _settings_in(directory: pathlib.Path) -> Any:
    """The settings of the set in a directory; None when it is absent or empty, a text when they cannot be read."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return None
    path = directory / SETTINGS_FILE
    if not path.is_file():
        raise UserError(f"{directory}: holds something other than synthetic recordings; give another --out_dir")
    return shards.read_json(path) or "unreadable settings"


def _empty(directory: pathlib.Path) -> None:
    """Removes what a set's directory holds, the settings last, so that what is left can still be recognised."""
    for path in sorted(directory.iterdir(), key=lambda path: path.name == SETTINGS_FILE):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _fill(raw_set: RawSet, directory: pathlib.Path, workers: int) -> None:
    """Writes all files that are not there yet, with a progress bar on a terminal."""
    left = [(directory / name, make) for name, make in raw_set.files.items() if not (directory / name).exists()]
    total = len(raw_set.files)
    with tqdm(total=total, initial=total - len(left), unit=" files", disable=None) as progress:
        for _ in pool.run(_write_file, left, workers):
            progress.update()


def _write_file(path: pathlib.Path, make: Callable[[], bytes]) -> None:
    with complete_file(path) as file:
        file.write(make())
