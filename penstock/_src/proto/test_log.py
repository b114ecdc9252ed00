"""Results of benchmarks as messages."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "test_log",
    """
EntryValue
    (kind: double_value=1 double, string_value=2 string)
MetricEntry
    name=1 string, value=2 double, min_value=3 google.protobuf.DoubleValue,
    max_value=4 google.protobuf.DoubleValue
BenchmarkEntry
    name=1 string, iters=2 int64, cpu_time=3 double, wall_time=4 double, throughput=5 double,
    extras=6 {string: EntryValue}, metrics=7 MetricEntry*
BenchmarkEntries
    entry=1 BenchmarkEntry*
""",
)

MetricEntry = SCHEMA["MetricEntry"]
BenchmarkEntries = SCHEMA["BenchmarkEntries"]
