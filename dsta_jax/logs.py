"""What a run says while it trains: a progress bar, JSON lines, TensorBoard; and streams that nobody reads any more."""

import collections
import contextlib
import faulthandler
import json
import logging
import os
import pathlib
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import tqdm
from absl import logging as absl_logging

from dsta_jax.data import tfrecord
from dsta_jax.data.messages import Event
from dsta_jax.files import complete_file, writable
from dsta_jax.storage import GrowingFile, make_directory

# Fits 80 columns with seven digits of steps and an hour left.
_BAR = "{percentage:3.0f}%|{bar}| {desc}"

# The time that is left is told from so many of the last steps.
_LAST_STEPS = 50

# A step that takes longer is taken for one that hangs; more than any that is worth waiting for.
STALLED_SECONDS = 600.0

_START = 1  # SessionLog.START


class Progress(contextlib.AbstractContextManager["Progress"]):
    """The bar of a training, on a terminal; a line now and then elsewhere."""

    def __init__(self, first_step: int, steps: int, steps_per_epoch: float, shown: bool = True):
        seconds = 0.1 if sys.stderr.isatty() else 20
        look: dict[str, Any] = {"bar_format": _BAR, "dynamic_ncols": True, "mininterval": seconds, "miniters": 1}
        look |= {"file": sys.stderr, "disable": not shown}
        self._bar = tqdm.tqdm(total=steps, initial=first_step, desc="compiling the training step", **look)
        self._step, self._steps, self._steps_per_epoch = first_step, steps, steps_per_epoch
        self._metrics, self._said = "", "nothing to train"
        self._ends: collections.deque[float] = collections.deque(maxlen=_LAST_STEPS + 1)  # of steps, in seconds

    def reach(self, step: int) -> None:
        """So many steps are done; again is the same."""
        steps, self._step = step - self._step, step
        if not steps:
            return
        self._ends.append(time.monotonic())
        epochs = f"epoch {self._step / self._steps_per_epoch:.1f}/{self._steps / self._steps_per_epoch:.0f}"
        said = (f"step {self._step}/{self._steps}", epochs, self._metrics, f"{self._left()} left")
        self._said = ", ".join(filter(None, said))
        self._bar.set_description_str(self._said, refresh=False)
        self._bar.update(steps)

    def _left(self) -> str:
        """From the ends of the last steps; what came before the first one, as compiling, is not among them."""
        if len(self._ends) < 2:
            return "?"
        seconds = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)
        return str(tqdm.tqdm.format_interval(seconds * (self._steps - self._step)))

    def show(self, metrics: str) -> None:
        """What the bar says of the network from the next step on."""
        self._metrics = metrics

    def phase(self, what: str) -> None:
        """Says what is done between two steps."""
        self._bar.set_description_str(f"step {self._step}/{self._steps}, {what}")

    def say(self, message: str) -> None:
        """Prints a line above the bar."""
        if not self._bar.disable:
            self._bar.write(message, file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        self._bar.set_description_str(self._said, refresh=False)
        self._bar.close()


@contextlib.contextmanager
def stacks_if_stalled(what: str) -> Iterator[None]:
    """Prints where all threads are when the block, which waits for something, has not ended after ten minutes."""

    def tell() -> None:
        print(f"\nnothing came of {what} for {STALLED_SECONDS:g} s; where all threads are:", file=sys.stderr)
        sys.stderr.flush()
        faulthandler.dump_traceback(sys.__stderr__ or sys.stderr)

    timer = threading.Timer(STALLED_SECONDS, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Metrics:
    """Metrics of a run, by step, in `metrics.jsonl` and `tensorboard/` of its working directory.

    A resumed run goes on where its checkpoint is: lines of later steps, which will be made again, are dropped.
    """

    def __init__(self, workdir: pathlib.Path, first_step: int):
        path = workdir / "metrics.jsonl"
        _keep_until(path, first_step)
        self._file = GrowingFile(path)
        board = workdir / "tensorboard"
        make_directory(board)
        # TensorBoard takes for events what has such a name, in the order of the names.
        name = f"events.out.tfevents.{_second(board):010d}.{socket.gethostname()}.{os.getpid()}.{first_step}"
        self._events = GrowingFile(board / name)
        self._event(Event(file_version="brain.Event:2"))
        start = Event(step=first_step + 1)
        start.session_log.status = _START  # TensorBoard forgets what an interrupted run said of later steps.
        self._event(start)

    def write(self, step: int, metrics: dict[str, float]) -> None:
        """Adds a line of metrics by name, such as `train/loss/spatial`, after so many steps."""
        with writable(self._file.path):
            self._file.write(json.dumps({"step": step, **metrics}).encode() + b"\n")
        event = Event(step=step)
        for name, value in metrics.items():
            event.summary.value.add(tag=name, simple_value=value)
        self._event(event)

    def _event(self, event: Any) -> None:
        event.wall_time = time.time()
        with writable(self._events.path):
            self._events.write(tfrecord.frame(event.SerializeToString()))

    def save(self) -> None:
        """Has everything in the files, also where they are in a bucket; for each checkpoint."""
        for file in (self._file, self._events):
            with writable(file.path):
                file.save()

    def close(self) -> None:
        """Saves and closes the files."""
        self.save()
        self._file.close()
        self._events.close()


def _second(board: pathlib.Path) -> int:
    """The time in seconds, or one that is later than those of the events that are there: clocks may be set back."""
    there = [int(found[1]) for one in board.glob("events.*") if (found := re.search(r"tfevents\.(\d+)\.", one.name))]
    return max([time.time_ns() // 10**9, *(second + 1 for second in there)])


def _keep_until(path: pathlib.Path, step: int) -> None:
    """Keeps the whole lines of a metrics file up to a step; lines that were cut or damaged are dropped."""
    if not path.exists():
        return
    kept = []
    for line in path.read_bytes().decode(errors="replace").splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
    with complete_file(path) as file:
        file.write("".join(kept).encode())


class _Patient:
    """A text stream that goes on in silence when its reader is gone, as `tee` is after Ctrl-C, or its disk is full."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes, or does not."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flushes, or does not."""
        self._try(self._stream.flush)

    def _try(self, method: Callable[..., Any], *given: str) -> None:
        try:
            method(*given)
        except OSError:
            # What is still to be written goes nowhere, at the interpreter's end, too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def lose_no_work_for_want_of_readers() -> None:
    """Makes standard output and error such that losing them never stops the program."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or open(os.devnull, "w")  # noqa: SIM115 - it is closed by the system at the end
        setattr(sys, name, _Patient(stream))


def speak_plainly() -> None:
    """Our own messages as they are, and none of Orbax's, which has pages for each checkpoint; its errors are raised."""
    absl_logging.set_verbosity(absl_logging.FATAL)
    absl_logging.set_stderrthreshold(absl_logging.FATAL)
    logger = logging.getLogger("dsta_jax")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
