"""Types of arguments that the public functions share. They exist for type checkers and editors only.

`tf.types.experimental.TensorLike` is what converts to a tensor.
"""

import os
from collections.abc import Callable
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Protocol, Self, TypeAlias, TypeVar, overload

import numpy as np
from penstock import (
    DType,
    IndexedSlices,
    RaggedTensor,
    SparseTensor,
    Tensor,
    TensorShape,
    Variable,
)
from penstock.experimental import ExtensionType
from penstock.linalg import LinearOperator
from penstock.types.experimental import ConcreteFunction

class SupportsArray(Protocol):
    """Objects that NumPy converts to arrays: arrays of other libraries, variables of Keras."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...

Composite: TypeAlias = RaggedTensor | SparseTensor | IndexedSlices | ExtensionType | LinearOperator
"""Objects that consist of several tensors."""

CompositeT = TypeVar("CompositeT", RaggedTensor, SparseTensor, IndexedSlices, ExtensionType)

DenseNumericLike: TypeAlias = (
    Tensor
    | Variable
    | bool
    | int
    | float
    | complex
    | np.ndarray[Any, Any]
    | np.generic
    | list[Any]
    | tuple[Any, ...]
    | range
    | TensorShape
    | SupportsArray
)
"""A tensor of numbers or truth values, or what converts to one: numbers, NumPy arrays, nested lists of them, variables."""

DenseLike: TypeAlias = DenseNumericLike | str | bytes
"""A tensor, or what converts to one: numbers, texts, NumPy arrays, nested lists of them, variables."""

NumericLike: TypeAlias = DenseNumericLike | Composite
"""A DenseNumericLike, or a composite of tensors of numbers."""

TensorLike: TypeAlias = DenseLike | Composite
"""A value that converts to a tensor (numbers, texts, NumPy arrays, nested lists of them, variables), or a composite of tensors."""

class Message:
    """A protocol buffer."""

    DESCRIPTOR: Any
    def SerializeToString(self, **kwargs: Any) -> bytes: ...
    def SerializePartialToString(self, **kwargs: Any) -> bytes: ...
    def ParseFromString(self, serialized: bytes) -> int: ...
    def MergeFromString(self, serialized: bytes) -> int: ...
    @classmethod
    def FromString(cls, s: bytes) -> Self: ...
    def CopyFrom(self, other_msg: Any) -> None: ...
    def MergeFrom(self, other_msg: Any) -> None: ...
    def Clear(self) -> None: ...
    def ClearField(self, field_name: str) -> None: ...
    def HasField(self, field_name: str) -> bool: ...
    def WhichOneof(self, oneof_group: str) -> str | None: ...
    def ListFields(self) -> list[tuple[Any, Any]]: ...
    def IsInitialized(self) -> bool: ...
    def ByteSize(self) -> int: ...
    def SetInParent(self) -> None: ...

DTypeLike: TypeAlias = DType | type[Any] | np.dtype[Any] | str
"""A dtype: `tf.float32`, `np.float32`, `"float32"`."""

ShapeLike: TypeAlias = (
    TensorShape | Tensor | Variable | np.ndarray[Any, Any] | list[Any] | tuple[Any, ...] | range | int | np.integer[Any]
)
"""A shape: sizes, None where unknown; functions that compute take tensors as well."""

IntLike: TypeAlias = int | np.integer[Any] | np.ndarray[Any, Any] | Tensor | Variable
"""An integer, or a tensor of one."""

FloatLike: TypeAlias = float | np.floating[Any] | np.integer[Any] | np.ndarray[Any, Any] | Tensor | Variable
"""A number, or a tensor of one."""

BoolLike: TypeAlias = bool | np.bool_ | Tensor | Variable
"""A truth value, or a tensor of one."""

Axis: TypeAlias = IntLike
"""The number of a dimension."""

Axes: TypeAlias = IntLike | list[Any] | tuple[Any, ...] | range
"""Numbers of dimensions."""

PathLike: TypeAlias = str | bytes | os.PathLike[str] | Tensor
"""The path of a file."""

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
Function = TypeVar("Function", bound=Callable[..., Any])
Q = ParamSpec("Q")

Scalar: TypeAlias = bool | int | float | complex | str | bytes
"""A Python value that a traced function returns as a tensor; the first overload takes functions of unknown result as well."""

class TracedFunction(Generic[P, R]):
    """The result of `tf.function`, which takes the arguments of the function."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __get__(self, instance: None, owner: Any = None, /) -> Self: ...
    @overload
    def __get__(
        self: TracedFunction[Concatenate[Any, Q], R], instance: object, owner: Any = None, /
    ) -> TracedFunction[Q, R]: ...
    @property
    def python_function(self) -> Callable[P, R]:
        """The function that is traced."""
    @property
    def input_signature(self) -> Any:
        """The signature that `tf.function` was given."""
    @property
    def function_spec(self) -> Any:
        """The parameters of the function."""
    @property
    def function_type(self) -> Any:
        """The parameters of the function and their types."""
    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Returns the trace for these arguments."""
    def experimental_get_tracing_count(self) -> int:
        """Returns how often the function has been traced."""
    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Callable[..., str]:
        """Returns a function that shows what a trace is compiled to."""
    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """Returns the signatures of all traces."""
    def explain(self, *args: Any, **kwargs: Any) -> Any:
        """Returns a report of what a call runs: kernels, and operations on the host with the reason."""

class FunctionDecorator(Protocol):
    """The decorator that `tf.function(...)` returns."""

    @overload
    def __call__(self, func: Callable[P, Scalar], /) -> TracedFunction[P, Any]: ...
    @overload
    def __call__(self, func: Callable[P, Tensor], /) -> TracedFunction[P, Tensor]: ...
    @overload
    def __call__(self, func: Callable[P, Any], /) -> TracedFunction[P, Any]: ...

class TopKV2(NamedTuple):
    """The largest elements, and where they stand."""

    values: Tensor
    indices: Tensor

class Unique(NamedTuple):
    """The different elements, and which of them each element is."""

    y: Tensor
    idx: Tensor

class UniqueWithCounts(NamedTuple):
    """The different elements, which of them each element is, and how often each occurs."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]  # hides a tuple's own

class Qr(NamedTuple):
    """The factors of a matrix: an orthogonal and a triangular one."""

    q: Tensor
    r: Tensor

class Lu(NamedTuple):
    """Both triangular factors of a matrix in one, and the permutation of its rows."""

    lu: Tensor
    p: Tensor
