"""Fine-tuning: a training begins with the networks of another run, as far as they fit.

Streams go by name. Of a network everything is taken but what belongs to other classes, channels or frames; maps over
joints are taken joint by joint, by name.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util
from jax.sharding import Mesh

from dsta_jax import parallel, storage, train_state, workdir
from dsta_jax.errors import UserError
from dsta_jax.members import Members
from dsta_jax.train_state import TrainState
from dsta_jax.weights import hub, trained
from dsta_jax.weights.trained import Trained

Path = tuple[str, ...]
Arrays = dict[Path, np.ndarray]

_LOGGER = logging.getLogger(__name__)


class Begun(NamedTuple):
    """One network's `params` and `batch_stats`, by path; and which of their numbers were loaded."""

    value: Arrays
    loaded: Arrays


def read(directory: str, members: Members) -> Trained:
    """The networks that a training of these members is to begin with; all processes read together.

    Raises:
      UserError: when there are none, there is one for each fold, or they are of another kind.
    """
    path = storage.place(directory)
    run = workdir.read(path)
    if run.benchmark.left_out and not hub.is_at(path):
        raise UserError(
            f"config.init_from={directory}: there are networks for each {run.benchmark.left_out} that was left out; "
            f"export those of one fold to a directory, and name that"
        )
    found = trained.read(directory, mesh=parallel.widest_mesh(len(members), members.config.train.batch_size))
    then, now = ({**config.model.to_dict(), "precision": ""} for config in (found.config, members.config))
    if other := workdir.differences(then, now, "config.model."):
        raise UserError(f"config.init_from={directory}: of another network: {'; '.join(other)}; train one like it")
    if not set(members.streams) & set(found.config.streams):
        raise UserError(
            f"config.init_from={directory}: has {', '.join(found.config.streams)}, and none of the streams to be "
            f"trained, {', '.join(members.streams)}"
        )
    own, another = members.benchmark, members.benchmark.protocol != found.benchmark.protocol
    if run.fingerprint == members.folds[0].train.fingerprint and (own.left_out or another):
        _LOGGER.warning(
            f"config.init_from={directory}: trained on recordings of this very data set, divided in another way: some "
            f"of those that test here may have trained it"
        )
    return found


def digest(found: Trained) -> str:
    """A number that is another for other networks."""
    digested = hashlib.sha256(",".join(found.config.streams).encode())
    for path, leaf in sorted(traverse_util.flatten_dict(found.model, sep="/").items()):
        digested.update(path.encode() + np.ascontiguousarray(leaf).tobytes())
    return digested.hexdigest()[:16]


def begin(state: TrainState, found: Trained, members: Members, mesh: Mesh) -> TrainState:
    """A fresh state with what fits of other networks; says what was loaded, and what stays fresh.

    What was loaded learns at the part `config.train.loaded_rate` of the rate. Running statistics follow the recordings
    that are trained on, whatever that part is.
    """
    model = {"params": state.params, "batch_stats": state.batch_stats}
    fresh = traverse_util.flatten_dict(parallel.fetch(model, mesh))
    begun = []
    for number, name in enumerate(members.names):
        own = {path: leaf_N[number] for path, leaf_N in fresh.items()}
        begun.append(_begun(own, _of_stream(found, name.partition("/")[0]), members, found))
    _tell(begun, members, found)
    value = _stacked([one.value for one in begun])
    opt_state, rate = state.opt_state, members.config.train.loaded_rate
    if rate != 1:
        part = _stacked([{path: np.where(at, rate, 1) for path, at in one.loaded.items()} for one in begun])["params"]
        opt_state = (*opt_state[:-1], train_state.RateParts(_put(part, opt_state[-1].part, mesh)))
    new = {name: _put(value[name], model[name], mesh) for name in model}
    return state.replace(**new, opt_state=opt_state)


def _of_stream(found: Trained, stream: str) -> Arrays:
    """The arrays of one of the networks; none where there is no such stream."""
    streams = tuple(found.config.streams)
    if stream not in streams:
        return {}
    flat = traverse_util.flatten_dict(found.model)
    return {path: leaf_N[streams.index(stream)] for path, leaf_N in flat.items()}


def _begun(fresh: Arrays, loaded: Arrays, members: Members, found: Trained) -> Begun:
    value = {path: array.copy() for path, array in fresh.items()}
    at = {path: np.zeros(array.shape, bool) for path, array in fresh.items()}
    for path, array in loaded.items():
        for to, of in _places(path, array.shape, fresh[path].shape, members, found):
            value[path][to], at[path][to] = array[of], True
    return Begun(value, at)


def _places(
    path: Path, then: tuple[int, ...], now: tuple[int, ...], members: Members, found: Trained
) -> Iterator[tuple[Any, Any]]:
    """Which numbers of an array are taken, and from where; none where it belongs to something else."""
    before, after = found.benchmark, members.benchmark
    if path[-1] == "global_map" and path[-2].endswith("spatial"):
        joints, own = before.source.layout.joints, after.source.layout.joints
        same = [joint for joint in own if joint in joints]
        to_U, of_U = [own.index(joint) for joint in same], [joints.index(joint) for joint in same]
        yield np.ix_(range(now[0]), to_U, to_U), np.ix_(range(then[0]), of_U, of_U)
    elif path[1] == "classifier":
        if before.class_names == after.class_names:
            yield ..., ...
    elif path[1:] == ("input_map", "linear", "kernel"):
        if before.source.channels == after.source.channels:
            yield ..., ...
    elif then == now:  # But for maps over frames, all others are.
        yield ..., ...


def _stacked(each: Sequence[Arrays]) -> dict[str, Any]:
    stacked = {path: np.stack([one[path] for one in each]) for path in each[0]}
    return dict(traverse_util.unflatten_dict(stacked))


def _put(tree: Any, like: Any, mesh: Mesh) -> Any:
    """Arrays on the devices as those that they replace."""
    flat = {path: leaf.dtype for path, leaf in traverse_util.flatten_dict(like).items()}
    typed = {path: leaf.astype(flat[path]) for path, leaf in traverse_util.flatten_dict(tree).items()}
    return parallel.put(traverse_util.unflatten_dict(typed), parallel.by_member(mesh))


def _tell(begun: Sequence[Begun], members: Members, found: Trained) -> None:
    """A line for the networks of each stream, which are alike in all folds, and one for what else is to be known."""
    config = members.config
    lines = [f"begins with {config.init_from} ({found.benchmark.name}, weights {digest(found)}):"]
    for stream, one in zip(members.streams, begun, strict=False):
        lines.append(f"  {stream}: {_said(one.loaded, members, found)}")
    if config.train.loaded_rate != 1:
        how = f"learns at {config.train.loaded_rate:g} of the rate" if config.train.loaded_rate else "is frozen"
        lines.append(f"  what was loaded {how}; BatchNorm's statistics follow the new recordings")
    if found.benchmark.source.normalized_by != members.benchmark.source.normalized_by:
        lines.append("  its recordings were normalised in another way than those here")
    _LOGGER.info("\n".join(lines))


def _said(loaded: Mapping[Path, np.ndarray], members: Members, found: Trained) -> str:
    if not any(at.any() for at in loaded.values()):
        return f"all fresh, as {', '.join(found.config.streams)} are there"
    groups: dict[str, list[bool]] = {}
    for path, at in loaded.items():
        group = "statistics" if path[0] == "batch_stats" else "layers" if path[1].startswith("layer") else path[1]
        groups.setdefault(group, []).append(bool(at.any()))
    counts = ", ".join(f"{group} {sum(any_N)} of {len(any_N)}" for group, any_N in sorted(groups.items()))
    fresh = ["/".join(path[1:]) for path, at in loaded.items() if not at.any()]
    known = found.benchmark.source.layout.joints
    joints = [joint for joint in members.benchmark.source.layout.joints if joint not in known]
    said = f"arrays loaded: {counts}; fresh: {', '.join(fresh) or 'none'}"
    maps = any(path[-1] == "global_map" for path in loaded)
    return f"{said}; in maps over joints: {', '.join(joints)}" if joints and maps else said
