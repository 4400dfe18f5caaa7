"""Compiled programs are kept on the disk, so that the same training starts sooner the next time."""

import logging
import os
import pathlib
from typing import Any

import jax

_LOGGER = logging.getLogger(__name__)

# The full network's step takes some megabytes. JAX's own limit (jax_compilation_cache_max_size) needs filelock.
_MOST_BYTES = 10**9

# Programs that take less are compiled anew; JAX's default of 1 s leaves out half of what a start waits for.
_LEAST_SECONDS = 0.2


def use() -> None:
    """Sets JAX's compilation cache, unless JAX was told one, or to keep none (JAX_ENABLE_COMPILATION_CACHE=false).

    It is `dsta_jax/jax` in $XDG_CACHE_HOME or ~/.cache. Where that cannot be written, a line says so.
    """
    config: Any = jax.config
    if config.jax_compilation_cache_dir is not None or not config.jax_enable_compilation_cache:
        return
    try:
        # By the XDG base directory specification, which wants a relative path ignored.
        named = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
        directory = (named if named.is_absolute() else pathlib.Path.home() / ".cache") / "dsta_jax" / "jax"
        directory.mkdir(parents=True, exist_ok=True)
        _forget_oldest(directory, _MOST_BYTES)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(f"{directory} cannot be written")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        _LOGGER.info("compiled programs are not kept for the next start: %s", error)
        return
    jax.config.update("jax_compilation_cache_dir", str(directory))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)


def _forget_oldest(directory: pathlib.Path, most_bytes: int) -> None:
    """Deletes the programs that were not used for longest, until the others take no more than `most_bytes`."""
    found = [(path.stat(), path) for path in directory.glob("*-cache")]
    excess = sum(stat.st_size for stat, _ in found) - most_bytes
    for stat, path in sorted(found, key=lambda each: max(each[0].st_atime, each[0].st_mtime)):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= stat.st_size
