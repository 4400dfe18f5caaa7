"""Networks trained side by side in one program (four streams, twenty folds) against the same ones one by one.

    python -m benchmarks.members
    python -m benchmarks.members --network=small --batch=8 --members=1,4

`one by one` steps the networks in turn with one compiled step, without waiting between them.
Memory is what XLA plans for a step: state, batch and everything between; and what `config.members_per_step=0` takes it
for before anything is compiled. `--options=members_per_step=5` lets the members take turns, 5 at a time.
"""

import dataclasses
import statistics
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from benchmarks import command_line, report, timing
from benchmarks.shapes import Case

COLUMNS = (
    ("members", "members", "d"),
    *report.MS,
    ("ms_one_by_one", "one by one", ".4g"),
    ("times_as_fast", "faster", ".2f"),
    ("samples_per_second", "samples/s", ".4g"),
    ("gb_per_member", "GB each", ".3g"),
    ("gb_estimated", "estimate", ".3g"),
)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measures, prints, and returns the rows."""
    defaults = {"shape": "shrec", "network": "full", "batch": 32, "members": (1, 4, 20), "options": ""}
    arguments = command_line.parser(__doc__, **defaults).parse_args(words)
    rows = [measure(Case.of(arguments, members=count), arguments) for count in arguments.members]
    title = Case.of(arguments, members=1).title
    report.finish("members", arguments, f"{title} a member\n{report.table(rows, COLUMNS)}", rows)
    return rows


def measure(case: Case, arguments: Namespace) -> dict[str, Any]:
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
