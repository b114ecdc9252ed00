"""Keras's attention layers, over the cache."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.generation.exporting.cache import Attend


def attention_layers(model: Any) -> list[Any]:
    """Returns the attention layers of a Keras model.

    Raises:
      InvalidArgumentError: there are none.
    """
    layers = importlib.import_module("keras").layers
    kinds = (layers.MultiHeadAttention, layers.GroupQueryAttention)
    attention = [layer for layer in model._flatten_layers() if isinstance(layer, kinds)]
    if not attention:
        raise InvalidArgumentError(
            f"{model.name}: expected a model with layers MultiHeadAttention or GroupQueryAttention. It has none: give a function that takes "
            "tokens, positions and attend."
        )
    return attention


@contextlib.contextmanager
def attending(model: Any, attend: Attend) -> Iterator[None]:
    """Within the block, attention layers project queries, keys and values as usual, and call `attend` for the rest."""

    def compute(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> tuple[Any, None]:
        return attend(query, key, value), None

    layers = attention_layers(model)
    for layer in layers:
        # Keras's own joint for other kinds of attention; the attribute of the object hides the method.
        object.__setattr__(layer, "_compute_attention", compute)
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "_compute_attention")
