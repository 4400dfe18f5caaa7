"""How long a live decision takes: from the frame that completes a window to the answer.

    python -m benchmarks.live
    python -m benchmarks.live --network=full --members=1

Frames of one person are pushed as fast as they are taken; times are those of the frames that are decided on, cleaning,
normalising, sampling, all streams and their fusion included. Pushing a frame that is not decided on is told too.
"""

import pathlib
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from benchmarks import command_line, ours, report
from benchmarks.shapes import Case, members_of
from dsta_jax.members import variable_shapes
from dsta_jax.predict import Recognizer
from dsta_jax.weights.trained import Trained

COLUMNS = (
    ("network", "network", ""),
    ("streams", "streams", "d"),
    ("median", "median ms", ".1f"),
    ("p99", "p99 ms", ".1f"),
    ("pushing", "pushing ms", ".3f"),
    ("fps", "decisions/s", ".1f"),
)
_WINDOW, _DECISIONS = 60, 200


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    parser = command_line.parser(__doc__, shape="shrec", network="small", members=4, frames=0, options=None)
    arguments = parser.parse_args(words)
    case = Case.of(arguments, batch=1, samples=1, options=" ".join(arguments.options or []), single=1.0)
    rows = [measure(case)]
    title = f"{case.shape}, a decision on the last {_WINDOW} frames, {_DECISIONS} of them"
    report.finish("live", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def measure(case: Case) -> dict[str, Any]:
    """Networks with made-up variables, watching. They are small, so that no score is infinite."""
    members = members_of(case)
    shapes = variable_shapes(members.network, members.input_shape(1), len(members))
    model = jax.tree.map(lambda leaf: leaf / 4, ours.made_up(shapes))
    recognizer = Recognizer(Trained(members.config, members.benchmark, model, pathlib.Path()))
    joints, _, channels = members.benchmark.source.frame_shape
    frames_TxVxC = np.random.default_rng(0).standard_normal((_WINDOW + _DECISIONS, joints, channels))
    deciding: list[float] = []
    pushing: list[float] = []
    with recognizer.live(window=_WINDOW, every=2) as stream:
        for _ in range(2):
            for frame_VxC in frames_TxVxC:
                begin = time.perf_counter()
                answer = stream.push(frame_VxC)
                (pushing if answer is None else deciding).append(time.perf_counter() - begin)
    seconds = np.array(deciding[-_DECISIONS:])
    return {
        "network": case.network,
        "streams": len(recognizer.streams),
        "median": 1e3 * float(np.median(seconds)),
        "p99": 1e3 * float(np.percentile(seconds, 99)),
        "pushing": 1e3 * float(np.median(pushing)),
        "fps": 1 / float(np.mean(seconds)),
    }


if __name__ == "__main__":
    main()
