"""Packages that only some of the users need."""

import importlib
from typing import Any

from dsta_jax.errors import UserError


def load(name: str) -> Any:
    """Imports a module of a package that an extra of the same name installs: `torch`, `safetensors.numpy`.

    Raises:
      UserError: when the package is not installed.
    """
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(f"the package {package} is needed ({error}): pip install 'dsta_jax[{package}]'") from error
