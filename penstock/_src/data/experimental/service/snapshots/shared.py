"""Snapshot: the dispatcher's state of one, and its streams."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import AbortedError, DataLossError, NotFoundError
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.servers import pipeline_of
from penstock._src.data.experimental.service.splits import sources_of
from penstock._src.ops.data.pipeline import Element, Run
from penstock._src.util.dataclass import dataclass

# (number of a source, repetition)
Key = tuple[int, int]


@dataclass
class Stream:
    """A part of a snapshot, written by one worker at a time. `given` has the splits after its committed position, by their numbers there."""

    worker: str
    generation: int = 0
    last: Any = None  # the CommitRequest of the committed position
    is_done: bool = False
    taken: Counter[Key] = dataclasses.field(default_factory=Counter)
    given: dict[Key, dict[int, int]] = dataclasses.field(default_factory=lambda: defaultdict(dict))


class Snapshot:
    """A snapshot that is being written.

    Args:
      request: the SaveRequest.
    """

    def __init__(self, request: Any) -> None:
        self.request, self.lock = request, threading.Lock()
        self.streams: list[Stream] = []
        self._furthest: Counter[Key] = Counter()  # number of splits of a source handed out
        self._sources: _Splits | None = None

    # -- changes, which come from requests, or again from the journal

    def assign(self, owner: Any) -> None:
        """Assign a stream, perhaps a new one, to a worker."""
        if owner.stream == len(self.streams):
            self.streams.append(Stream(owner.worker))
        stream = self.streams[owner.stream]
        stream.worker, stream.generation = owner.worker, owner.generation

    def add_split(self, split: Any) -> None:
        """Record that a split was given to a stream."""
        key, stream = (split.source, split.repetition), self.streams[split.owner.stream]
        stream.given[key][split.number] = split.at
        stream.taken[key] = max(stream.taken[key], split.number + 1)
        self._furthest[key] = max(self._furthest[key], split.at + 1)

    def commit(self, request: Any) -> None:
        """Moves the committed position of a stream."""
        stream = self.streams[request.owner.stream]
        stream.is_done = request.is_done
        stream.last = messages.CommitRequest()
        stream.last.CopyFrom(request)
        position = request.position
        counts = {(each.source, each.repetition): each.count for each in position.open}
        opened = dict(enumerate(position.opened))
        for key, splits in list(stream.given.items()):
            source, repetition = key
            is_over = key not in counts and repetition < opened.get(source, 0)
            for number in list(splits):
                if is_over or request.is_done or number < counts.get(key, 0):
                    self._forget(key, splits.pop(number))
            if not splits:
                del stream.given[key]

    def _forget(self, key: Key, at: int) -> None:
        if self._sources is not None:
            self._sources.forget(key, at)

    # -- answers

    def stream_of(self, owner: Any) -> Stream:
        """The stream of an owner.

        Raises:
          AbortedError: it is another one's now.
        """
        if not 0 <= owner.stream < len(self.streams):
            raise NotFoundError(f"tf.data service: there is no stream {owner.stream}.")
        stream = self.streams[owner.stream]
        if (stream.worker, stream.generation) != (owner.worker, owner.generation):
            raise AbortedError(
                f"tf.data service: stream {owner.stream} of the snapshot at {self.request.path} is {stream.worker}'s now."
            )
        return stream

    def split(self, request: Any) -> tuple[Element | None, Any]:
        """The split of a SplitRequest of a stream, None at the end; and a StreamSplit if it was not given before.

        Raises:
          DataLossError: it was given before the committed position.
        """
        stream, key = self.stream_of(request.owner), (request.source, request.repetition)
        at = stream.given[key].get(request.number)
        if at is not None:
            return self._splits.element(key, at), None
        if request.number != stream.taken[key]:
            raise DataLossError(
                f"tf.data service: stream {request.owner.stream} of the snapshot at {self.request.path} asks for split "
                f"{request.number} of source {request.source}, and has {stream.taken[key]}."
            )
        at = self._furthest[key]
        element = self._splits.element(key, at)
        if element is None:
            return None, None
        record = messages.StreamSplit(
            owner=request.owner, source=request.source, repetition=request.repetition,
            number=request.number, at=at,
        )  # fmt: skip
        return element, record

    @property
    def _splits(self) -> _Splits:
        if self._sources is None:
            dataset = pipeline_of(self.request.graph, self.request.local)
            self._sources = _Splits(sources_of(dataset))
            wanted = {
                (key, at)
                for stream in self.streams
                for key, splits in stream.given.items()
                for at in splits.values()
            }
            for key, count in self._furthest.items():
                self._sources.skip(key, count, wanted)
        return self._sources

    def kept(self) -> Iterator[Any]:
        """The changes that lead to this state."""
        change = messages.DispatcherChange
        yield change(snapshot=self.request)
        for number, stream in enumerate(self.streams):
            owner = messages.Owner(
                path=self.request.path, stream=number, worker=stream.worker,
                generation=stream.generation,
            )  # fmt: skip
            yield change(owner=owner)
            for key, count in stream.taken.items():
                splits = stream.given.get(key, {})
                # The last one contains their number, also if it is before the position.
                for at in sorted({*splits, count - 1}):
                    yield change(stream_split=_split(owner, key, at, splits.get(at, -1)))
            if stream.last is not None:
                yield change(commit=stream.last)
        if self.streams:
            owner = messages.Owner(path=self.request.path)
            for key, count in self._furthest.items():
                yield change(furthest=_split(owner, key, 0, count))

    def reach(self, split: Any) -> None:
        """Records the number of splits of a source that were handed out."""
        self._furthest[split.source, split.repetition] = split.at


def _split(owner: Any, key: Key, number: int, at: int) -> Any:
    source, repetition = key
    return messages.StreamSplit(
        owner=owner, source=source, repetition=repetition, number=number, at=at
    )


class _Splits:
    """The elements of sources by their indices; elements handed out are kept until they are forgotten."""

    def __init__(self, sources: list[Any]) -> None:
        self._sources = sources
        self._iterators: dict[Key, Iterator[Element]] = {}
        self._held: dict[tuple[Key, int], Element] = {}

    def element(self, key: Key, at: int) -> Element | None:
        """Return the element at an index that is held or is the next one; None after the end."""
        if (key, at) not in self._held:
            element = self._take(key)
            if element is None:
                return None
            self._held[key, at] = element
        return self._held[key, at]

    def skip(self, key: Key, count: int, wanted: set[tuple[Key, int]]) -> None:
        """Skip the first elements of a source, and hold those that are wanted."""
        for at in range(count):
            element = self._take(key)
            if (key, at) in wanted and element is not None:
                self._held[key, at] = element

    def forget(self, key: Key, at: int) -> None:
        """Free a held element."""
        self._held.pop((key, at), None)

    def _take(self, key: Key) -> Element | None:
        if key not in self._iterators:
            source, _ = key
            if not 0 <= source < len(self._sources):
                raise NotFoundError(f"tf.data service: the dataset has no source {source}.")
            pipeline = self._sources[source]
            self._iterators[key] = pipeline.iterate(Run(pipeline.options()))
        return next(self._iterators[key], None)
