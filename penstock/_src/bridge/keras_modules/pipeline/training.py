"""Replaces Keras's functions of a step: the stages of all processes compute it."""

from __future__ import annotations

import functools
import importlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.bridge.keras_modules.pipeline.cutting import cut
from penstock._src.bridge.keras_modules.pipeline.metrics import SharedMetrics
from penstock._src.bridge.keras_modules.pipeline.stage_layer import stage_layer
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import OutOfRangeError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.distribute.workers.pipeline.callables import variables_of
from penstock._src.distribute.workers.pipeline.stage import Stage
from penstock._src.distribute.workers.pipeline.steps import Batch, Steps
from penstock._src.distribute.workers.pipeline.strategy import PipelineStrategy
from penstock._src.distribute.workers.pipeline.updates import Updates, averaged, plain
from penstock._src.distribute.workers.pipeline.variables import equalize, hold
from penstock._src.function.function import function

_PIPELINES: weakref.WeakKeyDictionary[Any, ModelPipeline] = weakref.WeakKeyDictionary()
# Methods of models that are not called: a subclass may not change them.
REPLACED = ("train_step", "test_step", "predict_step", "compute_loss")
MEANS, SUMS = {"sum_over_batch_size", "mean"}, {"sum"}


def pipeline_of(model: Any, strategy: PipelineStrategy) -> ModelPipeline:
    """Returns the pipeline of a model, which is cut at the first call."""
    if model not in _PIPELINES:
        _PIPELINES[model] = ModelPipeline(model, strategy)
    return _PIPELINES[model]


class ModelPipeline:
    """A model; this process computes one of its stages.

    Args:
      model: of Keras, built.
      strategy: its strategy.

    Raises:
      ValueError: it cannot be cut.
      UnimplementedError: it computes steps in a way of its own.
    """

    def __init__(self, model: Any, strategy: PipelineStrategy) -> None:
        _check(model)
        self._model, self._grid = weakref.proxy(model), strategy.grid
        self._transport = strategy.transport
        stages = cut(model, strategy)
        own = stages[self._grid.stage]
        self._layer = stage_layer(own, self._grid.is_first, self._grid.is_last)
        self._steps: Steps = strategy.steps
        metrics = {id(v) for metric in model.metrics for v in metric.variables}
        by_stage = [
            [v for layer in part.layers for v in variables_of(layer) if id(v) not in metrics]
            for part in stages
        ]
        known = {id(variable) for part in by_stage for variable in part}
        by_stage[0] += [v for v in model.variables if id(v) not in known | metrics]
        self._held = {id(variable) for variable in by_stage[self._grid.stage]}
        self._state = [plain(v) for v in by_stage[self._grid.stage] if not v.trainable]
        if self._transport is not None:
            for number, variables in enumerate(by_stage):
                hold(map(plain, variables), number, self._grid, self._transport)
            equalize(map(plain, by_stage[self._grid.stage]), self._grid, self._transport)
        self.most_held = 0
        self._count = 0

    # -- functions of Keras's loops
    def train_function(self) -> Callable[[Any], Any]:
        """Returns a function of an iterator that trains on its next batches, and returns the metrics."""
        model = self._model
        trained = [v for v in model.trainable_variables if id(v) in self._held]
        updates = Updates(
            model.optimizer, model.trainable_variables, trained, self._grid, self._transport
        )
        call, shared = self._compiled(self._train), self._metrics()

        def step(next_batch: Callable[[], Batch]) -> None:
            stage = Stage(call, [plain(v) for v in trained], self._grid.is_first)
            with shared.counting():
                finished = self._steps.train(stage, next_batch)
            self.most_held = stage.most_held
            self._count += 1
            updates.apply(stage, self._count)
            averaged(self._state, self._grid, self._transport)
            shared.finish(finished.loss, finished.rows)

        return self._looping(step, shared)

    def test_function(self) -> Callable[[Any], Any]:
        """Returns a function of an iterator that evaluates its next batches, and returns the metrics."""
        call, shared = self._compiled(self._test), self._metrics()

        def step(next_batch: Callable[[], Batch]) -> None:
            stage = Stage(call, (), self._grid.is_first)
            with shared.counting():
                finished = self._steps.infer(stage, next_batch, gives_outputs=False)
            shared.finish(finished.loss, finished.rows)

        return self._looping(step, shared)

    def predict_function(self) -> Callable[[Any], Any]:
        """Returns a function of a list of batches that returns predictions."""
        call = self._compiled(self._predict)

        def predict(data: list[Any]) -> Any:
            predictions = []
            for batch in data:
                stage = Stage(call, (), self._grid.is_first)
                outputs = functools.partial(self._batch, iter([batch]), False)
                predictions.append(self._steps.infer(stage, outputs, gives_outputs=True).outputs)
            tensors = [
                parts[0] if len(parts) == 1 else raw.ConcatV2(values=parts, axis=0)
                for parts in map(list, zip(*predictions))
            ]
            return self._packed(tensors)

        return predict

    def _looping(
        self, step: Callable[[Callable[[], Batch]], None], shared: SharedMetrics
    ) -> Callable[[Any], Any]:
        def loop(iterator: Iterator[Any]) -> Any:
            for done in range(self._model.steps_per_execution):
                try:
                    step(functools.partial(self._batch, iterator, True))
                except OutOfRangeError:
                    if not done:
                        raise
                    break
            return shared.results()

        return loop

    def _batch(self, iterator: Iterator[Any], has_targets: bool) -> Batch:
        """The inputs and targets of the next batch."""
        utilities = importlib.import_module("keras.src.trainers.data_adapters.data_adapter_utils")
        x, y, weights = utilities.unpack_x_y_sample_weight(next(iterator))
        graph = getattr(self._model, "_functional", None) or self._model
        inputs = graph._standardize_inputs(x)
        if any(one is None for one in inputs):
            raise UnimplementedError(
                None, None, "PipelineStrategy: inputs that are optional and missing."
            )
        return inputs, (y, weights) if has_targets else None

    # -- the computation of a stage
    def _compiled(self, call: Callable[..., Any]) -> Callable[..., Any]:
        if self._model.run_eagerly:
            return call
        # Metrics of several losses count rows by their static shape, if there is one.
        loss = self._model._compile_loss
        is_general = loss is None or not loss.metrics
        return function(call, autograph=False, reduce_retracing=is_general)  # type: ignore[no-any-return]

    def _train(self, inputs: list[Any], targets: Any, share: Any) -> tuple[list[Any], Any]:
        return self._with_loss(inputs, targets, share, training=True)

    def _test(self, inputs: list[Any], targets: Any, share: Any) -> tuple[list[Any], Any]:
        return self._with_loss(inputs, targets, share, training=False)

    def _predict(self, inputs: list[Any], targets: Any, share: Any) -> tuple[list[Any], Any]:
        return self._layer(inputs, training=False), None

    def _with_loss(
        self, inputs: list[Any], targets: Any, share: Any, training: bool
    ) -> tuple[list[Any], Any]:
        outputs = self._layer(inputs, training=training)
        parts = [loss * convert_to_tensor(share, dtype=loss.dtype) for loss in self._layer.losses]
        if self._grid.is_last:
            y, weights = targets
            y_pred = self._packed(outputs)
            if self._model._compile_loss is not None:
                parts.append(self._compiled_loss(y, y_pred, weights, share))
            self._model.compute_metrics(None, y, y_pred, sample_weight=weights)
            outputs = []
        return outputs, sum(parts[1:], parts[0]) if parts else None

    def _compiled_loss(self, y: Any, y_pred: Any, weights: Any, share: Any) -> Any:
        """The part of the batch's loss that a micro-batch has."""
        backend = importlib.import_module("keras.src.backend")
        tree = importlib.import_module("keras.src.tree")
        if any(backend.get_keras_mask(one) is not None for one in tree.flatten(y_pred)):
            raise UnimplementedError(
                None,
                None,
                "PipelineStrategy: a loss of masked outputs, whose mean is over other numbers of elements in each micro-batch.",
            )
        loss = self._model._compile_loss(y, y_pred, weights)
        kinds = {one.loss.reduction for one in self._model._compile_loss._flat_losses if one.loss}
        if weights is None:
            kinds -= {"mean_with_sample_weight"}
        if kinds and kinds <= SUMS:
            return loss
        if not kinds <= MEANS:
            raise UnimplementedError(
                None,
                None,
                f"PipelineStrategy: losses are means over a batch's rows or sums, and all the same. Received reductions: {sorted(map(str, kinds))}.",
            )
        return loss * convert_to_tensor(share, dtype=loss.dtype)

    def _packed(self, outputs: list[Any]) -> Any:
        """Outputs in the structure of the model's."""
        tree = importlib.import_module("keras.src.tree")
        graph = getattr(self._model, "_functional", None) or self._model
        structure = tree.pack_sequence_as(graph._outputs_struct, outputs)
        return (
            structure[0]
            if isinstance(structure, (list, tuple)) and len(structure) == 1
            else structure
        )

    def _metrics(self) -> SharedMetrics:
        return SharedMetrics(self._model, self._transport)


def _check(model: Any) -> None:
    """Raises UnimplementedError if a model computes steps in a way of its own."""
    trainers = importlib.import_module("keras.src.backend.tensorflow.trainer").TensorFlowTrainer
    for name in REPLACED:
        if getattr(type(model), name) is not getattr(trainers, name):
            raise UnimplementedError(
                None,
                None,
                f"PipelineStrategy: the model '{model.name}' has a {name} of its own, which knows of no stages; `strategy.pipeline` serves "
                "loops of one's own.",
            )
