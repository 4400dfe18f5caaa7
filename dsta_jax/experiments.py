"""The paper's tables, on any converted set: several seeds, mean and deviation, our numbers beside the paper's."""

import json
import math
import pathlib
import re
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections

from dsta_jax import report
from dsta_jax.config import PAPER_STREAMS
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets import own
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.files import complete_file, writable


class Row(NamedTuple):
    """A line of a table: what is changed for it, and which accuracy of the run it shows."""

    name: str
    paper: float | None  # in %, of `Table.benchmark`
    changes: Mapping[str, Any]
    shows: str = "spatial_temporal"


class Contrast(NamedTuple):
    """What one choice brings: the accuracy of a row less that of another, seed by seed."""

    what: str
    of: str
    less: str


class Table(NamedTuple):
    """A table of the paper."""

    title: str
    benchmark: str  # which the paper's numbers are of
    rows: tuple[Row, ...]
    contrasts: tuple[Contrast, ...] = ()


def _choice(name: str, paper: float, regularization: str = "spatial", **model: str) -> Row:
    changes = {"streams": ("spatial_temporal",), "model.regularization": regularization}
    return Row(name, paper, changes | {f"model.{field}": value for field, value in model.items()})


def _streams(shows: str, paper: float) -> Row:
    return Row(shows, paper, {"streams": PAPER_STREAMS}, shows)


def _whole(benchmark: str, paper: float) -> Table:
    rows = (Row("four streams, fused", paper, {"streams": PAPER_STREAMS}, "fused"),)
    return Table("Comparison with the paper", benchmark, rows)


_NONE, _UNIFIED, _DECOUPLED = "no position encoding", "unified encoding", "decoupled encoding"
_SPATIAL, _BOTH = "+ spatial regularisation", "+ temporal regularisation"
_A, _B = "strategy (a), per frame", "strategy (b), cross frame"

TABLES = {
    "table1": Table(
        "Table 1, choices of the network, joints alone",
        "shrec14",
        (
            _choice(_NONE, 89.4, "none", position="none"),
            _choice(_UNIFIED, 93.2, "none", position="unified"),
            _choice(_DECOUPLED, 94.5, "none"),
            _choice(_SPATIAL, 96.3),
            _choice(_BOTH, 94.6, "spatial_temporal"),
            _choice(_A, 94.6, attention="per_frame"),
            _choice(_B, 95.1, attention="cross_frame"),
        ),
        (
            Contrast("decoupled encoding, over none", _DECOUPLED, _NONE),
            Contrast("decoupled encoding, over unified", _DECOUPLED, _UNIFIED),
            Contrast("spatial regularisation", _SPATIAL, _DECOUPLED),
            Contrast("temporal regularisation on top", _BOTH, _SPATIAL),
            Contrast("strategy (c), over (a)", _SPATIAL, _A),
            Contrast("strategy (c), over (b)", _SPATIAL, _B),
        ),
    ),
    "table2": Table(
        "Table 2, streams and their fusion",
        "shrec14",
        (
            _streams("spatial_temporal", 96.3),
            _streams("spatial", 95.1),
            _streams("slow_temporal", 93.7),
            _streams("fast_temporal", 94.5),
            _streams("fused", 97.0),
        ),
        (Contrast("fusion, over the joints alone", "fused", "spatial_temporal"),),
    ),
}

# Tables 3, 4 and 5 compare with other methods on the hands' sets, NTU RGB+D and NTU RGB+D 120.
COMPARISONS = {
    "table3": {"shrec14": 97.0, "shrec28": 93.9, "dhg14": 93.8, "dhg28": 90.9},
    "table4": {"ntu60_cs": 91.5, "ntu60_cv": 96.4},
    "table5": {"ntu120_cs": 86.6, "ntu120_ce": 89.0},
}

# Figures 5 and 6 are sections of a report.
FIGURES = {"fig5": "attention", "fig6": "classes"}
NAMES = (*TABLES, *COMPARISONS, *FIGURES)


def table_of(name: str, config: ml_collections.ConfigDict) -> Table:
    """The table for a configuration's benchmark.

    Raises:
      UserError: when the paper's table is of other benchmarks.
    """
    if name in TABLES:
        return TABLES[name]
    found = COMPARISONS[name]
    if config.benchmark not in found:
        raise UserError(
            f"{name} is of {', '.join(found)}, and --config is of {config.benchmark}; table1 and table2 are for any set"
        )
    return _whole(config.benchmark, found[config.benchmark])


def run(name: str, config: ml_collections.ConfigDict, seeds: int, workdir: pathlib.Path) -> int:
    """Trains what a table needs and is not trained yet, prints it, and writes `NAME.json`, `NAME.md` to `workdir`.

    Each of the table's networks, with each seed from `config.seed` on, is a run below it. Returns 130 when it was
    interrupted; the same command goes on.
    """
    table = table_of(name, config)
    found: dict[str, list[float]] = {row.name: [] for row in table.rows}
    data: DataSet | None = None
    for seed in range(config.seed, config.seed + seeds):
        results: dict[str, dict[str, Any]] = {}
        for row in table.rows:
            place = _directory(row, seed)
            if place not in results:
                experiment = Experiment(_config(config, row, seed), data)
                data = experiment.data
                print(f"\n{row.name if row.shows == 'spatial_temporal' else table.title}, seed {seed}", file=sys.stderr)
                done = experiment.train(workdir / place)
                if done is None:
                    return 130
                results[place] = done
            found[row.name].append(100 * _accuracy(results[place], row.shows))
    said = in_words(table, config.benchmark, found)
    print(f"\n{said}")
    _write(workdir / f"{name}.md", f"```\n{said}\n```\n")
    content = {"table": name, "benchmark": config.benchmark, "seeds": seeds, "top1": found}
    _write(workdir / f"{name}.json", json.dumps(content, indent=2) + "\n")
    return 0


def draw(name: str, config: ml_collections.ConfigDict, workdir: pathlib.Path) -> int:
    """Trains the four streams if they are not trained yet, as table 2 does, and writes a figure as `NAME.html`.

    Fig. 5 are attention maps of the first and the last layer, Fig. 6 is the accuracy of each class in each stream.
    Returns 130 when it was interrupted; the same command goes on.
    """
    row = TABLES["table2"].rows[0]
    experiment = Experiment(_config(config, row, config.seed))
    run_directory = workdir / _directory(row, config.seed)
    if experiment.train(run_directory) is None:
        return 130
    print(report.write(run_directory, experiment.data, workdir / f"{name}.html", only=FIGURES[name]))
    return 0


def _directory(row: Row, seed: int) -> str:
    """Rows of the same networks share a run."""
    words = [str(value) for key, value in row.changes.items() if key != "streams"]
    streams = row.changes["streams"]
    return "_".join(("_".join(streams) if len(streams) == 1 else f"{len(streams)}_streams", *words, f"seed_{seed}"))


def _config(config: ml_collections.ConfigDict, row: Row, seed: int) -> ml_collections.ConfigDict:
    changed = config.copy_and_resolve_references()  # A ConfigDict of another one shares its groups.
    changed.update_from_flattened_dict({**row.changes, "seed": seed})
    return changed


def _accuracy(results: dict[str, Any], shows: str) -> float:
    return float(results["mean"][shows] if "mean" in results else results["accuracy"][shows]["top1"])


def _write(path: pathlib.Path, text: str) -> None:
    with writable(path), complete_file(path) as file:
        file.write(text.encode())


def in_words(table: Table, benchmark: str, found: Mapping[str, Sequence[float]]) -> str:
    """The table in words: mean and deviation of top-1 accuracies in %, by row; then what its choices bring."""
    seeds = len(next(iter(found.values())))
    name = own.find(benchmark).name
    paper = f"paper, {table.benchmark}"
    lines = [
        f"{table.title}: top-1 accuracy in % on {name}, {seeds} seed{'s' if seeds > 1 else ''}", "",
        f"{'':26}  {'mean':>6}  {'deviation':>9}  {paper:>14}   each seed",
    ]  # fmt: skip
    for row in table.rows:
        values = found[row.name]
        deviation = f"{statistics.stdev(values):.2f}" if seeds > 1 else "-"
        each = " ".join(f"{value:.2f}" for value in values)
        lines.append(f"{row.name:26}  {statistics.mean(values):6.2f}  {deviation:>9}  {row.paper:>14}   {each}")
    if table.contrasts:
        lines += ["", "what it brings, in points, seed by seed:"]
    for contrast in table.contrasts:
        lines.append(f"  {contrast.what:34}  {_difference(found[contrast.of], found[contrast.less])}")
    if name != table.benchmark:
        said = f"The paper's numbers are of {table.benchmark}, and ours of {name}: compare differences, not heights."
        lines += ["", said]
    return "\n".join(lines)


def _difference(one: Sequence[float], other: Sequence[float]) -> str:
    differences = [mine - theirs for mine, theirs in zip(one, other, strict=True)]
    mean = statistics.mean(differences)
    if len(differences) == 1:
        return f"{mean:+.2f} (one seed: no spread is known)"
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    clear = "more than twice" if abs(mean) > 2 * error else "less than twice"
    return f"{mean:+.2f} +- {error:.2f} ({clear} its standard error)"


def default_workdir(name: str, config_name: str) -> pathlib.Path:
    """runs/table1_utd_mhad_small for table1 and utd_mhad:small."""
    return pathlib.Path("runs") / re.sub(r"[:,./]+", "_", f"{name}_{config_name}")
