"""Tiny trainings by the command line, and all that can be compared of their working directories."""

import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import orbax.checkpoint as ocp

from dsta_jax import checkpoint, logs, scores, train
from dsta_jax import main as command
from dsta_jax.data import tfrecord
from dsta_jax.data.messages import Event
from tests.faults.children import Watch

_START = 1  # SessionLog.START

_NETWORK = """
--config.data.sampled_frames=10 --config.data.frames=8 --config.model.input_channels=4 --config.model.channels=(4,8)
--config.model.embedding=(2,2) --config.model.strides=(2,1) --config.model.heads=2 --config.log.every_steps=1
--config.evaluate.every_epochs=1 --config.checkpoint.every_epochs=1 --config.evaluate.batch_size=8
--config.train.epochs=3
"""

# One with two streams and a part held out, which saves the best and the latest; one whose folds train side by side.
WORDS = {
    "held out": """
--config=demo:spatial_temporal,fast_temporal --config.train.batch_size=8
--config.data.validation_fraction=0.3 --config.data.validation_by=recording
""",
    "folds": "--config=demo:spatial_temporal --config.benchmark={data}/tiny.toml --config.train.batch_size=4",
}


def program(kind: str, data: pathlib.Path, workdir: pathlib.Path, notes: pathlib.Path) -> Callable[[Watch], int]:
    """Trains to the end. What is saved and restored is added to `notes`, a line each; at the end, what is there."""

    def run(watch: Watch) -> int:
        os.environ["PATH"] = ""  # Else git, which is asked for the commit, could be the one that is killed.
        _watch_calls(watch, workdir, notes)
        words = [word.format(data=data) for word in (WORDS[kind] + _NETWORK).split()]
        argv = ["main", *words, f"--workdir={workdir}", f"--config.data.dir={data}"]
        sys.argv = argv
        status = int(command.main(command.parse_flags(argv)) or 0)
        if not status:
            _note(notes, what="ended", found=digests_of_checkpoints(workdir))
        return status

    return run


def _watch_calls(watch: Watch, workdir: pathlib.Path, notes: pathlib.Path) -> None:
    """Tells of steps, saves and half lines of metrics, which are no calls of the system's that Python tells of."""
    save, restore, best = checkpoint.Latest.save, checkpoint.Latest.restore, checkpoint.save_best
    note, write = train.Reporter.note, logs.Metrics.write

    def noted(what: str, directory: pathlib.Path, state: Any, step: int) -> None:
        where = str(directory.relative_to(workdir))
        _note(notes, what=what, where=where, step=step, digest=_digest(checkpoint._items(state)))

    def saving(self: Any, state: Any, step: int) -> None:
        noted("saved", self.workdir, state, step)
        save(self, state, step)
        watch.passes("behind a save, which goes on in the background")

    def restoring(self: Any, like: Any, most: int) -> Any:
        state = restore(self, like, most)
        if state is not None:
            noted("restored", self.workdir, state, int(state.step))
        return state

    def saving_best(*given: Any) -> None:
        best(*given)
        watch.passes("between the best checkpoint and the latest")

    def noting(self: Any, step: int, totals: Any) -> None:
        watch.passes("a step")
        note(self, step, totals)

    def writing(self: Any, step: int, metrics: dict[str, float]) -> None:
        watch.calls["half a line of metrics"] += 1
        if watch.is_last("half a line of metrics"):
            line = json.dumps({"step": step, **metrics}).encode()
            self._file.write(line[: len(line) // 2])
            watch.calls["half a line of metrics"] -= 1
            watch.passes("half a line of metrics")
        write(self, step, metrics)

    checkpoint.Latest.save, checkpoint.Latest.restore = saving, restoring
    checkpoint.save_best, train.Reporter.note, logs.Metrics.write = saving_best, noting, writing


def _note(notes: pathlib.Path, **what: Any) -> None:
    with notes.open("a") as file:
        file.write(json.dumps(what) + "\n")


def _digest(tree: Any) -> str:
    found = hashlib.blake2b(digest_size=16)
    for path, leaf in sorted(checkpoint._leaves(tree).items()):
        found.update(f"{path} {leaf.dtype} {leaf.shape}".encode() + np.asarray(leaf).tobytes())
    return found.hexdigest()


def digests_of_checkpoints(workdir: pathlib.Path) -> dict[str, str]:
    """Of the arrays of the checkpoints that are kept; a kill while an older one was deleted leaves a part of it."""
    found = {}
    for directory in sorted(workdir.rglob("checkpoints/*")):
        steps = sorted((int(path.name) for path in directory.iterdir() if path.name.isdigit()), reverse=True)
        for step in steps[: 2 if directory.name == "latest" else 1]:
            for path in sorted((directory / str(step)).glob("[mt][or]*")):  # model and train
                with ocp.StandardCheckpointer() as reader:
                    found[str(path.relative_to(workdir))] = _digest(reader.restore(path.absolute()))
    return found


def read_notes(notes: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The notes; the last one may have been cut."""
    for line in notes.read_text().splitlines() if notes.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def outcome(workdir: pathlib.Path) -> dict[str, Any]:
    """What a finished working directory holds, but for times: names of files, metrics, scores, results."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in workdir.rglob("*") if path.is_file()):
        name = str(path.relative_to(workdir))
        if "checkpoints/" in name or path.name == "report.html":  # It tells how long the training took.
            continue
        if path.name == "metrics.jsonl":
            found[name] = [
                {key: value for key, value in json.loads(line).items() if key != "samples_per_second"}
                for line in path.read_text().splitlines()
            ]
        elif path.suffix == ".npz":
            one = scores.load(path)
            found[name] = [one.sample_S.tolist(), one.label_S.tolist(), one.score_SxK.tolist()]
        elif path.suffix == ".json":
            found[name] = json.loads(path.read_text())
        elif path.parent.name == "tensorboard":
            found[str(path.parent.relative_to(workdir))] = events(path.parent)
        else:
            found[name] = path.read_bytes().hex()
    return found


def events(board: pathlib.Path) -> list[tuple[int, str, float]]:
    """What TensorBoard shows: it reads the files by name, and a START forgets what was said of later steps."""
    shown: list[tuple[int, str, float]] = []
    for path in sorted(board.iterdir()):
        for payload in _whole(path):
            event = Event.FromString(payload)
            if event.session_log.status == _START:
                shown = [one for one in shown if one[0] < event.step]
            shown += [(event.step, one.tag, one.simple_value) for one in event.summary.value]
    return [one for one in shown if one[1] != "samples_per_second"]


def _whole(path: pathlib.Path) -> Iterator[bytes]:
    """The payloads of a file whose end may have been cut."""
    from dsta_jax.errors import UserError

    try:
        for payload in tfrecord.read_file(path):
            yield payload.content
    except UserError:
        return
