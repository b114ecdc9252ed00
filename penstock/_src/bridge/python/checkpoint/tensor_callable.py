"""`tensorflow.python.checkpoint.tensor_callable`: functions of tensors as values of objects."""

from collections.abc import Callable as Function
from typing import Any

from penstock._src.v1.saving.saveables import SaveSpec


class Callable(SaveSpec):
    """A tensor that is made when a checkpoint is written; `_serialize_to_tensors` may return it.

    Args:
      tensor_callable: returns the tensor.
      dtype, device: of the tensor.
    """

    def __init__(self, tensor_callable: Function[[], Any], dtype: Any, device: Any) -> None:
        super().__init__(tensor_callable, "", "", dtype, device)
