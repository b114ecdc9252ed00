"""Resource usage of a running process: memory by the lines that own it, compilations with their causes, the share of time spent on data.

`penstock top` shows it. Nothing is counted unless a `Usage` observes: it hears of traces, compilations, variables and elements of datasets, and looks
for arrays among Python's objects when it reports.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import gc
import inspect
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.core.values import memory_limit
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.tensor import EagerTensor
from penstock._src.observe.data_usage import DataUsage
from penstock._src.runtime.arena import ArenaBlock
from penstock._src.util.locations import user_location
from penstock._src.util.names import label_of_function
from penstock._src.util.run_observers import WORK_OBSERVERS

LISTED = 5  # lines of variables and compilations
WORTH = 0.05  # from this share of time on that is waited for data, steps are listed
UNKNOWN = "before it was observed"


@dataclasses.dataclass
class Compilation:
    """The compilations of one function: number of programs, seconds, and the reason of the last trace."""

    programs: int = 0
    seconds: float = 0.0
    traces: int = 0
    cause: str = ""
    place: str = ""


class Usage:
    """The observer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._counted: dict[int, tuple[dict[str, float], float]] = {}
        self.compilations: dict[str, Compilation] = collections.defaultdict(Compilation)
        self.begin = self.last = time.perf_counter()
        self.waited_for, self.elements = 0.0, 0
        self._before = (0.0, 0)
        self.data = DataUsage()

    @contextlib.contextmanager
    def observing(self) -> Iterator[None]:
        """Within this block it is notified of events."""
        WORK_OBSERVERS.append(self)
        try:
            yield
        finally:
            WORK_OBSERVERS.remove(self)

    # -- notifications

    def traced(self, function: Any, reason: str) -> None:
        """See WorkObserver."""
        plain = inspect.unwrap(function.python_function)
        code = getattr(getattr(plain, "__func__", plain), "__code__", None)
        with self._lock:
            known = self.compilations[function.name]
            known.traces, known.cause = known.traces + 1, reason
            if code is not None:
                known.place = f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"

    def compiled(self, function: Any, seconds: dict[str, float]) -> None:
        """See WorkObserver."""
        total = sum(seconds.values())
        with self._lock:
            _, before = self._counted.get(id(seconds), (seconds, 0.0))
            self._counted[id(seconds)] = seconds, total  # which keeps the dict, and so its id
            known = self.compilations[label_of_function(function.name)]
            known.programs, known.seconds = known.programs + 1, known.seconds + total - before

    def waited(self, seconds: float) -> None:
        """See WorkObserver."""
        with self._lock:
            self.waited_for, self.elements = self.waited_for + seconds, self.elements + 1

    def made(self, variable: Any) -> None:
        """See WorkObserver."""
        with self._lock:
            self._owners[variable] = _line()

    def defined(self, dataset: Any) -> None:
        """See WorkObserver."""
        self.data.defined(dataset, _line())

    def iterates(self, root: Any, measures: Any) -> None:
        """See WorkObserver."""
        self.data.iterates(root, measures)

    def iterated(self, root: Any, measures: Any) -> None:
        """See WorkObserver."""
        self.data.iterated(root, measures)

    # -- reports

    def report(self) -> list[str]:
        """Returns lines about now, and about the time since the last report."""
        arrays = [kept for kept in gc.get_objects() if type(kept) in _HOLDERS]
        handles = [kept for kept in arrays if type(kept) is VariableHandle]
        blocks = [kept for kept in arrays if type(kept) is ArenaBlock]
        tensors = {id(t._value): t._value for t in arrays if type(t) is EagerTensor}
        of_variables = {id(handle.value) for handle in handles}
        rest = [
            t for key, t in tensors.items() if isinstance(t, np.ndarray) and key not in of_variables
        ]
        caches = sum(_bytes_of_caches(handle) for handle in handles)
        return [
            f"memory    process {_size(_resident())}; {_counted_arrays()}",
            f"arenas    {_size(sum(block.array.nbytes for block in blocks))} in {len(blocks)}, for temporaries of programs",
            f"tensors   {_size(sum(t.nbytes for t in rest))} in {len(rest)}",
            f"caches    {_size(caches)} derived from variables, as packed weights",
            *self._of_variables(handles),
            *self._of_datasets(),
            *self.times(),
        ]

    def numbers(self) -> dict[str, float]:
        """Returns the main sums by name: seconds since the start, bytes of memory, and what compilations and datasets took."""
        handles = [kept for kept in gc.get_objects() if type(kept) is VariableHandle]
        now = time.perf_counter() - self.begin
        with self._lock:
            known = list(self.compilations.values())
        return {
            "seconds": now,
            "process_bytes": float(_resident()),
            "variable_bytes": float(
                sum(h.value.nbytes for h in handles if isinstance(h.value, np.ndarray))
            ),
            "dataset_bytes": float(sum(size for _, size, _ in self.data.held())),
            "compilation_seconds": sum(each.seconds for each in known),
            "traces": float(sum(each.traces for each in known)),
            "waiting_share": self.waited_for / max(now, 1e-9),
        }

    def times(self) -> list[str]:
        """Returns lines about compilations, and about what datasets take."""
        return [*self._of_compilations(), self._of_data(), *self._costs_of_data()]

    def _of_variables(self, handles: list[VariableHandle]) -> Iterator[str]:
        sizes: dict[str, list[int]] = collections.defaultdict(list)
        with self._lock:
            for handle in handles:
                if isinstance(handle.value, np.ndarray):
                    sizes[self._owners.get(handle, UNKNOWN)].append(handle.value.nbytes)
        total = sum(map(sum, sizes.values()))
        yield f"variables {_size(total)} in {sum(map(len, sizes.values()))}"
        largest = sorted(sizes.items(), key=lambda item: -sum(item[1]))
        for line, each in largest[:LISTED]:
            yield f"          {_size(sum(each)):>9} in {len(each)}: {line}"
        if len(largest) > LISTED:
            yield f"          and at {len(largest) - LISTED} other lines"

    def _of_datasets(self) -> Iterator[str]:
        records = list(self.data.held())
        total = sum(size for _, size, _ in records)
        yield f"datasets  {_size(total)} in {sum(count for *_, count in records)}: what they were made of, and caches"
        for line, size, count in records[:LISTED]:
            yield f"          {_size(size):>9} in {count}: {line}"

    def _of_compilations(self) -> Iterator[str]:
        with self._lock:
            known = sorted(self.compilations.items(), key=lambda item: -item[1].seconds)
        programs, seconds = (sum(getattr(c, f) for _, c in known) for f in ("programs", "seconds"))
        traces = sum(c.traces for _, c in known)
        yield f"compiled  {programs} programs in {seconds:.2f} s, of {traces} traces"
        for name, each in known[:LISTED]:
            place = f" ({each.place})" if each.place else ""
            cause = f"; last trace: {each.cause}" if each.cause else ""
            yield f"          {each.seconds:7.2f} s in {each.programs}: {name}{place}, traced {each.traces} times{cause}"

    def _costs_of_data(self) -> Iterator[str]:
        """The steps of datasets that cost most, where the program waits for data at all."""
        if self.waited_for > WORTH * (time.perf_counter() - self.begin):
            yield from self.data.costs(self.waited_for)

    def _of_data(self) -> str:
        now = time.perf_counter()
        with self._lock:
            (waited, elements), self._before = self._before, (self.waited_for, self.elements)
            since = self.waited_for - waited
            text = (
                f"data      waited for {_share(since, now - self.last)} of the last {now - self.last:.1f} s, "
                f"{self.elements - elements} elements; {_share(self.waited_for, now - self.begin)} of {now - self.begin:.1f} s, {self.elements} elements"
            )
            self.last = now
        return text


def _line() -> str:
    """The line of the user's program that runs."""
    place = user_location(3)
    if place is None:
        return UNKNOWN
    return f"{os.path.basename(place.file)}:{place.line} {place.function}"


_HOLDERS = (VariableHandle, ArenaBlock, EagerTensor)


def _bytes_of_caches(handle: VariableHandle) -> int:
    """The bytes of data derived from a variable's value and cached with it."""
    memories = [getattr(each, "memory", each) for each in list(handle.derived.values())]
    return sum(memory.nbytes for memory in memories if isinstance(memory, np.ndarray))


def _resident() -> int:
    """The bytes of memory of the process, or its peak if the system does not report the current size."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        if sys.platform == "win32":
            return 0
        import resource  # not on Windows

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _counted_arrays() -> str:
    """Large arrays as the allocator counts them, once it does."""
    if not memory_limit.WORDS[memory_limit.PEAK]:
        return "no array of a megabyte or more was counted"
    most = int(memory_limit.WORDS[memory_limit.PEAK])
    return f"large arrays {_size(memory_limit.used())}, at most {_size(most)}, limit {_size(memory_limit.limit())}"


def _size(count: float) -> str:
    """Bytes in words."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / max(whole, 1e-9):.0f} %"
