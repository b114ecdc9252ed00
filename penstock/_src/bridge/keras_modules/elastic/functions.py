"""Function: a function of Keras's trainer for steps that all workers make together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import OutOfRangeError, UnimplementedError
from penstock._src.distribute.workers.elastic.feeds import Feed
from penstock._src.distribute.workers.elastic.steps import TRAIN, Step, Steps


class Function:
    """A function of a step of Keras's, made together with the other workers, and traced again for another number of them.

    An execution of several steps (`steps_per_execution`) makes them one by one: workers may come and go between them.

    Args:
      model: of Keras.
      steps: those of this process.
      kind: "train" or "test".
      make: makes the function of one worker.

    Attributes:
      place: epoch and batch of the next step.
    """

    def __init__(self, model: Any, steps: Steps, kind: str, make: Callable[[], Any]) -> None:
        self._model, self._steps, self._kind, self._make = model, steps, kind, make
        self._generation, self._made = -1, None
        self.place = {"epoch": 0, "batch": 0}

    def __call__(self, iterator: Any) -> Any:
        """Makes the steps of an execution; returns the logs of the last."""
        feed, count = getattr(iterator, "feed", None), self._model.steps_per_execution
        if not isinstance(feed, Feed):
            raise UnimplementedError(
                None,
                None,
                "In elastic jobs the dataset must be one that the strategy divides, not a DistributedDataset of another.",
            )
        if self._steps.arrival is not None:
            count -= self._arrive(feed) % count
        logs = None
        for _ in range(count):
            try:
                logs = self._step(iterator, feed)
            except OutOfRangeError:
                if logs is None:
                    raise
                break
        return logs

    def _step(self, iterator: Any, feed: Feed) -> Any:
        step = Step(self._kind, lambda: self._single()(iterator), feed, self.place)
        self.place = {**self.place, "batch": self.place["batch"] + 1}
        return self._steps.run(step)

    def _arrive(self, feed: Feed) -> int:
        """Goes on where the others are; returns the batch."""
        if self._kind != TRAIN:
            raise UnimplementedError(
                None,
                None,
                "evaluate in on_train_begin is not implemented on a worker that comes later to an elastic job.",
            )
        batch = self._steps.arrive(feed)["batch"]
        self.place = {**self.place, "batch": batch}
        return batch

    def _single(self) -> Callable[[Any], Any]:
        """The function of one step."""
        if self._generation != self._steps.generation:
            self._made, self._generation = self._make(), self._steps.generation

        def call(iterator: Any) -> Any:
            count, self._model.steps_per_execution = self._model.steps_per_execution, 1
            try:
                return self._made(iterator)  # type: ignore[misc]
            finally:
                self._model.steps_per_execution = count

        return call
