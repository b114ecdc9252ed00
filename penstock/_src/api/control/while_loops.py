"""tf.while_loop: plain Python when eager, While in graphs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.control_flow import unify_loop
from penstock._src.autodiff.loop_gradient import add_limited_while
from penstock._src.autodiff.loop_reads import move_reads_out
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TypeSpec, type_spec_from_value
from penstock._src.core.tensor import Tensor
from penstock._src.graph.func_graph import ControlFlowGraph, FuncGraph
from penstock._src.graph.trace import (
    ResultNames,
    add_arguments,
    autograph_converted,
    identities,
    trace_body,
)
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.nest_paths import flatten_up_to


@export("while_loop", v1=[])
@shortening
def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` is True.

    In a graph it is one operation. With `maximum_iterations`, or a number of steps that is known
    when the loop is compiled, gradients run compiled too.

    Args:
      cond: a callable of the loop variables that returns a bool scalar.
      body: a callable of the loop variables that returns their next values, in the same
        structure.
      loop_vars: a list or tuple of tensors, `TensorArray` objects and structures of them.
      shape_invariants: for each variable the shape that it has at all times, with None for
        extents that change; by default the shape at the start.
      parallel_iterations: a hint without effect; a positive integer.
      back_prop: if False, no gradient flows through the loop.
      swap_memory: a hint without effect.
      maximum_iterations: the greatest number of steps.
      name: a name for the operation.

    Returns:
      The variables after the last step, in the structure of `loop_vars`.

    Raises:
      TypeError: `cond` or `body` is not callable, or `parallel_iterations` is not a positive
        integer.
      ValueError: there are no variables, or a shape changes that no invariant lets change.

    >>> i, total = tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + i), (0, 0))
    >>> total.numpy()
    np.int32(6)
    """
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if parallel_iterations is not None and parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    if len(loop_vars) == 0:
        raise ValueError("'loop_vars' must be provided.")
    if STATE.graph is None:
        return _eager_loop(cond, body, loop_vars, maximum_iterations)
    result = _Loop(
        autograph_converted(cond),
        autograph_converted(body),
        loop_vars,
        shape_invariants,
        maximum_iterations,
        parallel_iterations,
        name or "while",
    ).build()
    return differentiable(result, back_prop)


def differentiable(result: Any, back_prop: bool) -> Any:
    """The result of a loop; without `back_prop`, one in a graph passes no gradients on, as in TensorFlow."""
    if back_prop or STATE.graph is None:
        return result
    return nest.map_structure(
        lambda t: raw.StopGradient(t) if isinstance(t, Tensor) else t,
        result,
        expand_composites=True,
    )


def _eager_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    single = len(loop_vars) == 1
    limit = None if maximum_iterations is None else _scalar(maximum_iterations)
    iterations = 0
    unpacked = False
    values = loop_vars
    while cond(*values) and (limit is None or iterations < limit):
        result = body(*values)
        unpacked = single and not isinstance(result, list | tuple)
        result = (result,) if unpacked else result
        nest.assert_same_structure(list(loop_vars), list(result))
        values = result
        iterations += 1
    converted = nest.map_structure(
        lambda leaf: leaf if nest.is_composite(leaf) or leaf is None else convert_to_tensor(leaf),
        values,
    )
    return converted[0] if unpacked else converted


def _scalar(maximum_iterations: Any) -> int:
    tensor = convert_to_tensor(maximum_iterations, dtypes.int32)
    if tensor.shape.rank:
        raise ValueError(f"'maximum_iterations' must be a scalar. Received shape: {tensor.shape}")
    return int(tensor)


# Position of the user's variables among those of a loop: after the number of iterations and its maximum.
_FIRST = 2


class _Loop:
    """A While under construction."""

    def __init__(
        self,
        cond: Any,
        body: Any,
        loop_vars: Any,
        shape_invariants: Any,
        maximum_iterations: Any,
        parallel_iterations: int,
        name: str,
    ) -> None:
        self.cond, self.body, self.name = cond, body, name
        self.parallel_iterations = parallel_iterations or 10
        self.start = nest.map_structure(_loop_variable, loop_vars)
        self.flat = nest.flatten(self.start, expand_composites=True)
        self.shapes, self.forms = _invariants(self.start, self.flat, shape_invariants)
        self.maximum_iterations = maximum_iterations

    def build(self) -> Any:
        with STATE.graph.name_scope(self.name) as scope:
            return self._built(scope)

    def _built(self, scope: str) -> Any:
        is_limited = self.maximum_iterations is not None
        limit = convert_to_tensor(
            self.maximum_iterations if is_limited else -1, dtypes.int32, name="maximum_iterations"
        )
        counter = convert_to_tensor(0, dtypes.int32, name="loop_counter")
        starts = [STATE.graph.local(t) for t in (counter, limit, *self.flat)]
        shapes = [TensorShape([]), limit.shape, *self.shapes]
        cond_graph, body_graph = (ControlFlowGraph(scope + part) for part in ("cond", "body"))
        for graph in (cond_graph, body_graph):
            add_arguments(graph, starts, shapes, [t.op.name for t in starts[:_FIRST]])
        trace_body(cond_graph, lambda: self._condition(cond_graph))
        trace_body(body_graph, lambda: self._iteration(body_graph, cond_graph.external_captures))
        move_reads_out([cond_graph, body_graph])
        n = len(starts)
        test, step, externals = unify_loop(cond_graph, body_graph, n)
        inputs = [*starts, *externals]
        limit = limit if is_limited else None
        node = add_limited_while(test, step, inputs, limit, scope, self.parallel_iterations)
        # Functions have no fetches, so results need no separate operations.
        if STATE.graph.building_function:
            return self._packed(node.outputs[_FIRST:n])
        if ResultNames.are_classic:
            return self._packed(identities(node.outputs[_FIRST:n], "Exit"))
        return self._packed(identities(node.outputs)[_FIRST:n])

    def _packed(self, tensors: Sequence[Any]) -> Any:
        """The variables rebuilt from their tensors; a shape invariant overrides the shape."""
        if not self.forms:
            return nest.pack_sequence_as(self.start, list(tensors), expand_composites=True)
        remaining = iter(tensors)
        variables = []
        for leaf, form in zip(nest.flatten(self.start), self.forms, strict=True):
            if form is not None:
                variables.append(form.from_tensors(remaining))
                continue
            parts = [next(remaining) for _ in nest.flatten(leaf, expand_composites=True)]
            variables.append(nest.pack_sequence_as(leaf, parts, expand_composites=True))
        return nest.pack_sequence_as(self.start, variables)

    def _condition(self, graph: FuncGraph) -> Any:
        proceed = convert_to_tensor(
            self.cond(*self._packed(graph.inputs[_FIRST : _FIRST + len(self.flat)]))
        )
        if proceed.dtype is not dtypes.bool_:
            raise TypeError(f"while_loop: cond must return a boolean tensor. Received {proceed}.")
        if proceed.shape.rank not in (None, 0):
            proceed = raw.Squeeze(input=proceed)
        if self.maximum_iterations is not None:
            within = raw.Less(x=graph.inputs[0], y=graph.inputs[1])
            proceed = raw.LogicalAnd(x=within, y=proceed)
        return proceed

    def _iteration(self, graph: FuncGraph, read_by_condition: Sequence[Any]) -> list[Any]:
        for tensor in read_by_condition:
            graph.capture(tensor)
        placeholders = graph.inputs[_FIRST : _FIRST + len(self.flat)]
        result = self.body(*self._packed(placeholders))
        unpacked = not isinstance(result, list | tuple)
        if unpacked:
            result = [result]
        try:
            # As in TensorFlow, types and keys have to agree only where there is one variable.
            nest.assert_same_structure(
                list(self.start), list(result), expand_composites=True, check_types=unpacked
            )
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"while_loop: body must return variables structured like loop_vars. {error}"
            ) from None
        result = nest.map_structure(_loop_variable, result)
        flat = nest.flatten(list(result), expand_composites=True)
        for before, after, shape in zip(self.flat, flat, self.shapes, strict=True):
            self._check(before, after, shape)
        return [raw.AddV2(x=graph.inputs[0], y=1, name="add"), graph.inputs[1], *flat]

    def _check(self, before: Any, after: Any, shape: TensorShape) -> None:
        if before.dtype is not after.dtype:
            raise TypeError(
                f"Loop var {before.name} enters the loop with type {before.dtype} but has type "
                f"{after.dtype} after 1 iteration."
            )
        if before.dtype in (dtypes.variant, dtypes.resource):
            return
        if not after.shape.is_subtype_of(shape):
            raise ValueError(
                f"Input tensor '{before.name}' enters the loop with shape {shape}, but has shape "
                f"{after.shape} after one iteration. To allow the shape to vary across iterations, use "
                "the `shape_invariants` argument of tf.while_loop to specify a less-specific shape."
            )


def _loop_variable(leaf: Any) -> Any:
    return leaf if nest.is_composite(leaf) or leaf is None else convert_to_tensor(leaf)


def _invariants(
    start: Any, flat: Sequence[Any], declared: Any
) -> tuple[list[TensorShape], list[Any]]:
    """Returns the shape of each tensor, and for each variable its type if an invariant gives a composite one."""
    if declared is None:
        return [t.shape if t.dtype is not dtypes.variant else TensorShape([]) for t in flat], []
    shapes: list[TensorShape] = []
    forms: list[Any] = []
    leaves = nest.flatten(start)
    invariants = flatten_up_to(start, declared, check_types=False)
    for leaf, invariant in zip(leaves, invariants, strict=True):
        parts = nest.flatten(leaf, expand_composites=True)
        if isinstance(invariant, TypeSpec):
            _check_invariant_type(leaf, invariant)
            shapes += [spec.shape for spec in invariant.flatten()]
            forms.append(invariant if nest.is_composite(leaf) else None)
        elif len(parts) == 1:
            shapes.append(_holding(parts[0], as_shape(invariant)))
            forms.append(None)
        else:
            spec = leaf._shape_invariant_to_type_spec(as_shape(invariant))
            shapes += [part.shape for part in spec.flatten()]
            forms.append(spec)
    return shapes, forms


def _check_invariant_type(leaf: Any, invariant: Any) -> None:
    spec: Any = type_spec_from_value(leaf)
    if type(spec) is not type(invariant) or spec.dtype != invariant.dtype:
        raise TypeError(
            f"while_loop: the shape invariant {invariant} does not describe the loop variable {leaf}, "
            f"which is of type {spec}."
        )


def _holding(tensor: Any, shape: TensorShape) -> TensorShape:
    """An invariant of a loop variable; what it says of the first value and is not so is not known.

    TensorFlow compares it with the values after an iteration alone.
    """
    if tensor.dtype is dtypes.variant:
        return TensorShape([])
    if tensor.shape.is_subtype_of(shape):
        return shape
    return shape.most_specific_compatible_shape(tensor.shape)
