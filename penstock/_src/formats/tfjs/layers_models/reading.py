"""Reads layers models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError
from penstock._src.formats.keras.reading import traced
from penstock._src.formats.model import Model, of_function
from penstock._src.formats.tfjs.layers_models.configurations import to_keras_3
from penstock._src.formats.tfjs.layers_models.writing import named_weights
from penstock._src.util.slots import above


def model_of(head: Mapping[str, Any], values: Mapping[str, np.ndarray], path: str) -> Model:
    """Returns a Keras model, whose default signature is its call without training.

    Args:
      head: what `model.json` says.
      values: the weights by name.
      path: of `model.json`, for messages.

    Raises:
      DataLossError: the configuration is damaged, or weights are missing or of other shapes.
    """
    keras = above("load_keras")()
    topology = head.get("modelTopology")
    described = topology.get("model_config", topology) if isinstance(topology, Mapping) else None
    try:
        config = to_keras_3(described)
        cls = keras.Sequential if config["class_name"] == "Sequential" else keras.Model
        model = cls.from_config(config["config"])
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise DataLossError(
            f"{path}: its modelTopology describes no Keras model: {error}"
        ) from error
    _set_weights(model, values, path)
    loaded = of_function(traced(model, path), model)
    return Model(
        loaded.signatures, model, path, {"kind": "layers model", "layers": len(model.layers)}
    )


def _set_weights(model: Any, values: Mapping[str, np.ndarray], path: str) -> None:
    known = dict(values)
    known |= {_without_cell(name): value for name, value in values.items()}
    for name, variable in named_weights(model):
        value = known.get(name, known.get(_without_cell(name)))
        if value is None:
            raise DataLossError(f"{path}: there is no weight {name!r}.")
        if tuple(value.shape) != tuple(variable.shape):
            raise DataLossError(
                f"{path}: weight {name!r} has the shape {list(value.shape)}, its layer needs {list(variable.shape)}."
            )
        variable.assign(value)


def _without_cell(name: str) -> str:
    """The name of a recurrent layer's weight without that of its cell, which only newer files have."""
    *owners, last = name.split("/")
    return "/".join([*owners[:-1], last]) if len(owners) > 1 else name
