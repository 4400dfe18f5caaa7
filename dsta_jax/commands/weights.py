"""`dsta import` and `dsta export`."""

import argparse
from collections.abc import Sequence

from dsta_jax.commands.command import Command, config_of, fold_of


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="one for each stream, in order, or STREAM=FILE")
    parser.add_argument("--config", default="demo", metavar="NAME", help="what the networks were trained with")
    parser.add_argument("--out", required=True, metavar="RUN", help="the run's directory, which is made")


def _import(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import logs
    from dsta_jax.weights import importing

    options, fields = parser.parse_known_args(words)
    config = config_of(options.config, fields, parser.prog)
    logs.speak_plainly()
    importing.run(options.files, config, options.out)
    return 0


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's directory")
    parser.add_argument("--out", required=True, metavar="PATH", help="NAME.pt, or a directory, which is made")
    parser.add_argument("--fold", metavar="VALUE", help="whose networks, where each subject was left out once")


def _export(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    from dsta_jax import logs
    from dsta_jax.weights import exporting

    options = parser.parse_args(words)
    logs.speak_plainly()
    exporting.run(options.run, options.out, fold_of(options.fold))
    return 0


IMPORT = Command(
    "a run of the authors' PyTorch weights",
    "FILE ... --config=NAME --out=RUN [--config.FIELD=...]",
    """
Makes a run of PyTorch files of the authors' network. It evaluates, answers and
can be fine-tuned like any other. docs/weights.md says what such files may hold.
""",
    """
  dsta import joint.pt bone.pt --config=shrec14:spatial_temporal,spatial \\
      --out=runs/theirs
  dsta import spatial=bone.pt --config=ntu60_cs --out=runs/theirs
""",
    _add_import,
    _import,
)


EXPORT = Command(
    "a run's weights as PyTorch files, or for the Hugging Face hub",
    "RUN --out=PATH [--fold=VALUE]",
    """
Writes a run's networks under the authors' names as PyTorch files, or as a
directory with model.safetensors, config.json and a model card.
""",
    """
  dsta export runs/mine --out=mine.pt
  dsta export runs/mine --out=mine_for_the_hub
""",
    _add_export,
    _export,
)
