"""Benchmarks."""

from penstock._src.api.test.benchmark import Benchmark as Benchmark
from penstock._src.api.test.benchmark import benchmarks_main as benchmarks_main
