"""The wheel installs one package, which works without the checkout; and an editable install works with it."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

import dsta_jax

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACES = {"dsta_jax": "dsta_jax", "configs": "dsta_jax/configs", "data_prep": "dsta_jax/data_prep"}
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)


def succeed(*command, **options) -> str:
    finished = run(*command, **options)
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> pathlib.Path:
    """A copy of what is packed, as building leaves directories behind."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in PLACES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory) -> pathlib.Path:
    directory = tmp_path_factory.mktemp("wheel")
    succeed(*PIP, "wheel", *OFFLINE, "-w", directory, checkout)
    (path,) = directory.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> dict[str, str]:
    """The environment of a program that finds the wheel's contents first."""
    directory = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(directory)
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(directory), os.environ.get("PYTHONPATH", "")))}


def test_wheel_holds_one_package_with_everything(wheel):
    assert wheel.name == f"dsta_jax-{dsta_jax.__version__}-py3-none-any.whl"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {
        f"{inside}/{path.relative_to(ROOT / name).as_posix()}"
        for name, inside in PLACES.items()
        for path in (ROOT / name).rglob("*.py")
    }
    of_report = {f"dsta_jax/report/{name}" for name in ("player.js", "matrix.js", "style.css")}
    assert names == modules | of_report | {"dsta_jax/py.typed"}


def test_every_module_of_the_wheel_finds_the_others(installed, tmp_path):
    program = (
        "import importlib, pkgutil, sys, dsta_jax\n"
        "for module in pkgutil.walk_packages(dsta_jax.__path__, 'dsta_jax.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "print(sorted({'configs', 'data_prep'} & set(sys.modules)), 'dsta_jax.data_prep.convert' in sys.modules)"
    )
    assert succeed(sys.executable, "-c", program, env=installed, cwd=tmp_path).strip() == "[] True"


def test_commands_run_from_the_wheel(installed, tmp_path):
    finished = run(
        *(sys.executable, "-m", "dsta_jax.main", "--config=shrec14:small", "--check"), env=installed, cwd=tmp_path
    )
    assert finished.returncode == 1
    assert "python -m dsta_jax.data_prep.convert --from=shrec17 --in=" in finished.stderr
    shown = succeed(sys.executable, "-m", "dsta_jax.data_prep.convert", "--help", env=installed, cwd=tmp_path)
    assert "--benchmark" in shown


def test_editable_install_works_from_everywhere(checkout, tmp_path):
    succeed(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    (packages,) = (tmp_path / "venv" / "lib").glob("*/site-packages")
    # The packages that the project needs, but not what .pth files there add, such as this checkout.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    succeed(*PIP, "--python", python, "install", *OFFLINE, "-e", checkout)
    program = (
        "import dsta_jax.data_prep.convert\n"
        "from dsta_jax import get_config\n"
        "from dsta_jax.datasets.benchmarks import BENCHMARKS\n"
        "print(BENCHMARKS[get_config('shrec14').benchmark].source.commands('data')[0].split()[2])"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert succeed(python, "-c", program, cwd=elsewhere).strip() == "dsta_jax.data_prep.convert"
    assert succeed(python, "-c", program, cwd=checkout).strip() == "data_prep.convert"
