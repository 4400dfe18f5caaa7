"""What the folds of a benchmark come to, in which each subject is left out of training once: mean and deviation."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dsta_jax import evaluate, scores
from dsta_jax.members import Members
from dsta_jax.scores import Scores


def summarize(
    members: Members, values: Sequence[Any], directories: Sequence[pathlib.Path], workdir: pathlib.Path
) -> dict[str, Any]:
    """Brings the folds' results together, in `results.json` and `scores/test/*.npz` of the working directory.

    Each recording is tested in one fold, so the folds' scores together are scores of the whole data set.

    Args:
      members: what was trained.
      values: that are left out, of the folds that were evaluated.
      directories: where the results of each fold are.
      workdir: of all of them.
    """
    results = [evaluate.read_results(directory) for directory in directories]
    networks = list(results[0]["accuracy"])
    top1 = {name: np.array([result["accuracy"][name]["top1"] for result in results]) for name in networks}
    for stream in members.streams:
        parts = [scores.load(directory / "scores" / "test" / f"{stream}.npz") for directory in directories]
        scores.save(_together(stream, parts), workdir / "scores" / "test" / f"{stream}.npz")
    summary = {
        "benchmark": results[0]["benchmark"],
        "left_out": members.benchmark.left_out,
        "samples": sum(result["samples"] for result in results),
        "trained": min(result["trained"] for result in results),
        "steps": results[0].get("steps", 0),
        "checkpoint": results[0]["checkpoint"],
        "mean": {name: float(values.mean()) for name, values in top1.items()},
        "deviation": {name: _deviation(values) for name, values in top1.items()},
        "folds": {
            str(value): {name: float(values[number]) for name, values in top1.items()}
            for number, value in enumerate(values)
        },
    }
    evaluate.write_results(summary, workdir)
    return summary


def _together(name: str, parts: Sequence[Scores]) -> Scores:
    return Scores(
        name,
        np.concatenate([part.sample_S for part in parts]),
        np.concatenate([part.label_S for part in parts]),
        np.concatenate([part.score_SxK for part in parts]),
        parts[0].class_names,
    )


def _deviation(values: np.ndarray) -> float:
    """Standard deviation over the folds, of the sample (n - 1); 0 for one fold."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def report(summary: dict[str, Any]) -> str:
    """The summary in words and a table: a row a fold, then mean and deviation."""
    networks = list(summary["mean"])
    rows = dict(summary["folds"])
    if len(rows) > 1:
        rows |= {"mean": summary["mean"], "deviation": summary["deviation"]}
    titles = {name: name.removesuffix("_temporal") + ("_t." if name.endswith("_temporal") else "") for name in networks}
    widths = {name: max(8, len(titles[name])) for name in networks}
    first = max(len(summary["left_out"]), len("deviation"))
    lines = [
        f"{summary['benchmark']}: top-1 accuracy in % on the {summary['left_out']} that was left out of training,",
        f"{len(summary['folds'])} of them, {summary['samples']} recordings, {summary['checkpoint']} checkpoint",
        "",
        f"{summary['left_out']:{first}}  " + " ".join(f"{titles[name]:>{widths[name]}}" for name in networks),
    ]
    for row, accuracy in rows.items():
        if row == "mean":
            lines.append("")
        numbers = " ".join(f"{100 * accuracy[name]:{widths[name]}.2f}" for name in networks)
        lines.append(f"{row:{first}}  {numbers}")
    if summary["trained"] < summary["steps"]:
        lines += ["", f"Training is at step {summary['trained']} of {summary['steps']}: train again to go on."]
    return "\n".join(lines)
