"""Checkpoints with Orbax: the latest state to resume from, and the best variables to evaluate."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import orbax.checkpoint as ocp
from jax.sharding import Mesh

from dsta_jax import parallel
from dsta_jax.errors import UserError
from dsta_jax.train_state import TrainState

# The items of a checkpoint. Evaluation reads `model` alone.
MODEL, TRAIN, CHOICE = "model", "train", "choice"


def _model_item(state: TrainState) -> dict[str, Any]:
    return {"params": state.params, "batch_stats": state.batch_stats}


def _train_item(state: TrainState) -> dict[str, Any]:
    return {"step": state.step, "opt_state": state.opt_state, "totals": state.totals}


def _manager(directory: pathlib.Path, read_only: bool = False) -> ocp.CheckpointManager:
    options = ocp.CheckpointManagerOptions(max_to_keep=1, create=not read_only, read_only=read_only)
    handlers = {
        MODEL: ocp.StandardCheckpointHandler(),
        TRAIN: ocp.StandardCheckpointHandler(),
        CHOICE: ocp.JsonCheckpointHandler(),
    }
    # Orbax fails in the background on a relative path, after save() has said that all is well.
    return ocp.CheckpointManager(
        directory.absolute(), options=options, item_names=tuple(handlers), item_handlers=handlers
    )


class Latest:
    """The state to resume from; one is kept at a time."""

    def __init__(self, workdir: pathlib.Path):
        """Opens `workdir/checkpoints/latest`, which is made when it is not there."""
        self.workdir = workdir
        self._directory = workdir / "checkpoints" / "latest"
        self._manager = _manager(self._directory)

    def save(self, state: TrainState, step: int) -> None:
        """Saves, unless this step is saved already; returns before the files are written."""
        if self._manager.latest_step() == step:
            return
        items = ocp.args.Composite(
            model=ocp.args.StandardSave(_model_item(state)), train=ocp.args.StandardSave(_train_item(state))
        )
        self._manager.save(step, args=items, force=True)  # Orbax's own rule would save the first step too

    def restore(self, like: TrainState) -> TrainState | None:
        """The latest state, laid out as `like` (arrays or shapes, with shardings); None when there is none.

        Raises:
          UserError: when the checkpoint is of another network.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        _check_fits(self._manager, step, _model_item(like), self._directory)
        item = _restore(
            self._manager,
            step,
            self._directory,
            model=ocp.args.StandardRestore(_model_item(like)),
            train=ocp.args.StandardRestore(_train_item(like)),
        )
        return TrainState(**item[MODEL], **item[TRAIN])

    def close(self) -> None:
        """Waits until everything is written."""
        self._manager.wait_until_finished()
        self._manager.close()


def save_best(workdir: pathlib.Path, step: int, model: dict[str, Any], choice: dict[str, Any]) -> None:
    """Saves each member's best variables so far, and from which step and for what accuracy they were chosen."""
    with _manager(workdir / "checkpoints" / "best") as manager:
        arguments = ocp.args.Composite(model=ocp.args.StandardSave(model), choice=ocp.args.JsonSave(choice))
        manager.save(step, args=arguments, force=True)


def restore_best(workdir: pathlib.Path, like: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What `save_best` saved last; None when nothing was."""
    directory = workdir / "checkpoints" / "best"
    with _manager(directory) as manager:
        step = manager.latest_step()
        if step is None:
            return None
        items = {"model": ocp.args.StandardRestore(like), "choice": ocp.args.JsonRestore()}
        item = _restore(manager, step, directory, **items)
        return item[MODEL], item[CHOICE]


def restore_model(workdir: pathlib.Path, which: str, like: dict[str, Any], mesh: Mesh) -> tuple[dict[str, Any], int]:
    """Restores variables for evaluation, on whatever devices there are; needs no optimiser state.

    Args:
      workdir: of the run.
      which: `latest` or `best`.
      like: shapes of `params` and `batch_stats`, leading with the member axis.
      mesh: where to.

    Returns:
      The variables and the step that they were saved at.

    Raises:
      UserError: when there is no checkpoint, or it is of another network.
    """
    directory = workdir / "checkpoints" / which
    if not directory.is_dir():
        raise UserError(f"{directory} is not there: train first, with --workdir={workdir}")
    with _manager(directory, read_only=True) as manager:
        step = manager.latest_step()
        if step is None:
            raise UserError(f"{directory} holds no complete checkpoint: train first, with --workdir={workdir}")
        _check_fits(manager, step, like, directory)
        target = with_sharding(like, mesh)
        item = _restore(manager, step, directory, model=ocp.args.StandardRestore(target))
        return item[MODEL], step


def latest_step(workdir: pathlib.Path) -> int:
    """Steps that the run has been trained, as far as they are saved; 0 for none."""
    directory = workdir / "checkpoints" / "latest"
    if not directory.is_dir():
        return 0
    with _manager(directory, read_only=True) as manager:
        return manager.latest_step() or 0


def with_sharding(like: Any, mesh: Mesh) -> Any:
    """Shapes with the sharding that a state has: by member, and everywhere for a scalar."""

    def place(leaf: Any) -> jax.ShapeDtypeStruct:
        sharding = parallel.by_member(mesh) if leaf.ndim else parallel.everywhere(mesh)
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(place, like)


def replicated(like: Any, mesh: Mesh) -> Any:
    """Shapes with the sharding of arrays that every device holds whole."""
    whole = parallel.everywhere(mesh)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=whole), like)


def _restore(
    manager: ocp.CheckpointManager, step: int, directory: pathlib.Path, **items: ocp.args.CheckpointArgs
) -> Any:
    with _readable(directory / str(step)):
        return manager.restore(step, args=ocp.args.Composite(**items))


@contextlib.contextmanager
def _readable(directory: pathlib.Path) -> Iterator[None]:
    """Orbax says of a damaged checkpoint what its libraries say: that is one line of ours."""
    try:
        yield
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{directory} cannot be read ({reason}): files are missing or damaged; restore them, or delete this "
            f"directory and train again"
        ) from error


def _check_fits(manager: ocp.CheckpointManager, step: int, like: dict[str, Any], directory: pathlib.Path) -> None:
    """Names the entries that a checkpoint has and the network has not, and the other way round."""
    with _readable(directory / str(step)):
        saved = _shapes(manager.item_metadata(step)[MODEL])
        if not saved:
            raise ValueError("its metadata are empty")
    wanted = _shapes(like)
    problems = [f"missing {path}" for path in wanted if path not in saved]
    problems += [f"left over {path}" for path in saved if path not in wanted]
    problems += [
        f"{path} is {saved[path]}, the network needs {wanted[path]}"
        for path in wanted
        if path in saved and saved[path] != wanted[path]
    ]
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise UserError(f"{directory / str(step)} is a checkpoint of another network: {shown}")


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    return {
        "/".join(str(getattr(key, "key", key)) for key in path): tuple(leaf.shape)
        for path, leaf in leaves
        if hasattr(leaf, "shape")
    }
