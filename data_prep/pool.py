"""A pool of worker processes that ends with its parent, quietly on Ctrl-C."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from dsta_jax.errors import UserError

_Value = TypeVar("_Value")


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def run(
    function: Callable[..., _Value], arguments: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[tuple[int, _Value]]:
    """Yields i and `function(*arguments[i])` as they are ready; one worker is this process. UserError if one dies."""
    workers = min(workers, len(arguments))
    if workers <= 1:
        for index, argument in enumerate(arguments):
            yield index, function(*argument)
        return
    executor = concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
    )
    try:
        # Ctrl-C reaches every process of a terminal; workers ignore it from birth, the parent ends them.
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            futures = {executor.submit(function, *argument): index for index, argument in enumerate(arguments)}
        finally:
            signal.signal(signal.SIGINT, interrupt)
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
    except concurrent.futures.process.BrokenProcessPool:
        raise UserError("a worker process was killed, perhaps for want of memory; try fewer --workers") from None
    finally:
        executor.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Ends this worker when its parent is killed; it would wait for work forever otherwise."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
