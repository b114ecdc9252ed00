"""Gradients of calls and conditionals: the forward node outputs the intermediate values that the backward node reads."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.autodiff.graph_gradients import (
    BACKWARD_GRAPHS,
    NODE_GRADIENTS,
    Backward,
    SlicesTypes,
    Steps,
    components,
    finished,
    graph_gradients,
    is_trial_of_gradients,
    node_gradient,
    zeros_for,
)
from penstock._src.autodiff.nodes import add_node, extend_node, make_op
from penstock._src.autodiff.tape import DIFFERENTIABLE
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building, building_unrecorded
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN
from penstock._src.graph.control import add_control_dependencies, is_in_xla_context
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import LoopFacts, Operation, SymbolicTensor, source_of
from penstock._src.graph.trace import identities

# keys of `GraphFunction.derived`
_DIFFERENTIATED = "function that outputs intermediate values"
_GRADIENT = "gradient function"


def call_gradient(node: Operation, gradients: list[Any], wanted: list[bool]) -> list[Any]:
    """Returns the gradients of a call: a call of its backward graph."""
    forward, active, needed = _call_flow(node, gradients, wanted)
    backward = backward_of(forward, active, needed)
    captured = forward_values(node, [forward], [backward.graph.external_captures])[0]
    arguments = [dense(gradients[i]) for i in active] + captured
    results = call_function(GraphFunction(backward.graph), arguments)
    return spread(backward.pack(results), needed, len(wanted))


def _call_flow(
    node: Operation, gradients: list[Any], wanted: list[bool]
) -> tuple[GraphFunction, tuple[int, ...], tuple[int, ...]]:
    """Returns the function of a call, the outputs that have gradients, and the inputs that need them."""
    active = tuple(i for i, g in enumerate(gradients) if g is not None)
    needed = tuple(i for i, w in enumerate(wanted) if w)
    return differentiated(node.raw_op.attrs["f"]), active, needed


def _call_backward(node: Operation, gradients: list[Any], wanted: list[bool]) -> Iterator[Steps]:
    yield backward_steps(*_call_flow(node, gradients, wanted))


def backward_of(
    forward: GraphFunction,
    active: tuple[int, ...],
    needed: tuple[int, ...],
    sliced: tuple[SlicesTypes | None, ...] = (),
) -> Backward:
    """Returns the backward graph from some outputs of a function to some inputs; cached for each choice.

    Args:
      forward: the function.
      active: the outputs that have gradients.
      needed: the inputs that need them.
      sliced: see `Backward`.
    """
    return finished(backward_steps(forward, active, needed, sliced))


def backward_steps(
    forward: GraphFunction,
    active: tuple[int, ...],
    needed: tuple[int, ...],
    sliced: tuple[SlicesTypes | None, ...] = (),
) -> Steps:
    """`backward_of` as a generator of steps."""
    cache = forward.graph.backward_graphs
    ys = [forward.outputs[i] for i in active]
    xs = [forward.inputs[i] for i in needed]
    is_trial = is_trial_of_gradients()
    key = (tuple(t._id for t in ys), tuple(t._id for t in xs), sliced, is_trial)
    if key not in cache:
        backward = Backward(forward.graph, _name_of_backward(forward.graph), sliced)
        backward.graph.is_trial = is_trial
        yield from backward.build(ys, xs)
        cache[key] = backward
    return cache[key]


def _name_of_backward(graph: FuncGraph) -> str:
    return f"{graph.name}_grad" if graph.is_control_flow_graph else f"__backward_{graph.name}"


def differentiated(function: GraphFunction) -> GraphFunction:
    """Returns the function that also outputs the intermediate values that gradients of `function` read.

    It is a copy if calls inside `function` may run another implementation, which would not output those values.
    """
    if _DIFFERENTIATED not in function.derived:
        copy = _copy_of(function) if _calls_stand_ins(function) else function
        function.derived[_DIFFERENTIATED] = copy
    return function.derived[_DIFFERENTIATED]


def _calls_stand_ins(function: GraphFunction) -> bool:
    # Followed into functions that are called, each once: recursion would not end otherwise.
    pending, seen = [function], {id(function)}
    while pending:
        for node in pending.pop().graph._operations:
            called = node.raw_op.attrs["f"] if node.raw_op.flow.control == "call" else None
            if called is None or id(called) in seen:
                continue
            if called.stand_in is not None:
                return True
            seen.add(id(called))
            pending.append(called)
    return False


def _copy_of(function: GraphFunction) -> GraphFunction:
    graph = function.graph
    copy = FuncGraph(graph.name, outer_graph=graph.enclosing)
    copy.inputs = [copy.placeholder(t.dtype, t.shape, "arg") for t in graph.inputs]
    for old, new in zip(graph.inputs, copy.inputs, strict=True):
        new._handle_data = old._handle_data
    copy.outputs = inline(graph, copy.inputs, copy)
    add_control_dependencies(copy)
    position = {t._id: i for i, t in enumerate(graph.inputs)}
    inputs = [copy.inputs[position[t._id]] for t in function.inputs]
    position = {t._id: i for i, t in enumerate(graph.outputs)}
    outputs = [copy.outputs[position[t._id]] for t in function.outputs]
    return GraphFunction(copy, inputs, outputs, why_host=function.why_host)


def call_function(function: GraphFunction, arguments: Sequence[Any]) -> list[SymbolicTensor]:
    """Adds a call of `function` to the current graph."""
    kind = "StatefulPartitionedCall" if function.is_stateful else "PartitionedCall"
    if function.implements is not None and STATE.graph is not None:
        chosen = STATE.graph.implementations.get(function.implements)
        if chosen is not None and chosen is not function and chosen.is_like(function):
            function.stand_in = chosen
    attrs = {
        "f": function,
        "Tin": tuple(function.input_types),
        "Tout": tuple(function.output_types),
    }
    tensors = [convert_to_tensor(t) for t in arguments]
    return own_outputs(add_node(kind, tensors, attrs, kind), function)


def own_outputs(node: Operation, function: GraphFunction) -> list[SymbolicTensor]:
    """Returns the outputs that a new node has by its function: forward mode may have added others already."""
    return node.outputs[: len(function.outputs)]


def dense(gradient: Any) -> Any:
    """Returns a gradient as one tensor."""
    return convert_to_tensor(gradient) if isinstance(gradient, IndexedSlices) else gradient


def spread(values: Sequence[Any], positions: Sequence[int], count: int) -> list[Any]:
    """Returns `count` items: `values` at `positions`, None elsewhere."""
    result: list[Any] = [None] * count
    for position, value in zip(positions, values, strict=True):
        result[position] = value
    return result


def forward_values(
    node: Operation, bodies: list[GraphFunction], captured: list[list[Any]]
) -> list[list[Any]]:
    """Returns, in the node's graph, the tensors of its bodies that backward graphs read.

    A body's inputs and outputs are the node's own. Any other tensor becomes an additional output of the node, for which
    the other bodies return a dummy value.
    """
    # An additional output changes no index of the existing ones, so that earlier backward graphs of this node stay
    # right.
    first = len(node._inputs) - len(bodies[0].inputs)  # skip a predicate or branch index
    missing: list[tuple[int, SymbolicTensor]] = []
    for index, (body, tensors) in enumerate(zip(bodies, captured, strict=True)):
        # An output is a copy of the tensor that a gradient reads.
        known = {t._id for t in (*body.inputs, *body.outputs, *map(source_of, body.outputs))}
        for t in tensors:
            inside = isinstance(t, SymbolicTensor) and t.graph is body.graph
            if inside and t._id not in known:
                missing.append((index, t))
    if missing:
        grown = [_grown(body, index, missing) for index, body in enumerate(bodies)]
        op = _with_bodies(node.raw_op, grown)
        extend_node(node, op, [], [t for _, t in missing])
        bodies = grown
    values = []
    for body, tensors in zip(bodies, captured, strict=True):
        by_id = {source_of(t)._id: result for t, result in zip(body.outputs, node.outputs)}
        by_id.update((t._id, result) for t, result in zip(body.outputs, node.outputs))
        by_id.update((t._id, argument) for t, argument in zip(body.inputs, node._inputs[first:]))
        inside = [isinstance(t, SymbolicTensor) and t.graph is body.graph for t in tensors]
        values.append([by_id[t._id] if own else t for t, own in zip(tensors, inside)])
    return values


def _grown(
    body: GraphFunction, index: int, missing: list[tuple[int, SymbolicTensor]]
) -> GraphFunction:
    with building_unrecorded(body.graph):
        extra = [
            t if owner == index else raw.FakeParam(dtype=t.dtype, shape=t.shape)
            for owner, t in missing
        ]
    return body.with_outputs([*body.outputs, *extra])


def _with_bodies(op: Op, bodies: list[GraphFunction]) -> Op:
    attrs = dict(op.attrs)
    if "f" in attrs:
        attrs["f"] = bodies[0]
    elif "branches" in attrs:
        attrs["branches"] = tuple(bodies)
    else:
        attrs["then_branch"], attrs["else_branch"] = bodies
    attrs["Tout"] = tuple(bodies[0].output_types)
    if attrs.get("output_shapes"):
        attrs["output_shapes"] = ()
    return make_op(op.op_type, attrs)


def conditional_gradient(node: Operation, gradients: list[Any], wanted: list[bool]) -> list[Any]:
    """Returns the gradients of If or Case: a conditional over the backward graphs of its branches.

    As in TensorFlow, a second-order gradient is zero, not None, for an input that nothing depends on.
    """
    branches, active, needed = _branch_flow(node, gradients, wanted)
    if not active or not needed:
        return [None] * len(wanted)
    results = _conditional_gradient(node, gradients, len(wanted), (branches, active, needed))
    if node.gradient_of is not None:
        for i, tensor in enumerate(node._inputs[: len(wanted)]):
            if i and wanted[i] and results[i] is None and has_plain_gradient(tensor):
                results[i] = zeros_for(tensor)
    return results


def has_plain_gradient(tensor: Any) -> bool:
    """True if a tensor has a gradient and is neither a handle nor a list."""
    return tensor.dtype in DIFFERENTIABLE and tensor.dtype not in (dtypes.resource, dtypes.variant)


def _conditional_gradient(
    node: Operation, gradients: list[Any], count: int, flow: Any
) -> list[Any]:
    branches, active, needed = flow
    seeds = [gradients[i] for i in active]
    kinds = _slices_types(seeds)
    backward = [backward_of(b, active, needed, kinds) for b in branches]
    flat = [part for seed in seeds for part in components(seed if any(kinds) else dense(seed))]
    # One branch that reads an input is enough: the others return zeros for it, as all branches must have equal
    # outputs.
    useful = [k for k in range(len(needed)) if any(b.gradients[k] is not None for b in backward)]
    if not useful:
        return [None] * count
    sliced = {k: _index_type([b.gradients[k] for b in backward]) for k in useful}
    graphs = [
        _branch(forward, b, [(k, needed[k]) for k in useful], len(flat), sliced)
        for forward, b in zip(branches, backward, strict=True)
    ]
    captured = [list(graph.external_captures) for graph in graphs]
    values = forward_values(node, branches, captured)
    extra = []
    for graph, row in zip(graphs, values, strict=True):
        extra.append(list(zip(row, graph.internal_captures, strict=True)))
    functions, externals = unify(graphs, len(flat), extra)
    arguments = flat + externals
    is_case = "branches" in node.raw_op.attrs
    outputs = iter(identities(add_conditional(node._inputs[0], functions, arguments, is_case)))
    input_gradients = [
        IndexedSlices(next(outputs), next(outputs), next(outputs)) if sliced[k] else next(outputs)
        for k in useful
    ]
    # The selector comes first among a conditional's inputs, and has no gradient.
    return [None, *spread(input_gradients, [needed[k] for k in useful], count - 1)]


def branches_of(node: Operation) -> list[GraphFunction]:
    """Return the branches of an If or Case."""
    attrs = node.raw_op.attrs
    return list(attrs.get("branches") or (attrs["then_branch"], attrs["else_branch"]))


def _branch_flow(
    node: Operation, gradients: list[Any], wanted: list[bool]
) -> tuple[list[GraphFunction], tuple[int, ...], tuple[int, ...]]:
    """Returns the branches of a conditional, the outputs that have gradients, and the inputs that need them."""
    branches = branches_of(node)
    active = [i for i, g in enumerate(gradients) if g is not None and _can_flow(branches, i)]
    return branches, tuple(active), tuple(i for i, w in enumerate(wanted[1:]) if w)


def _branch_backward(node: Operation, gradients: list[Any], wanted: list[bool]) -> Iterator[Steps]:
    branches, active, needed = _branch_flow(node, gradients, wanted)
    if active and needed:
        for branch in branches:
            # The same key as in `_conditional_gradient`, which then takes these graphs from the cache.
            kinds = _slices_types([gradients[i] for i in active])
            yield backward_steps(branch, active, needed, kinds)


def _slices_types(seeds: Sequence[Any]) -> tuple[SlicesTypes | None, ...]:
    """Returns the dtypes of each gradient's slices, None for dense ones; () if slices cannot be passed to branches."""
    if not any(isinstance(seed, IndexedSlices) for seed in seeds):
        return ()
    kinds: list[SlicesTypes | None] = []
    for seed in seeds:
        shape = seed.dense_shape if isinstance(seed, IndexedSlices) else None
        if isinstance(seed, IndexedSlices) and shape is None:
            return ()
        kinds.append(None if shape is None else (seed.indices.dtype, shape.dtype))
    return tuple(kinds)


def _index_type(gradients: Sequence[Any]) -> DType | None:
    """Returns the common index dtype if some branch gives IndexedSlices, else None: the gradients of the other branches are then converted."""
    slices = [g for g in gradients if isinstance(g, IndexedSlices)]
    if not slices or any(g.dense_shape is None for g in slices):
        return None
    kinds = {g.indices.dtype for g in slices}
    return kinds.pop() if len(kinds) == 1 else dtypes.int64


def _all_rows(gradient: Any) -> IndexedSlices:
    """Returns a dense gradient as slices: every row of it."""
    shape = raw.Shape(input=gradient)
    count = raw.StridedSlice(input=shape, begin=[0], end=[1], strides=[1], shrink_axis_mask=1)
    return IndexedSlices(gradient, raw.Range(start=0, limit=count, delta=1), shape)


def _can_flow(branches: list[GraphFunction], index: int) -> bool:
    return branches[0].outputs[index].dtype not in (dtypes.resource,)


def _branch(
    forward: GraphFunction,
    backward: Backward,
    useful: list[tuple[int, int]],
    seeds: int,
    sliced: dict[int, DType | None],
) -> FuncGraph:
    """Returns a graph like that of `backward` with a gradient for each useful input.

    A gradient is dense, or consists of values, indices of the dtype in `sliced`, and dense shape.
    """
    branch_graph = FuncGraph(backward.graph.name + "_branch", outer_graph=backward.graph.enclosing)
    with building_unrecorded(branch_graph):
        arguments = []
        for t in backward.graph.inputs[:seeds]:
            branch_graph.inputs.append(branch_graph.placeholder(t.dtype, t.shape, "grad_ys"))
            arguments.append(branch_graph.inputs[-1])
        arguments += backward.graph.external_captures
        packed = backward.pack(inline(backward.graph, arguments, branch_graph))
        for k, position in useful:
            gradient = packed[k]
            if gradient is None:
                gradient = zeros_for(forward.inputs[position])
            if sliced[k]:
                if not isinstance(gradient, IndexedSlices):
                    gradient = _all_rows(gradient)
                indices = raw.Cast(gradient.indices, DstT=sliced[k])
                parts = (gradient.values, indices, gradient.dense_shape)
                branch_graph.outputs += [branch_graph.local(part) for part in parts]
            else:
                branch_graph.outputs.append(branch_graph.local(dense(gradient)))
    return branch_graph


def inline(graph: FuncGraph, arguments: Sequence[Any], into: Graph) -> list[SymbolicTensor]:
    """Copies the operations of `graph` into the graph `into`, with its inputs replaced by `arguments`."""
    table = {
        t._id: into.local(convert_to_tensor(a))
        for t, a in zip(graph.inputs, arguments, strict=True)
    }
    copy_operations(graph._operations, into, table)
    return [table[t._id] for t in graph.outputs]


def copy_operations(
    nodes: Sequence[Operation], into: Graph, table: dict[int, SymbolicTensor]
) -> dict[int, Operation]:
    """Copies operations, in order, into the graph `into`.

    Args:
      nodes: the operations.
      into: the graph.
      table: replacement tensors in `into` by tensor id; the outputs of the copies are added. Operations whose outputs are
        all in it are skipped.

    Returns:
      The copies, by the ids of the operations.
    """
    copies: dict[int, Operation] = {}
    for node in nodes:
        if all(t._id in table for t in node.outputs) and node.outputs:
            continue
        copy = into.add(node.raw_op, [table[t._id] for t in node._inputs], node.name)
        copy.gradient_override = node.gradient_override
        copy_facts(node, copy, table)
        for awaited in node._control_inputs:
            replaced = (table[t._id].op for t in awaited.outputs if t._id in table)
            copy._add_control_inputs([copies[id(awaited)]] if id(awaited) in copies else replaced)
        copies[id(node)] = copy
        for old, new in zip(node.outputs, copy.outputs, strict=True):
            table.setdefault(old._id, new)  # a given replacement of one result of several stays
            new._handle_data = old._handle_data
            new.set_shape(old.shape)
    return copies


def copy_facts(node: Operation, copy: Operation, table: dict[int, SymbolicTensor]) -> None:
    """Copies the records about an operation (for a While: its counter, limit and accumulators)."""
    copy.python_function, copy.may_be_lowered = node.python_function, node.may_be_lowered
    if node.loop is not None:
        limit = node.loop.limit
        limit = table.get(limit._id) if isinstance(limit, SymbolicTensor) else limit
        copy.loop = LoopFacts(node.loop.counter, limit, dict(node.loop.accumulators))


def unify(
    graphs: list[FuncGraph],
    arguments: int,
    captured: list[list[tuple[Any, SymbolicTensor]]] | None = None,
    unread: Callable[[FuncGraph, Any], SymbolicTensor] | None = None,
) -> tuple[list[GraphFunction], list[Any]]:
    """Makes the inputs of all graphs equal: their arguments, then everything that any of them captures.

    Args:
      graphs: of the branches of a condition, or of a loop's condition and body.
      arguments: the number of their arguments.
      captured: for each graph pairs of an outer tensor and its placeholder; default: the captures.
      unread: makes the placeholder for an outer tensor that a graph does not read; default: one without a given name.

    Returns:
      The functions, and the outer tensors to pass after the arguments.
    """
    captured = captured or [graph.captures for graph in graphs]
    externals: dict[int, Any] = {}
    for pairs in captured:
        for external, _ in pairs:
            externals.setdefault(external._id, external)
    functions = []
    for graph, pairs in zip(graphs, captured, strict=True):
        inputs = list(graph.inputs[:arguments])
        placeholders: dict[int, SymbolicTensor] = {}
        for external, placeholder in pairs:
            # Two captures may be one outer tensor, as where a body returns an input: one placeholder stands for both.
            if external._id in placeholders:
                replace_tensor(graph, placeholder, placeholders[external._id])
            else:
                placeholders[external._id] = placeholder
        # All graphs get all captures in one order: functions of a node take equal inputs.
        for key, external in externals.items():
            placeholder = placeholders.get(key)
            if placeholder is None:
                placeholder = (unread or _unread)(graph, external)
                placeholder._handle_data = getattr(external, "_handle_data", None)
            inputs.append(placeholder)
        graph.inputs = inputs
        functions.append(GraphFunction(graph, inputs))
    return functions, list(externals.values())


def _unread(graph: FuncGraph, external: Any) -> SymbolicTensor:
    return graph.placeholder(external.dtype, external.shape, "Placeholder", "")


def unify_loop(
    cond: FuncGraph, body: FuncGraph, arguments: int
) -> tuple[GraphFunction, GraphFunction, list[Any]]:
    """Makes the inputs of a loop's condition and body equal, as `unify` does; the body returns its captures unchanged.

    Converters write the condition into the body's graph: so the names of inputs of the condition that it does not read differ
    from all names of the body. The body captures what the condition captures before it is traced, so that their order is one.

    Returns:
      The functions of the condition and the body, and the outer tensors to pass after the arguments.
    """
    added: list[SymbolicTensor] = []

    def unread(graph: FuncGraph, external: Any) -> SymbolicTensor:
        if graph is body:
            return graph.capture(external)
        name = f"{cond.name}___redundant_placeholder{len(added)}"
        added.append(graph.placeholder(external.dtype, UNKNOWN, name, ""))
        return added[-1]

    (test, step), externals = unify([cond, body], arguments, unread=unread)
    step.outputs = [*body.outputs, *step.inputs[arguments:]]
    return test, step, externals


def replace_tensor(graph: FuncGraph, old: SymbolicTensor, new: SymbolicTensor) -> None:
    """Replaces `old` by `new` in all its consumers."""
    for node in graph._operations:
        for index, t in enumerate(node._inputs):
            if t is old:
                node._update_input(index, new)
    graph.outputs = [new if t is old else t for t in graph.outputs]


def add_conditional(
    selector: Any,
    functions: list[GraphFunction],
    inputs: Sequence[Any],
    is_case: bool,
    name: str | None = None,
    may_be_lowered: bool | None = None,
) -> list[SymbolicTensor]:
    """Adds If or Case over functions with equal inputs to the current graph."""
    stateful = any(f.is_stateful for f in functions)
    kind = ("" if stateful else "Stateless") + ("Case" if is_case else "If")
    attrs: dict[str, Any] = {
        "Tin": tuple(functions[0].input_types),
        "Tout": tuple(functions[0].output_types),
    }
    if is_case:
        attrs["branches"] = tuple(functions)
    else:
        selector = convert_to_tensor(selector)
        attrs["then_branch"], attrs["else_branch"] = functions
        attrs["Tcond"] = selector.dtype
    tensors = [convert_to_tensor(t) for t in (selector, *inputs)]
    node = add_node(kind, tensors, attrs, name or ("case" if is_case else "cond"))
    node.may_be_lowered = lowering_here() if may_be_lowered is None else may_be_lowered
    return own_outputs(node, functions[0])


def lowering_here() -> bool | None:
    """Returns True if conditions and loops of the current graph may run as Switch and Merge; None under XLA, where the attribute is not set."""
    return None if is_in_xla_context(STATE.graph) else True


def op_gradient(op: Op, inputs: list[Any], outputs: list[Any], gradients: list[Any]) -> list[Any]:
    """The `gradient` of these ops' classes; finds the node by its outputs."""
    if not outputs or not isinstance(outputs[0], SymbolicTensor):
        raise NotImplementedError(
            f"{op.op_type}: this raw op has no gradient when run eagerly. Use tf.cond, "
            "tf.while_loop, tf.switch_case or tf.function."
        )
    return node_gradient(outputs[0].op, gradients, [True] * len(inputs))


def gradient_function(function: GraphFunction) -> GraphFunction:
    """Returns the cached function (arguments, gradients of results) -> gradients of arguments."""
    if _GRADIENT not in function.derived:
        graph = FuncGraph(f"symbolic_gradient_{function.graph.name}")
        with building(graph):
            xs = [graph.placeholder(t.dtype, t.shape, "x") for t in function.inputs]
            seeds = [graph.placeholder(t.dtype, t.shape, "grad_y") for t in function.outputs]
            graph.inputs = [*xs, *seeds]
            input_gradients = graph_gradients(call_function(function, xs), xs, seeds)
            graph.outputs = [
                zeros_for(x) if gradient is None else dense(gradient)
                for x, gradient in zip(xs, input_gradients, strict=True)
            ]
        function.derived[_GRADIENT] = GraphFunction(graph)
    return function.derived[_GRADIENT]


NODE_GRADIENTS.update(
    {"call": call_gradient}, **dict.fromkeys(("if", "case"), conditional_gradient)
)
BACKWARD_GRAPHS.update({"call": _call_backward}, **dict.fromkeys(("if", "case"), _branch_backward))
