"""Reads Keras's files, and traces Keras's models."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.specs import TensorSpec
from penstock._src.formats.model import Model, of_function
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import function
from penstock._src.util.slots import above


def read(path: str, runs_code: bool = False) -> Model:
    """Returns the model of a file, whose default signature is its call without training.

    Args:
      path: the file.
      runs_code: whether Python code in the file may run.

    Raises:
      UnimplementedError: the model does not say what inputs it takes.
    """
    model = above("load_keras_model")(path, runs_code)
    function_model = of_function(traced(model, path), model)
    return Model(function_model.signatures, model, path, {"layers": len(model.layers)})


def traced(model: Any, path: str = "") -> ConcreteFunction:
    """Returns the call of a Keras model without training, named as `model.export` names it.

    Args:
      model: a Keras model that knows its inputs.
      path: the file it is from, for messages.

    Raises:
      UnimplementedError: the model does not say what inputs it takes.
    """
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise UnimplementedError(
            f"{path + ': ' if path else ''}{type(model).__name__} does not say what inputs it takes, as functional and "
            "sequential models do. Save it by `model.export(folder)` and take that."
        )
    specs = [TensorSpec(t.shape, t.dtype, t.name) for t in tensors]
    structure = getattr(model, "_inputs_struct", tensors[0] if len(tensors) == 1 else list(tensors))
    pack = importlib.import_module("keras.tree").pack_sequence_as

    def call(*arguments: Any) -> dict[str, Any]:
        return _named(model(pack(structure, arguments), training=False))

    return function(call, input_signature=specs, autograph=False).get_concrete_function()


def _named(results: Any) -> dict[str, Any]:
    if isinstance(results, Mapping):
        return dict(results)
    if not isinstance(results, list | tuple):
        results = [results]
    return {f"output_{at}": value for at, value in enumerate(results)}
