"""A stage of a Keras model as a layer."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from penstock._src.bridge.keras_modules.pipeline.cutting import StageGraph


@functools.cache
def _layer_class() -> Any:
    keras = importlib.import_module("keras.src")
    functional = importlib.import_module("keras.src.models.functional")
    backend, tree = keras.backend, keras.tree

    class StageLayer(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """Calls the operations of a stage; being a layer, it passes `training` on to all of them, and collects their losses.

        Args:
          graph: of the stage.
          takes_masks: whether a mask, or None, comes after each input; not of the first stage.
          gives_masks: whether a mask, or None, comes after each output; not of the last stage.
        """

        def __init__(self, graph: StageGraph, takes_masks: bool, gives_masks: bool) -> None:
            super().__init__(name="pipeline_stage", autocast=False)
            self._graph, self._takes_masks, self._gives_masks = graph, takes_masks, gives_masks
            self.parts = [one for one in graph.layers if isinstance(one, keras.layers.Layer)]
            self.built = True

        def call(self, tensors: list[Any], training: Any = None) -> list[Any]:
            """Computes the stage."""
            width = 2 if self._takes_masks else 1
            values: dict[int, Any] = {}
            for symbol, tensor in zip(self._graph.inputs, tensors[::width]):
                values[id(symbol)] = tensor
            if self._takes_masks:
                for symbol, mask in zip(self._graph.inputs, tensors[1::2]):
                    if mask is not None:
                        backend.set_keras_mask(values[id(symbol)], mask)
            for node in self._graph.nodes:
                args, kwargs = node.arguments.fill_in(values)
                call = functional.operation_fn(node.operation, training=training)
                outputs = tree.flatten(call(*args, **kwargs))
                values.update(zip(map(id, node.outputs), outputs))
            results = [values[id(symbol)] for symbol in self._graph.outputs]
            if not self._gives_masks:
                return results
            return [one for x in results for one in (x, backend.get_keras_mask(x))]

    return StageLayer


def stage_layer(graph: StageGraph, is_first: bool, is_last: bool) -> Any:
    """Returns the layer that computes a stage."""
    return _layer_class()(graph, takes_masks=not is_first, gives_masks=not is_last)
