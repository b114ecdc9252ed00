"""`tensorflow.python.distribute.v1.input_lib`: iterators of the inputs of replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.distribute.input_iterators import InputIterator, InputOfFunction


class DatasetIterator(InputIterator):
    """An iterator over a dataset whose batches are split over the replicas.

    Args:
      dataset: the dataset.
      input_workers: which devices take the elements.
      strategy: the strategy.
      num_replicas_in_sync: accepted; the strategy knows them.
      input_context: accepted; there is one worker.
    """

    def __init__(
        self,
        dataset: Any,
        input_workers: Any,
        strategy: Any,
        num_replicas_in_sync: int | None = None,
        input_context: Any = None,
    ) -> None:
        del num_replicas_in_sync, input_context
        self._input_workers = input_workers
        super().__init__(strategy.experimental_distribute_dataset(dataset))


class InputFunctionIterator:
    """An iterator over what an input function returns: a dataset, or a function that returns elements.

    Args:
      input_fn: takes an InputContext.
      input_workers: which devices take the elements.
      input_contexts: one for each worker.
      strategy: the strategy.

    Raises:
      ValueError: there is another number of workers than of contexts.
    """

    def __init__(
        self,
        input_fn: Callable[[Any], Any],
        input_workers: Any,
        input_contexts: Sequence[Any],
        strategy: Any,
    ) -> None:
        if input_workers.num_workers != len(input_contexts):
            raise ValueError(
                f"Number of input workers ({input_workers.num_workers}) is not same as number of "
                f"input_contexts ({len(input_contexts)})"
            )
        self._input_workers = input_workers
        dataset = input_fn(input_contexts[0])
        if callable(dataset):
            self._iterator: Any = InputOfFunction(dataset, strategy.num_replicas_in_sync)
        else:
            self._iterator = InputIterator(
                strategy.distribute_datasets_from_function(lambda _: dataset)
            )

    @property
    def initializer(self) -> Any:
        """The operation that starts the iteration."""
        return self._iterator.initializer

    def initialize(self) -> Any:
        """Starts the iteration, or returns the operation that does."""
        return self._iterator.initialize()

    def get_next(self, name: str | None = None) -> Any:
        """Returns the next element."""
        return self._iterator.get_next(name)
