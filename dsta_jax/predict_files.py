"""`dsta predict`: answers for files, as they are printed."""

import argparse
import pathlib
import re
import sys
from collections.abc import Iterator

import numpy as np

from dsta_jax import animation, predictions
from dsta_jax.answer import Answer
from dsta_jax.datasets import own
from dsta_jax.datasets.joint_lists import OtherJoints
from dsta_jax.errors import UserError
from dsta_jax.predict import Recognizer
from dsta_jax.predictions import Said
from dsta_jax.windows import Segment

_FPS = 30.0  # of a GIF, where it is not said


def run(options: argparse.Namespace) -> int:
    """Prints what is said of all recordings; the status is 1 where some are broken."""
    if options.stride is not None and options.window is None:
        raise UserError("--stride is of windows: give --window=FRAMES too")
    for name in ("top", "window", "stride", "fps"):
        if (value := getattr(options, name)) is not None and not 0 < value < float("inf"):
            raise UserError(f"--{name}={value}: expected a number above 0")
    recognizer = Recognizer.load(options.run, fold=options.fold)
    broken: list[tuple[str, UserError]] = []
    count, write = 0, _writer(options)
    for name, said in _said(recognizer, options):
        count += 1
        if isinstance(said, UserError):
            broken.append((name, said))
        for line in write(name, said):
            print(line, flush=True)
    if broken:
        _list(broken, count)
        if options.files is None and recognizer.described_by.endswith(".toml"):
            hint = "If they are written as the run's own recordings were, name what says how, if it has a table [files]"
            print(f"{hint}: --files={recognizer.described_by}", file=sys.stderr)
    return int(bool(broken))


def _list(broken: list[tuple[str, UserError]], count: int) -> None:
    print(f"{len(broken)} of {count} recordings are broken:", file=sys.stderr)
    for name, error in broken:
        print(f"  {error}" if name in str(error) else f"  {name}: {error}", file=sys.stderr)
    if tables := [error.table for _, error in broken if isinstance(error, OtherJoints)]:
        print(f"\n{tables[0]}", file=sys.stderr)


def _writer(options: argparse.Namespace) -> predictions.Writer:
    if options.json:
        return predictions.json_lines(options.top, options.fps)
    if options.csv:
        return predictions.csv_lines(options.top, options.fps, options.window is not None)
    return predictions.table(options.top, options.fps)


def _said(recognizer: Recognizer, options: argparse.Namespace) -> Iterator[tuple[str, Said]]:
    files = own.read(pathlib.Path(options.files)).source.files if options.files else None
    if options.files and files is None:
        raise UserError(f"--files={options.files}: no table [files] there, expected one; docs/own_recordings.md has it")
    if options.window is None and not options.gif:
        yield from recognizer.of_files(options.paths, files)
        return
    for name, raw in recognizer.read(options.paths, files):
        try:
            if isinstance(raw, UserError):
                raise raw
            said = _of_one(recognizer, raw, options)
            if options.gif:
                _draw(recognizer, name, raw, said, options)
            yield name, said
        except UserError as error:
            yield name, error


def _of_one(recognizer: Recognizer, raw: np.ndarray, options: argparse.Namespace) -> Answer | list[Segment]:
    if options.window is None:
        return recognizer(raw)
    return recognizer.segments(raw, options.window, options.stride or max(1, options.window // 4))


def _draw(
    recognizer: Recognizer, name: str, raw: np.ndarray, said: Answer | list[Segment], options: argparse.Namespace
) -> None:
    source = recognizer.benchmark.source
    coordinates = len(source.channels) - source.confidence
    frames_TxVxMxC = (raw[:, :, None] if raw.ndim == 3 else raw)[..., :coordinates]
    parts = [said] if isinstance(said, Answer) else said
    title = ", ".join(f"{part.label} {part.probability:.2f}" for part in parts) or "nobody is in view for long enough"
    path = pathlib.Path(options.gif) / (re.sub(r"[^\w.-]+", "_", name).strip("._") + ".gif")
    animation.write(path, frames_TxVxMxC, source.layout, title, options.fps or _FPS)
