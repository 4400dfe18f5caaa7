"""What the folds of a benchmark come to, in which each subject is left out of training once: mean and deviation."""

import functools
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from dsta_jax import evaluate, processes, scores
from dsta_jax.members import Members
from dsta_jax.scores import Scores


def summarize(
    members: Members, values: Sequence[Any], directories: Sequence[pathlib.Path], workdir: pathlib.Path
) -> dict[str, Any]:
    """Brings the folds' results together, in `results.json` and `scores/test/*.npz` of the working directory.

    `values` are left out of the folds that were evaluated, whose results are in `directories`. Each recording is tested
    in one fold, so the folds' scores together are scores of the whole data set.
    """
    results = [evaluate.read_results(directory) for directory in directories]
    top1 = {name: np.array([result["accuracy"][name]["top1"] for result in results]) for name in results[0]["accuracy"]}
    for stream in members.streams:
        parts = [scores.load(directory / "scores" / "test" / f"{stream}.npz") for directory in directories]
        together = Scores(
            stream,
            np.concatenate([part.sample_S for part in parts]),
            np.concatenate([part.label_S for part in parts]),
            np.concatenate([part.score_SxK for part in parts]),
            parts[0].class_names,
        )
        path = workdir / "scores" / "test" / f"{stream}.npz"
        processes.on_first(functools.partial(scores.save, together, path))
    summary = {
        "benchmark": results[0]["benchmark"],
        "left_out": members.benchmark.left_out,
        "samples": sum(result["samples"] for result in results),
        "trained": min(result["trained"] for result in results),
        "steps": results[0].get("steps", 0),
        "checkpoint": results[0]["checkpoint"],
        "mean": {name: float(top1_F.mean()) for name, top1_F in top1.items()},
        # Of the sample (n - 1); 0 for one fold.
        "deviation": {name: float(top1_F.std(ddof=min(1, len(results) - 1))) for name, top1_F in top1.items()},
        "folds": {
            str(value): {name: float(top1_F[number]) for name, top1_F in top1.items()}
            for number, value in enumerate(values)
        },
    }
    evaluate.write_results(summary, workdir)
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary in words and a table: a row a fold, then mean and deviation."""
    folds, left_out = summary["folds"], summary["left_out"]
    titles = {name: re.sub("_temporal$", "_t.", name) for name in summary["mean"]}
    first = max(len(left_out), len("deviation"))

    def row(name: str, cells: dict[str, str]) -> str:
        return f"{name:{first}}  " + " ".join(f"{cells[key]:>{max(8, len(title))}}" for key, title in titles.items())

    def numbers(name: str, accuracy: dict[str, float]) -> str:
        return row(name, {key: f"{100 * accuracy[key]:.2f}" for key in titles})

    lines = [
        f"{summary['benchmark']}: top-1 accuracy in % on the {left_out} that was left out of training,",
        f"{len(folds)} of them, {summary['samples']} recordings, {summary['checkpoint']} checkpoint",
        "",
        row(left_out, titles),
        *(numbers(fold, accuracy) for fold, accuracy in folds.items()),
    ]
    if len(folds) > 1:
        lines += ["", *(numbers(name, summary[name]) for name in ("mean", "deviation"))]
    if unfinished := evaluate.unfinished(summary):
        lines += ["", *unfinished]
    return "\n".join(lines)
