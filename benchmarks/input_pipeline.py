"""Batches a second: made alone, with the library's threads, and together with the training that needs them.

    python -m benchmarks.input_pipeline
    python -m benchmarks.input_pipeline --network=small --batch=16 --members=1

`alone` calls `train_batch` step after step, in one thread and in two; `feed` is what the training loop uses: threads
that keep batches ahead and put them on the device. `on device` keeps all frames on the device, sends numbers of frames
and makes the streams there (`benchmarks.on_device`), to be compared with `feed`. `training` takes the steps of an epoch
from the feed, `step alone` takes as many on one batch: the difference is what the device waits for.
Recordings are made up, with the benchmark's lengths, in memory; of NTU's, --single show one person, and absent bodies
share a row (`packed`), as in training. Samples are counted once a member.
"""

import collections
import itertools
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import command_line, report, shapes
from benchmarks.shapes import SHAPES, Case
from benchmarks.timing import Times

COLUMNS = (
    ("shape", "shape", ""),
    ("members", "members", "d"),
    ("bodies", "bodies", ""),
    ("what", "what", ""),
    ("ms_median", "ms a step", ".4g"),
    *report.MS[1:],
    ("samples_per_second", "samples/s", ".4g"),
)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    parser = command_line.parser(__doc__, network="full", batch=64, members=(1, 4), single=0.8)
    parser.add_argument("--shapes", default="shrec,ntu", help=f"some of {', '.join(SHAPES)} (default both)")
    parser.add_argument("--steps", type=int, default=16, help="steps of a turn (default 16)")
    parser.add_argument("--no-training", action="store_true", help="batches only, no step of training")
    arguments = parser.parse_args(words)
    rows = []
    for shape, members in itertools.product(arguments.shapes.split(","), arguments.members):
        single = arguments.single if shape == "ntu" else 0.0
        samples = arguments.batch * arguments.steps
        rows += measure(Case.of(arguments, shape=shape, members=members, single=single, samples=samples), arguments)
    title = f"{arguments.network} network, batch {arguments.batch}"
    report.finish("input_pipeline", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def measure(case: Case, arguments: Namespace) -> list[dict[str, Any]]:
    """A row for each way."""
    ways = _batches(case, arguments.steps)
    if not arguments.no_training:
        ways |= _training(case, arguments.steps)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(arguments.repeats):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            found[name].append((time.perf_counter() - begin) / arguments.steps)
    rate = case.members * case.batch
    return [
        {"what": name, "shape": case.shape, "members": case.members, "samples_per_second": rate / times.median}
        | {"bodies": "packed" if case.single else "dense"}
        | times.summary()
        for name, times in ((name, Times(tuple(seconds))) for name, seconds in found.items())
    ]


def _batches(case: Case, steps: int) -> dict[str, Callable[[], object]]:
    """An epoch's batches, and nothing else."""
    import jax

    from benchmarks import ours
    from benchmarks.on_device import OnDevice
    from dsta_jax.data import batches
    from dsta_jax.train import Feed

    members = shapes.members_of(case)
    feed = Feed(members, members.mesh(case.batch))
    devices = [OnDevice(members, fold.train) for fold in members.folds]
    rows_S = ours.rows_of_steps(members, feed)

    def make(step: int) -> list[Any]:
        how = members.streams, members.sampling, case.batch, members.config.seed, step, rows_S[step]
        return [batches.train_batch(fold.train, *how) for fold in members.folds]

    def in_threads(count: int) -> None:
        with ThreadPoolExecutor(count) as pool:
            for _ in pool.map(make, range(steps)):
                pass

    def fed() -> None:
        for batch in itertools.islice(feed.batches(members.steps - steps), steps):
            jax.block_until_ready(batch.x)

    def on_device() -> None:
        made = collections.deque[list[Any]](maxlen=2)  # as many batches are kept at a time as the feed keeps
        for step in range(steps):
            if len(made) == 2:
                jax.block_until_ready(made[0])
            made.append([device.make(step, rows_S[step]) for device in devices])
        jax.block_until_ready(list(made))

    return {
        "alone, 1 thread": lambda: in_threads(1),
        "alone, 2 threads": lambda: in_threads(2),
        "feed": fed,
        "on device": on_device,
    }


def _training(case: Case, steps: int) -> dict[str, Callable[[], object]]:
    """An epoch's steps, fed, and as many on one batch."""
    from benchmarks import ours

    side = ours.Training(case)
    feed, first = side.feed, side.members.steps - steps
    compiled = {side.batch.x.shape: side.compiled}
    if feed.row_counts is not None and feed.row_counts.most != side.rows:
        shapes_of_most = feed.shapes(feed.row_counts.most)
        compiled[shapes_of_most.x.shape] = side.compile(shapes_of_most)

    def fed() -> None:
        for batch in itertools.islice(feed.batches(first), steps):
            side.state, _ = compiled[batch.x.shape](side.state, batch)
        side.wait()

    def alone() -> None:
        for _ in range(steps):
            side.start()
        side.wait()

    return {"training": fed, "step alone": alone}


if __name__ == "__main__":
    main()
