"""A pipeline of functions, for loops of one's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.cluster.transport import Transport
from penstock._src.core.convert import convert_to_tensor
from penstock._src.distribute.workers.pipeline.grid import Grid
from penstock._src.distribute.workers.pipeline.stage import Stage, StageCall
from penstock._src.distribute.workers.pipeline.steps import Finished, Steps
from penstock._src.distribute.workers.pipeline.updates import Updates, plain, summed
from penstock._src.distribute.workers.pipeline.variables import equalize, hold
from penstock._src.function.function import function


class Pipeline:
    """Functions that one process each computes; see `PipelineStrategy.pipeline`. All processes call its methods; rank 0's arguments count.

    Attributes:
      most_held: of how many micro-batches this process held activations at once, in the last step.
    """

    def __init__(
        self,
        grid: Grid,
        transport: Transport | None,
        steps: Steps,
        stages: Sequence[Callable[..., Any] | None],
        loss: Callable[..., Any] | None,
        optimizer: Any,
    ) -> None:
        if len(stages) != grid.stages:
            raise ValueError(
                f"PipelineStrategy.pipeline: expected {grid.stages} functions, one for each stage. Received: {len(stages)}."
            )
        own = stages[grid.stage]
        if own is None:
            raise ValueError(
                f"PipelineStrategy.pipeline: rank {grid.rank} computes stage {grid.stage}, which is None."
            )
        self._grid, self._transport, self._steps = grid, transport, steps
        self._own, self._loss, self._optimizer = own, loss, optimizer
        variables_of_stages = [variables_of(stage) for stage in stages]
        _check_shared(variables_of_stages)
        if transport is not None:
            for number, variables in enumerate(variables_of_stages):
                hold(map(plain, variables), number, grid, transport)
            equalize(map(plain, variables_of_stages[grid.stage]), grid, transport)
        self._trained: list[Any] | None = trainable_of(own)
        self._updates: Updates | None = None
        known = [trainable_of(stage) for stage in stages]
        if optimizer is not None and None not in known:
            every = list(itertools.chain.from_iterable(filter(None, known)))
            self._updates = Updates(optimizer, every, self._trained or (), grid, transport)
        self._call: StageCall = function(self._called, autograph=False, reduce_retracing=True)
        self._predict: StageCall = function(self._predicted, autograph=False, reduce_retracing=True)
        self._count = self.most_held = 0

    def step(self, x: Any, y: Any = None) -> Any:
        """Trains on a batch.

        Args:
          x: inputs of the first stage: a tensor or a nest of them, with equally many rows.
          y: targets of the loss, a nest of tensors with as many rows, or None.

        Returns:
          The loss of the batch, a scalar; in all processes.

        Raises:
          ValueError: there is no loss or no optimizer.
          AbortedError: another process has failed; no variable that is trained was changed.
        """
        if self._optimizer is None:
            raise ValueError("Pipeline.step: an optimizer is needed.")
        stage, finished = self._trained_stage(x, y)
        if self._updates is None:  # functions do not declare their trainable variables
            own = stage.variables or ()
            self._updates = Updates(self._optimizer, own, own, self._grid, self._transport, False)
        self._updates.apply(stage, self._count)
        return convert_to_tensor(finished.loss, dtype="float32")

    def gradients(self, x: Any, y: Any = None) -> tuple[Any, list[tuple[Any, Any]]]:
        """Computes gradients and changes nothing.

        Args:
          x, y: as those of `step`.

        Returns:
          The loss, and pairs of a gradient and a variable, for those of this process's stage.
        """
        stage, finished = self._trained_stage(x, y)
        variables = stage.variables or ()
        sums = summed(stage.gradients(), variables, self._grid, self._transport)
        return convert_to_tensor(finished.loss, dtype="float32"), list(zip(sums, variables))

    def predict(self, x: Any) -> Any:
        """Computes the output of the last stage.

        Args:
          x: as that of `step`.

        Returns:
          Its tensor, or a list of its tensors; in all processes.
        """
        stage = Stage(self._predict, self._trained, self._grid.is_first)
        outputs = self._steps.infer(stage, lambda: (x, None), gives_outputs=True).outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def _trained_stage(self, x: Any, y: Any) -> tuple[Stage, Finished]:
        if self._loss is None:
            raise ValueError("Pipeline: a loss is needed.")
        self._count += 1
        stage = Stage(self._call, self._trained, self._grid.is_first)
        finished = self._steps.train(stage, lambda: (x, y))
        if stage.variables is None:
            raise ValueError(
                f"Pipeline: the first step finds the variables of stages that do not list them. It has only {finished.rows} rows for "
                f"{self._grid.replicas} replicas."
            )
        self._trained, self.most_held = stage.variables, stage.most_held
        return stage, finished

    def _called(self, inputs: list[Any], targets: Any, share: Any) -> tuple[list[Any], Any]:
        outputs = self._own(*inputs)
        if not self._grid.is_last:
            return _listed(outputs), None
        assert self._loss is not None
        loss = convert_to_tensor(self._loss(targets, outputs))
        if loss.shape.rank:
            raise ValueError(
                f"Pipeline: the loss must be a scalar. Received a tensor of shape {loss.shape}."
            )
        return [], loss * convert_to_tensor(share, dtype=loss.dtype)

    def _predicted(self, inputs: list[Any], targets: Any, share: Any) -> tuple[list[Any], Any]:
        return _listed(self._own(*inputs)), None


def variables_of(stage: Any) -> list[Any]:
    """Returns the variables of a stage that has them; none of a plain function."""
    return list(getattr(stage, "variables", ()))


def trainable_of(stage: Any) -> list[Any] | None:
    """Returns the trained variables, or None if the stage does not declare them; then they are the variables that it reads."""
    variables = getattr(stage, "trainable_variables", None)
    return None if variables is None else list(variables)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _check_shared(stages: Sequence[Sequence[Any]]) -> None:
    """Raises ValueError if two stages have a variable in common."""
    seen: dict[int, int] = {}
    for number, variables in enumerate(stages):
        for variable in variables:
            if seen.setdefault(id(plain(variable)), number) != number:
                raise ValueError(
                    f"PipelineStrategy.pipeline: the variable {variable.name} belongs to the stages {seen[id(plain(variable))]} and {number}."
                )
