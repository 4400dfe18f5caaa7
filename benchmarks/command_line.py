"""The arguments of the programs; those that several of them have are described once."""

import argparse
import pathlib
from typing import Any

from benchmarks.shapes import NETWORKS, SHAPES

# PyTorch's ways of running, as `torch_sides.py` describes them.
VARIANTS = ("eager", "bf16", "compile", "graphs")

_DESCRIBED: dict[str, dict[str, Any]] = {
    "shape": {"choices": tuple(SHAPES), "help": "the benchmark whose shape is taken"},
    "network": {"choices": NETWORKS, "help": "full: the paper's; small: for a CPU, with T 32"},
    "batch": {"help": "samples in a member's step"},
    "members": {"help": "networks in one program"},
    "frames": {"help": "T; 0 is the network's own"},
    "single": {"help": "part of the recordings that show one person; at 0 every body has its row"},
    "options": {"help": "fields of the configuration, such as 'model.temporal=conv'"},
    "both": {"help": "fields of the configuration for ours and PyTorch's, such as 'model.temporal=conv'"},
    "repeats": {"help": "turns of each side"},
    "seconds": {"help": "least length of a turn"},
}


def parser(description: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """A program's parser, with the arguments that all programs have.

    Args:
      description: of the program.
      defaults: the other arguments of `_DESCRIBED` that the program has, with their default values, which tell their
        types: a tuple is numbers with commas between them; None is an argument that can be given several times.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    made.add_argument("--json", type=pathlib.Path, help="append the result to this file, one line of JSON")
    for name, default in {**defaults, "repeats": 5, "seconds": 0.3}.items():
        described = dict(_DESCRIBED[name])
        if default is None:
            described |= {"action": "append", "help": f"{described['help']}; each time it is given makes one side"}
        else:
            described |= {
                "type": numbers if isinstance(default, tuple) else type(default),
                "help": f"{described['help']} (default {default!r})",
            }
        made.add_argument(f"--{name}", default=default, **described)
    return made


def add_torch(made: argparse.ArgumentParser) -> None:
    """Adds the choice of PyTorch's sides."""
    made.add_argument(
        "--torch",
        type=variants,
        help="PyTorch's sides, some of eager (float32; TF32 on a GPU), bf16 (autocast), compile (and bf16), graphs "
        "(compile with CUDA graphs), or none (default: eager on a CPU, all on a GPU)",
    )


def numbers(text: str) -> tuple[int, ...]:
    """Numbers with commas between them."""
    return tuple(int(word) for word in text.split(","))


def variants(text: str) -> tuple[str, ...]:
    """PyTorch's variants with commas between them; `none` is no side."""
    words = tuple(word for word in text.split(",") if word and word != "none")
    for word in words:
        if word not in VARIANTS:
            raise argparse.ArgumentTypeError(f"{word!r}: expected some of {', '.join(VARIANTS)}, or none")
    return words
