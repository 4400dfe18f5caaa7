"""Networks trained side by side in one program (four streams, twenty folds) against the same ones one by one.

    python -m benchmarks.members
    python -m benchmarks.members --network=small --batch=8 --members=1,4

`one by one` steps the networks in turn with one compiled step, without waiting between them.
Memory is what XLA plans for a step: state, batch and everything between; and what `config.members_per_step=0` takes it
for before anything is compiled. `--options=members_per_step=5` lets the members take turns, 5 at a time.
"""

import argparse
import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks import report, timing
from benchmarks.shapes import NETWORKS, SHAPES, Case

COLUMNS = (
    ("members", "members", "d"),
    ("ms_median", "ms", ".4g"),
    ("ms_min", "min", ".4g"),
    ("ms_max", "max", ".4g"),
    ("ms_one_by_one", "one by one", ".4g"),
    ("times_as_fast", "faster", ".2f"),
    ("samples_per_second", "samples/s", ".4g"),
    ("gb_per_member", "GB each", ".3g"),
    ("gb_estimated", "estimate", ".3g"),
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = report.parser(__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="shrec")
    parser.add_argument("--network", choices=NETWORKS, default="full", help="small: for a CPU, with T 32")
    parser.add_argument("--batch", type=int, default=32, help="samples of a member's step (default 32)")
    parser.add_argument("--members", default="1,4,20", help="numbers of networks (default 1,4,20)")
    parser.add_argument("--options", default="", help="fields of the configuration, 'model.temporal=conv'")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    arguments = parse(words)
    case = Case(arguments.shape, arguments.network, arguments.batch, options=arguments.options)
    counts = [int(word) for word in arguments.members.split(",")]
    rows = [measure(dataclasses.replace(case, members=count), arguments) for count in counts]
    title = f"{arguments.shape}, {arguments.network} network, batch {arguments.batch} a member"
    report.finish("members", arguments, f"{title}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def measure(case: Case, arguments: argparse.Namespace) -> dict[str, Any]:
    """The row of one number of members."""
    from benchmarks import ours

    together, separate = ours.Training(case), ours.Separate(case)
    times = timing.alternate({"together": together, "one by one": separate}, arguments.repeats, arguments.seconds)
    ratios = timing.ratios(times["one by one"], times["together"])
    return {
        **dataclasses.asdict(case),
        **times["together"].summary(),
        "ms_one_by_one": 1e3 * times["one by one"].median,
        "ms_all_one_by_one": times["one by one"].summary()["ms"],
        "ratios": ratios,
        "times_as_fast": statistics.median(ratios),
        "samples_per_second": case.members * case.batch / times["together"].median,
        "gb_per_member": together.planned_bytes() / case.members / 1e9,
        "gb_estimated": together.estimated_bytes / 1e9,
    }


if __name__ == "__main__":
    main()
