"""Fuses the scores of several networks into one answer, matched by sample name.

    python -m dsta_jax.fusion RUN RUN ... [--weights=1,1,0.5]

A RUN is a working directory, of which all streams are taken, or a single score file
(WORKDIR/scores/test/STREAM.npz). The fused score of a sample is the weighted mean of its scores (Sec. 3.6).
"""

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from dsta_jax import scores as score_files
from dsta_jax.errors import UserError, one_line_errors
from dsta_jax.files import writable
from dsta_jax.scores import Scores
from dsta_jax.storage import place


def fuse(parts: Sequence[Scores], weights: Sequence[float] | None = None) -> Scores:
    """The weighted mean of scores of the same samples, in the order of the first part; without weights, of equal ones.

    Raises:
      UserError: when the parts differ in samples, labels or classes, or the weights are no weights.
    """
    weight_P = _normalized(weights, len(parts))
    first = parts[0]
    fused_SxK = np.zeros(first.score_SxK.shape, np.float64)
    for part, weight in zip(parts, weight_P, strict=True):
        strange_S = ~np.isfinite(part.score_SxK).all(axis=1)
        if strange_S.any():
            raise UserError(f"{part.name}: scores that are not finite, of {_some(part.sample_S[strange_S])}")
        fused_SxK += weight * part.score_SxK[_rows_like(first, part)]
    return Scores("fused", first.sample_S, first.label_S, fused_SxK, first.class_names)


def _normalized(weights: Sequence[float] | None, parts: int) -> np.ndarray:
    if not parts:
        raise UserError("nothing to fuse: name at least one working directory or score file")
    if weights is None:
        return np.full(parts, 1 / parts)
    weight_P = np.asarray(weights, np.float64)
    if len(weight_P) != parts:
        raise UserError(f"--weights has {len(weight_P)} numbers for {parts} networks; give one for each")
    if not np.isfinite(weight_P).all() or (weight_P < 0).any() or not weight_P.any():
        raise UserError(f"--weights={','.join(map(str, weights))}: weights must be 0 or more, and one above 0")
    return weight_P / weight_P.sum()


def _rows_like(first: Scores, part: Scores) -> np.ndarray:
    """Where each sample of `first` stands in `part`."""
    if first.class_names != part.class_names:
        raise UserError(f"{first.name} and {part.name} have different classes: they are of different benchmarks")
    for scores in (first, part):
        names, count = np.unique(scores.sample_S, return_counts=True)
        if (count > 1).any():
            raise UserError(f"{scores.name} has sample {names[count > 1][0]} more than once")
    left = [(a.name, np.setdiff1d(a.sample_S, b.sample_S)) for a, b in ((first, part), (part, first))]
    if only := [f"only {name} has {_some(samples)}" for name, samples in left if len(samples)]:
        raise UserError(f"runs with different samples cannot be fused: {'; '.join(only)}")
    order = np.argsort(part.sample_S, kind="stable")
    rows = order[np.searchsorted(part.sample_S, first.sample_S, sorter=order)]
    differ = part.label_S[rows] != first.label_S
    if differ.any():
        raise UserError(f"{first.name} and {part.name} have different labels for {_some(first.sample_S[differ])}")
    return rows


def _some(names: np.ndarray) -> str:
    shown = ", ".join(names[:3].tolist())
    return f"{len(names)} samples, such as {shown}" if len(names) > 3 else shown


def _score_paths(run: str) -> list[pathlib.Path]:
    """The score files of a run: the file itself, or all of a working directory's test scores."""
    path = place(run)
    found = [path] if path.is_file() else sorted(path.glob("scores/test/*.npz"))
    if not found:
        raise UserError(f"{run} holds no scores/test/*.npz: evaluate it first, with --mode=evaluate --workdir={run}")
    return found


def _weights(text: str) -> list[float]:
    try:
        return [float(weight) for weight in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected numbers, such as 1,1,0.5") from None


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m dsta_jax.fusion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a working directory, or a score file")
    weights = "a number for each network, in the table's order; default: equal"
    parser.add_argument("--weights", type=_weights, help=weights)
    parser.add_argument("--out", type=place, help="write the fused scores to this .npz file")
    options = parser.parse_args(arguments)
    paths = [path for run in options.runs for path in _score_paths(run)]
    if twice := [str(path) for number, path in enumerate(paths) if path in paths[:number]]:
        raise UserError(f"{twice[0]} is given twice; to count it double, use --weights")
    parts = [dataclasses.replace(score_files.load(path), name=str(path)) for path in paths]
    fused = fuse(parts, options.weights)
    rows = {str(path): part.metrics() for path, part in zip(paths, parts, strict=True)}
    print(score_files.table({**rows, "fused": fused.metrics()}))
    print(f"\nFused, {fused.costliest_confusion()}.")
    if options.out:
        with writable(options.out):
            score_files.save(fused, options.out)


if __name__ == "__main__":
    main()
