"""Which recordings of a converted set are identical, and what that means for the benchmarks on it."""

from collections.abc import Mapping, Sequence

import numpy as np

from dsta_jax.data import duplicates
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.datasets.recording import Collection, columns, without


def find(
    collection: Collection, fingerprints: Mapping[str, str], benchmarks: Sequence[Benchmark]
) -> tuple[list[list[str]], list[str]]:
    """Groups of recordings with the very same frames, by name, and what is to be known of them, a line each."""
    converted = without(collection, [name for name in collection.entries if name not in fingerprints])
    name_N = [one.name for one in converted.selected]
    fingerprint_N = np.array([fingerprints[name] for name in name_N])
    groups = duplicates.groups(fingerprint_N)
    lines = [f"{sum(map(len, groups))} of {len(name_N)} recordings are identical to another one"] if groups else []
    for benchmark in benchmarks if groups else ():
        lines += filter(None, [_across(benchmark, columns(converted), fingerprint_N, groups)])
    return [[name_N[number] for number in group] for group in groups], lines


def _across(
    benchmark: Benchmark, columns: Mapping[str, np.ndarray], fingerprint_N: np.ndarray, groups: list[np.ndarray]
) -> str:
    """How many recordings a benchmark tests on although it trains on the same; an empty string for none."""
    if benchmark.left_out:
        value_N = columns[benchmark.left_out]
        shared = sum(len(group) for group in groups if len(set(value_N[group])) > 1)
        said = f"{benchmark.name}: {shared} recordings are identical to one of another {benchmark.left_out}"
        return said if shared else ""
    is_test_N = benchmark.protocol.is_test(columns)
    leaked, tested = int(duplicates.leaked(fingerprint_N, is_test_N).sum()), int(is_test_N.sum())
    said = f"{benchmark.name}: {leaked} of {tested} recordings for testing are identical to one for training"
    return said if leaked else ""
