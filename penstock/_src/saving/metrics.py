"""Statistics of saving and loading in this process: counts, durations and sizes, by function."""

from __future__ import annotations

import bisect
import collections
import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from penstock._src.filesystems.files import matching_prefix, status
from penstock._src.util.lazy import ByName

if TYPE_CHECKING:
    from penstock._src.proto.event import HistogramProto

# Imported by name: few processes ask for the statistics.
_HISTOGRAM_PROTO = ByName("penstock._src.proto.event", "HistogramProto")

# Names of the functions that save and load.
SAVE_V2, SAVE_BUILDER = "save_v2", "save_v1_builder"
LOAD_V2, LOAD_V1_IN_V2, LOADER = "load_v2", "load_v1_in_v2", "loader"
ASYNC = "async_checkpoint"
CHECKPOINT_V1, CHECKPOINT_V2, SAVER = "checkpoint_v1", "checkpoint_v2", "saver_v1"

# {(metric, label): count}
COUNTS: collections.Counter[tuple[str, str]] = collections.Counter()
# {metric: the latest text}
LATEST: dict[str, str] = {}
# {label: when the last checkpoint was written, in seconds}
_LAST_WRITTEN: dict[str, float] = {}
_STARTED = time.time()
# The limits of the buckets of durations: a millisecond, and half as much again each time.
_LIMITS = [1000 * 1.5**step for step in range(41)]


class Durations:
    """Durations in microseconds, with the statistics of a histogram."""

    def __init__(self) -> None:
        self.count = self.sum = self.sum_squares = self.least = self.most = 0
        self.buckets = [0] * (len(_LIMITS) + 1)

    def add(self, value: int) -> None:
        """Counts one more."""
        self.least = min(self.least, value) if self.count else value
        self.most = max(self.most, value)
        self.count += 1
        self.sum += value
        self.sum_squares += value * value
        self.buckets[bisect.bisect_right(_LIMITS, value)] += 1


DURATIONS: dict[tuple[str, str], Durations] = collections.defaultdict(Durations)


@contextlib.contextmanager
def timed(metric: str, label: str) -> Iterator[None]:
    """Records the duration of the body; for a write, also the training time that it made safe."""
    begin = time.time()
    yield
    end = time.time()
    DURATIONS[metric, label].add(max(0, round((end - begin) * 1e6)))
    if metric == "checkpoint_write":
        before = _LAST_WRITTEN.get(label, _STARTED)
        COUNTS["training_time_saved", label] += max(0, round((end - before) * 1e6))
        _LAST_WRITTEN[label] = end


def size_of(prefix: str) -> int:
    """The bytes of a checkpoint's files."""
    return sum(status(path).length for path in matching_prefix(prefix, ""))


def record_size(label: str, prefix: str) -> None:
    """Counts a checkpoint of the size that its files have, in bytes."""
    COUNTS[f"checkpoint_size_{size_of(prefix)}", label] += 1


def histogram(metric: str, label: str) -> HistogramProto:
    """The durations of a metric in buckets."""
    seen = DURATIONS[metric, label]
    proto: HistogramProto = _HISTOGRAM_PROTO(
        num=seen.count, sum=seen.sum, sum_squares=seen.sum_squares
    )
    proto.min, proto.max = seen.least, seen.most
    proto.bucket_limit.extend([*_LIMITS, float("inf")])
    proto.bucket.extend(map(float, seen.buckets))
    return proto
