"""The ops that make a dataset of a graph."""

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes


def _found(dataset: Any, is_wanted: Callable[[Any], bool]) -> list[Any]:
    queue, seen = [dataset._variant_tensor.op], []
    while queue:
        op = queue.pop(0)
        if op in seen:
            continue
        seen.append(op)
        queue += [tensor.op for tensor in op.inputs]
    return [op for op in seen if is_wanted(op)]


def obtain_capture_by_value_ops(dataset: Any) -> list[Any]:
    """Returns the ops that a function with the dataset may copy."""
    return _found(
        dataset,
        lambda op: op.outputs[0].dtype == dtypes.variant or op.type == "DummyIterationCounter",
    )


def obtain_all_variant_tensor_ops(dataset: Any) -> list[Any]:
    """Returns the ops that make variants, such as datasets."""
    return _found(dataset, lambda op: op.outputs[0].dtype == dtypes.variant)
