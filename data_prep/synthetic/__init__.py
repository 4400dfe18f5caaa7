"""Synthetic recordings as raw files of public data sets, to try everything without a download."""

import pathlib
from collections.abc import Callable
from typing import Any

from data_prep.synthetic import bodies, hands, raw_set

# By layout: what is written unless flags say otherwise, and how settings become a set.
DEFAULTS: dict[str, Any] = {
    "shrec": hands.Settings(),
    "dhg": hands.Settings(subjects=20, essais=5),
    "ntu": bodies.Settings(),
}
SETS: dict[str, Callable[[Any], raw_set.RawSet]] = {
    "shrec": hands.shrec_set,
    "dhg": hands.dhg_set,
    "ntu": bodies.ntu_set,
}


def write(
    out_dir: pathlib.Path,
    settings: hands.Settings | bodies.Settings,
    layout: str = "shrec",
    *,
    overwrite: bool = False,
    workers: int = 1,
) -> bool:
    """Writes a whole set below `out_dir`.

    Args:
      out_dir: the data set's directory; it may be absent, empty, or hold a synthetic set.
      settings: what to write, of the layout's kind.
      layout: 'shrec', 'dhg' or 'ntu'.
      overwrite: replaces a set that lies there.
      workers: processes that write.

    Returns:
      False when the very set lies there already.

    Raises:
      UserError: when the settings are impossible, `out_dir` holds something else, or cannot be written.
    """
    return raw_set.write(SETS[layout](settings), out_dir, overwrite=overwrite, workers=workers)
