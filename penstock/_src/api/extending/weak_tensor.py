"""Weak tensors: tensors made of Python numbers. Their dtype yields to that of other operands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock._src.api.extending.extension_type import (
    BatchableExtensionType,
    BatchableExtensionTypeSpec,
)
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, OperatorNotAllowedInGraphError
from penstock._src.core.tensor import AnyTensor, Tensor
from penstock._src.eager.tensor import EagerTensor

ALLOWED = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.complex128)


class _Spec(BatchableExtensionTypeSpec):
    """The spec of weak tensors, eager or symbolic."""

    def _from_components(self, components: Any) -> Any:
        (tensor,) = components
        if isinstance(tensor, Tensor):
            return WeakTensor.from_tensor(tensor)
        return super()._from_components(components)


class WeakTensor(BatchableExtensionType, AnyTensor):
    """A tensor with a dtype that yields to other operands'; see `tf.experimental.numpy.experimental_enable_numpy_behavior`.

    It has the attributes of the tensor that it holds. `api/numpy_behavior` gives it the operators.
    """

    __name__ = "tf.WeakTensor"
    __array_priority__ = 100

    tensor: Tensor

    Spec = _Spec

    class _Gradient:
        """Components of a weak tensor that have gradients."""

        def get_gradient_components(self, value: Any) -> Any:
            return value.tensor

        def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
            return WeakTensor.from_tensor(component_grads)

    __composite_gradient__ = _Gradient()

    @classmethod
    def from_tensor(cls, tensor: Any) -> WeakTensor:
        """Returns a weak tensor that holds `tensor`.

        Raises:
          InvalidArgumentError: it is not a tensor.
          TypeError: no Python number has its dtype.
        """
        if isinstance(tensor, WeakTensor):
            return tensor
        if isinstance(tensor, EagerTensor):
            return EagerWeakTensor(tensor)
        if isinstance(tensor, Tensor):
            return GraphWeakTensor(tensor)
        raise InvalidArgumentError(
            None, None, f"WeakTensor: expected a tensor. Received {type(tensor).__name__}."
        )

    def __validate__(self) -> None:
        if isinstance(self.tensor, Tensor) and self.tensor.dtype not in ALLOWED:
            raise TypeError(
                f"{self.tensor.dtype} not allowed as a weak type. The allowed types are {ALLOWED}."
            )

    @property
    def _is_tensor_like(self) -> bool:
        return True

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self.tensor.dtype

    @property
    def shape(self) -> Any:
        """The static shape."""
        return self.tensor.shape

    def to_tensor(self) -> Tensor:
        """Returns the tensor without the weakness of its dtype."""
        return self.tensor

    def _as_graph_element(self) -> Tensor:
        return self.tensor

    @staticmethod
    def _value_from_arrays(parts: Any) -> Any:
        return parts[0]  # results of sessions are not weak

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Tensor:
        return self.tensor

    def __getattr__(self, name: str) -> Any:
        if name == "tensor":  # not set yet
            raise AttributeError(name)
        return getattr(self.tensor, name)

    def _shown(self, text: str) -> str:
        return f"{text[:-1]}, weak=True{text[-1]}"

    def __repr__(self) -> str:
        return self._shown(repr(self.tensor))

    def __str__(self) -> str:
        return self._shown(str(self.tensor))

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.tensor)

    def __copy__(self) -> WeakTensor:
        return self

    def __deepcopy__(self, memo: Any) -> WeakTensor:
        return self

    def __len__(self) -> int:
        return len(self.tensor)

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __iter__(self) -> Iterator[WeakTensor]:
        if not isinstance(self.tensor, EagerTensor):
            raise OperatorNotAllowedInGraphError(
                "Iterating over a symbolic `tf.WeakTensor` is not allowed. Execute eagerly, or use a loop that "
                "AutoGraph converts."
            )
        return map(WeakTensor.from_tensor, self.tensor)


class EagerWeakTensor(WeakTensor):
    """A weak tensor with a value."""

    @property
    def _eager(self) -> Any:
        return self.tensor

    def numpy(self) -> Any:
        """Returns the value as a NumPy array or scalar."""
        return self._eager.numpy()

    def __int__(self) -> int:
        return int(self._eager)

    def __float__(self) -> float:
        return float(self._eager)

    def __complex__(self) -> complex:
        return complex(self._eager)

    def __index__(self) -> int:
        return self._eager.__index__()

    def __format__(self, specification: str) -> str:
        return f"{format(self._eager, specification)} weakly typed"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._eager.numpy(), dtype)


class GraphWeakTensor(WeakTensor):
    """A weak tensor of a graph."""


# One spec for all: eager tensors become symbolic inside a function.
EagerWeakTensor.Spec = GraphWeakTensor.Spec = WeakTensor.Spec


def strong(value: Any) -> Any:
    """Returns the tensor of a weak tensor, and other values unchanged."""
    return value.tensor if isinstance(value, WeakTensor) else value


def with_weakness(tensor: Any, weak: bool) -> Any:
    """Returns `tensor`, as a weak tensor if `weak`, else without any weakness."""
    return WeakTensor.from_tensor(tensor) if weak else strong(tensor)
