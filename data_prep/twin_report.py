"""Which recordings of a converted set are identical, and what that means for the benchmarks on it."""

import pathlib
from collections.abc import Sequence

import numpy as np

from data_prep.shards import Result, Task
from dsta_jax.data import duplicates
from dsta_jax.datasets.benchmarks import Benchmark


def write(path: pathlib.Path, benchmarks: Sequence[Benchmark], results: Sequence[tuple[Task, Result]]) -> list[str]:
    """Lists the recordings with the very same frames, a line for those that share them; writes no empty list.

    Args:
      path: of the list.
      benchmarks: on this set.
      results: all of its shards.

    Returns:
      What is to be known of them, a line each.
    """
    known = [
        (task.split, item, result.fingerprints[item.name])
        for task, result in results
        for item in task.items
        if item.name in result.fingerprints
    ]
    fingerprint_N = np.array([fingerprint for _, _, fingerprint in known])
    groups = duplicates.groups(fingerprint_N)
    if not groups:
        path.unlink(missing_ok=True)
        return []
    path.write_text("".join(" ".join(known[number][1].name for number in group) + "\n" for group in groups))
    columns = {
        "split": np.array([split for split, _, _ in known]),
        **{key: np.array([getattr(item, key) for _, item, _ in known]) for key in ("subject", "camera", "setup")},
    }
    lines = [f"{sum(map(len, groups))} of {len(known)} recordings are identical to another one, see {path.name}"]
    return lines + [line for benchmark in benchmarks if (line := _across(benchmark, columns, fingerprint_N, groups))]


def _across(
    benchmark: Benchmark, columns: dict[str, np.ndarray], fingerprint_N: np.ndarray, groups: list[np.ndarray]
) -> str:
    """How many recordings a benchmark tests on although it trains on the same; an empty string for none."""
    if benchmark.left_out:
        value_N = columns[benchmark.left_out]
        shared = sum(len(group) for group in groups if len(set(value_N[group])) > 1)
        said = f"{benchmark.name}: {shared} recordings are identical to one of another {benchmark.left_out}"
        return said if shared else ""
    is_test_N = benchmark.is_test(columns)
    leaked, tested = int(duplicates.leaked(fingerprint_N, is_test_N).sum()), int(is_test_N.sum())
    said = f"{benchmark.name}: {leaked} of {tested} recordings for testing are identical to one for training"
    return said if leaked else ""
