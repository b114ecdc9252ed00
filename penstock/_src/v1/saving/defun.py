"""TensorFlow 1's `function.Defun`: a decorator that turns a Python function of tensors into a function of a graph."""

import inspect
import itertools
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from penstock._src.autodiff.custom import custom_gradient
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.registry import raw
from penstock._src.function.differentiable import DifferentiableFunction
from penstock._src.graph import trace
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize import exporter
from penstock._src.util import nest
from penstock._src.v1.variables.store import give_store

_COUNT = itertools.count()


class Defun:
    """Turns a function into a DefinedFunction.

    Args:
      *input_types: the types of the arguments; without them each call defines a function of its own types.
      **kwargs: `func_name`; `grad_func`, a DefinedFunction from the inputs and the gradients of the outputs to those of the
        inputs; `python_grad_func`, a function `(op, *gradients)`; `out_names`, the names of the outputs; `shape_func`.
    """

    def __init__(self, *input_types: Any, **kwargs: Any) -> None:
        self._types, self._options = input_types, kwargs

    def __call__(self, func: Callable[..., Any]) -> Any:
        """Returns the function of a graph."""
        if not callable(func):
            raise ValueError(f"Function {func} must be a callable.")
        parameters = inspect.signature(func).parameters.values()
        kinds = [p.kind for p in parameters]
        if inspect.Parameter.VAR_KEYWORD in kinds or any(
            p.default is not p.empty for p in parameters
        ):
            raise ValueError(
                f"Functions with argument defaults or keywords arguments are not supported. Received {func}."
            )
        least = sum(kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds)
        is_variadic = inspect.Parameter.VAR_POSITIONAL in kinds
        if self._types:
            count = len(self._types)
            if count < least or (count > least and not is_variadic):
                raise ValueError(
                    f"The number of tf.function input types is not compatible with the allowed arguments of {func}. "
                    f"The tf.function have {count} input types, while the python function allows minimum {least} and "
                    f"maximum {'any number of' if is_variadic else least} arguments."
                )
            return DefinedFunction(func, self._types, **self._options)
        if not least and not is_variadic:
            return DefinedFunction(func, (), **self._options)
        return OverloadedFunction(func, **self._options)


class DefinedFunction:
    """A function of tensors of fixed types, traced when it is first used."""

    def __init__(
        self,
        func: Callable[..., Any],
        input_types: Sequence[Any],
        func_name: str | None = None,
        grad_func: Any = None,
        python_grad_func: Callable[..., Any] | None = None,
        out_names: Sequence[str] | None = None,
        shape_func: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if grad_func is not None and python_grad_func is not None:
            raise ValueError("Gradient defined twice for function.")
        self._func, self._name = func, func_name
        self._types = [as_dtype(t) for t in input_types]
        self._grad_func, self._python_grad = grad_func, python_grad_func
        self._out_names, self._shape_func, self._extra = out_names, shape_func, kwargs
        self._traced: GraphFunction | None = None
        name = func_name or getattr(func, "__name__", "function")
        self.__name__ = re.sub(r"\W", "_", name).strip("_")
        self.__doc__ = func.__doc__

    @property
    def graph_function(self) -> GraphFunction:
        """The traced function."""
        if self._traced is None:
            self._traced = self._trace()
        return self._traced

    def _trace(self) -> GraphFunction:
        graph = FuncGraph(self.__name__)
        graph.calls_wait = True
        give_store(graph)
        names = list(inspect.signature(self._func).parameters)
        with trace.recording(graph):
            for at, dtype in enumerate(self._types):
                name = names[at] if at < len(names) and self._is_plain(names[at]) else f"arg{at}"
                graph.inputs.append(graph.placeholder(dtype, None, name))
            trace.set_outputs(graph, self._func(*list(graph.inputs)))
            if self._out_names:
                named = zip(graph.outputs, self._out_names, strict=True)
                graph.outputs = [raw.Identity(input=t, name=n) for t, n in named]
        for operation in graph.get_operations():
            if not operation.raw_op.effects.reads_only and operation not in graph.control_outputs:
                graph.control_outputs.append(operation)
        suffix = "" if self._name else f"_{next(_COUNT)}"
        return GraphFunction(graph, name=f"{self.__name__}{suffix}")

    def _is_plain(self, name: str) -> bool:
        kind = inspect.signature(self._func).parameters[name].kind
        return kind is inspect.Parameter.POSITIONAL_OR_KEYWORD

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.graph_function.name

    @property
    def definition(self) -> Any:
        """The function as a FunctionDef."""
        return exporter.function_def(self.graph_function)

    @property
    def declared_input_types(self) -> list[Any]:
        """The types of the arguments."""
        return list(self._types)

    @property
    def captured_inputs(self) -> list[Any]:
        """The outer tensors that it uses, which are passed after the arguments."""
        return list(self.graph_function.graph.external_captures)

    @property
    def stateful_ops(self) -> list[tuple[str, str]]:
        """(name, type) of its operations that have effects."""
        operations = self.graph_function.graph.get_operations()
        return [(o.name, o.type) for o in operations if not o.raw_op.effects.reads_only]

    @property
    def grad_func_name(self) -> str | None:
        """The name of the function of its gradients, or None."""
        return None if self._grad_func is None else self._grad_func.name

    @property
    def python_grad_func(self) -> Any:
        """The Python function of its gradients, or None."""
        return self._python_grad

    def set_grad_func(self, grad_func: "DefinedFunction") -> None:
        """Sets the function of its gradients.

        Raises:
          ValueError: another is set.
        """
        if self._grad_func is not None and self._grad_func is not grad_func:
            raise ValueError(f"Gradient defined twice for function {self.name}")
        self._grad_func = grad_func

    def add_to_graph(self, g: Any) -> None:
        """Traces the function; operations that call it refer to it directly."""
        del g
        self.graph_function.executable  # noqa: B018  # compiled here, so that errors are raised here

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a call to the current graph; returns its operation, its output or its outputs."""
        if len(args) != len(self._types):
            raise ValueError(
                f"Expected {len(self._types)} arguments for function {self.__name__}, but got {len(args)}."
            )
        name = kwargs.get("name") or self.__name__
        tensors = [convert_to_tensor(a, t) for a, t in zip(args, self._types, strict=True)]
        scope = STATE.graph.name_scope(name) if STATE.graph is not None else None
        if scope is None:
            return self._packed(self._apply(tensors))
        with scope:
            return self._packed(self._apply(tensors))

    def _packed(self, outputs: Any) -> Any:
        if self._shape_func is not None and outputs:
            for tensor, shape in zip(outputs, self._shape_func(outputs[0].op), strict=True):
                tensor.set_shape(shape)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _apply(self, tensors: list[Any]) -> list[Any]:
        call = DifferentiableFunction(self.graph_function)
        captured = self.captured_inputs
        if self._grad_func is None and self._python_grad is None:
            return call([*tensors, *captured])

        @custom_gradient
        def differentiated(*inputs: Any) -> Any:
            outputs = call([*inputs, *captured])

            def gradient(*gradients: Any) -> Any:
                if self._python_grad is not None:
                    results = self._python_grad(_as_operation(self, inputs, outputs), *gradients)
                else:
                    results = self._grad_func(*inputs, *gradients)
                return results if isinstance(results, list | tuple) else [results]

            return outputs, gradient

        return nest.flatten(differentiated(*tensors))


def _as_operation(function: DefinedFunction, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
    """Return the call as an operation for a Python gradient function: its inputs and outputs."""
    return SimpleNamespace(
        inputs=list(inputs), outputs=list(outputs), type=function.name, name=function.name
    )


class OverloadedFunction:
    """A function that is defined once for each set of types of its arguments."""

    def __init__(self, func: Callable[..., Any], **options: Any) -> None:
        self._func, self._options = func, options
        self._made: dict[tuple[Any, ...], DefinedFunction] = {}

    def instantiate(self, input_types: Sequence[Any]) -> DefinedFunction:
        """Returns the function of arguments of these types."""
        key = tuple(as_dtype(t).base_dtype for t in input_types)
        if key not in self._made:
            options = dict(self._options)
            if options.get("func_name") and self._made:
                options["func_name"] = f"{options['func_name']}_{len(self._made)}"
            self._made[key] = DefinedFunction(self._func, key, **options)
        return self._made[key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function of the arguments' types."""
        tensors = [convert_to_tensor(a) for a in args]
        return self.instantiate([t.dtype for t in tensors])(*tensors, **kwargs)
