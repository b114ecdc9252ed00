"""ElasticLoop: loops of one's own in elastic jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from penstock._src.cluster.elastic.member import Passed
from penstock._src.core.errors import InvalidArgumentError, OutOfRangeError, UnimplementedError
from penstock._src.distribute.workers.elastic.extended import ElasticExtended
from penstock._src.distribute.workers.elastic.feeds import Feed
from penstock._src.distribute.workers.elastic.steps import TRAIN, Step, Steps
from penstock._src.function.function import function
from penstock._src.util.export import export


@export("distribute.experimental.ElasticLoop", v1=[])
class ElasticLoop:
    """A training loop that goes on when workers come and go (`penstock launch --elastic`); elsewhere it counts and compiles steps. TensorFlow has no such class.

    All variables have to be made in the strategy's scope, and before the first step. If a step fails because a worker is lost, the remaining workers repeat it
    from the values before the step.

    Args:
      strategy: a `tf.distribute.Strategy`.
      step_fn: takes an iterator, makes a training step (`strategy.run` with its next element), and returns tensors. It is compiled, again whenever
        the number of workers changes.

    >>> strategy = tf.distribute.MultiWorkerMirroredStrategy()
    >>> with strategy.scope():
    ...   total = tf.Variable(0)
    >>> def step(iterator):
    ...   return strategy.run(total.assign_add, args=(next(iterator),))
    >>> dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(4, output_type=tf.int32))
    >>> loop, iterator = tf.distribute.experimental.ElasticLoop(strategy, step), iter(dataset)
    >>> while loop.steps < 4:
    ...   last = loop(iterator)
    >>> int(last)
    6
    """

    def __init__(self, strategy: Any, step_fn: Callable[[Any], Any]) -> None:
        extended = strategy.extended
        self._elastic = extended.steps if isinstance(extended, ElasticExtended) else None
        self._step_fn, self._made = step_fn, 0
        self._section = 0  # none yet
        self._is_past = self._is_at_end = False
        self._compiled: Any = None
        self._generation = -1

    @property
    def steps(self) -> int:
        """Number of steps made, on a worker that came later by the others; waits for them at first."""
        if self._elastic is not None and not self._section:
            self._begin(self._elastic)
        return self._made

    def __call__(self, iterator: Any) -> Any:
        """Makes a step together with the other workers; returns what `step_fn` returns.

        Args:
          iterator: over a dataset that the strategy distributes.

        Raises:
          OutOfRangeError: the dataset is at its end.
          InvalidArgumentError: in an elastic job, the iterator is not over such a dataset.
          UnimplementedError: on a worker that came later, the loop takes turns with another.
        """
        step_number = self.steps
        result = self._run(step_number, iterator)
        self._made = step_number + 1
        return result

    def _begin(self, elastic: Steps) -> None:
        """Begins a section of the program, and goes to the step where the others are in it, or at whose end they were."""
        try:
            self._section = elastic.begin_section(True)
        except Passed as passed:
            self._section, self._is_past = elastic.section, True
            place = json.loads(passed.result)
            self._made, self._is_at_end = place["loop"], place["end"]
        if elastic.arrival is not None:
            self._made = elastic.arrival["loop"]

    def _result(self) -> str:
        return json.dumps({"loop": self._made, "end": self._is_at_end})

    def _run(self, step_number: int, iterator: Any) -> Any:
        elastic = self._elastic
        if elastic is None:
            return self._function()(iterator)
        feed = getattr(iterator, "feed", None)
        if not isinstance(feed, Feed):
            raise InvalidArgumentError(
                None,
                None,
                "ElasticLoop: `iterator` must be that of a dataset of strategy.experimental_distribute_dataset. "
                f"Received: {iterator!r}.",
            )
        if self._is_past:
            if self._is_at_end:
                raise OutOfRangeError(None, None, "End of sequence")
            raise UnimplementedError(
                None, None,
                "ElasticLoop: the other workers are in a later loop, `fit` or `evaluate`. Loops that alternate are not implemented on workers that join later.",
            )  # fmt: skip
        elastic.resume_section(self._section, self._result)
        if elastic.arrival is not None:
            elastic.arrive(feed)
        step = Step(TRAIN, lambda: self._function()(iterator), feed, {"loop": step_number})
        try:
            return elastic.run(step)
        except OutOfRangeError:
            self._is_at_end = True
            raise

    def _function(self) -> Any:
        generation = 0 if self._elastic is None else self._elastic.generation
        if generation != self._generation:
            self._compiled, self._generation = function(self._step_fn), generation
        return self._compiled
