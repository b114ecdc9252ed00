"""tf.types: types for annotations, and the marker class of tensor-likes."""

from __future__ import annotations

import abc
import inspect
from typing import Any, Protocol, Union

from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TypeSpec
from penstock._src.core.tensor import Tensor as TensorBase
from penstock._src.eager.variable import Variable
from penstock._src.util.export import export, export_constant

TensorLike = Union[  # noqa: UP007
    TensorBase, Variable, int, float, bool, str, bytes, complex, tuple, list, Any
]
export_constant("types.experimental.TensorLike", TensorLike)


@export("types.experimental.Callable", v1=["types.experimental.Callable"])
class Callable(metaclass=abc.ABCMeta):
    """Base of the callables that tf.function returns."""

    @property
    @abc.abstractmethod
    def function_type(self) -> Any:
        """Its signature."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: B027
        """Runs it."""


@export("types.experimental.ConcreteFunction")
class ConcreteFunction(Callable):
    """A function traced for one signature."""

    @property
    @abc.abstractmethod
    def inference_fn(self) -> Any:
        """The function as it runs without gradients."""


@export("types.experimental.AtomicFunction", v1=["types.experimental.AtomicFunction"])
class AtomicFunction(Callable):
    """A function that is called without captures."""

    @property
    @abc.abstractmethod
    def definition(self) -> Any:
        """Its FunctionDef."""

    @abc.abstractmethod
    def call_with_captures(self, args: Any, kwargs: Any, captures: Any) -> Any:
        """Calls it with explicit captures.

        Args:
          args, kwargs: the arguments.
          captures: the tensors that it captured.
        """


@export("types.experimental.PolymorphicFunction", "types.experimental.GenericFunction")
class PolymorphicFunction(Callable):
    """A function that is traced for each new signature of arguments."""

    @abc.abstractmethod
    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Returns the trace for these arguments.

        Args:
          *args, **kwargs: values, or TensorSpecs.
        """

    @abc.abstractmethod
    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the compiler's IR for these arguments.

        Args:
          *args, **kwargs: values, or TensorSpecs.
        """


@export("types.experimental.SupportsTracingProtocol")
class SupportsTracingProtocol(Protocol):
    """An object that defines its own TraceType for tf.function."""

    def __tf_tracing_type__(self, context: Any) -> Any:
        """Returns its TraceType."""


@export("types.experimental.TraceType")
class TraceType(metaclass=abc.ABCMeta):
    """The type of an argument that determines which calls of a tf.function share a trace.

    >>> isinstance(tf.TensorSpec([2]), tf.types.experimental.TraceType)
    True
    """

    @abc.abstractmethod
    def is_subtype_of(self, other: TraceType) -> bool:
        """Returns True if every value of this type is of another type.

        Args:
          other: a type.

        Returns:
          A Python bool.
        """

    @abc.abstractmethod
    def most_specific_common_supertype(self, others: Any) -> TraceType | None:
        """Returns the narrowest type that this one and others are subtypes of.

        Args:
          others: a list of types.

        Returns:
          A type, or None if there is none.
        """

    @abc.abstractmethod
    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Returns the placeholder for a value of this type while a function is traced.

        Args:
          placeholder_context: where it is made.

        Returns:
          A value of this type.
        """

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors that a value consists of.

        Args:
          value: a value of this type.

        Returns:
          A list of tensors.
        """
        del value
        return []

    def from_tensors(self, tensors: Any) -> Any:
        """Returns the value that tensors make up.

        Args:
          tensors: an iterator over tensors, of which this takes its own.

        Returns:
          A value of this type.
        """
        del tensors
        return self.placeholder_value(None)

    def flatten(self) -> list[Any]:
        """Returns the types of the tensors that a value of this type consists of.

        Returns:
          A list of types.
        """
        return []

    def cast(self, value: Any, cast_context: Any) -> Any:
        """Returns a value as one of this type.

        Args:
          value: the value.
          cast_context: how values may be converted.

        Returns:
          A value of this type.

        Raises:
          TypeError: the value is of another type.
        """
        del cast_context
        if value is not self.placeholder_value(None):
            raise AssertionError(f"Can not cast {value!r} to type {self!r}")
        return value

    @abc.abstractmethod
    def __hash__(self) -> int:
        """Returns a hash."""

    @abc.abstractmethod
    def __eq__(self, other: Any) -> bool:
        """True if `other` is the same type."""


for _kind in (DType, TensorShape, TypeSpec):
    TraceType.register(_kind)


@export("types.experimental.FunctionType")
class FunctionType(inspect.Signature):
    """The parameters and result of a function, with the types of both.

    Args:
      parameters: `inspect.Parameter`s, or objects of a subclass with types.
      return_annotation: the type of the result.
    """

    def __init__(
        self,
        parameters: Any = None,
        *,
        return_annotation: Any = inspect.Signature.empty,
        __validate_parameters__: bool = True,
    ) -> None:
        super().__init__(
            parameters,
            return_annotation=return_annotation,
            __validate_parameters__=__validate_parameters__,
        )

    @classmethod
    def from_callable(  # type: ignore[override]
        cls, obj: Any, *, follow_wrapped: bool = True
    ) -> FunctionType:
        """Returns the signature of a callable.

        Args:
          obj: a function or another callable.
          follow_wrapped: whether a wrapper has the signature of what it wraps.

        Returns:
          A FunctionType.
        """
        signature = inspect.signature(obj, follow_wrapped=follow_wrapped)
        return cls(list(signature.parameters.values()))

    @property
    def output(self) -> Any:
        """The type of the result, or None."""
        annotation = self.return_annotation
        return None if annotation is inspect.Signature.empty else annotation
