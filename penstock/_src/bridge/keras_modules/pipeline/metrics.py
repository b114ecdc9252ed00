"""Metrics of a model whose outputs only the last stages have: all processes get the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.cluster.transport import Transport
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.workers.pipeline.updates import plain
from penstock._src.function.function import function


class SharedMetrics:
    """Adds up what a step adds to the variables of metrics, over all processes.

    Args:
      model: of Keras.
      transport: connects the processes; None if there is one.

    Raises:
      UnimplementedError: a metric's variables are not sums, and there are several processes.
    """

    def __init__(self, model: Any, transport: Transport | None) -> None:
        self._model, self._transport = model, transport
        self._results = function(lambda: model.get_metrics_result(), autograph=False)
        self._track = function(self._tracked, autograph=False)
        self._added: np.ndarray | None = None

    def _variables(self) -> list[Any]:
        """The tf.Variables of all metrics but the loss's."""
        variables = {
            id(v): v
            for metric in self._model.metrics
            if metric is not self._model._loss_tracker
            for v in metric.variables
        }
        for variable in variables.values():
            if variable.aggregation != "sum":
                raise UnimplementedError(
                    None,
                    None,
                    f"PipelineStrategy: the variable {variable.path} of a metric has aggregation={variable.aggregation!r}; only sums can be "
                    "shared by stages.",
                )
        return list(map(plain, variables.values()))

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Within the block variables begin at zero; after it they have their previous values, and `finish` adds the increments."""
        if self._transport is None:
            yield
            return
        variables = self._variables()
        before = [variable._read() for variable in variables]
        for variable, value in zip(variables, before):
            variable.assign(convert_to_tensor(np.zeros_like(value._value)))
        try:
            yield
            parts = [np.ravel(v._read()._value).astype(np.float64) for v in variables]
            self._added = np.concatenate(parts) if parts else np.empty(0)
        finally:
            for variable, value in zip(variables, before):
                variable.assign(value)

    def finish(self, loss: float, rows: int) -> None:
        """Adds the counts of all processes, and the loss of a batch."""
        self._track(convert_to_tensor(np.float32(loss)), convert_to_tensor(np.float32(rows)))
        variables = self._variables()
        if self._transport is None or not variables:
            return
        assert self._added is not None
        total = self._transport.all_reduce(self._added, "Add", self._transport.everyone)
        at = 0
        for variable in variables:
            value = variable._read()._value
            part = total[at : at + value.size].reshape(value.shape)
            variable.assign(convert_to_tensor((value + part).astype(value.dtype)))
            at += value.size

    def results(self) -> Any:
        """Returns the metrics by their names."""
        return self._results()

    def _tracked(self, loss: Any, rows: Any) -> None:
        self._model._loss_tracker.update_state(loss, sample_weight=rows)
