"""Who imports whom: training needs no TensorFlow, and the library no converters."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "dsta_jax").rglob("*.py"))
]


def test_training_and_evaluation_need_neither_tensorflow_nor_the_converters():
    program = (
        "import importlib, sys\n"
        f"for module in {MODULES!r}: importlib.import_module(module)\n"
        "heavy = {'tensorflow', 'tensorflow_datasets', 'data_prep', 'scipy.io', 'matplotlib', 'gcsfs', 's3fs'}\n"
        "heavy |= {'torch', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert finished.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES)
def test_library_does_not_import_converters(module):
    path = ROOT / pathlib.Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & {"data_prep", "configs", "tests", "tensorflow", "tensorflow_datasets"}
