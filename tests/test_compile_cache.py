"""Where compiled programs are kept, and when not."""

import logging
import os
import pathlib

import jax
import pytest

from dsta_jax import compile_cache


@pytest.fixture(autouse=True)
def told_nothing(monkeypatch, tmp_path):
    """JAX was told no directory, and the user's home is an empty one."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.parametrize(
    ("xdg", "expected"), [(None, ".cache"), ("", ".cache"), ("relative", ".cache"), ("HOME/caches", "caches")]
)
def test_where(monkeypatch, tmp_path, xdg, expected):
    if xdg is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg.replace("HOME", str(tmp_path)))
    compile_cache.use()
    directory = tmp_path / expected / "dsta_jax" / "jax"
    assert jax.config.jax_compilation_cache_dir == str(directory) and directory.is_dir()


def test_what_jax_was_told_stays(tmp_path):
    jax.config.update("jax_compilation_cache_dir", "elsewhere")
    compile_cache.use()
    assert jax.config.jax_compilation_cache_dir == "elsewhere"
    jax.config.update("jax_compilation_cache_dir", None)
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        compile_cache.use()
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    assert jax.config.jax_compilation_cache_dir is None
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written(tmp_path, caplog):
    (tmp_path / ".cache").write_text("a file")
    with caplog.at_level(logging.INFO):
        compile_cache.use()
    assert jax.config.jax_compilation_cache_dir is None
    assert "compiled programs are not kept for the next start: " in caplog.text


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    for age, name in enumerate(("new", "old", "oldest")):
        path = tmp_path / f"{name}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (10**9 - age, 10**9 - age))
    (tmp_path / "other").write_bytes(bytes(100))
    compile_cache._forget_oldest(tmp_path, 200)
    assert {path.name for path in tmp_path.iterdir()} == {"new-cache", "old-cache", "other"}
    compile_cache._forget_oldest(tmp_path, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"other"}
    compile_cache._forget_oldest(pathlib.Path("/nowhere"), 0)
