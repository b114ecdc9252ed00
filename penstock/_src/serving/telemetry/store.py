"""The numbers of metrics, in memory that the processes of a server share.

Each process writes to its own file, mapped into memory, and any process reads the files of all: the file is a row of records, each a name, values of labels and
numbers. Numbers are 8 bytes in place, so that a reader meets the old one or the new one. A process that is killed leaves its counts behind, and its successor goes on
from there.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import struct
import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from penstock._src.serving.telemetry.table import METRICS, Metric

_LOG = logging.getLogger("penstock.serving")
# Size of a file in bytes; unwritten pages take no space.
_SIZE = 4 << 20
# The bytes that are used, then records: the bytes of the key, the count of numbers, the key, the numbers.
_USED = struct.Struct("<Q")
_HEAD = struct.Struct("<II")
_NUMBER = 8
# Values of a metric's labels.
Labels = tuple[str, ...]
# {(name of a metric, values of its labels): numbers}
Numbers = dict[tuple[str, Labels], list[float]]


class Value:
    """A counter or gauge of given labels; one thread at a time may change it."""

    __slots__ = ("_numbers", "_at", "_base")

    def __init__(self, numbers: memoryview[float], at: int) -> None:
        self._numbers, self._at = numbers, at
        self._base = numbers[at]

    def add(self, amount: float = 1.0) -> None:
        """Adds to a counter."""
        self._numbers[self._at] += amount

    def set(self, value: float) -> None:
        """Sets a gauge."""
        self._numbers[self._at] = value

    def set_total(self, value: float) -> None:
        """Sets a counter to this process's own count; the counts of its predecessors are added."""
        self._numbers[self._at] = self._base + value


class Histogram:
    """A histogram of given labels; one thread at a time may change it."""

    __slots__ = ("_numbers", "_at", "_bounds", "_sum")

    def __init__(self, numbers: memoryview[float], at: int, bounds: tuple[float, ...]) -> None:
        self._numbers, self._at, self._bounds = numbers, at, bounds
        self._sum = at + len(bounds) + 1

    def add(self, value: float, count: int = 1) -> None:
        """Counts a value, several times."""
        numbers = self._numbers
        numbers[self._at + bisect_left(self._bounds, value)] += count
        numbers[self._sum] += value * count


class Store:
    """The numbers of one process.

    Args:
      folder: where processes of one server have their files; "" for a process that is alone.
      number: of this process among them.
    """

    def __init__(self, folder: str = "", number: int = 0) -> None:
        self._folder = folder
        self._memory = _mapped(os.path.join(folder, str(number)) if folder else "")
        self._bytes = memoryview(self._memory)
        self._numbers = self._bytes.cast("d")
        self._lock = threading.Lock()
        self._held: dict[tuple[str, Labels], Any] = {}
        # Sink for series that no longer fit: written to, never read.
        self._beyond = memoryview(bytearray(_NUMBER * 64)).cast("d")
        self._places = {key: at for key, at, _ in _records(self._bytes)}

    def value(self, metric: Metric, *labels: str) -> Value:
        """Returns a counter or gauge of given values of labels."""
        return self._held.get((metric.name, labels)) or self._made(metric, labels)

    def histogram(self, metric: Metric, *labels: str) -> Histogram:
        """Returns a histogram of given values of labels."""
        return self._held.get((metric.name, labels)) or self._made(metric, labels)

    def reset_gauges(self) -> None:
        """Sets all gauges to zero: they belong to a predecessor, or to objects that are gone."""
        with self._lock:
            for (name, _), at in self._places.items():
                if METRICS[name].kind == "gauge":
                    self._numbers[at] = 0.0

    def all(self) -> Numbers:
        """Returns the numbers of all processes of the server, added up."""
        if not self._folder:
            return joined([self._bytes])
        files = sorted(Path(self._folder).iterdir())
        return joined([memoryview(path.read_bytes()) for path in files])

    def _made(self, metric: Metric, labels: Labels) -> Any:
        key = metric.name, labels
        count = len(metric.bounds) + 2 if metric.kind == "histogram" else 1
        with self._lock:
            if key not in self._held:
                numbers, at = self._place(key, count)
                is_histogram = metric.kind == "histogram"
                entry: Any = Histogram(numbers, at, metric.bounds) if is_histogram else None
                self._held[key] = entry or Value(numbers, at)
            return self._held[key]

    def _place(self, key: tuple[str, Labels], count: int) -> tuple[memoryview[float], int]:
        if key in self._places:
            return self._numbers, self._places[key]
        text = json.dumps([key[0], *key[1]]).encode()
        text += b" " * (-len(text) % _NUMBER)
        (used,) = _USED.unpack_from(self._bytes)
        begin = used or _USED.size
        end = begin + _HEAD.size + len(text) + count * _NUMBER
        if end > _SIZE:
            _LOG.error("There are too many metrics: %s%s is not kept", *key)
            return self._beyond, 0
        _HEAD.pack_into(self._bytes, begin, len(text), count)
        self._bytes[begin + _HEAD.size : begin + _HEAD.size + len(text)] = text
        _USED.pack_into(self._bytes, 0, end)  # last: readers see whole records
        self._places[key] = end // _NUMBER - count
        return self._numbers, self._places[key]


def _mapped(path: str) -> mmap.mmap:
    if not path:
        return mmap.mmap(-1, _SIZE)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        file.truncate(_SIZE)
        return mmap.mmap(file.fileno(), _SIZE)


def _records(data: memoryview) -> Iterable[tuple[tuple[str, Labels], int, int]]:
    """The key, the offset and the number of numbers of each record."""
    (used,) = _USED.unpack_from(data)
    begin = _USED.size
    while begin < used:
        length, count = _HEAD.unpack_from(data, begin)
        begin += _HEAD.size
        name, *labels = json.loads(bytes(data[begin : begin + length]))
        begin += length
        yield (name, tuple(labels)), begin // _NUMBER, count
        begin += count * _NUMBER


def joined(files: Iterable[memoryview]) -> Numbers:
    """Returns the numbers of several processes, added up."""
    sums: Numbers = {}
    for data in files:
        numbers: memoryview[float] = data.cast("d")
        for key, at, count in _records(data):
            mine = list(numbers[at : at + count])
            sums[key] = [a + b for a, b in zip(sums.get(key, [0.0] * count), mine)]
    return sums


def of_metric(numbers: Numbers, metric: Metric) -> Mapping[Labels, list[float]]:
    """Returns the series of a metric, by the values of its labels."""
    return {labels: series for (name, labels), series in numbers.items() if name == metric.name}
