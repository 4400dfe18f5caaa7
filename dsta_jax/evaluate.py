"""A checkpoint's scores by sample name, and what they are worth."""

import functools
import json
import pathlib
from typing import Any

import jax
import numpy as np
import tqdm
from jax.sharding import Mesh

from dsta_jax import checkpoint, fusion, parallel, processes, scores, train_state
from dsta_jax.data import batches, packing
from dsta_jax.data.dataset import DataSet
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, read_json, writable
from dsta_jax.members import Members, variable_shapes
from dsta_jax.models import fold_batch_norm
from dsta_jax.models.dsta import DSTANet
from dsta_jax.scores import Scores


def evaluate(members: Members, test: DataSet, workdir: pathlib.Path, out: pathlib.Path) -> dict[str, Any]:
    """Evaluates a fold's checkpoint, and writes `scores/test/*.npz` and `results.json` to `out`; returns the latter.

    The best checkpoint in `workdir` is taken where a part of the training recordings was held out to choose it, else
    the latest.

    Raises:
      UserError: when there is no checkpoint that can be used, there are no recordings, or a score is not finite.
    """
    if not len(test):
        raise UserError(f"none of the recordings is for the test part of benchmark {members.benchmark.name}")
    mesh = parallel.make_mesh(len(members.streams), members.config.evaluate.batch_size)
    model, step = restore(members, workdir, mesh)
    parts = score(members, model, test, "evaluate")
    processes.on_first(lambda: _write_scores(parts, out))
    fused = fusion.fuse(parts)
    results = {
        "benchmark": test.benchmark.name,
        "samples": len(test),
        "checkpoint": which(members),
        "step": step,
        "trained": step if which(members) == "latest" else checkpoint.latest_step(workdir),
        "accuracy": {part.name: part.metrics() for part in (*parts, *([fused] if len(parts) > 1 else []))},
        "costliest_confusion": fused.costliest_confusion(),
    }
    if workdir == out:  # Of other recordings it would be another number.
        results["steps"] = members.steps
    write_results(results, out)
    return results


def _write_scores(parts: list[Scores], out: pathlib.Path) -> None:
    for part in parts:
        with writable(out):
            scores.save(part, out / "scores" / "test" / f"{part.name}.npz")


def restore(members: Members, workdir: pathlib.Path, mesh: Mesh) -> tuple[dict[str, Any], int]:
    """The variables of a fold's checkpoint, on the devices; and the step that they were saved at."""
    shapes = variable_shapes(members.network, members.input_shape(1), len(members.streams))
    return checkpoint.restore_model(workdir, which(members), shapes, mesh)


def which(members: Members) -> str:
    """The checkpoint that is evaluated: the `best` one where there is a part to choose it on, or else the `latest`."""
    return "best" if members.config.data.validation_fraction else "latest"


def write_results(results: dict[str, Any], out: pathlib.Path) -> None:
    """Writes `results.json`, in the first process."""

    def write() -> None:
        with writable(out), complete_file(out / "results.json") as file:
            file.write(json.dumps(results, indent=2).encode() + b"\n")

    processes.on_first(write)


def read_results(workdir: pathlib.Path) -> dict[str, Any]:
    """What a run's `results.json` holds; nothing when there is none that is whole."""
    try:
        found = dict(read_json(workdir / "results.json"))
        return found if report(found) else {}
    except (UserError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def report(results: dict[str, Any]) -> str:
    """The results in words and a table."""
    of_steps = f" of {results['steps']}" if "steps" in results else ""
    return (
        f"{results['benchmark']}: accuracy in % on {results['samples']} test recordings, {results['checkpoint']} "
        f"checkpoint (step {results['step']}{of_steps})\n\n{scores.table(results['accuracy'])}\n\n"
        f"The costliest confusion: {results['costliest_confusion']}." + "\n".join(("", *unfinished(results)))
    )


def unfinished(results: dict[str, Any]) -> list[str]:
    """The line for a run that was evaluated before its training was finished."""
    if results["trained"] >= results.get("steps", 0):
        return []
    return [f"Training is at step {results['trained']} of {results['steps']}: train again to go on."]


def score(members: Members, model: dict[str, Any], part: DataSet, shown: str | None = None) -> list[Scores]:
    """Scores of a fold's members on every recording of a part, each recording once.

    The model is `params` and `batch_stats` of one fold, leading with the member axis. A progress bar says `shown`.

    Raises:
      UserError: when a score is not finite.
    """
    mesh = parallel.widest_mesh(len(members.streams), members.config.evaluate.batch_size)
    score_NxSxK = scores_of(members, fold_model(members, model, mesh), part, mesh, shown)
    return [
        Scores(stream, part.name_N, part.label_N, score_SxK, members.benchmark.class_names)
        for stream, score_SxK in zip(members.streams, score_NxSxK, strict=True)
    ]


def fold_model(members: Members, model: dict[str, Any], mesh: Mesh) -> dict[str, Any]:
    """Variables for `scores_of`: BatchNorm is folded into the linear maps, an absent body is a constant."""
    _, frames, joints, _ = members.input_shape(1).shape
    fold = compiled_fold(members.network, mesh, frames, joints)
    return dict(fold(parallel.put(model, parallel.by_member(mesh))))


def scores_of(
    members: Members, variables: dict[str, Any], part: DataSet, mesh: Mesh, shown: str | None = None
) -> np.ndarray:
    """N x S x K scores of a fold's members on the S recordings of a part, of variables that `fold_model` made.

    Raises:
      UserError: when a score is not finite.
    """
    batch_size = members.config.evaluate.batch_size
    step = compiled_step(members.network, mesh)
    needed_S = batches.test_rows(part, batch_size, absent_row=False)
    rows = packing.choose(needed_S, batch_size * members.benchmark.source.bodies, parallel.batch_devices(mesh))
    split, count = parallel.by_member_and_batch(mesh), len(members.streams)

    def own_rows(rows: int) -> slice:
        return parallel.own_part((count, rows), split)[1]

    how = (members.streams, members.sampling, batch_size, rows)
    sequence = batches.test_batches(part, *how, absent_row=False, own=own_rows)
    total = -(-len(part) // batch_size)
    collected = []
    silent = shown is None or not processes.is_first()
    look: dict[str, Any] = {"disable": silent, "leave": False, "dynamic_ncols": True}
    bar = tqdm.tqdm(sequence, desc=f"{shown}, compiling", total=total, **look)
    for batch in bar:
        shapes = members.batch_shapes(batch_size, None if batch.share is None else batch.share.shape[-1])
        on_devices = jax.tree.map(lambda own, one: parallel.put_own(own, (count, *one.shape), split), batch, shapes)
        score_NxBxK = jax.device_get(step(variables, on_devices))
        collected.append(score_NxBxK[:, batch.real[0] > 0])
        bar.set_description(shown, refresh=False)
    score_NxSxK = np.concatenate(collected, axis=1)
    for stream, score_SxK in zip(members.streams, score_NxSxK, strict=True):
        if strange := int((~np.isfinite(score_SxK)).any(axis=1).sum()):
            raise UserError(
                f"{stream}: the scores of {strange} of {len(part)} recordings are not finite, and mean nothing: the "
                f"network was trained at too high a rate; train it anew with a lower config.train.learning_rate"
            )
    return score_NxSxK


@functools.lru_cache(maxsize=8)
def compiled_fold(network: DSTANet, mesh: Mesh, frames: int, joints: int) -> Any:
    """`models.fold_batch_norm.fold` of all members over a mesh, compiled once."""
    by_member = parallel.by_member(mesh)
    fold = jax.vmap(functools.partial(fold_batch_norm.fold, network, frames=frames, joints=joints))
    return jax.jit(fold, in_shardings=by_member, out_shardings=by_member)


@functools.lru_cache(maxsize=8)
def compiled_step(network: DSTANet, mesh: Mesh) -> Any:
    """The evaluation step over a mesh, of variables that `compiled_fold` made; compiled once."""
    split = parallel.by_member_and_batch(mesh)
    step = functools.partial(train_state.eval_step, network.clone(folded=True))
    return jax.jit(step, in_shardings=(parallel.by_member(mesh), split), out_shardings=parallel.everywhere(mesh))
