"""Op classes made of functions of NumPy arrays, which run on the host, and of primitives, which are compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects, Elements
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import OPS, Op
from penstock._src.core.shapes import UNKNOWN, TensorShape, as_shape, broadcast_shapes
from penstock._src.custom_ops.gradients import GivenGradient
from penstock._src.custom_ops.parameters import (
    EMPTY,
    Parameters,
    attribute_types,
    check_attribute,
)
from penstock._src.ir.builder import Builder
from penstock._src.ir.errors import MalformedFunction, NotLowerable
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.util import slots
from penstock._src.util.dataclass import dataclass

# Two sizes that replace unknown ones: extents of results that differ between the two are unknown.
PROBES = (12, 24)


@dataclass(frozen=True)
class Results:
    """The user's specification of an op's results.

    Args:
      dtypes: for each result its dtype, or the name of the input whose dtype it has.
      shape: the name of the input whose shape it has, a shape, a function of the inputs' shapes, or None; for several
        results, what gives a list.
      is_elementwise: whether inputs broadcast, and so their shapes give the result's.
    """

    dtypes: tuple[DType | str, ...]
    shape: Any
    is_elementwise: bool

    def shapes(
        self, parameters: Parameters, inputs: Sequence[TensorShape], attributes: dict[str, Any]
    ) -> list[TensorShape] | None:
        """Return the shapes of the results; None where they are not given."""
        if self.shape is None and self.is_elementwise:
            shape = TensorShape([])
            for each in inputs:
                shape = broadcast_shapes(shape, each)
            return [shape] * len(self.dtypes)
        if self.shape is None:
            return None
        said = self.shape
        if callable(said):
            names = inspect.signature(said).parameters
            said = said(*inputs, **{n: v for n, v in attributes.items() if n in names})
        shapes = [said] if len(self.dtypes) == 1 else list(said)
        if len(shapes) != len(self.dtypes):
            raise ValueError(
                f"{parameters.op}: shape: expected {len(self.dtypes)} shapes, one for each result. Received {len(shapes)}."
            )
        by_name = dict(zip(parameters.inputs, inputs, strict=True))
        return [by_name[s] if isinstance(s, str) else as_shape(s) for s in shapes]


class _Custom(Op):
    """An op of a user's function."""

    parameters: ClassVar[Any] = None
    results: ClassVar[Any] = None
    function: ClassVar[Any] = None
    # The module that makes the op; each node has it, so that a loader can import it.
    home: ClassVar[str] = ""

    is_abstract = True

    def _attributes(self) -> dict[str, Any]:
        return {name: self.attrs[name] for name in self.parameters.attributes}

    def _called(self, arguments: Iterable[Any], tensors: Iterable[Any]) -> Any:
        """Call the user's function. Its errors get a note with the op and its arguments."""
        try:
            return self.function(*arguments, **self._attributes())
        except Exception as error:
            pairs = zip(self.parameters.inputs, tensors, strict=True)
            descriptions = [f"{name}: {x.dtype}{list(map(int, x.shape))}" for name, x in pairs]
            error.add_note(
                f"Raised by the function of {self.op_type} for {', '.join(descriptions)}."
            )
            raise


def make_class(
    op_type: str,
    parameters: Parameters,
    function: Callable[..., Any],
    results: Results,
    *,
    is_numpy: bool,
    gradient: Callable[..., Any] | None,
    is_differentiable: bool,
    is_stateful: bool,
) -> type[_Custom]:
    """Makes and registers the class of an op.

    Args:
      op_type: the name in graphs.
      parameters: of the op.
      function: of arrays or, after the builder, of nodes.
      results: what is known of them.
      is_numpy: whether the function takes arrays.
      gradient: the user's, if there is one.
      is_differentiable: False if the gradient is None.
      is_stateful: whether equal calls may differ, or have effects.
    """
    kinds = attribute_types(parameters)
    taken = [name for name in kinds if name in Op.__dict__]
    if taken:
        raise TypeError(f"{parameters.op}: attribute '{taken[0]}' needs another name.")
    members: dict[str, Any] = {
        "__doc__": function.__doc__ or f"The function `{function.__name__}`.",
        "__module__": getattr(function, "__module__", None) or __name__,
        "__qualname__": op_type,
        "__annotations__": {**kinds, "_module": str},
        "home": home_of(function),
        "signature": _signature(parameters, results),
        "parameters": parameters,
        "results": results,
        "function": staticmethod(function),
        "differentiable": is_differentiable,
        "elements": Elements(is_elementwise=results.is_elementwise and not is_stateful),
        "is_abstract": True,  # registered below
        **(_numpy_members() if is_numpy else _primitive_members(results)),
    }
    for name in kinds:
        default = parameters.signature.parameters[name].default
        if default is not EMPTY:
            members[name] = default
    if is_stateful:
        members |= {"stateful": True, "effects": Effects(has_own_effect=True)}
    if gradient is not None:
        members["gradient"] = _gradient_method(parameters, gradient, len(results.dtypes))
    cls: Any = type(op_type, (_Custom,), members)
    cls.is_abstract = False
    OPS[op_type] = cls
    return cls


def home_of(function: Callable[..., Any]) -> str:
    """The name under which the module of a function can be imported by another process."""
    name = getattr(function, "__module__", None) or ""
    if name != "__main__":
        return name
    code = getattr(function, "__code__", None)
    file = code.co_filename if code is not None else ""
    return (
        file.replace("\\", "/").rpartition("/")[2].removesuffix(".py")
        if file.endswith(".py")
        else ""
    )


def run_op(cls: type[_Custom], inputs: Sequence[Any], attributes: dict[str, Any]) -> Any:
    """Runs an op of such a class in the current context.

    Raises:
      TypeError: an attribute has another type than its annotation or default.
    """
    for key, value in attributes.items():
        check_attribute(cls.parameters.op, key, cls.annotations[key], value)
    attributes = {**attributes, "_module": cls.home}
    if STATE.graph is None:
        return slots.RUN_EAGERLY(cls, tuple(inputs), attributes)
    return STATE.graph.execute(cls, tuple(inputs), attributes, None)


def _signature(parameters: Parameters, results: Results) -> str:
    inputs = ", ".join(f"{name}: T_{name}" for name in parameters.inputs)
    several = len(results.dtypes) > 1
    outputs = ", ".join(
        f"{'result' if not several else f'result_{n}'}: "
        f"{f'T_{dtype}' if isinstance(dtype, str) else dtype.name}"
        for n, dtype in enumerate(results.dtypes)
    )
    return f"{inputs} -> {outputs}"


def _gradient_method(
    parameters: Parameters, gradient: Callable[..., Any], count: int
) -> Callable[..., Any]:
    user_gradient = GivenGradient(parameters, gradient)
    user_gradient.check_results(count)
    at = len(parameters.inputs)

    def method(self: Any, *args: Any) -> Any:
        gradients = user_gradient(args[:at], args[at:], self._attributes())
        return gradients[0] if len(gradients) == 1 else tuple(gradients)

    if not user_gradient.is_variadic:  # tapes keep what its parameters without `_` name
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        positional = [p.replace(kind=own.kind) for p in user_gradient.positional]
        method.__signature__ = inspect.Signature([own, *positional])  # type: ignore[attr-defined]
    return method


# -- functions of arrays


def _numpy_members() -> dict[str, Any]:
    def shape(self: Any, *inputs: Any) -> Any:
        said = self.results.shapes(self.parameters, inputs, self._attributes())
        return _one_or_all([UNKNOWN] * len(self.results.dtypes) if said is None else said)

    def eager(self: Any, *values: Any) -> Any:
        returned = self._called(map(_read_only, values), values)
        results = [returned] if len(self.outputs) == 1 else _listed(self, returned)
        said = self.results.shapes(
            self.parameters, [TensorShape(np.shape(v)) for v in values], self._attributes()
        )
        shapes = [UNKNOWN] * len(results) if said is None else said
        arrays = [
            _as_result(self, at, *each)
            for at, each in enumerate(zip(results, self.output_dtypes, shapes, strict=True))
        ]
        return _one_or_all(arrays)

    return {"shape": shape, "eager": eager}


def _read_only(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view


def _listed(op: Any, returned: Any) -> list[Any]:
    count = len(op.outputs)
    if not isinstance(returned, list | tuple) or len(returned) != count:
        received = f"{len(returned)}" if isinstance(returned, list | tuple) else "one value"
        raise InvalidArgumentError(
            f"{op.parameters.op}: expected {count} results. Its function returned {received}."
        )
    return list(returned)


def _as_result(op: Any, at: int, value: Any, dtype: DType, shape: TensorShape) -> Any:
    """A copy of the function's result, as the value of a tensor."""
    which = (
        f"{op.parameters.op}: result {at}"
        if len(op.outputs) > 1
        else f"{op.parameters.op}: its result"
    )
    array = np.asarray(value) if dtype.is_numpy_compatible and dtype != dtypes.string else None
    if array is None:
        result = convert_to_tensor(value, dtype)._value  # type: ignore[attr-defined]
    elif array.dtype == dtype.np or np.can_cast(array.dtype, dtype.np, "same_kind"):
        result = np.array(array, dtype.np)
    else:
        raise InvalidArgumentError(
            f"{which} must be {dtype.name}. Its function returned {array.dtype}."
        )
    if not shape.is_compatible_with(np.shape(result)):
        raise InvalidArgumentError(
            f"{which} must have the shape {shape}, as its shape rule says. Its function returned {np.shape(result)}."
        )
    return result


def _one_or_all(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


# -- functions of primitives


def _primitive_members(results: Results) -> dict[str, Any]:
    def shape(self: Any, *inputs: Any) -> Any:
        said = self.results.shapes(self.parameters, inputs, self._attributes())
        return _one_or_all(_inferred(self, inputs) if said is None else said)

    def eager(self: Any, *values: Any) -> Any:
        p = ImmediateBuilder()
        types = [self._dtype_of(argument) for argument in self.inputs]
        nodes = [p.known_array(v, dtype) for v, dtype in zip(values, types, strict=True)]
        try:
            results = _nodes(self, p, nodes)
        except (MalformedFunction, NotLowerable) as error:
            raise InvalidArgumentError(f"{self.parameters.op}: {error}") from error
        return _one_or_all([np.array(p.value(node)) for node in results])

    def lower(self: Any, p: Any, *args: Any) -> Any:
        return _one_or_all(_nodes(self, p, args))

    return {"shape": shape, "eager": eager, "lower": lower}


def _nodes(op: Any, p: Any, args: Sequence[Any]) -> list[Any]:
    """The nodes that the function makes, checked."""
    returned = op._called([p, *args], args)
    nodes = [returned] if len(op.outputs) == 1 else _listed(op, returned)
    for at, (node, dtype) in enumerate(zip(nodes, op.output_dtypes, strict=True)):
        node_dtype = getattr(node, "dtype", None)
        if node_dtype != dtype:
            shown = node_dtype.name if isinstance(node_dtype, DType) else type(node).__name__
            raise InvalidArgumentError(
                f"{op.parameters.op}: result {at} must be {dtype.name}. Its function made {shown}."
            )
    return nodes


def _inferred(op: Any, inputs: Sequence[Any]) -> list[TensorShape]:
    """The shapes of the nodes that the function makes of inputs of these shapes."""
    if any(shape.rank is None for shape in inputs):
        return [UNKNOWN] * len(op.outputs)
    known = all(shape.is_fully_defined() for shape in inputs)
    probed = [_probe(op, inputs, size) for size in (PROBES[:1] if known else PROBES)]
    if known:
        return [TensorShape(shape) for shape in probed[0]]
    return [
        TensorShape([m if m == n else None for m, n in zip(*pair, strict=True)])
        if len(pair[0]) == len(pair[1])
        else UNKNOWN
        for pair in zip(*probed, strict=True)
    ]


def _probe(op: Any, inputs: Sequence[Any], size: int) -> list[list[int]]:
    """The shapes of the results where unknown sizes are this one."""
    p = Builder()
    types = [op._dtype_of(argument) for argument in op.inputs]
    shapes = [[size if n is None else n for n in shape.as_list()] for shape in inputs]
    parameters = [
        p.parameter(at, tuple(shape), dtype)
        for at, (shape, dtype) in enumerate(zip(shapes, types, strict=True))
    ]
    try:
        nodes = _nodes(op, p, parameters)
    except (IndexError, MalformedFunction, NotLowerable, TypeError, ValueError) as error:
        shown = ", ".join(f"{n}: {s}" for n, s in zip(op.parameters.inputs, inputs, strict=True))
        raise ValueError(
            f"{op.parameters.op}: its function fails for inputs of the shapes {shown} (tried {shapes}; "
            f"if sizes depend on values, give `shape`): {error}"
        ) from error
    return [[int(n) for n in node.shape] for node in nodes]
