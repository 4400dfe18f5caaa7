"""A checkpoint's scores by sample name, and what they are worth."""

import functools
import json
import pathlib
from typing import Any

import jax
import numpy as np
import tqdm
from jax.sharding import Mesh

from dsta_jax import checkpoint, fusion, parallel, scores
from dsta_jax import train_state as state_lib
from dsta_jax.data import batches, packing
from dsta_jax.data.dataset import DataSet
from dsta_jax.models import fold_batch_norm
from dsta_jax.models.dsta import DSTANet
from dsta_jax.run import Run
from dsta_jax.scores import Scores


def evaluate(run: Run, workdir: pathlib.Path) -> dict[str, Any]:
    """Evaluates a run's checkpoint on the test part, and writes `scores/test/*.npz` and `results.json`.

    The best checkpoint is taken where a part of the training recordings was held out to choose it, else the latest.

    Returns:
      What `results.json` holds: the checkpoint and, for each stream and their fusion, the accuracies.

    Raises:
      UserError: when there is no checkpoint, or one of another network.
    """
    mesh = run.mesh(run.config.evaluate.batch_size)
    which = "best" if len(run.validation) else "latest"
    model, step = checkpoint.restore_model(workdir, which, run.model_shapes(), mesh)
    trained = checkpoint.latest_step(workdir)
    parts = score(run, model, run.test, "evaluate")
    for part in parts:
        scores.save(part, workdir / "scores" / "test" / f"{part.name}.npz")
    fused = fusion.fuse(parts)
    rows = {part.name: part.metrics() for part in parts}
    if len(parts) > 1:
        rows["fused"] = fused.metrics()
    results = {
        "benchmark": run.benchmark.name,
        "samples": len(run.test),
        "checkpoint": which,
        "step": step,
        "trained": trained,
        "steps": run.steps,
        "accuracy": rows,
        "costliest_confusion": fused.costliest_confusion(),
    }
    (workdir / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def read_results(workdir: pathlib.Path) -> dict[str, Any]:
    """What a run's `results.json` holds; nothing when there is none."""
    try:
        results: dict[str, Any] = json.loads((workdir / "results.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return results


def final_results(run: Run, workdir: pathlib.Path) -> dict[str, Any] | None:
    """The results of a run whose training is finished and evaluated; None for another one."""
    results = read_results(workdir)
    return results if results.get("trained", -1) >= run.steps else None


def report(results: dict[str, Any]) -> str:
    """The results in words and a table."""
    lines = [
        f"{results['benchmark']}: accuracy in % on {results['samples']} test recordings, {results['checkpoint']} "
        f"checkpoint (step {results['step']} of {results['steps']})",
        "",
        scores.table(results["accuracy"]),
        "",
        f"The costliest confusion: {results['costliest_confusion']}.",
    ]
    if results["trained"] < results["steps"]:
        lines.append(f"Training is at step {results['trained']} of {results['steps']}: train again to go on.")
    return "\n".join(lines)


def score(run: Run, model: dict[str, Any], part: DataSet, shown: str | None = None) -> list[Scores]:
    """Scores of every member on every recording of a part, each recording once.

    Args:
      run: what is trained.
      model: `params` and `batch_stats`, leading with the member axis.
      part: the recordings.
      shown: what a progress bar says; None for no bar.
    """
    batch_size = run.config.evaluate.batch_size
    mesh = run.mesh(batch_size)
    step = compiled_step(run.network, mesh)
    row = run.input_shape(batch_size)
    fold = compiled_fold(run.network, mesh, frames=row.shape[1], joints=row.shape[2])
    variables = fold(parallel.put(model, parallel.by_member(mesh)))
    collected = []
    total = -(-len(part) // batch_size)
    needed_S = batches.test_rows(part, batch_size, absent_row=False)
    rows = packing.choose(needed_S, batch_size * run.benchmark.bodies, parallel.batch_devices(mesh))
    sequence = batches.test_batches(part, run.members, run.sampling, batch_size, rows, absent_row=False)
    for batch in tqdm.tqdm(sequence, desc=shown, total=total, disable=shown is None, leave=False, dynamic_ncols=True):
        on_devices = parallel.put(batch, parallel.by_member_and_batch(mesh))
        score_NxBxK = jax.device_get(step(variables, on_devices))
        collected.append(score_NxBxK[:, batch.real[0] > 0])
    score_NxSxK = np.concatenate(collected, axis=1)
    return [
        Scores(stream, part.name_N, part.label_N, score_SxK, run.benchmark.class_names)
        for stream, score_SxK in zip(run.members, score_NxSxK, strict=True)
    ]


@functools.lru_cache(maxsize=8)
def compiled_fold(network: DSTANet, mesh: Mesh, frames: int, joints: int) -> Any:
    """`models.inference.fold` of all members over a mesh, compiled once."""
    by_member = parallel.by_member(mesh)
    fold = jax.vmap(functools.partial(fold_batch_norm.fold, network, frames=frames, joints=joints))
    return jax.jit(fold, in_shardings=by_member, out_shardings=by_member)


@functools.lru_cache(maxsize=8)
def compiled_step(network: DSTANet, mesh: Mesh) -> Any:
    """The evaluation step over a mesh, of variables that `compiled_fold` made; compiled once."""
    split = parallel.by_member_and_batch(mesh)
    step = functools.partial(state_lib.eval_step, network.clone(folded=True))
    return jax.jit(step, in_shardings=(parallel.by_member(mesh), split), out_shardings=parallel.everywhere(mesh))
