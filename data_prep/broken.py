"""Broken recordings: all are shown; unless they may be skipped, they are refused."""

import pathlib
import sys
from collections.abc import Sequence

from dsta_jax.errors import UserError

_SHOWN = 20  # One by one, on the terminal.


def report(reasons: Sequence[str], recordings: int, listed_in: pathlib.Path, skip: bool) -> None:
    """Shows why recordings are broken; raises UserError when there are some and they may not be skipped."""
    if not reasons:
        return
    more = [f"and {len(reasons) - _SHOWN} more"] if len(reasons) > _SHOWN else []
    print("\n  ".join([f"{len(reasons)} broken recordings:", *reasons[:_SHOWN], *more]), file=sys.stderr)
    if not skip:
        found = f"{len(reasons)} of {recordings} recordings are broken, listed in {listed_in}"
        raise UserError(f"{found}; repair them, or leave them out with --skip_broken")
