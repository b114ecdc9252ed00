"""The gradient of While: a loop that runs the iterations in reverse.

    forward     i, x = 0, x0                          gains a counter and an accumulator for each value that the gradient reads:
                while cond: x = body(x)               i, x, list = i + 1, body(x), push(list, value)

    backward    j, dx = 0, gradient of the final x
                while j < i:                          the last value that was pushed belongs to the last iteration
                    value, list = pop(list)
                    j, dx = j + 1, body_gradient(dx, value)

The forward loop is changed in place, after it was traced: variables are appended, so that outputs keep their positions. The backward loop
carries one gradient for each loop variable through which gradients flow. A loop invariant, which the body passes on unchanged (a
captured tensor), is not accumulated but captured again. Its gradient is a carried value too, whose body adds the share of each iteration:
`d(output)` plus the gradient of the body's reads.

The backward loop is made by `add_while`, so it has a counter and can be differentiated in the same way.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.backprop import zeros_like
from penstock._src.autodiff.control_flow import (
    dense,
    has_plain_gradient,
    inline,
    lowering_here,
    own_outputs,
    spread,
    unify_loop,
)
from penstock._src.autodiff.graph_gradients import (
    NODE_GRADIENTS,
    Backward,
    components,
    finished,
    gradient_type,
    is_trial_of_gradients,
    zeros_for,
)
from penstock._src.autodiff.loop_lists import (
    is_only_measured,
    keep_gradients_long,
    keeps_length,
    measure_lists,
)
from penstock._src.autodiff.nodes import add_node, extend_node, insert_before, make_op, position_of
from penstock._src.autodiff.tape import DIFFERENTIABLE
from penstock._src.core import dtypes
from penstock._src.core.calls.lines import with_inner
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building_unrecorded
from penstock._src.core.registry import raw
from penstock._src.core.shapes import SCALAR, TensorShape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import LoopFacts, Operation, SymbolicTensor
from penstock._src.graph.static_values import constant_value
from penstock._src.graph.trace import identities
from penstock._src.util.dataclass import dataclass


@dataclass
class _Step:
    """The backward graph of one iteration.

    active    the indices of the loop variables that carry a gradient, in order
    backward  a graph from their gradients at the end of an iteration to those at its start
    long      the indices of lists whose gradients are longer than their initial values: they are cut after the loop
    """

    active: list[int]
    backward: Backward
    long: list[int]


def while_gradient(node: Operation, gradients: list[Any], wanted: list[bool]) -> list[Any]:
    """Returns the gradients of a loop's inputs. As in TensorFlow, they are zeros, not None, for inputs that do not affect any result."""
    body: GraphFunction = node.raw_op.attrs["body"]
    count = len(body.inputs)
    differentiated = [
        i for i in range(count) if gradients[i] is not None and _flows(body.inputs[i])
    ]
    if not differentiated or not any(wanted):
        return [None] * len(wanted)
    if is_trial_of_gradients():
        reached = _reached(body, differentiated, True)
        return [
            zeros_for(t)
            if needed and (i in reached or has_plain_gradient(body.inputs[i]))
            else None
            for i, (t, needed) in enumerate(zip(node._inputs, wanted, strict=True))
        ]
    step = _backward_step(body, differentiated)
    # Both calls may append variables to the forward loop, which replaces its body: positions of existing variables stay the same.
    counter = _counter(node)
    plan = _forward_values(node, step)
    results = _backward_loop(node, step, plan, counter, gradients)
    input_gradients = spread(results, step.active, len(wanted))[: len(wanted)]
    for i in step.long:
        if i < len(wanted) and input_gradients[i] is not None:
            length = raw.TensorListLength(input_handle=STATE.graph.local(node._inputs[i]))
            input_gradients[i] = raw.TensorListResize(input_handle=input_gradients[i], size=length)
    for i, (gradient, needed) in enumerate(zip(input_gradients, wanted, strict=True)):
        if gradient is None and needed and has_plain_gradient(body.inputs[i]):
            input_gradients[i] = zeros_like(node._inputs[i])
    return input_gradients


def _flows(tensor: SymbolicTensor) -> bool:
    return tensor.dtype in DIFFERENTIABLE


def _backward_step(body: GraphFunction, differentiated: list[int]) -> _Step:
    """The backward graph of an iteration, for all loop variables that gradients reach from those in `differentiated`."""
    cache = body.graph.backward_steps
    # The outputs belong to the key: when a variable is appended, the same graph gets other outputs, and a step other
    # sources.
    key = (tuple(differentiated), tuple(t._id for t in body.outputs))
    if key in cache:
        return cache[key]
    # Users' gradient functions may allow one call only, as one that asks a tape does: the rounds do not call them.
    active = _reached(body, differentiated, _has_users_gradients(body.graph))
    # Built once more with the active variables alone as sources, so that each seed of the backward loop has one
    # gradient.
    ys = [body.outputs[i] for i in active]
    xs = [body.inputs[i] for i in active]
    backward = _backward(body, ys, xs)
    _fill_unread(backward, xs)
    step = _Step(active, backward, keep_gradients_long(body, backward, active))
    measure_lists(body, backward)
    cache[key] = step
    return step


def _reached(body: GraphFunction, differentiated: list[int], is_trial: bool) -> list[int]:
    """The loop variables that gradients reach from those in `differentiated`, these included."""
    # The gradient of a variable's value at the start of an iteration is that of its value at the end of the iteration before. So each
    # variable that is reached becomes a source; repeat until no further variable is reached. For example, in `a, b = b, c` the gradient
    # of a reaches b in one iteration, and c in two. The set grows in each round, so the loop ends.
    active = list(differentiated)
    while True:
        ys = [body.outputs[i] for i in active]
        xs = [t for t in body.inputs if _flows(t)]
        backward = _backward(body, ys, xs, is_trial)
        positions = [i for i, t in enumerate(body.inputs) if _flows(t)]
        reached = {i for i, g in zip(positions, backward.gradients, strict=True) if g is not None}
        grown = sorted(set(active) | reached)
        if grown == active:
            return active
        active = grown


def _has_users_gradients(graph: FuncGraph) -> bool:
    """True if an operation of a graph, or of a graph in it, has a gradient that a user wrote."""
    return any(
        node.gradient_override is not None
        for each in with_inner(graph)
        for node in each._operations
    )


def _backward(
    body: GraphFunction, ys: list[Any], xs: list[Any], is_trial: bool = False
) -> Backward:
    backward = Backward(body.graph, f"{body.graph.name}_grad")
    backward.graph.is_trial = is_trial
    finished(backward.build(ys, xs))
    return backward


def _fill_unread(backward: Backward, xs: list[Any]) -> None:
    """Gives variables that no operation of the body reads zeros of the shape that they have at the start of an iteration.

    That shape may be another one than at its end, where the gradient comes from. The forward iteration measures it, so that
    the shapes are accumulated, not the values. A shape that does not change needs no measure: `_backward_iteration` takes the
    gradient's. So it does for lists and variables.
    """
    graph, found = backward.graph, False
    for position, x in enumerate(xs):
        is_array = x.dtype not in (dtypes.variant, dtypes.resource)
        if backward.gradients[position] is None and is_array and not x.shape.is_fully_defined():
            with building_unrecorded(x.graph):
                shape = raw.Shape(input=x, out_type=dtypes.int32)
            with building_unrecorded(graph):
                zero = raw.Const(value=np.zeros((), x.dtype.np), dtype=x.dtype)
                backward.gradients[position] = raw.Fill(dims=graph.capture(shape), value=zero)
            found = True
    if found:
        parts = [t for gradient in backward.gradients for t in components(gradient)]
        with building_unrecorded(graph):
            graph.outputs = [graph.local(convert_to_tensor(t)) for t in parts]


def _counter(node: Operation) -> SymbolicTensor:
    """The output of a loop with its number of iterations; adds a counter variable if the loop has none."""
    facts = _facts(node)
    if facts.counter is not None:
        return node.outputs[facts.counter]
    start = insert_before(node, lambda: raw.Const(value=_int32(0), dtype=dtypes.int32))

    def advance(graph: FuncGraph, placeholder: SymbolicTensor) -> Any:
        return raw.AddV2(x=placeholder, y=raw.Const(value=_int32(1), dtype=dtypes.int32))

    (output,) = _add_variables(node, [(start, advance)])
    facts.counter = output.value_index
    return output


def _facts(node: Operation) -> LoopFacts:
    if node.loop is None:
        node.loop = LoopFacts()
    return node.loop


def _int32(value: int) -> Any:
    return np.asarray(value, np.int32)


def _add_variables(node: Operation, variables: list[tuple[Any, Any]]) -> list[SymbolicTensor]:
    """Appends loop variables: (initial value, function of (body graph, placeholder) -> next value). Returns their outputs.

    The functions are new, but share the graphs of the old ones: a cached backward graph of the body still captures the right tensors.
    """
    attrs = dict(node.raw_op.attrs)
    body, cond = attrs["body"], attrs["cond"]
    grown: list[GraphFunction] = []
    added: list[SymbolicTensor] = []
    # The condition takes all variables as well, though it does not read the new ones.
    for function in (
        # The functions are copied, not changed: the graph of an earlier specialization may still call the old ones.
        body,
        cond,
    ):
        graph = function.graph
        inputs, outputs = list(function.inputs), list(function.outputs)
        with building_unrecorded(graph):
            for start, advance in variables:
                placeholder = graph.placeholder(start.dtype, start.shape, "carried")
                placeholder._handle_data = start._handle_data
                inputs.append(placeholder)
                if function is body:
                    added.append(placeholder)
                    outputs.append(advance(graph, placeholder))
        grown.append(GraphFunction(graph, inputs, outputs))
    attrs["body"], attrs["cond"] = grown
    attrs["T"] = tuple(grown[0].input_types)
    if attrs.get("output_shapes"):
        attrs["output_shapes"] = (*attrs["output_shapes"], *(s.shape for s, _ in variables))
    op = make_op(node.type, attrs)
    return extend_node(node, op, [start for start, _ in variables], added)


@dataclass
class _Plan:
    """The sources of the tensors that the step of the backward loop captures.

    invariants  (captured tensor, tensor outside of the loop that is equal in all iterations)
    popped      (captured tensor, output of the forward loop that is its accumulator)
    """

    invariants: list[tuple[Any, Any]]
    popped: list[tuple[SymbolicTensor, SymbolicTensor]]


def _forward_values(node: Operation, step: _Step) -> _Plan:
    """Chooses a source for each forward value that the step captures; adds accumulators to the forward loop where needed.

    An accumulator needs memory for all iterations, so it is the last choice.
    """
    body: GraphFunction = node.raw_op.attrs["body"]
    invariants: list[tuple[Any, Any]] = []
    accumulated: list[SymbolicTensor] = []
    unchanged = body.unchanged
    for t in step.backward.graph.external_captures:
        if not isinstance(t, SymbolicTensor) or t.graph is not body.graph:
            invariants.append((t, t))  # from outside of the loop: the same in all iterations
            continue
        at = position_of(body, t)
        if at is not None and at in unchanged:
            invariants.append((t, node._inputs[at]))
        elif at is not None and keeps_length(body, at) and is_only_measured(step.backward, t):
            # No iteration changes the length and the item shape: the final list has them too. Accumulating lists would keep all versions.
            invariants.append((t, node.outputs[at]))
        else:
            accumulated.append(t)  # differs between iterations
    # A second gradient of the same loop (a persistent tape, or a gradient of a gradient) reads the accumulators of the first one: popping
    # does not change a list, it returns a shorter one.
    known = _facts(node).accumulators
    fresh = [t for t in accumulated if t._id not in known]
    if fresh:
        limit = _limit(node)
        starts = insert_before(node, lambda: [_empty_list(t, limit) for t in fresh])
        variables = [(start, _push(t)) for start, t in zip(starts, fresh, strict=True)]
        for t, output in zip(fresh, _add_variables(node, variables), strict=True):
            known[t._id] = output.value_index
    return _Plan(invariants, [(t, node.outputs[known[t._id]]) for t in accumulated])


def _limit(node: Operation) -> Any:
    """The maximum number of iterations, as a number or a tensor; -1 if unknown. With a known limit accumulators have a fixed capacity."""
    limit = _facts(node).limit
    if limit is None:
        return -1
    value = constant_value(limit) if isinstance(limit, SymbolicTensor) else limit
    return limit if value is None else int(value)


def _empty_list(model: SymbolicTensor, limit: Any) -> SymbolicTensor:
    shape = (
        [-1 if size is None else size for size in model.shape.as_list()]
        if model.shape.rank is not None
        else -1
    )
    return raw.EmptyTensorList(
        element_shape=convert_to_tensor(shape, dtypes.int32),
        max_num_elements=convert_to_tensor(limit, dtypes.int32),
        element_dtype=model.dtype,
    )


def _push(value: SymbolicTensor) -> Any:
    return lambda graph, placeholder: raw.TensorListPushBack(input_handle=placeholder, tensor=value)


def _backward_loop(
    node: Operation, step: _Step, plan: _Plan, counter: SymbolicTensor, gradients: list[Any]
) -> list[Any]:
    """Adds the backward loop; returns the gradients of the active loop variables' initial values.

    Its variables are a counter, the gradients of the active variables, and the accumulators, in this order.
    """
    body: GraphFunction = node.raw_op.attrs["body"]
    outer = STATE.graph
    limit = _facts(node).limit
    if isinstance(limit, SymbolicTensor):
        limit = outer.local(limit)
    starts: list[Any] = [raw.ZerosLike(x=outer.local(counter))]
    for i in step.active:
        gradient = gradients[i]
        if gradient is None:  # it gets a gradient from later iterations only, and starts with zeros
            tensor = (
                node._inputs[i] if node.outputs[i].dtype is dtypes.resource else node.outputs[i]
            )
            gradient = _initial_zeros(tensor, body.inputs[i])
        # IndexedSlices become dense: a loop variable has the same structure in all iterations.
        starts.append(dense(gradient))
    starts += [accumulator for _, accumulator in plan.popped]
    starts = [outer.local(convert_to_tensor(t)) for t in starts]
    # The body's shapes, not those of the first values: an iteration may receive another shape than the loop's initial
    # gradient.
    shapes = [TensorShape([]), *(gradient_type(body.inputs[i])[1] for i in step.active)]
    shapes += [TensorShape([]) for _ in plan.popped]
    cond_graph = _loop_graph("while_grad_cond", starts, shapes, outer)
    body_graph = _loop_graph("while_grad_body", starts, shapes, outer)
    with building_unrecorded(cond_graph):
        position = cond_graph.inputs[0]
        cond_graph.outputs = [raw.Less(x=position, y=cond_graph.local(counter))]
    with building_unrecorded(body_graph):
        body_graph.capture(counter)
        body_graph.outputs = _backward_iteration(body_graph, body, step, plan)
    # Tensors that either graph captures become variables of both, which the body passes on unchanged.
    cond, loop, externals = unify_loop(cond_graph, body_graph, len(starts))
    loop_outputs = add_while(cond, loop, [*starts, *externals], limit)
    # Identities, as after the forward loop: a gradient of these gradients may append variables, which replaces the loop's node.
    return identities(loop_outputs[1 : 1 + len(step.active)])


def _initial_zeros(tensor: Any, inner: SymbolicTensor) -> Any:
    if inner.dtype is dtypes.variant:
        return zeros_like(tensor)
    if inner.dtype is dtypes.resource:
        return zeros_for(tensor)
    return zeros_like(tensor)


def _loop_graph(name: str, starts: list[Any], shapes: list[TensorShape], outer: Any) -> FuncGraph:
    graph = FuncGraph(name, outer_graph=outer)
    for start, shape in zip(starts, shapes, strict=True):
        placeholder = graph.placeholder(start.dtype, shape, "grad")
        placeholder._handle_data = start._handle_data
        graph.inputs.append(placeholder)
    return graph


def _backward_iteration(
    graph: FuncGraph, body: GraphFunction, step: _Step, plan: _Plan
) -> list[SymbolicTensor]:
    """Builds the backward loop's body: pops the forward values of an iteration, and computes the gradients at its start."""
    count = len(step.active)
    position = graph.inputs[0]
    values: dict[int, Any] = {t._id: outside for t, outside in plan.invariants}
    popped_lists = []
    stacks = graph.inputs[1 + count : 1 + count + len(plan.popped)]
    for (t, _), stack in zip(plan.popped, stacks, strict=True):
        shape = (
            [-1 if s is None else s for s in t.shape.as_list()] if t.shape.rank is not None else -1
        )
        # The last value that was pushed comes first, as the backward loop runs the iterations in reverse.
        popped = raw.TensorListPopBack(
            input_handle=stack,
            element_shape=convert_to_tensor(shape, dtypes.int32),
            element_dtype=t.dtype,
        )
        popped.tensor._handle_data = t._handle_data
        values[t._id] = popped.tensor
        popped_lists.append(popped.output_handle)
    seeds = graph.inputs[1 : 1 + count]
    captured = [values[t._id] for t in step.backward.graph.external_captures]
    packed = step.backward.pack(inline(step.backward.graph, [*seeds, *captured], graph))
    outputs: list[Any] = [position + 1]
    for gradient, seed in zip(packed, seeds, strict=True):
        # Nothing in the body reads the variable: no gradient reaches earlier iterations.
        if gradient is None:
            gradient = zeros_like(seed)
        outputs.append(dense(gradient))
    return [graph.local(convert_to_tensor(t)) for t in (*outputs, *popped_lists)]


def add_while(
    cond: GraphFunction,
    body: GraphFunction,
    inputs: list[Any],
    limit: Any,
    name: str | None = None,
    parallel_iterations: int = 10,
) -> list[SymbolicTensor]:
    """Adds While to the current graph; returns its outputs. Both functions have the same inputs; the first counts iterations, up to `limit`.

    The limit (-1 without one) is inserted as the second variable, where TensorFlow's gradient of a saved loop expects it. Its
    output is not returned.
    """
    most = STATE.graph.local(
        convert_to_tensor(-1 if limit is None else limit, dtypes.int32, name="maximum_iterations")
    )
    cond, body = _with_limit(cond, False), _with_limit(body, True)
    counter, *others = inputs
    node = add_limited_while(cond, body, [counter, most, *others], limit, name, parallel_iterations)
    outputs = own_outputs(node, body)
    return [outputs[0], *outputs[2:]]


def add_limited_while(
    cond: GraphFunction,
    body: GraphFunction,
    inputs: Sequence[Any],
    limit: Any,
    name: str | None = None,
    parallel_iterations: int = 10,
) -> Operation:
    """Adds While to the current graph. Its second variable is already the limit, or -1 without one."""
    kind = "While" if cond.is_stateful or body.is_stateful else "StatelessWhile"
    attrs = {
        "cond": cond,
        "body": body,
        "T": tuple(body.input_types),
        "parallel_iterations": parallel_iterations,
    }
    node = add_node(kind, [convert_to_tensor(t) for t in inputs], attrs, name or "while")
    # `_with_limit` keeps the counter at index 0, in front of the limit.
    node.loop = LoopFacts(counter=0, limit=limit)
    node.may_be_lowered = lowering_here()
    return node


def _with_limit(function: GraphFunction, is_body: bool) -> GraphFunction:
    """A loop's function with the maximum number of iterations inserted as its second variable."""
    with building_unrecorded(function.graph):
        limit = function.graph.placeholder(dtypes.int32, SCALAR, "maximum_iterations")
    inputs, outputs = list(function.inputs), list(function.outputs)
    inputs.insert(1, limit)
    if is_body:
        outputs.insert(1, limit)
    return GraphFunction(function.graph, inputs, outputs)


NODE_GRADIENTS["while"] = while_gradient
