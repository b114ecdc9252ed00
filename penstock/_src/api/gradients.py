"""tf.gradients and tf.hessians: derivatives in graphs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.autodiff.backprop import UnconnectedGradients, zeros_like
from penstock._src.autodiff.composite import gradient_tensors
from penstock._src.autodiff.gradient_tape import gradient_of_source
from penstock._src.autodiff.graph_gradients import gradients_or_ones, graph_gradients
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.operation import scope_of
from penstock._src.graph.registered_gradients import WITHOUT_GRADIENT, check_unregistered
from penstock._src.util.export import export


@export("AggregationMethod")
class AggregationMethod:
    """Method of `tf.gradients` for summing the terms of a gradient. The choice has no effect."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


_AGGREGATIONS = (
    AggregationMethod.ADD_N,
    AggregationMethod.EXPERIMENTAL_TREE,
    AggregationMethod.EXPERIMENTAL_ACCUMULATE_N,
)


@export("gradients", v1=[])
def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """Returns d sum(ys) / dx for each x, as tensors of the graph that is being built.

    Args:
      ys: a tensor or a list of them.
      xs: a tensor or variable, or a list of them.
      grad_ys: a weight for each y; ones by default.
      name: a scope for the operations.
      gate_gradients: accepted for compatibility; no effect.
      aggregation_method: a member of `tf.AggregationMethod`, without effect.
      stop_gradients: tensors to treat as constants.
      unconnected_gradients: "none" (None) or "zero" for an x that no y depends on.

    Returns:
      A list with a tensor for each x: of its dtype and shape, or IndexedSlices, or None as
      `unconnected_gradients` says.

    Raises:
      RuntimeError: called in eager execution.
      ValueError: `aggregation_method` or `unconnected_gradients` is unknown.
    """
    if STATE.graph is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
        )
    if aggregation_method not in (None, *_AGGREGATIONS):
        raise ValueError(
            f"Invalid `aggregation_method` specified {aggregation_method}. "
            f"Accepted values are {list(_AGGREGATIONS)}."
        )
    try:
        unconnected = UnconnectedGradients(unconnected_gradients)
    except ValueError:
        raise ValueError(
            f"Unknown value for unconnected_gradients: {unconnected_gradients!r}"
        ) from None
    # A variable is differentiated by its handle.
    ys = [convert_to_tensor(y) if isinstance(y, Variable) else y for y in _as_list(ys)]
    targets = _tensors(ys)
    sources = _as_list(xs)
    with scope_of([*targets, *sources], name, "gradients"):
        weights = gradients_or_ones(targets, _weights(ys, grad_ys))
        graph = targets[0].graph if targets else STATE.graph
        inner = [_in_graph(graph, x) for source in sources for x in gradient_tensors(source)]
        stopped = [_in_graph(graph, t) for t in _tensors(_as_list(stop_gradients))]
        known = [x for x in inner if x is not None]
        remaining = iter(
            graph_gradients(targets, known, weights, [t for t in stopped if t is not None])
        )
        parts = iter([None if x is None else next(remaining) for x in inner])
        results = []
        for source in sources:
            gradients = [next(parts) for _ in gradient_tensors(source)]
            results.append(gradient_of_source(source, gradients, unconnected))
    return results


def _tensors(values: list[Any]) -> list[Any]:
    """The tensors of values to differentiate."""
    return [convert_to_tensor(t) for value in values for t in gradient_tensors(value)]


def _weights(ys: list[Any], grad_ys: Any) -> list[Any] | None:
    """The tensors of the gradients of targets, None for those that are not given."""
    if grad_ys is None:
        return None
    return [
        t
        for y, g in zip(ys, _as_list(grad_ys), strict=True)
        for t in (gradient_tensors(g) if g is not None else [None] * len(gradient_tensors(y)))
    ]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _in_graph(graph: Any, value: Any) -> Any:
    """Returns the tensor of `graph`, or of an enclosing one, for `value`: itself, its capture or its argument.

    None if it is not used there."""
    tensor: Any = value if isinstance(value, Tensor) else convert_to_tensor(value)
    is_symbolic = not isinstance(tensor, EagerTensor)
    while graph is not None:
        if is_symbolic and tensor.graph is graph:
            return tensor
        captured = getattr(graph, "_captured", {}).get(tensor._id)
        if captured is not None and not is_symbolic:
            return captured[1]
        argument = getattr(graph, "argument_handles", {}).get(tensor._id)
        if argument is not None:
            return argument
        graph = getattr(graph, "enclosing", None)
    return None


@export("hessians", v1=[])
def hessians(
    ys: Any,
    xs: Any,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    name: str = "hessians",
) -> list[Any]:
    """Returns for each x the matrix of second derivatives of sum(ys), of shape `x.shape + x.shape`.

    Args:
      ys: a tensor or a list of them.
      xs: a tensor or a list of them.
      gate_gradients: accepted for compatibility; no effect.
      aggregation_method: a member of `tf.AggregationMethod`, without effect.
      name: a scope for the operations.

    Returns:
      A list with a tensor for each x.
    """
    results = []
    sources = _as_list(xs)
    firsts = gradients(ys, sources, name=name, aggregation_method=aggregation_method)
    for x, first in zip(sources, firsts, strict=True):
        flat = raw.Reshape(tensor=first, shape=[-1])
        count = flat.shape[0]
        if count is None:
            rows = _rows_of_jacobian(flat, x)
            extents = raw.Shape(input=x)
            shape = raw.ConcatV2(values=[extents, extents], axis=0)
            results.append(raw.Reshape(tensor=rows, shape=shape))
            continue
        each = [gradients(flat[i], x)[0] for i in range(count)]
        each = [zeros_like(x) if row is None else row for row in each]
        results.append(raw.Reshape(tensor=raw.Pack(values=each), shape=_doubled(x)))
    return results


def _rows_of_jacobian(flat: Any, x: Any) -> Any:
    """Returns the gradient of each element of a vector of unknown length, stacked along a new axis."""

    def row(index: Any, rows: TensorArray) -> tuple[Any, TensorArray]:
        gradient = gradients(flat[index], x)[0]
        return index + 1, rows.write(index, zeros_like(x) if gradient is None else gradient)

    count = raw.Size(input=flat)
    rows = TensorArray(x.dtype, count, element_shape=x.shape)
    return while_loop(lambda index, _: index < count, row, [0, rows])[1].stack()


def _doubled(x: Any) -> Sequence[int]:
    return [*x.shape.as_list(), *x.shape.as_list()]


@export("no_gradient", v1=["NoGradient", "NotDifferentiable", "no_gradient"])
def no_gradient(op_type: str) -> None:
    """Notes that an op has no gradient; op classes define by themselves whether they are differentiable.

    Args:
      op_type: the name of the op.

    Raises:
      TypeError: `op_type` is not a str.
      KeyError: this or a gradient was registered before.
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    check_unregistered(op_type)
    WITHOUT_GRADIENT.add(op_type)
