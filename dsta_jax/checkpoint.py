"""Checkpoints with Orbax: the latest states to resume from, and the best variables to evaluate.

Beside the arrays lie their checksums. A checkpoint whose numbers are not those that were saved is never used.
"""

import contextlib
import logging
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

import google_crc32c
import jax
import orbax.checkpoint as ocp
from jax.sharding import Mesh, NamedSharding

from dsta_jax import parallel, processes, storage
from dsta_jax.errors import UserError
from dsta_jax.train_state import TrainState

# The items of a checkpoint. Evaluation reads `model` alone.
MODEL, TRAIN, CHOICE, CHECKSUMS = "model", "train", "choice", "checksums"

# How tensorstore's errors of files begin: its own codes, not those of an array that does not fit.
_OF_STORAGE = re.compile("RESOURCE_EXHAUSTED|PERMISSION_DENIED|NOT_FOUND|FAILED_PRECONDITION|UNAVAILABLE|DATA_LOSS")

# Of the latest: where the newest is damaged, there is another one.
_KEPT = 2

_LOGGER = logging.getLogger(__name__)


class _Damaged(Exception):
    """Why a checkpoint cannot be used."""


class _OfAnotherNetwork(_Damaged):
    """Its files are as they were."""


class Latest:
    """The states to resume from; the last two are kept."""

    def __init__(self, workdir: pathlib.Path):
        self.workdir = workdir
        self._directory = workdir / "checkpoints" / "latest"
        with _can_be_written(self._directory):
            self._manager = _manager(self._directory, kept=_KEPT)

    def save(self, state: TrainState, step: int) -> None:
        """Saves, unless this step is saved already; returns before the files are written.

        Raises:
          UserError: when these files, or those of the save before, cannot be written.
        """
        if self._manager.latest_step() == step:
            return
        _check_room(self._directory, _items(state))
        with _can_be_written(self._directory):  # Orbax itself would save the first step too.
            self._manager.save(step, args=_saved(_items(state)), force=True)

    def starts(self) -> list[int]:
        """As `starts`."""
        return _starts(self._manager)

    def forget_after(self, step: int) -> None:
        """Deletes the checkpoints of later steps, and says so."""

        def delete() -> None:
            for later in later_steps:
                storage.remove_directory(self._directory / str(later))

        if later_steps := [one for one in self._manager.all_steps() if one > step]:
            said = "%s: back from step %d to step %d, the newest that all folds have which train side by side"
            _LOGGER.warning(said, self.workdir, max(later_steps), step)
            processes.on_first(delete)
            self._manager.reload()

    def restore(self, like: TrainState, most: int) -> TrainState | None:
        """The latest state of at most so many steps that is whole, laid out as `like`; None for none.

        `like` are arrays or shapes, with shardings.

        Newer ones that are damaged are put aside, as `checkpoints/damaged_STEP`, and a line says so.

        Raises:
          UserError: when there are checkpoints, but none that can be used.
        """
        found = _newest(self._manager, self._directory, _items(like), most=most)
        if found is None:
            return None
        items, step = found
        damaged = [newer for newer in self._manager.all_steps() if step < newer <= most]

        def put_aside() -> None:
            for newer in damaged:
                aside = self._directory.with_name(f"damaged_{newer}")
                storage.remove_directory(aside)
                storage.move_directory(self._directory / str(newer), aside)

        if damaged:
            processes.on_first(put_aside)
            self._manager.reload()
        return TrainState(**items[MODEL], **items[TRAIN])

    def close(self) -> None:
        """Waits until everything is written; UserError when it cannot be."""
        with _can_be_written(self._directory):
            self._manager.wait_until_finished()
            self._manager.close()


def save_best(workdir: pathlib.Path, step: int, model: dict[str, Any], choice: dict[str, Any]) -> None:
    """Saves each member's best variables so far, and from which step and for what accuracy they were chosen."""
    directory = workdir / "checkpoints" / "best"
    _check_room(directory, model)
    with _can_be_written(directory), _manager(directory, kept=1) as manager:
        if step in manager.all_steps():  # A run that was killed before it saved its latest state is here again.
            manager.delete(step)
        manager.save(step, args=_saved({MODEL: model}, choice), force=True)


def save_imported(workdir: pathlib.Path, model: dict[str, Any]) -> None:
    """Saves variables from elsewhere as the latest, to be evaluated; no training goes on from them.

    They count as of step 1, as 0 is that of no checkpoint.
    """
    directory = workdir / "checkpoints" / "latest"
    _check_room(directory, model)
    with _can_be_written(directory), _manager(directory, kept=1) as manager:
        manager.save(1, args=_saved({MODEL: model}), force=True)


def restore_best(workdir: pathlib.Path, like: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What `save_best` saved last; None when nothing was."""
    directory = workdir / "checkpoints" / "best"
    with _manager(directory, kept=1) as manager:
        found = _newest(manager, directory, {MODEL: like}, CHOICE)
        return None if found is None else (found[0][MODEL], found[0][CHOICE])


def restore_model(workdir: pathlib.Path, which: str, like: dict[str, Any], mesh: Mesh) -> tuple[dict[str, Any], int]:
    """The `latest` or `best` variables, whole on each device; and the step that they were saved at.

    `like` are the shapes of `params` and `batch_stats`, leading with the member axis. No optimiser state is needed.

    Raises:
      UserError: when there is no checkpoint that can be used, or it is of another network.
    """
    directory = workdir / "checkpoints" / which
    found = None
    if directory.is_dir():
        with _manager(directory, kept=None) as manager:
            found = _newest(manager, directory, {MODEL: replicated(like, mesh)})
    if found is None:
        raise UserError(f"{directory} holds no checkpoint: train first, with --workdir={workdir}")
    return found[0][MODEL], found[1]


def latest_step(workdir: pathlib.Path, which: str = "latest") -> int:
    """The step of the newest `latest` or `best` checkpoint; 0 for none."""
    directory = workdir / "checkpoints" / which
    if not directory.is_dir():
        return 0
    with _manager(directory, kept=None) as manager:
        return manager.latest_step() or 0


def starts(workdir: pathlib.Path) -> list[int]:
    """The steps that a run may go on from: of the newest checkpoint, and of the one before it or 0.

    Folds that train side by side save one after the other: one that was killed meanwhile has some a save behind others.
    """
    directory = workdir / "checkpoints" / "latest"
    if not directory.is_dir():
        return [0]
    with _manager(directory, kept=None) as manager:
        return _starts(manager)


def _starts(manager: ocp.CheckpointManager) -> list[int]:
    return [*sorted(manager.all_steps(), reverse=True), 0][:_KEPT]


def with_sharding(like: Any, mesh: Mesh) -> Any:
    """Shapes with the sharding that a state has: by member, and everywhere for a scalar."""
    by_member, everywhere = parallel.by_member(mesh), parallel.everywhere(mesh)
    return jax.tree.map(lambda leaf: _placed(leaf, by_member if leaf.ndim else everywhere), like)


def replicated(like: Any, mesh: Mesh) -> Any:
    """Shapes with the sharding of arrays that every device holds whole."""
    return jax.tree.map(lambda leaf: _placed(leaf, parallel.everywhere(mesh)), like)


def _placed(leaf: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def _items(state: TrainState) -> dict[str, Any]:
    return {
        MODEL: {"params": state.params, "batch_stats": state.batch_stats},
        TRAIN: {"step": state.step, "opt_state": state.opt_state, "totals": state.totals},
    }


def _manager(directory: pathlib.Path, kept: int | None) -> ocp.CheckpointManager:
    """A manager of the last `kept` checkpoints; None only reads."""
    handlers: dict[str, Any] = {name: ocp.StandardCheckpointHandler() for name in (MODEL, TRAIN)}
    handlers |= {name: ocp.JsonCheckpointHandler() for name in (CHOICE, CHECKSUMS)}
    absl = logging.getLogger("absl")
    level = absl.level
    absl.setLevel(logging.ERROR)  # Orbax warns that what is to be read only is read only.
    try:
        options = ocp.CheckpointManagerOptions(max_to_keep=kept, create=kept is not None, read_only=kept is None)
        # Orbax fails in the background on a relative path, after save() has said that all is well.
        absolute = directory.absolute() if storage.is_local(directory) else directory
        return ocp.CheckpointManager(absolute, options=options, item_names=tuple(handlers), item_handlers=handlers)
    finally:
        absl.setLevel(level)


def _saved(items: dict[str, Any], choice: dict[str, Any] | None = None) -> ocp.args.Composite:
    arguments = {name: ocp.args.StandardSave(item) for name, item in items.items()}
    arguments[CHECKSUMS] = ocp.args.JsonSave({name: _checksums(item) for name, item in items.items()})
    if choice is not None:
        arguments[CHOICE] = ocp.args.JsonSave(choice)
    return ocp.args.Composite(**arguments)


def _newest(
    manager: ocp.CheckpointManager, directory: pathlib.Path, like: dict[str, Any], *words: str, most: int | None = None
) -> tuple[dict[str, Any], int] | None:
    """The items of the newest checkpoint that is whole, and its step; None when there are no checkpoints.

    Arrays are laid out as in `like`; `words` are names of items without arrays. Those of more than `most` steps do not
    count.

    Raises:
      UserError: when there are some, and none of them can be used; it says what is wrong with the newest.
    """
    problems, remedy = [], f"restore its files, or delete {directory} and train again"
    for step in sorted((one for one in manager.all_steps() if most is None or one <= most), reverse=True):
        try:
            items = _read(manager, step, like, (*words, CHECKSUMS))
        except _Damaged as reason:
            problems.append(f"{directory / str(step)} {reason}")
            if isinstance(reason, _OfAnotherNetwork):
                remedy = "give the configuration that it was trained with"
            continue
        for problem in problems:
            _LOGGER.warning("%s: passed over, step %d is taken instead", problem, step)
        return items, step
    if problems:
        raise UserError(f"{problems[0]}; {remedy}")
    return None


def _read(manager: ocp.CheckpointManager, step: int, like: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    """The items of one checkpoint, which are those that were saved."""
    with _as_damage():
        saved_shapes = _shapes(manager.item_metadata(step)[MODEL])
    if not saved_shapes:
        raise _Damaged("cannot be read (it describes no arrays): files are missing or damaged")
    if other := misfits(saved_shapes, _shapes(like[MODEL])):
        raise _OfAnotherNetwork(f"is a checkpoint of another network: {other}")
    arguments: dict[str, Any] = {name: ocp.args.StandardRestore(item) for name, item in like.items()}
    arguments |= {name: ocp.args.JsonRestore() for name in words}
    with _as_damage():
        items = manager.restore(step, args=ocp.args.Composite(**arguments))
        for name in like:
            for path, checksum in _checksums(items[name]).items():
                if items[CHECKSUMS][name].get(path) != checksum:
                    raise _Damaged(f"is damaged: the numbers of {path} are not those that were saved")
        return {name: items[name] for name in arguments}


@contextlib.contextmanager
def _as_damage() -> Iterator[None]:
    """Orbax and its libraries raise whatever their parsers stumble over."""
    try:
        yield
    except (_Damaged, MemoryError, jax.errors.JaxRuntimeError):  # Of the machine, not of the files.
        raise
    except Exception as error:
        if isinstance(error, PermissionError) or "PERMISSION_DENIED" in str(error):
            raise UserError(f"no permission to read the checkpoint ({error})") from error
        said = str(error).strip().splitlines()
        reason = said[0][:200] if said else type(error).__name__
        raise _Damaged(f"cannot be read ({reason}): files are missing or damaged") from error


def _check_room(directory: pathlib.Path, item: Any) -> None:
    """Checks for room on the disk, as tensorstore's threads have pages to say when there is none.

    Raises:
      UserError: when it may not be enough; a save in which arrays are merged takes up to twice their bytes.
    """
    if not storage.is_local(directory):
        return
    needed = 2 * sum(leaf.nbytes for leaf in jax.tree.leaves(item))
    free = shutil.disk_usage(next(one for one in (directory, *directory.parents) if one.exists())).free
    if free < needed:
        raise UserError(
            f"{directory}: a checkpoint may take {needed / 1e6:.1f} MB, and {free / 1e6:.1f} MB are free; those before "
            f"it are kept: make room, and give the same command again"
        )


@contextlib.contextmanager
def _can_be_written(directory: pathlib.Path) -> Iterator[None]:
    """Makes one line of what Orbax and tensorstore raise where a disk is full, or may not be written to."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and not _OF_STORAGE.match(str(error)):
            raise
        reason = re.sub(r"\s+", " ", str(error))[:200]
        raise UserError(
            f"{directory}: a checkpoint could not be saved ({reason}); those before it are kept: make room, or mend "
            f"what is wrong with the disk, and give the same command again"
        ) from error


def _checksums(item: Any) -> dict[str, int]:
    """CRC-32C of each array's bytes, by its path."""
    return {path: google_crc32c.value(jax.device_get(leaf).tobytes()) for path, leaf in _leaves(item).items()}


def misfits(saved: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> str:
    """Names the entries that are missing, left over or of another shape, the first three of them; nothing for none."""
    problems = [f"missing {path}" for path in wanted if path not in saved]
    problems += [f"left over {path}" for path in saved if path not in wanted]
    for path in wanted:
        if path in saved and saved[path] != wanted[path]:
            problems.append(f"{path} is {saved[path]}, the network needs {wanted[path]}")
    return "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    return {path: tuple(leaf.shape) for path, leaf in _leaves(tree).items()}


def _leaves(tree: Any) -> dict[str, Any]:
    """The arrays (or what describes them) by path."""
    found = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    arrays = [(path, leaf) for path, leaf in found if hasattr(leaf, "shape")]
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in arrays}
