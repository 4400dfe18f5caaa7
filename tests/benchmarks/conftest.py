"""What the tests of benchmarks share."""

import jax
import pytest

from tests.compiling import OPTIONS


@pytest.fixture(autouse=True)
def compile_fast(monkeypatch):
    """Slow programs, soon compiled."""
    compile_as_asked = jax.stages.Lowered.compile
    monkeypatch.setattr(jax.stages.Lowered, "compile", lambda lowered: compile_as_asked(lowered, OPTIONS))
