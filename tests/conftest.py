"""What all tests share: strict JAX, a compilation cache, and the data that lies beside the checkout."""

import os
import pathlib
import signal

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Not the user's, in commands that tests start either.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(pathlib.Path(__file__).resolve().parent.parent / ".pytest_cache" / "jax")

from collections.abc import Callable, Iterator

import jax
import ml_collections
import numpy as np
import pytest

from data_prep import conversion, convert
from data_prep.synthetic import hands as synthetic_hands
from data_prep.synthetic import raw_set
from dsta_jax import get_config, parallel, report

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
GOLDEN = ROOT / "tests" / "golden"
GOLDEN_HERE = ("dsta_body_temporal_conv", "dsta_hand_stgr", "hand_preprocessing")

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them the commands that they try.
signal.signal(signal.SIGINT, signal.default_int_handler)

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """The directory of real recordings and more golden vectors; tests that need it are skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the recordings and golden vectors in {SHARED}, which is not there")
    return SHARED


@pytest.fixture(scope="session")
def load_golden(request: pytest.FixtureRequest) -> Callable[[str], np.lib.npyio.NpzFile]:
    """Loads golden vectors by name: three files lie in `tests/golden`, a test of any other needs `shared`."""

    def load(name: str) -> np.lib.npyio.NpzFile:
        directory = GOLDEN if name in GOLDEN_HERE else request.getfixturevalue("shared") / "golden"
        return np.load(directory / f"{name}.npz")

    return load


@pytest.fixture(scope="session")
def hands(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory of converted sets with a few synthetic hands: 28 recordings for training, 28 for testing."""
    directory = tmp_path_factory.mktemp("hands")
    raw_set.write(synthetic_hands.shrec_set(subjects=2, essais=1), directory / "raw")
    convert.run("shrec17", directory / "raw", conversion.Options(directory / "data"), name="synthetic_hands")
    return directory / "data"


@pytest.fixture
def config(hands: pathlib.Path) -> ml_collections.ConfigDict:
    """A training of two streams that takes seconds: 14 steps, 3.5 an epoch."""
    config = get_config("demo:spatial_temporal,fast_temporal")
    config.data.dir = str(hands)
    config.data.sampled_frames, config.data.frames = 10, 8
    config.model.update({"input_channels": 4, "channels": (4, 8), "embedding": (2, 2), "strides": (2, 1), "heads": 2})
    config.train.update({"epochs": 4.0, "batch_size": 8, "decay_at": (0.5, 0.75)})
    config.evaluate.update({"batch_size": 8, "every_epochs": 1.0})
    config.checkpoint.every_epochs = 2.0
    config.log.every_steps = 2
    return config


@pytest.fixture
def strict_transfers() -> Iterator[None]:
    """No array may move between host and devices unless the code says so."""
    jax.config.update("jax_transfer_guard", "disallow")
    yield
    jax.config.update("jax_transfer_guard", "allow")


@pytest.fixture(autouse=True)
def use_reports(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function that lets evaluations write reports, which take a second or two; none does until it is called."""
    write = report.write_after_evaluation
    monkeypatch.setattr(report, "write_after_evaluation", lambda *_, **__: None)
    return lambda: monkeypatch.setattr(report, "write_after_evaluation", write)


@pytest.fixture(autouse=True)
def use_devices(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that says how many of the eight virtual devices are there; one, until it is called."""
    eight = jax.devices()

    def use(count: int) -> None:
        monkeypatch.setattr(parallel, "devices", lambda: eight[:count])

    use(1)
    return use
