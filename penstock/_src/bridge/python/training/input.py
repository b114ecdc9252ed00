"""`tensorflow.python.training.input`: tensors given in a list or a dict."""

from typing import Any


def _as_tensor_list(tensors: Any) -> Any:
    """Returns the values of a dict in the order of its keys; a list unchanged."""
    if isinstance(tensors, dict):
        return [tensors[key] for key in sorted(tensors, key=str)]
    return tensors


def _as_original_type(original_tensors: Any, tensor_list: Any) -> Any:
    """Returns the dict from which `_as_tensor_list` made a list; one value replaces a list of one."""
    if not isinstance(original_tensors, dict):
        return tensor_list
    values = [tensor_list] if len(original_tensors) == 1 else tensor_list
    return {key: values[at] for at, key in enumerate(sorted(original_tensors, key=str))}
