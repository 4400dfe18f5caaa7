"""What all tests share: strict JAX, a compilation cache, and the data that lies beside the checkout."""

import os
import pathlib

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", str(ROOT / ".pytest_cache" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """The directory of golden vectors and real recordings; a test that needs it is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the golden vectors and recordings in {SHARED}, which is not there")
    return SHARED
