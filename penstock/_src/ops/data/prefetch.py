"""Prefetching by a thread, and caches between iterations."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.op import Op
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.iteration.resume import (
    Counted,
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.iteration.rows import Access, Rows
from penstock._src.ops.data.pipeline import (
    DatasetOp,
    Pipeline,
    Planned,
    Run,
    text,
)
from penstock._src.ops.data.storage import CacheWriter, FileCache


class _Prefetch(Planned):
    keeps_batches = is_buffer = True

    def __init__(self, source: Pipeline, size: int) -> None:
        self.inputs, self.size = (source,), size

    def access(self, run: Run) -> Access:
        return self.inputs[0].access(run)

    def rows(self) -> Rows | None:
        return self.inputs[0].rows()  # prefetching rows gains nothing


class PrefetchDataset(DatasetOp):
    """The same elements, prefetched by a thread if they are slow."""

    signature = "input_dataset: variant, buffer_size: int64 -> handle: variant"
    slack_period: int = 0
    legacy_autotune: bool = True
    buffer_size_min: int = 0

    def pipeline(self, input_dataset, buffer_size):
        if int(buffer_size) < -1:
            raise self.invalid(
                "buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning"
            )
        return _Prefetch(input_dataset, int(buffer_size))


class MemoryCache(Resource):
    """A cache of a dataset's elements, complete after a full iteration."""

    elements: list[Element] | None = None

    def __init__(self) -> None:
        super().__init__()
        # Elements that were accessed by their positions.
        self.at: dict[int, Element] = {}


class EndingWithTheLast(Resumable):
    """Iterates over elements; reaches the end of the iterator before it gives the last element of a known number.

    Callers that know the number, such as Keras, never ask for one more, so that a cache would stay incomplete.
    """

    plain = ("taken", "ahead")

    def __init__(self, source: Iterator[Element], count: int) -> None:
        self.source, self.count, self.taken = source, count, 0
        # The element after the last, or the error in its place, where there are more than the known number.
        self.ahead: list[Element | Failure] = []

    def __next__(self) -> Element:
        if self.ahead:
            return unless_failed(self.ahead.pop())
        element = next(self.source)
        self.taken += 1
        if self.taken == self.count:
            after = attempt(next, self.source, None)
            self.ahead = [] if after is None else [after]
        return element


class _Cache(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, cache: Any) -> None:
        self.inputs, self.cache = (source,), cache

    def begin(self, run: Run) -> None:
        if self.cache.elements is None:
            super().begin(run)

    def iterate(self, run: Run) -> Iterator[Element]:
        run.opaque_step = "CacheDatasetV2"
        return Cached(self, run)

    def filling(self, run: Run) -> Iterator[Element]:
        """Returns the elements of the input, which then fill the cache."""
        filling = Filling(self.inputs[0].iterate(run), self.cache)
        return EndingWithTheLast(filling, self.cardinality())

    def access(self, run: Run) -> Access:
        if self.cache.elements is not None:
            return self.cache.elements.__getitem__
        (element,), cached_elements = self.accesses(self.inputs, run), self.cache.at

        def cached(number: int) -> Element:
            if number not in cached_elements:
                cached_elements[number] = element(number)
            return cached_elements[number]

        return cached

    def rows(self) -> Rows | None:
        rows = self.inputs[0].rows()
        return rows if rows is not None and rows.in_sequence else None


class Cached(Resumable):
    """Iterates over the elements of a cache, or over those that fill it."""

    def __init__(self, step: _Cache, run: Run) -> None:
        self.step, self.run = step, run
        self.source = self.opened(step.cache.elements is not None)

    def opened(self, is_complete: bool) -> Iterator[Element]:
        return FromCache(self.step.cache) if is_complete else self.step.filling(self.run)

    def __next__(self) -> Element:
        return next(self.source)

    def restore(self, state: State) -> None:
        self.source = self.opened(state["source"]["kind"] == FromCache.__name__)
        super().restore(state)


class FromCache(Resumable):
    """Iterates over the elements of a complete cache."""

    plain, sources = ("at", "elements"), ()

    def __init__(self, cache: MemoryCache) -> None:
        self.cache, self.at = cache, 0

    @property
    def elements(self) -> list[Element]:
        """All elements."""
        return self.cache.elements or []

    @elements.setter
    def elements(self, elements: list[Element]) -> None:
        self.cache.elements = elements

    def __next__(self) -> Element:
        at = self.at
        if at >= len(self.elements):
            raise StopIteration
        self.at = at + 1
        return self.elements[at]


class Filling(Resumable):
    """Iterates over elements and keeps them; at the end, the cache has them."""

    plain = ("elements",)

    def __init__(self, source: Iterator[Element], cache: MemoryCache) -> None:
        self.source, self.cache = source, cache
        self.elements: list[Element] = []

    def __next__(self) -> Element:
        element = next(self.source, None)
        if element is None:
            self.cache.elements = self.elements
            raise StopIteration
        self.elements.append(element)
        return element


class _FileCached(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, path: str) -> None:
        self.inputs, self.path = (source,), path

    def begin(self, run: Run) -> None:
        if not FileCache(self.path, self.inputs[0].types).complete():
            super().begin(run)

    def iterate(self, run: Run) -> Iterator[Element]:
        cache = FileCache(self.path, self.inputs[0].types)
        if cache.complete():
            return Counted(cache.read())
        writer = cache.write(self.inputs[0].iterate(run))
        run.on_close(_closer(weakref.ref(writer)), at_exit=True)
        return EndingWithTheLast(Counted(writer), self.cardinality())


def _closer(reference: Callable[[], CacheWriter | None]) -> Callable[[], None]:
    """Closes a writer that is still there; the run does not keep it alive."""

    def close() -> None:
        writer = reference()
        if writer is not None:
            writer.close()

    return close


def _cached(source: Pipeline, filename: Any, cache: Any) -> Pipeline:
    path = text(filename)
    return _FileCached(source, path) if path else _Cache(source, cache)


class CacheDataset(DatasetOp):
    """The same elements, computed once and cached in memory or in a file."""

    signature = "input_dataset: variant, filename: string -> handle: variant"
    permissions = Permissions(
        capabilities="read_files write_files", file_arguments="filename", may_lack_files=True
    )

    def pipeline(self, input_dataset, filename):
        return _cached(input_dataset, filename, MemoryCache())


class CacheDatasetV2(DatasetOp):
    """The same elements, computed once and cached in memory or in a file."""

    signature = "input_dataset: variant, filename: string, cache: resource -> handle: variant"
    permissions = Permissions(
        capabilities="read_files write_files", file_arguments="filename", may_lack_files=True
    )

    def pipeline(self, input_dataset, filename, cache):
        return _cached(input_dataset, filename, cache)


class DummyMemoryCache(Op):
    """The handle of a cache for a dataset's elements."""

    signature = "-> handle: resource[]"

    def eager(self):
        return MemoryCache()


class AnonymousMemoryCache(Op):
    """A cache for a dataset's elements, and its deleter."""

    signature = "-> handle: resource[], deleter: variant[]"

    def eager(self):
        cache = MemoryCache()
        return cache, cache


class DeleteMemoryCache(Op):
    """Does nothing: a cache lives as long as it is referenced."""

    signature = "handle: resource, deleter: variant -> "

    def eager(self, handle, deleter):
        return ()
