"""Iterators whose position can be saved, and restored without computing the elements before it.

The position of an iterator is that of the iterators it reads, and what it holds itself: counters, elements in buffers. Where an
iterator of a pipeline is not `Resumable`, the whole iteration is repeated up to the number of elements that were taken.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from penstock._src.core.calls.tracebacks import drop_frames

Element = tuple[Any, ...]
State = dict[str, Any]


class NotResumable(Exception):
    """An iterator, or a value that it holds, cannot be saved; or a state is that of another iterator."""


class Resumable:
    """Base of iterators with a position: `plain` names attributes that hold values, `sources` those that hold iterators.

    Values are numbers, strings, arrays, elements, and lists, sets and dicts of those; sources are iterators, None, or lists of
    both. A subclass that opens iterators during the iteration opens them in `restore`, too.
    """

    plain: ClassVar[tuple[str, ...]] = ()
    sources: ClassVar[tuple[str, ...]] = ("source",)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        raise NotImplementedError(type(self).__name__)

    def save(self) -> State:
        """The position, as `restore` takes it.

        Raises:
          NotResumable: something cannot be saved.
        """
        state = {name: _copied(getattr(self, name)) for name in self.plain}
        return state | {name: saved(getattr(self, name)) for name in self.sources}

    def restore(self, state: State) -> None:
        """Moves a new iterator to a saved position.

        Raises:
          NotResumable: the position is that of another iterator.
        """
        if not state.keys() >= {*self.plain, *self.sources}:
            raise NotResumable(f"The position of {type(self).__name__} is one of another version.")
        for name in self.plain:
            setattr(self, name, state[name])
        for name in self.sources:
            setattr(self, name, restored(getattr(self, name), state[name]))


def _copied(value: Any) -> Any:
    """The value, with copies of the containers that an iterator changes."""
    if isinstance(value, list):
        return list(map(_copied, value))
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if type(value) is Failure:
        return Failure(value.error)
    return set(value) if isinstance(value, set) else value


def saved(iterator: Any) -> Any:
    """The position of an iterator, or of each in a list.

    Raises:
      NotResumable: an iterator has none.
    """
    if iterator is None:
        return None
    if isinstance(iterator, list):
        return list(map(saved, iterator))
    if not isinstance(iterator, Resumable):
        raise NotResumable(f"{type(iterator).__name__} has no position to save.")
    return {"kind": type(iterator).__name__, **iterator.save()}


def restored(iterator: Any, state: Any) -> Any:
    """The iterator, or list of them, moved to a saved position; None if it had ended.

    Raises:
      NotResumable: the position is that of another iterator.
    """
    if state is None:
        return None
    if isinstance(state, list):
        if not isinstance(iterator, list) or len(iterator) != len(state):
            raise NotResumable("The numbers of iterators differ.")
        return [restored(*pair) for pair in zip(iterator, state, strict=True)]
    kind = type(iterator).__name__
    if not isinstance(iterator, Resumable) or state["kind"] != kind:
        raise NotResumable(f"The position of {state['kind']} is not one of {kind}.")
    iterator.restore(state)
    return iterator


class Indexed(Resumable):
    """Iterates over the results of a function for 0, 1, ... below a count."""

    plain, sources = ("at",), ()

    def __init__(self, get: Callable[[int], Any], count: int) -> None:
        self.get, self.count, self.at = get, count, 0

    def __next__(self) -> Any:
        at = self.at
        if at >= self.count:
            raise StopIteration
        self.at = at + 1
        return self.get(at)


class Counted(Resumable):
    """Iterates over a source that can only start from the beginning: restoring recreates it and skips the elements already taken."""

    plain, sources = ("taken",), ()

    def __init__(self, items: Iterator[Any]) -> None:
        self.items, self.taken = items, 0

    def __next__(self) -> Any:
        item = next(self.items)
        self.taken += 1
        return item

    def restore(self, state: State) -> None:
        super().restore(state)
        for _ in range(self.taken):
            next(self.items, None)


class Repeated(Resumable):
    """Iterates `count` times over the iterator that `start` opens, endlessly if it is negative and there are elements.

    Args:
      start: opens an iterator.
      count: the number of passes.
      at_end: called after the last pass, unless it is None.
    """

    plain = ("pass_number", "is_empty")

    def __init__(
        self, start: Callable[[], Iterator[Any]], count: int, at_end: Callable[[], None] | None
    ) -> None:
        self.start, self.count, self.at_end = start, count, at_end
        self.pass_number, self.is_empty = 0, True
        self.source: Iterator[Any] | None = None

    def __next__(self) -> Any:
        while self.pass_number != self.count:
            if self.source is None:
                self.source = self.start()
            item = next(self.source, None)
            if item is not None:
                self.is_empty = False
                return item
            if self.is_empty and self.count < 0:
                break
            self.source, self.is_empty = None, True
            self.pass_number += 1
            if self.pass_number == self.count and self.at_end is not None:
                self.at_end()
        raise StopIteration

    def restore(self, state: State) -> None:
        if state["source"] is not None:
            self.source = self.start()
        super().restore(state)


class Taken(Resumable):
    """Iterates over the first `left` items."""

    plain = ("left",)

    def __init__(self, source: Iterator[Any], left: int) -> None:
        self.source, self.left = source, left

    def __next__(self) -> Any:
        if self.left <= 0:
            raise StopIteration
        item = next(self.source)
        self.left -= 1
        return item


class Applied(Resumable):
    """Iterates over the results of a function on each item; continues after an error in one."""

    def __init__(self, source: Iterator[Any], function: Callable[[Any], Any]) -> None:
        self.source, self.function = source, function

    def __next__(self) -> Any:
        return self.function(next(self.source))


class Chosen(Resumable):
    """Iterates over the items for which a function is true; continues after an error in one."""

    def __init__(self, source: Iterator[Any], is_chosen: Callable[[Any], Any]) -> None:
        self.source, self.is_chosen = source, is_chosen

    def __next__(self) -> Any:
        while True:
            item = next(self.source)
            if self.is_chosen(item):
                return item


class Failure:
    """An error in place of an element; `unless_failed` unwraps and raises it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error

    def again(self) -> "Failure":
        """A copy, to raise the error more than once."""
        return Failure(copy.copy(self.error))


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call, or the failure that it ends in.

    The error loses its traceback, whose frames would keep the elements in progress alive until the result is requested.
    """
    try:
        return function(*arguments)
    except Exception as error:
        return Failure(drop_frames(error))


def unless_failed(item: Any) -> Any:
    """The item; raises the error of a Failure, once.

    The traceback of an error holds the frames that it passes, and these hold the Failure, which therefore lets the error go: else
    each would keep the other, and all that the frames hold.
    """
    if type(item) is Failure:
        error, item.error = item.error, None
        assert error is not None, "an error is raised once"
        try:
            raise error
        finally:
            del error
    return item
