r"""Synthetic recordings as raw files of public data sets, to try everything without a download.

    python -m data_prep.synthetic --out_dir=data/raw/synthetic_hands
    python -m data_prep.synthetic --out_dir=data/raw/synthetic_dhg --layout=dhg
    python -m data_prep.synthetic --out_dir=data/raw/synthetic_ntu --layout=ntu

`shrec`: hands in the layout of SHREC'17. Twelve invented people make its 14 gestures with one finger and with the
whole hand, three times each: 1,008 recordings, 672 to train and 336, of other people, to test.
`dhg`: such hands in the layout of DHG-14/28, each gesture between longer rests. 20 people, five times each: 2,800.
`ntu`: bodies in the files of NTU RGB+D. Eight people, some with a partner, do 20 of its actions twice in each of two
setups before three cameras: 1,920 recordings.

A recording is `gesture_G/finger_F/subject_S/essai_E/skeletons_world.txt` in SHREC'17 and `.../skeleton_world.txt` in
DHG, with a line a frame of x y z of 22 joints in metres. SHREC'17's lists `train_gestures.txt` and `test_gestures.txt`
have a line a recording: gesture, finger (1: one, 2: whole hand), subject, essai, label of 14, label of 28, frames;
everything counts from 1. DHG's list `informations_troncage_sequences.txt` has gesture, finger, subject, essai, and the
gesture's first and last frame, from 0. NTU RGB+D's are `SsssCcccPpppRrrrAaaa.skeleton`, see
`dsta_jax/datasets/ntu.py`.

The written files depend on the flags alone: the same seed gives the same bytes. A run that was stopped or killed goes
on with the same command.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import app, flags

from data_prep import pool
from data_prep.synthetic import DEFAULTS, SETS, write
from dsta_jax.errors import UserError, one_line_errors

_SETTINGS_FLAGS = ("seed", "subjects", "essais", "setups")


def _define_flags() -> None:
    flags.DEFINE_string("out_dir", None, "Directory of the raw set; absent, empty, or with a synthetic set in it.")
    flags.DEFINE_enum("layout", "shrec", list(SETS), "Whose files: SHREC'17's, DHG-14/28's or NTU RGB+D's.")
    flags.DEFINE_integer("seed", 0, "Another seed makes other people and other recordings.", lower_bound=0)
    for name, what in (
        ("subjects", "How many people; the last third of them is for testing in SHREC'17's lists"),
        ("essais", "How often each person makes each gesture"),
        ("setups", "How many places of the cameras"),
    ):
        defaults = [f"{getattr(default, name)} ({of})" for of, default in DEFAULTS.items() if hasattr(default, name)]
        flags.DEFINE_integer(name, None, f"{what}; {', '.join(defaults)} by default.", lower_bound=1)
    flags.DEFINE_integer("workers", pool.processors(), "Processes that write.", lower_bound=1)
    flags.DEFINE_bool("overwrite", False, "Replace the synthetic set that lies in --out_dir.")


def _settings(layout: str) -> Any:
    """The layout's settings, changed as flags say."""
    default = DEFAULTS[layout]
    given = {name: flags.FLAGS[name].value for name in _SETTINGS_FLAGS if flags.FLAGS[name].value is not None}
    known = [field.name for field in dataclasses.fields(default)]
    for name in given:
        if name not in known:
            usable = ", ".join(f"--{known_name}" for known_name in _SETTINGS_FLAGS if known_name in known)
            raise UserError(f"--{name} is not of --layout={layout}, which has {usable}")
    return dataclasses.replace(default, **given)


@one_line_errors
def main(argv: Sequence[str]) -> None:
    """Writes the set that the flags ask for."""
    if len(argv) > 1:
        raise UserError(f"expected flags only, got {argv[1]!r}")
    values = flags.FLAGS
    if not values.out_dir:
        raise UserError("--out_dir is missing: directory of the raw set, such as data/raw/synthetic_hands")
    settings, out_dir = _settings(values.layout), pathlib.Path(values.out_dir)
    recordings = len(SETS[values.layout](settings).takes)
    if write(out_dir, settings, values.layout, overwrite=values.overwrite, workers=values.workers):
        print(f"{out_dir}: wrote {recordings} recordings of {settings.subjects} people")
    else:
        print(f"{out_dir}: holds this set already, nothing to do")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
