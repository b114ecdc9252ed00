"""What a run gives: numbers by name, and Keras's forms of them."""

from __future__ import annotations

from typing import Any

import numpy as np

Results = dict[str, list[np.ndarray]]


def one(values: list[Any]) -> Any:
    """Keras's convention: one value stands by itself."""
    return values[0] if len(values) == 1 else values


def numbers(logs: dict[str, Any]) -> list[np.ndarray]:
    """Logs by name, without losses of single outputs: Keras weighs them by the size of the batch that it traced."""
    return [
        np.asarray(value, "float64")
        for name, value in sorted(logs.items())
        if not name.endswith("_loss")
    ]


def outputs_of(predictions: Any) -> list[np.ndarray]:
    """Predictions as a list of arrays."""
    many = predictions if isinstance(predictions, (list, tuple)) else [predictions]
    return [np.asarray(p) for p in many]


def weights_of(model: Any) -> list[np.ndarray]:
    """What the trainable weights are."""
    return [np.asarray(w.numpy()) for w in model.trainable_variables]
