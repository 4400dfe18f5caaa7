"""All benchmarks and data sets, by name."""

from dsta_jax.datasets import dhg, ntu, nw_ucla, shrec17, utd_mhad

BENCHMARKS = {
    benchmark.name: benchmark for module in (shrec17, dhg, utd_mhad, nw_ucla, ntu) for benchmark in module.BENCHMARKS
}
SOURCES = {benchmark.source.name: benchmark.source for benchmark in BENCHMARKS.values()}
