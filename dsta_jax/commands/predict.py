"""`dsta predict`."""

import argparse
from collections.abc import Sequence

from dsta_jax.commands.command import Command, fold_of


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory")
    parser.add_argument("paths", metavar="FILE_OR_DIR", nargs="+", help="recordings; labels are not needed")
    parser.add_argument("--top", type=int, default=1, metavar="N", help="so many of the most probable classes")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="a line of JSON for each recording")
    how.add_argument("--csv", action="store_true", help="a row of CSV for each recording, below a header")
    parser.add_argument("--gif", metavar="DIR", help="draws each recording with its answer, as DIR/NAME.gif")
    parser.add_argument("--window", type=int, metavar="FRAMES", help="long recordings: an answer for each window")
    parser.add_argument("--stride", type=int, metavar="FRAMES", help="from window to window; a quarter of the window")
    parser.add_argument("--fps", type=float, metavar="N", help="frames a second, to give times instead of frames")
    parser.add_argument("--fold", metavar="VALUE", help="whose networks answer, where each subject was left out once")
    parser.add_argument("--files", metavar="TOML", help="its table [files] says how the recordings are written")


def _predict(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import compile_cache, predict_files

    options = parser.parse_args(words)
    options.fold = fold_of(options.fold)
    compile_cache.use()
    return predict_files.run(options)


PREDICT = Command(
    "answers for recordings without labels",
    "RUN FILE_OR_DIR ... [--top=N] [--window=FRAMES] [...]",
    """
Answers for raw recordings, in every format that conversion reads. Prints a
table; broken recordings are listed behind it, and make the status 1.
""",
    """
  dsta predict runs/mine wave.npy more_recordings --top=3
  dsta predict runs/mine long.csv --window=60 --stride=15 --fps=30 --json
""",
    _add_predict,
    _predict,
)
