"""Iterators whose elements other threads compute: parallel calls, and reading ahead."""

import collections
import contextlib
import functools
import math
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from penstock._src.ops.data.iteration.resume import (
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.data_planner.call_times import PROBES, CallTime, Stopwatch
from penstock._src.ops.data_planner.thread_calls import WORTH_A_THREAD, Call, Calls, Several

# Seconds of work that are handed over at a time where calls are shorter and may be grouped: a handover takes 50 microseconds of a core.
_HANDED_OVER = 1e-3
# The same where a group is one call without Python's lock.
_HANDED_OVER_AT_ONCE, _LARGEST_GROUP = 4e-3, 16
_WORTH_A_GROUP = 3e-5  # minimum seconds per call for which groups of calls are tried
_TRIAL = 128  # elements after which two ways are compared
_SLOW_IN_A_ROW = 2  # slow elements before a thread takes over
_LARGEST_BUFFER = 64  # elements of a buffer whose size is tuned
_END = object()
_OPEN = contextlib.nullcontext()


class _Trial:
    """Compares how long a consumer waits for elements: calls in its own thread first, then calls in groups."""

    def __init__(self) -> None:
        self.waited, self.taken, self.phase = [0.0, 0.0], 0, 0

    @property
    def in_groups(self) -> bool:
        """Which way is tried, or has won."""
        return self.phase == 1 or (self.phase == 2 and self.waited[1] < self.waited[0])

    def add(self, seconds: float) -> None:
        if self.phase == 2:
            return
        self.waited[self.phase] += seconds
        self.taken += 1
        if self.taken == _TRIAL:
            self.taken, self.phase = 0, self.phase + 1


class Mapped(Resumable):
    """Iterates over the results of a function on each element; continues after an error in one."""

    def __init__(self, source: Iterator[Element], call: Call) -> None:
        self.source, self.call = source, call

    def __next__(self) -> Element:
        return tuple(self.call(*next(self.source)))


class MappedInParallel(Resumable):
    """Iterates over the results of a function on each element, from up to `width` concurrent calls.

    Results are in order, unless that is not asked for. Short calls are handed to threads in groups if that is found to be
    faster, and made one by one otherwise.
    """

    def __init__(
        self,
        source: Iterator[Element],
        call: Call,
        width: int,
        run: Run,
        in_order: bool = True,
        may_group: bool = False,
        several: Several | None = None,
    ) -> None:
        self.source, self.width, self.in_order = source, width, in_order
        self.calls = Calls(call, several if may_group else None)
        self.may_group, self.pool = may_group, run.pool(width)
        self.pending: collections.deque[Future] = collections.deque()
        # How many results are awaited at a time: more than there are threads where nobody sees it, so that no thread waits for the
        # consumer. A pool that others use, too, is given no more calls than may run at a time.
        is_free = may_group and not run.settings.pool
        self.most_pending = width + min(width, run.settings.cores) if is_free else width
        # Results of a group that were not taken.
        self.ready: collections.deque[Any] = collections.deque()
        self.exhausted = False
        self.trial = _Trial()
        own = None if run.settings.pool else self.pool  # otherwise others use it, too
        self.end = run.ends_with(self, functools.partial(abandon, self.pending, own))

    def __next__(self) -> Element:
        if self.ready:
            return _raised(self.ready.popleft())
        if self.calls.quick <= self.width + PROBES or self.exhausted:
            return self.handed_over(self.group_size())
        if not self.may_group or self.calls.seconds < _WORTH_A_GROUP:
            return self.one_by_one()
        begin = time.perf_counter()
        try:
            if self.trial.in_groups:
                return self.handed_over(math.ceil(WORTH_A_THREAD / self.calls.seconds))
            return self.one_by_one()
        finally:
            waited = time.perf_counter() - begin
            self.trial.add(waited)
            for _ in self.ready:  # which are there without waiting
                self.trial.add(0.0)

    def group_size(self) -> int:
        """The number of elements handed over at a time while calls are worth a thread each."""
        if not self.may_group or self.calls.count < self.width + PROBES:
            return 1
        if self.calls.several is not None:
            return max(2, min(_LARGEST_GROUP, math.ceil(_HANDED_OVER_AT_ONCE / self.calls.seconds)))
        return math.ceil(_HANDED_OVER / max(self.calls.seconds, WORTH_A_THREAD))

    def one_by_one(self) -> Element:
        """The next result, computed here after those of threads have been consumed."""
        if self.pending:
            return self.first()
        (result,) = self.calls.results([next(self.source)])
        return _raised(result)

    def handed_over(self, size: int) -> Element:
        """The next result of threads, which work on groups of `size` elements."""
        while not self.exhausted and len(self.pending) < self.most_pending:
            elements = self.group(size)
            if elements:
                self.pending.append(self.pool.submit(self.calls.results, elements))
        if not self.pending:
            self.end()
            raise StopIteration
        return self.first()

    def group(self, size: int) -> list[Any]:
        """The next elements; a failure ends the group."""
        elements: list[Any] = []
        while len(elements) < size:
            element = attempt(next, self.source, None)
            if element is None:
                self.exhausted = True
                break
            elements.append(element)
            if type(element) is Failure:
                break
        return elements

    def first(self) -> Element:
        """The next result, or that which is ready first."""
        if not self.in_order:
            if not any(future.done() for future in self.pending):
                wait(self.pending, return_when=FIRST_COMPLETED)
            self.pending.rotate(-next(at for at, p in enumerate(self.pending) if p.done()))
        self.ready.extend(self.pending.popleft().result())
        return _raised(self.ready.popleft())

    def save(self) -> State:
        results = [item for future in self.pending for item in future.result()]
        return super().save() | {"results": [*self.ready, *results], "exhausted": self.exhausted}

    def restore(self, state: State) -> None:
        super().restore(state)
        self.ready.extend(state["results"])
        self.exhausted = state["exhausted"]


def abandon(pending: Iterable[Future], pool: Executor | None) -> None:
    """Cancels the calls that no thread has begun, and ends the threads of the pool."""
    for future in pending:
        future.cancel()
    if pool is not None:
        pool.shutdown(wait=False, cancel_futures=True)


def _raised(result: Any) -> Element:
    """A result as an element; raises a failure."""
    return tuple(unless_failed(result))


class _Probes:
    """Calls a function and takes the times of its first calls.

    Args:
      call: the function.
    """

    def __init__(self, call: Call) -> None:
        self.call, self.count, self.fastest = call, 0, CallTime(math.inf, 0.0, False)

    def __call__(self, *element: Any) -> list[Any]:
        """The result of a call whose time is taken."""
        watch = Stopwatch()
        try:
            return self.call(*element)
        finally:
            taken = watch.stop()
            if taken.seconds < self.fastest.seconds:
                self.fastest = taken
            is_clear = taken.mostly_waits and taken.seconds > WORTH_A_THREAD
            self.count = PROBES if is_clear else self.count + 1


class Tuned(Resumable):
    """Applies a function to elements: in threads if the first calls are slow, in more of them if the calls also wait.

    `known` holds the number of threads found by an earlier iteration, if it was more than one: then this one starts with it.
    """

    plain, sources = ("width",), ("results",)

    def __init__(
        self,
        source: Iterator[Element],
        call: Call,
        run: Run,
        may_group: bool = False,
        known: list[int] | None = None,
        several: Several | None = None,
    ) -> None:
        self.source, self.call, self.run, self.may_group = source, call, run, may_group
        self.several = several
        self.probes = _Probes(call)
        self.results: Iterator[Element] = Mapped(source, self.probes)
        self.width = 1
        self.known = [] if known is None else known
        if self.known:
            self.begin(min(self.known[0], run.settings.most_waiting))

    def __next__(self) -> Element:
        if self.probes.count == PROBES:
            self.begin(self.chosen_width())
        return next(self.results)

    def begin(self, width: int) -> None:
        """Goes on with a number of threads."""
        self.width, self.probes.count = width, PROBES + 1
        self.results = self.rest()
        if width > 1:
            self.known[:] = [width]

    def chosen_width(self) -> int:
        """The number of threads that pay off."""
        settings, fastest = self.run.settings, self.probes.fastest
        least = _WORTH_A_GROUP if self.may_group else WORTH_A_THREAD
        if fastest.seconds < least or settings.cores == 1:
            return 1
        return fastest.width(settings.cores, settings.most_waiting)

    def rest(self) -> Iterator[Element]:
        """The same results, from as many threads as were chosen."""
        if self.width == 1:
            return Mapped(self.source, self.call)
        return MappedInParallel(
            self.source, self.call, self.width, self.run, True, self.may_group, self.several
        )

    def restore(self, state: State) -> None:
        if state["width"] > 1:
            self.begin(state["width"])
        elif self.width > 1:
            self.results, self.probes.count = Mapped(self.source, self.probes), 0
        super().restore(state)


def bytes_of(element: Any) -> int:
    """The memory of an element's components; 0 for components that are not arrays."""
    if type(element) is not tuple:
        return 0
    return sum(getattr(component, "nbytes", 0) for component in element)


class _Buffer:
    """Elements that a thread computes ahead of an iterator, which the thread does not hold: dropping it ends the thread.

    Args:
      source, size, run, changed, gate, is_tuned: as those of `Prefetched`.
    """

    def __init__(
        self,
        source: Iterator[Element],
        size: int,
        run: Run,
        changed: threading.Condition,
        gate: threading.Semaphore | None,
        is_tuned: bool,
    ) -> None:
        self.source, self.size, self.run, self.gate = source, size, run, gate
        self.changed, self.is_tuned, self.was_full = changed, is_tuned, False
        self.ready: collections.deque[Any] = collections.deque()
        self.thread: threading.Thread | None = None
        self.is_dropped = False
        # Held while the thread computes an element and appends it.
        self.computing = threading.Lock()

    @property
    def is_closed(self) -> bool:
        """True if the consumer of the elements is gone."""
        return self.is_dropped or self.run.canceled.is_set()

    @property
    def low(self) -> int:
        """The thread resumes when this many elements are left: in groups, to switch threads less often."""
        return self.size // 2

    def take(self) -> Any:
        """The next element, or its error.

        Raises:
          StopIteration: there is none.
        """
        with self.changed:
            if not self.ready:
                self.grow()
            while not self.ready:
                self.changed.wait()
            item = self.ready[0]
            if item is _END:
                raise StopIteration
            self.ready.popleft()
            if self.is_tuned:
                self.run.memory.give_back(bytes_of(item))
            if self.is_tuned or len(self.ready) <= self.low:
                self.changed.notify_all()
        return item

    def grow(self) -> None:
        """Makes the buffer larger if it was too small for how much the times of elements differ."""
        if self.is_tuned and self.was_full:
            self.size, self.was_full = min(2 * self.size, _LARGEST_BUFFER), False

    def start(self) -> None:
        """Starts the thread, if it does not run."""
        # The consumer may be a thread itself, while another closes the iteration.
        with self.changed:
            if self.thread is None:
                self.run.has_threads = True
                thread = threading.Thread(target=self.fill, name="penstock-prefetch", daemon=True)
                self.thread = thread
                try:
                    thread.start()
                except BaseException:
                    # Ctrl-C: a thread that begins nevertheless finds that it is not the buffer's.
                    self.thread = None
                    raise

    def wait_for_room(self) -> None:
        """Waits while the buffer is full, or tuned buffers hold as much memory as they may."""
        room = self.size
        if len(self.ready) >= self.size:
            self.was_full, room = True, self.low + 1
        while len(self.ready) >= room and not self.is_closed:
            self.changed.wait()
        while self.is_tuned and self.ready and self.run.memory.is_full and not self.is_closed:
            self.changed.wait()

    def fill(self) -> None:
        """The thread's main function: computes the elements."""
        with self.changed:
            if self.thread is not threading.current_thread():
                return
        item: Any = None
        while item is not _END:
            with self.changed:
                self.wait_for_room()
            with self.gate or _OPEN, self.computing:
                item = _END if self.is_closed else attempt(next, self.source, _END)
                with self.changed:
                    self.ready.append(item)
                    if self.is_tuned:
                        self.run.memory.take(bytes_of(item))
                    self.changed.notify_all()

    def close(self) -> None:
        """Ends the thread."""
        with self.changed:
            self.is_dropped = True
            self.changed.notify_all()
            thread = self.thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)


class Prefetched(Resumable):
    """Iterates over elements that a thread computes up to `size` ahead.

    Args:
      source: computes the elements.
      size: the number of elements of the buffer.
      run: the iteration.
      changed: notified of new elements; shared by iterators of which one waits for any.
      gate: limits how many iterators compute at the same time, or None.
      is_tuned: whether the buffer may grow where its consumer had to wait, within the memory of the settings.
    """

    def __init__(
        self,
        source: Iterator[Element],
        size: int,
        run: Run,
        changed: threading.Condition | None = None,
        gate: threading.Semaphore | None = None,
        is_tuned: bool = False,
    ) -> None:
        changed = changed or threading.Condition()
        self.buffer = _Buffer(source, size, run, changed, gate, is_tuned)
        run.ends_with(self, self.buffer.close)

    @property
    def source(self) -> Iterator[Element]:
        """Computes the elements."""
        return self.buffer.source

    @source.setter
    def source(self, source: Iterator[Element]) -> None:
        self.buffer.source = source

    @property
    def ready(self) -> collections.deque[Any]:
        """The elements that wait for the consumer."""
        return self.buffer.ready

    def __next__(self) -> Element:
        self.started()
        return unless_failed(self.buffer.take())

    def started(self) -> "Prefetched":
        """Starts the thread, if it does not run."""
        if self.buffer.thread is None:
            self.buffer.start()
        return self

    def save(self) -> State:
        with self.buffer.computing:
            ready = [item for item in self.ready if item is not _END]
            return super().save() | {"ready": ready}

    def restore(self, state: State) -> None:
        super().restore(state)
        self.ready.extend(state["ready"])
        if self.buffer.is_tuned:
            self.buffer.run.memory.take(sum(map(bytes_of, self.ready)))


class PrefetchedIfSlow(Resumable):
    """Iterates over elements on demand; switches to a prefetching thread when elements are slow."""

    def __init__(
        self,
        source: Iterator[Element],
        size: int,
        run: Run,
        gate: threading.Semaphore | None = None,
        is_tuned: bool = False,
    ) -> None:
        self.source, self.size, self.run = source, size, run
        self.gate, self.is_tuned = gate, is_tuned
        self.slow_in_a_row = 0

    def __next__(self) -> Element:
        if self.slow_in_a_row >= _SLOW_IN_A_ROW:
            if type(self.source) is not Prefetched:
                self.source = self.in_thread()
            return next(self.source)
        begin = time.perf_counter()
        element = next(self.source)
        is_slow = time.perf_counter() - begin > WORTH_A_THREAD
        self.slow_in_a_row = self.slow_in_a_row + 1 if is_slow else 0
        return element

    def in_thread(self) -> Prefetched:
        """Returns the same elements computed ahead by a thread."""
        return Prefetched(self.source, self.size, self.run, None, self.gate, self.is_tuned)

    def restore(self, state: State) -> None:
        if state["source"]["kind"] == Prefetched.__name__:
            self.source, self.slow_in_a_row = self.in_thread(), _SLOW_IN_A_ROW
        super().restore(state)
