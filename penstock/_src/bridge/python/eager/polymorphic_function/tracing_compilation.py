"""Counterpart of `tensorflow/python/eager/polymorphic_function/tracing_compilation.py`: tracing with a cache of the caller's."""

import dataclasses
import enum
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.function.trace_cache import TraceCache
from penstock._src.function.tracing import Trace
from penstock._src.function.tracing import trace_function as trace_python_function
from penstock._src.function.types.attributes import TRACING, checked_names
from penstock._src.function.types.function_type import FunctionType, to_input_signature


class ScopeType(enum.Enum):
    """The rule for variables that a trace creates."""

    NO_SCOPE = 1
    VARIABLE_CREATION = 2
    NO_VARIABLE_CREATION = 3


class FunctionCache(TraceCache):
    """Traces of functions, kept by the caller."""

    def __init__(self) -> None:
        super().__init__(reduce_retracing=False)

    def __len__(self) -> int:
        return self.count

    def values(self) -> list[ConcreteFunction]:
        """Returns the traces."""
        return self.concrete_functions()

    def clear(self) -> None:
        """Forgets all traces."""
        self.__init__()  # type: ignore[misc]


@dataclasses.dataclass
class TracingOptions:
    """The options of tracing a Python function; the fields are TensorFlow's."""

    python_function: Callable[..., Any] = lambda *args, **kwargs: None
    name: str = "function"
    polymorphic_type: FunctionType | None = None
    default_values: dict[str, Any] | None = None
    scope_type: ScopeType = ScopeType.NO_SCOPE
    attributes: dict[str, Any] | None = None
    autograph: bool = True
    autograph_options: tuple[Any, ...] | None = None
    reduce_retracing: bool = False
    bind_graph_to_function: bool = False
    function_cache: FunctionCache | None = None
    function_captures: Any = None
    lock: Any = None

    def __post_init__(self) -> None:
        checked_names(self.attributes or {}, TRACING, "Tracing compilation does not support")

    @property
    def input_signature(self) -> tuple[Any, ...] | None:
        """The specs in `polymorphic_type`, or None."""
        return to_input_signature(self.polymorphic_type) if self.polymorphic_type else None


class _Compiled(Function):
    """A function that keeps its traces in the options' cache; every trace may create variables, unless the options forbid it."""

    def __init__(self, options: TracingOptions) -> None:
        signature = options.input_signature
        super().__init__(
            options.python_function, options.name, signature or None, options.autograph,
            reduce_retracing=options.reduce_retracing, experimental_attributes=options.attributes,
        )  # fmt: skip
        self._creates = options.scope_type is not ScopeType.NO_VARIABLE_CREATION
        if options.function_cache is not None:
            self._cache = options.function_cache
            self._cache.reduce_retracing = options.reduce_retracing

    def _refusal(self, error: Exception, args: Any, kwargs: Any) -> Exception:
        return error

    def _trace_with(self, trace: Trace) -> ConcreteFunction:
        return trace_python_function(trace, allow_variables=self._creates)[0]


def call_function(
    args: Sequence[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    tracing_options: TracingOptions | None = None,
) -> Any:
    """Calls the options' function, traced if its cache has no trace for the arguments."""
    return _Compiled(tracing_options or TracingOptions())(*(args or ()), **(kwargs or {}))


def trace_function(
    args: Sequence[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    tracing_options: TracingOptions | None = None,
) -> ConcreteFunction:
    """Returns the trace of the options' function for the arguments."""
    compiled = _Compiled(tracing_options or TracingOptions())
    return compiled.get_concrete_function(*(args or ()), **(kwargs or {}))
