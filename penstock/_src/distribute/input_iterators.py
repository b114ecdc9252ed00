"""Iterators that strategies make for programs of TensorFlow 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import OutOfRangeError
from penstock._src.core.registry import raw
from penstock._src.distribute.values import regroup
from penstock._src.util.slots import above


class InputIterator:
    """An iterator over elements that hold one part for each replica: run `initializer`, then take `get_next()`.

    Eagerly it is initialized from the beginning, and `initializer` starts again.

    Args:
      dataset: a dataset, or one that a strategy has distributed.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        if STATE.graph is None:
            self._iterator = iter(dataset)
        else:
            parts = getattr(dataset, "_dataset", dataset)
            self._iterator = above("make_initializable_iterator")(parts)

    @property
    def initializer(self) -> Any:
        """The operation that starts the iteration; eagerly nothing, after it has been started."""
        return self.initialize()

    def initialize(self) -> Any:
        """Starts the iteration: returns the operation that does, or eagerly an empty list."""
        if STATE.graph is not None:
            return self._iterator.initializer
        self._iterator = iter(self._dataset)
        return []

    def get_next(self, name: str | None = None) -> Any:
        """Returns the next element.

        Args:
          name: accepted.

        Raises:
          OutOfRangeError: there is none, eagerly; in a graph, when the tensors are computed.
        """
        del name
        return self._iterator.get_next()

    def __iter__(self) -> InputIterator:
        return self

    def __next__(self) -> Any:
        try:
            return self.get_next()
        except OutOfRangeError:
            raise StopIteration from None


class InputOfFunction:
    """An iterator over the results of a function, called once for each replica.

    Args:
      function: without arguments.
      replicas: the number of replicas.
    """

    def __init__(self, function: Callable[[], Any], replicas: int) -> None:
        self._function, self._replicas = function, replicas

    @property
    def initializer(self) -> Any:
        """Operations to run first: none, as the function starts from its current state."""
        return self.initialize()

    def initialize(self) -> Any:
        """Returns an operation without effect, or eagerly an empty list."""
        return [] if STATE.graph is None else raw.NoOp()

    def get_next(self, name: str | None = None) -> Any:
        """Returns the function's results."""
        del name
        return regroup([self._function() for _ in range(self._replicas)])
