"""Helpers of TensorFlow 1's optimizers: `tensorflow.python.training.optimizer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core.registry import raw
from penstock._src.v1.training.optimizer_slots import _var_key

__all__ = ["_var_key", "get_filtered_grad_fn"]


def get_filtered_grad_fn(grad_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that leaves out pairs without a gradient of what another returns: (gradient, variable)."""

    def filtered(*args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        return [(g, v) for g, v in grad_fn(*args, **kwargs) if g is not None]

    return filtered


def _deduplicate_indexed_slices(values: Any, indices: Any) -> tuple[Any, Any]:
    """Returns the sums of the rows of each index, and the indices in the order in which they come first."""
    unique, places = raw.Unique(x=indices)
    number = raw.Shape(input=unique)[0]
    return raw.UnsortedSegmentSum(data=values, segment_ids=places, num_segments=number), unique
