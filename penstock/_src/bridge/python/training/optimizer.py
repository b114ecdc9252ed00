"""Helpers of TensorFlow 1's optimizers: `tensorflow.python.training.optimizer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def get_filtered_grad_fn(grad_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that leaves out pairs without a gradient of what another returns: (gradient, variable)."""

    def filtered(*args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        return [(g, v) for g, v in grad_fn(*args, **kwargs) if g is not None]

    return filtered
