"""Reverse-mode differentiation of graphs: tf.gradients, and the backward graphs of functions, branches and loop bodies."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from penstock._src.autodiff.backprop import add_up, ones_like, with_zeros, zeros_like
from penstock._src.autodiff.recorded_op import gradients_by
from penstock._src.autodiff.tape import DIFFERENTIABLE, op_backward
from penstock._src.core import dtypes
from penstock._src.core.calls.lines import note_gradients
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, unknown_shape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.registered_gradients import (
    REPLACED,
    RegisterGradient,
    substitute,
    undefined,
)
from penstock._src.graph.static_values import constant_value

# Larger constants of the forward graph are passed to the backward graph, not copied.
LARGEST_COPY = 1 << 12

# Gradients of nodes that hold functions, by `Op.flow.control`: (node, output gradients, inputs that need gradients) -> input gradients.
# Filled by autodiff/control_flow.py.
NODE_GRADIENTS: dict[str, Callable[[Operation, list[Any], list[bool]], list[Any]]] = {}

# For some of these: yields the steps that build the backward graphs they need, from the same arguments.
BACKWARD_GRAPHS: dict[str, Callable[[Operation, list[Any], list[bool]], Iterator["Steps"]]] = {}

# The dtypes of the indices and of the dense shape of IndexedSlices.
SlicesTypes = tuple[dtypes.DType, dtypes.DType]

# A trampolined computation: it waits for each Steps that it yields, then returns its result. Functions may nest deeper than
# Python's stack allows.
Steps = Generator["Steps", None, Any]


def finished(steps: Steps) -> Any:
    """Runs `steps` and everything they yield; returns the result."""
    waiting, error = [steps], None
    while True:
        try:
            further = next(waiting[-1]) if error is None else waiting[-1].throw(error)
            error = None
            waiting.append(further)
        except StopIteration as end:
            error = None
            waiting.pop()
            # Values of inner steps are dropped: their callers read them from the cache that the steps fill.
            if not waiting:
                return end.value
        except BaseException as raised:
            error = raised
            waiting.pop()
            if not waiting:
                raise


def graph_gradients(
    ys: Sequence[Any], xs: Sequence[Any], grad_ys: Sequence[Any], stop_gradients: Sequence[Any] = ()
) -> list[Any]:
    """Returns d sum(ys * grad_ys) / dx for each x, built in the current graph; None if unconnected.

    Args:
      ys: tensors of a graph, or of those around it.
      xs: the same.
      grad_ys: a gradient for each y; None contributes nothing.
      stop_gradients: tensors treated as constants.
    """
    return finished(gradient_steps(ys, xs, grad_ys, stop_gradients))


def gradient_steps(
    ys: Sequence[Any], xs: Sequence[Any], grad_ys: Sequence[Any], stop_gradients: Sequence[Any] = ()
) -> Steps:
    """`graph_gradients` as a generator of steps."""
    if not ys:
        return [None] * len(xs)
    graph = _innermost([y.graph for y in ys])
    if any(t.graph is not graph for t in (*ys, *xs)):
        return (yield from _across_closures(graph, ys, xs, grad_ys, stop_gradients))
    stopped = {t._id for t in stop_gradients}
    reached = _reached_from(graph, xs, stopped)
    partial_sums: dict[int, list[Any]] = {}
    for y, gradient in zip(ys, grad_ys, strict=True):
        if gradient is not None and (y._id in reached or _ends_at(y, reached)):
            partial_sums.setdefault(y._id, []).append(gradient)
    sources = {x._id for x in xs}
    same = _equal_calls(graph, sources | stopped)
    for node in reversed(list(graph._operations)):
        if not partial_sums:
            break
        outputs = node.outputs
        if not any(t._id in partial_sums for t in outputs):
            continue
        if node in same:
            for t, first in zip(outputs, _same_outputs(node, same[node]), strict=True):
                partial_sums.setdefault(first._id, []).extend(partial_sums.pop(t._id, ()))
            continue
        passes = is_differentiable(node)
        wanted = [passes and t._id in reached for t in node._inputs]
        if not any(wanted):
            continue
        gradients = []
        for t in outputs:
            total = _total(partial_sums.pop(t._id, None), node)
            # A source between a target and another source both keeps its total and passes it on.
            if total is not None and t._id in sources:
                partial_sums[t._id] = [total]
            gradients.append(None if t._id in stopped else total)
        if all(total is None for total in gradients):
            continue
        if node.raw_op.flow.control in BACKWARD_GRAPHS:
            yield from BACKWARD_GRAPHS[node.raw_op.flow.control](node, gradients, wanted)
        results = node_gradient(node, gradients, wanted)
        # A loop's gradient may have appended inputs to the node, which need no gradient here.
        for t, gradient, needed in zip(node._inputs, results, wanted, strict=False):
            if needed and gradient is None and node.raw_op.flow.control == "while":
                gradient = _zeros_of_variable(t)
            if needed and gradient is not None:
                partial_sums.setdefault(t._id, []).append(gradient)
    return [_total(partial_sums.get(x._id), x.op) for x in xs]


def _total(gradients: list[Any] | None, node: Operation) -> Any:
    """The sum of the gradients of an output of `node`.

    If gradients are colocated, those of one device are added beside that of its first reader, and these sums beside `node`.
    """
    graph: Any = STATE.graph
    if not gradients or not graph.colocates_gradients:
        return add_up(gradients)
    by_device: dict[str, list[Any]] = {}
    for gradient in gradients:
        by_device.setdefault(gradient.device or "", []).append(gradient)
    sums = []
    for device in sorted(by_device):
        with graph.colocate_with(by_device[device][-1].op, ignore_existing=True):
            sums.append(add_up(by_device[device]))
    with graph.colocate_with(node, ignore_existing=True):
        return add_up(sums)


def _zeros_of_variable(handle: Any) -> Any:
    """Return zeros for a variable that a loop reads without using its value; None for other tensors.

    Tapes return None for it, as in TensorFlow."""
    dtype, _ = gradient_type(handle)
    is_variable = handle.dtype is dtypes.resource and dtype is not dtypes.resource
    return zeros_for(handle) if is_variable and dtype in DIFFERENTIABLE else None


def _across_closures(
    graph: Any, ys: Sequence[Any], xs: Sequence[Any], grad_ys: Sequence[Any], stopped: Sequence[Any]
) -> Steps:
    """`gradient_steps` if some ys or xs belong to enclosing graphs: gradients continue from the captures of `graph` to the captured tensors."""
    own = [x for x in xs if x.graph is graph]
    stops = {t._id for t in stopped}
    captures = [
        (outer, inner)
        for outer, inner in getattr(graph, "_captured", {}).values()
        if isinstance(outer, SymbolicTensor) and outer._id not in stops
    ]
    weighted = list(zip(ys, grad_ys, strict=True))
    inner_ys, inner_weights = zip(*[(y, w) for y, w in weighted if y.graph is graph], strict=True)
    inside = yield from gradient_steps(
        inner_ys, [*own, *(inner for _, inner in captures)], inner_weights, stopped
    )
    by_id = dict(zip((x._id for x in own), inside))
    outside = [x for x in xs if x.graph is not graph]
    around = [
        (outer, gradient)
        for (outer, _), gradient in zip(captures, inside[len(own) :], strict=True)
        if gradient is not None
    ]
    around += [(y, w) for y, w in weighted if y.graph is not graph and w is not None]
    if around:
        outers, weights = zip(*around)
        gradients = yield from gradient_steps(outers, outside, weights, stopped)
        by_id.update(zip((x._id for x in outside), gradients))
    return [by_id.get(x._id) for x in xs]


def _innermost(graphs: Sequence[Any]) -> Any:
    # Captures point outward only, so that the walk starts at the graph that sees all the others.
    """The graph that all the others are around."""
    chosen = graphs[0]
    for graph in graphs[1:]:
        if graph is not chosen and chosen in _around(graph):
            chosen = graph
    return chosen


def _around(graph: Any) -> list[Any]:
    """The graphs in which a function's graph is built, the nearest first."""
    graphs = []
    while (graph := getattr(graph, "outer_graph", None)) is not None:
        graphs.append(graph)
    return graphs


def _equal_calls(graph: Any, apart: set[int]) -> dict[Operation, Operation]:
    """Maps each call that repeats an earlier one (same function without effects, same arguments) to that call.

    Their gradients are added and computed once: a chain of functions that each call the next one twice would otherwise
    take time 2^depth. Calls with an output in `apart` are not merged.
    """
    # Reached in forward order: gradients of later calls are moved to the first, which the reverse walk meets last.
    first: dict[Any, Operation] = {}
    same = {}
    for node in graph._operations:
        if node.type != "PartitionedCall" or any(t._id in apart for t in node.outputs):
            continue
        function = node.raw_op.attrs["f"]
        key = (
            id(function.graph),
            tuple(t._id for t in function.inputs),
            tuple(t._id for t in node._inputs),
        )
        known = first.setdefault(key, node)
        if known is not node and _same_outputs(node, known):
            same[node] = known
    return same


def _same_outputs(node: Operation, other: Operation) -> list[Any]:
    """Returns, for each output of a call, the output of `other` for the same tensor of the function; [] if one is
    missing."""
    function, known = node.raw_op.attrs["f"], other.raw_op.attrs["f"]
    by_id = {t._id: output for t, output in zip(known.outputs, other.outputs, strict=True)}
    if not all(t._id in by_id for t in function.outputs):
        return []
    return [by_id[t._id] for t in function.outputs]


def _reached_from(graph: Any, xs: Sequence[Any], stopped: set[int]) -> set[int]:
    """Returns the ids of the tensors that depend differentiably on `xs`, including `xs`."""
    reached = {x._id for x in xs}
    for node in graph._operations:
        if _passes_on(node, reached):
            reached.update(
                t._id for t in node.outputs if t.dtype in DIFFERENTIABLE and t._id not in stopped
            )
    return reached


def is_differentiable(node: Operation) -> bool:
    """True if an operation has a gradient, its own or a registered one."""
    return (
        node.raw_op.differentiable
        or node.type in RegisterGradient.functions
        or node.type in REPLACED
    )


def _passes_on(node: Operation, reached: set[int]) -> bool:
    """True if `node` propagates gradients from its outputs to its inputs."""
    return is_differentiable(node) and any(
        t._id in reached and t.dtype in DIFFERENTIABLE for t in node._inputs
    )


def _ends_at(y: SymbolicTensor, reached: set[int]) -> bool:
    """True if a non-differentiable tensor, such as an integer one, was computed from differentiable tensors."""
    return y.dtype not in DIFFERENTIABLE and _passes_on(y.op, reached)


def node_gradient(node: Operation, gradients: list[Any], wanted: list[bool]) -> list[Any]:
    """Returns the gradients of a node's inputs, given those of its outputs."""
    # Read by observers and by gradient functions that ask which op they differentiate.
    around, STATE.gradient_of = STATE.gradient_of, node.outputs[0]._id
    graph: Any = STATE.graph
    note_gradients(graph, [t._id for t in node.outputs], gradients)
    scope = graph._scope
    graph._scope = graph.unique_name(f"{node.name}_grad")
    try:
        if graph.colocates_gradients:
            with graph.colocate_with(node, ignore_existing=True):
                return _node_gradient(node, gradients, wanted)
        return _node_gradient(node, gradients, wanted)
    finally:
        STATE.gradient_of, graph._scope = around, scope


def _node_gradient(node: Operation, gradients: list[Any], wanted: list[bool]) -> list[Any]:
    own = NODE_GRADIENTS.get(node.raw_op.flow.control)
    if own is not None:
        return own(node, gradients, wanted)
    filled = with_zeros(gradients, node.outputs)
    override = node.gradient_override or substitute(node.raw_op)
    if node.gradient_override is not None and is_trial_of_gradients():
        return [zeros_for(t) if t.dtype in DIFFERENTIABLE else None for t in node._inputs]
    if override is not None:
        return list(gradients_by(override, node, filled))
    if not node.raw_op.has_gradient:
        raise LookupError(undefined(node))
    return op_backward(node.raw_op, node._inputs, node.outputs)(*filled)


class BackwardGraph(FuncGraph):
    """A graph that reads tensors of a forward graph: these become captures, except small constants, which are copied."""

    is_part_of_function = True
    # True if the graph only shows which inputs gradients reach: gradient functions of users are not called, but taken to reach all inputs.
    is_trial = False

    def capture(self, tensor: Any, name: str | None = None, shape: Any = None) -> SymbolicTensor:
        """Returns the placeholder or constant for an outer tensor."""
        if isinstance(tensor, SymbolicTensor) and tensor._id not in self._captured:
            if tensor.graph is self:
                return tensor
            copies = self.constants_of_captures
            copied = copies.get(tensor._id)
            if copied is None:
                value = constant_value(tensor)
                if value is not None and value.size <= LARGEST_COPY:
                    copied = copies[tensor._id] = self.constant(value, tensor.dtype, "Const")
            if copied is not None:
                return copied
        return super().capture(tensor, name, shape)


def is_trial_of_gradients() -> bool:
    """True if the backward graph that is being built is a trial."""
    return isinstance(STATE.graph, BackwardGraph) and STATE.graph.is_trial


class Backward:
    """The backward graph of some outputs of a forward graph with respect to some of its inputs.

    `graph.inputs` are the components of the output gradients of the `active` outputs, then the captures. `outputs` are
    flat tensors; `pack(flat)` makes one gradient (tensor, IndexedSlices or None) per wanted input. `sliced` holds the dtypes
    of indices and shape for each output whose gradient is given as IndexedSlices, None for the others; () if all are dense.
    """

    def __init__(self, forward: Any, name: str, sliced: Sequence[SlicesTypes | None] = ()) -> None:
        self.sliced = sliced
        self.graph = BackwardGraph(name, outer_graph=forward)
        self.gradients: list[Any] = []

    def build(self, ys: Sequence[Any], xs: Sequence[Any]) -> Steps:
        before = STATE.tapes, STATE.accumulators
        # Nothing here is recorded: tapes record the node that will run this graph.
        STATE.tapes, STATE.accumulators = (), ()
        try:
            with building(self.graph):
                kinds = self.sliced or [None] * len(ys)
                seeds = [self._seed(y, kind) for y, kind in zip(ys, kinds, strict=True)]
                # Inner steps finish before this generator goes on, so that the graphs are entered and left in stack
                # order.
                self.gradients = yield from gradient_steps(ys, xs, seeds)
                flat = [part for g in self.gradients for part in components(g)]
                self.graph.outputs = [self.graph.local(convert_to_tensor(t)) for t in flat]
        finally:
            STATE.tapes, STATE.accumulators = before

    def _seed(self, y: SymbolicTensor, kind: SlicesTypes | None) -> Any:
        """Returns placeholders for the gradient of an output."""
        dtype, shape = gradient_type(y)
        if kind is not None:
            return IndexedSlices(
                self._placeholder(dtype, unknown_shape(1).concatenate(shape[1:])),
                self._placeholder(kind[0], unknown_shape(1)),
                self._placeholder(kind[1], unknown_shape(1)),
            )
        seed = self._placeholder(dtype, shape)
        seed._handle_data = y._handle_data
        return seed

    def _placeholder(self, dtype: dtypes.DType, shape: TensorShape) -> SymbolicTensor:
        self.graph.inputs.append(self.graph.placeholder(dtype, shape, "grad_ys"))
        return self.graph.inputs[-1]

    def pack(self, flat: Sequence[Any]) -> list[Any]:
        """Packs the flat outputs of a run into gradients."""
        remaining = iter(flat)
        packed: list[Any] = []
        for gradient in self.gradients:
            if isinstance(gradient, IndexedSlices):
                values, indices = next(remaining), next(remaining)
                shape = None if gradient.dense_shape is None else next(remaining)
                packed.append(IndexedSlices(values, indices, shape))
            else:
                packed.append(None if gradient is None else next(remaining))
        return packed


def components(gradient: Any) -> list[Any]:
    """Returns the tensors that a gradient consists of."""
    if gradient is None:
        return []
    if isinstance(gradient, IndexedSlices):
        parts = [gradient.values, gradient.indices]
        return parts if gradient.dense_shape is None else [*parts, gradient.dense_shape]
    return [gradient]


def gradient_type(tensor: Any) -> tuple[Any, Any]:
    """Returns the dtype and static shape of the gradient of `tensor`; for a handle, those of the variable."""
    data = getattr(tensor, "_handle_data", None)
    if tensor.dtype.name == "resource" and data:
        shape, dtype = data[0]
        return dtype, shape
    return tensor.dtype, tensor.shape


def zeros_for(tensor: SymbolicTensor) -> Any:
    """Returns a zero gradient for `tensor`; for a variable's handle it has the variable's shape."""
    dtype, shape = gradient_type(tensor)
    if tensor.dtype is dtypes.resource:
        if shape.is_fully_defined() and dtype is not dtypes.resource:
            return raw.Fill(dims=shape.as_list(), value=convert_to_tensor(0, dtype))
        return zeros_like(raw.ReadVariableOp(resource=tensor, dtype=dtype))
    return zeros_like(tensor)


def gradients_or_ones(ys: Sequence[Any], grad_ys: Sequence[Any] | None) -> list[Any]:
    """Returns `grad_ys` as tensors, with ones in place of None.

    Raises:
      TypeError: one is None for a complex tensor.
    """
    seeds = list(grad_ys) if grad_ys is not None else [None] * len(ys)
    for y, g in zip(ys, seeds, strict=True):
        if g is None and y.dtype.is_complex:
            raise TypeError(
                f"Gradients of complex tensors ({y}) must set grad_ys (y.dtype = {y.dtype.name})"
            )
    return [
        _ones(y, f"grad_ys_{position}")
        if g is None
        else g
        if isinstance(g, IndexedSlices)
        else convert_to_tensor(g, y.dtype, name=f"grad_ys_{position}")
        for position, (y, g) in enumerate(zip(ys, seeds, strict=True))
    ]


def _ones(tensor: SymbolicTensor, name: str) -> Any:
    """Ones in the shape of a tensor, filled in as TensorFlow does it."""
    if not tensor.dtype.is_numpy_compatible:
        return ones_like(tensor)
    if tensor.shape.is_fully_defined():
        shape = convert_to_tensor(tensor.shape.as_list(), dtypes.int32, name="Shape")
    else:
        shape = raw.Shape(tensor)
    graph: Any = STATE.graph
    with graph.name_scope(name) as scope:
        one = convert_to_tensor(1, tensor.dtype.base_dtype, name="Const")
        return raw.Fill(shape, one, name=scope)
