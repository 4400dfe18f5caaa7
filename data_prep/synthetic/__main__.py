r"""Synthetic recordings as raw files of public data sets, to try everything without a download.

    python -m data_prep.synthetic --out_dir=data/raw/synthetic_hands
    python -m data_prep.synthetic --out_dir=data/raw/synthetic_dhg --layout=dhg
    python -m data_prep.synthetic --out_dir=data/raw/synthetic_ntu --layout=ntu

`shrec`: hands in the layout of SHREC'17. Twelve invented people make its 14 gestures with one finger and with the
whole hand, three times each: 1,008 recordings, 672 to train and 336, of other people, to test.
`dhg`: such hands in the layout of DHG-14/28, each gesture between longer rests. 20 people, five times each: 2,800.
`ntu`: crude bodies in the files of NTU RGB+D. Eight people, some with a partner, do 20 actions twice in each of two
setups before three cameras: 1,920 recordings.

The written files depend on the flags alone: the same seed gives the same bytes. A run that was stopped or killed goes
on when the command is given again.
"""

import inspect
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import app, flags

from dsta_jax.errors import UserError, one_line_errors

from .. import pool
from . import hands, ntu, raw_set

_LAYOUTS: dict[str, Any] = {"shrec": hands.shrec_set, "dhg": hands.dhg_set, "ntu": ntu.ntu_set}
_SETTINGS = {
    "seed": "Another seed makes other people and other recordings",
    "subjects": "How many people; the last third of them is for testing in SHREC'17's lists",
    "essais": "How often each person makes each gesture (hands)",
    "setups": "How many places of the cameras (bodies)",
}


def _define_flags() -> None:
    flags.DEFINE_string("out_dir", None, "Directory of the raw set; absent, empty, or with a synthetic set in it.")
    flags.DEFINE_enum("layout", "shrec", list(_LAYOUTS), "Whose files: SHREC'17's, DHG-14/28's or NTU RGB+D's.")
    for name, what in _SETTINGS.items():
        flags.DEFINE_integer(name, None, f"{what}; default: as above.", lower_bound=0)
    flags.DEFINE_integer("workers", pool.processors(), "Processes that write.", lower_bound=1)
    flags.DEFINE_bool("overwrite", False, "Replace the synthetic set that lies in --out_dir.")


@one_line_errors
def main(argv: Sequence[str]) -> None:
    """Writes the set that the flags ask for."""
    if len(argv) > 1:
        raise UserError(f"expected flags only, got {argv[1]!r}")
    values = flags.FLAGS
    if not values.out_dir:
        raise UserError("--out_dir is missing: directory of the raw set, such as data/raw/synthetic_hands")
    make_set, out_dir = _LAYOUTS[values.layout], pathlib.Path(values.out_dir)
    settings = {name: values[name].value for name in _SETTINGS if values[name].value is not None}
    known = inspect.signature(make_set).parameters
    for name in settings.keys() - known.keys():
        usable = ", ".join(f"--{setting}" for setting in known)
        raise UserError(f"--{name} is not of --layout={values.layout}, which has {usable}")
    is_new = raw_set.write(make_set(**settings), out_dir, overwrite=values.overwrite, workers=values.workers)
    print(f"{out_dir}: {'written' if is_new else 'holds this set already, nothing to do'}")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
