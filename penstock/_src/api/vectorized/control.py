"""Rules of conditions and loops.

What all rows have in common chooses one branch, or ends the loop, for all of them. Where rows differ, a branch runs on
the rows that choose it, and an iteration on those whose loop has not ended.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond, switch_case
from penstock._src.api.control.while_loops import while_loop
from penstock._src.api.vectorized.lists import list_of_rows, swapped
from penstock._src.api.vectorized.rules import NotVectorizable, Value, rule
from penstock._src.api.vectorized.step import Step, whole
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.graph.trace import add_arguments, recording
from penstock._src.ops.control.tensor_list import ListOp


class Body:
    """A branch, or a part of a loop: a function of one row, for all rows or some of them."""

    def __init__(self, step: Step, function: GraphFunction) -> None:
        self.step, self.function = step, function

    def values(self, arguments: Sequence[Value], count: Any) -> list[Value]:
        """Returns the results for these arguments and this number of rows."""
        return self.step.nested(self.function, arguments, count)

    def differs(self, stacked: Sequence[bool]) -> list[bool]:
        """Return a bool for each result: True if it differs between rows when these arguments do."""
        graph = FuncGraph("rows")
        inputs = self.function.inputs
        shapes = [
            t.shape if t.dtype in (dtypes.variant, dtypes.resource) else _rows_shape(t, rows)
            for t, rows in zip(inputs, stacked, strict=True)
        ]
        with recording(graph):
            tensors = add_arguments(graph, inputs, shapes)
            forget_elements(tensors, stacked)
            count = raw.Placeholder(dtype=dtypes.int32, shape=TensorShape([]))
            values = self.values([Value(*pair) for pair in zip(tensors, stacked)], count)
        return [value.stacked for value in values]

    def rows(self, values: Sequence[Value], stacked: Sequence[bool], count: Any) -> list[Any]:
        """Returns results as tensors, with rows where they are `stacked`."""
        return [
            _rows(value, count, tensor) if rows else value.tensor
            for value, rows, tensor in zip(values, stacked, self.function.outputs, strict=True)
        ]


def forget_elements(tensors: Sequence[Any], stacked: Sequence[bool]) -> None:
    """Clear the known elements of list arguments that have rows as elements."""
    for tensor, rows in zip(tensors, stacked, strict=True):
        if rows and tensor.dtype is dtypes.variant:
            tensor._handle_data = None


def _rows_shape(tensor: SymbolicTensor, stacked: bool) -> TensorShape:
    return TensorShape([None]).concatenate(tensor.shape) if stacked else tensor.shape


def _rows(value: Value, count: Any, tensor: SymbolicTensor) -> Any:
    """Returns a value with rows; `tensor` is the tensor with that value."""
    if tensor.dtype is dtypes.resource:
        raise NotVectorizable("a resource differs between rows")
    if tensor.dtype is not dtypes.variant:
        return whole(value, count)
    return list_of_rows(value, count, _element_dtype(tensor), tensor.op)


def _element_dtype(*tensors: SymbolicTensor) -> Any:
    """Returns the dtype of the elements of lists that are alike, which what makes or reads them says.

    Raises:
      NotVectorizable: nothing says it.
    """
    seen: set[int] = set()
    for tensor in tensors:
        dtype = _told_by_maker(tensor, seen) or _told_by_readers(tensor, seen)
        if dtype is not None:
            return dtype
    raise NotVectorizable(f"'{tensors[0].name}' is not known to be a tensor list")


def _told_by_maker(tensor: SymbolicTensor, seen: set[int]) -> Any:
    node = tensor.op
    if "element_dtype" in node.raw_op.attrs:
        return node.raw_op.attrs["element_dtype"]
    lists = [t for t in node._inputs if t.dtype is dtypes.variant and t._id not in seen]
    seen.update(t._id for t in lists)
    return next((dtype for t in lists if (dtype := _told_by_maker(t, seen)) is not None), None)


def _told_by_readers(tensor: SymbolicTensor, seen: set[int]) -> Any:
    for node in tensor.graph.get_operations():
        places = [i for i, t in enumerate(node._inputs) if t._id == tensor._id]
        if not places or id(node) in seen:
            continue
        seen.add(id(node))
        attrs = node.raw_op.attrs
        if "element_dtype" in attrs:
            return attrs["element_dtype"]
        for function in (value for value in attrs.values() if isinstance(value, GraphFunction)):
            shift = len(node._inputs) - len(function.inputs)
            dtype = _told_by_readers(function.inputs[places[0] - shift], seen)
            if dtype is not None:
                return dtype
    return None


def on_lists(step: Step) -> list:
    """Runs an op that treats lists as their elements: copies, zeros, sums."""
    dtype = _element_dtype(*step.node._inputs, *step.node._outputs)
    pairs = zip(step.values, step.node._inputs, strict=True)
    return step.run_flat(
        [list_of_rows(value, step.count, dtype, tensor.op) for value, tensor in pairs]
    )


# -- conditions


@rule("StatelessIf")
def conditional(step: Step) -> list:
    """Chooses one branch for all rows, or each for some."""
    op: Any = step.op
    selector = step.values[0]
    holds = selector.tensor
    if holds.dtype is not dtypes.bool_:
        holds = raw.NotEqual(x=holds, y=raw.ZerosLike(x=holds))
    branches = [Body(step, op.else_branch), Body(step, op.then_branch)]
    if selector.stacked:
        return _partitioned(step, raw.Cast(x=holds, DstT=dtypes.int32), branches)
    functions, stacked = _common_branches(step, branches)
    return _values(cond(holds, functions[1], functions[0]), stacked)


@rule("StatelessCase")
def case(step: Step) -> list:
    """Chooses one branch for all rows, or each for some."""
    op: Any = step.op
    index, last = step.values[0], len(op.branches) - 1
    branches = [Body(step, function) for function in op.branches]
    if index.stacked:
        chosen = index.tensor
        inside = raw.LogicalAnd(x=raw.GreaterEqual(x=chosen, y=0), y=raw.Less(x=chosen, y=last))
        others = raw.Fill(dims=raw.Shape(input=chosen), value=np.int32(last))
        return _partitioned(step, raw.SelectV2(condition=inside, t=chosen, e=others), branches)
    functions, stacked = _common_branches(step, branches)
    return _values(switch_case(index.tensor, functions), stacked)


def _values(tensors: Any, stacked: Sequence[bool]) -> list[Value]:
    listed = tensors if isinstance(tensors, list | tuple) else [tensors]
    return [Value(*pair) for pair in zip(listed, stacked, strict=True)]


def _common_branches(step: Step, branches: Sequence[Body]) -> tuple[list[Any], list[bool]]:
    """Returns functions for the branches' results, and which of these have rows."""
    arguments = step.values[1:]
    each = [branch.differs([value.stacked for value in arguments]) for branch in branches]
    stacked = [any(column) for column in zip(*each, strict=True)]

    def results(branch: Body) -> Any:
        return lambda: branch.rows(branch.values(arguments, step.count), stacked, step.count)

    return [results(branch) for branch in branches], stacked


def _partitioned(step: Step, chosen: Any, branches: Sequence[Body]) -> list[Value]:
    """Runs each branch on the rows that choose it, and puts their results together."""
    if any(t.dtype in (dtypes.variant, dtypes.resource) for t in step.node._outputs):
        raise NotVectorizable("rows choose different branches, which return lists or resources")
    models, values = step.node._inputs[1:], step.values[1:]
    groups = [
        _groups(value.tensor, chosen, len(branches), model) if value.stacked else None
        for value, model in zip(values, models, strict=True)
    ]
    places = _groups(_numbers(step.count), chosen, len(branches))
    results = []
    for number, branch in enumerate(branches):
        arguments = [
            value if parts is None else Value(parts[number], True)
            for value, parts in zip(values, groups, strict=True)
        ]
        count = _size(places[number])
        results_of_branch = branch.values(arguments, count)
        results.append(branch.rows(results_of_branch, [True] * len(results_of_branch), count))
    return [
        Value(raw.DynamicStitch(indices=places, data=list(column)), True)
        for column in zip(*results, strict=True)
    ]


def _numbers(count: Any) -> Any:
    return raw.Range(start=0, limit=count, delta=1)


def _size(rows: Any) -> Any:
    known = get_static_value(raw.Size(input=rows))
    return raw.Size(input=rows) if known is None else int(known)


def _groups(tensor: Any, chosen: Any, count: int, model: SymbolicTensor | None = None) -> list[Any]:
    """Returns the rows of a tensor, or list, in `count` groups; `model` is the tensor in the row's graph.

    Args:
      chosen: the number of each row's group.
    """
    if model is None or model.dtype is not dtypes.variant:
        return raw.DynamicPartition(data=tensor, partitions=chosen, num_partitions=count)
    elements = _list_elements(tensor, _element_dtype(model))
    parts = raw.DynamicPartition(data=elements, partitions=chosen, num_partitions=count)
    return [_from_elements(part) for part in parts]


def _placed(tensor: Any, rows: Any, updates: Any, model: SymbolicTensor) -> Any:
    """Returns a tensor, or list, with some rows replaced."""
    places = raw.ExpandDims(input=rows, axis=1)
    if model.dtype is not dtypes.variant:
        return raw.TensorScatterUpdate(tensor=tensor, indices=places, updates=updates)
    dtype = _element_dtype(model)
    return _from_elements(
        raw.TensorScatterUpdate(
            tensor=_list_elements(tensor, dtype),
            indices=places,
            updates=_list_elements(updates, dtype),
        )
    )


def _list_elements(handle: Any, dtype: Any) -> Any:
    """Returns the elements of a stacked list as one tensor of rows."""
    return swapped(
        raw.TensorListStack(
            input_handle=handle,
            element_shape=raw.TensorListElementShape(input_handle=handle, shape_type=dtypes.int32),
            element_dtype=dtype,
        )
    )


def _from_elements(elements: Any) -> Any:
    tensor = swapped(elements)
    return raw.TensorListFromTensor(tensor=tensor, element_shape=raw.Shape(input=tensor)[1:])


# -- loops


@rule("StatelessWhile")
def loop(step: Step) -> list:
    """Repeat the body for all rows, or for those still in the loop."""
    op: Any = step.op
    test, body = Body(step, op.cond), Body(step, op.body)
    unchanged, outputs = op.body.unchanged, op.body.outputs
    constant = [i in unchanged for i in range(len(outputs))]
    stacked = _fixed_point(body, [value.stacked for value in step.values])
    if not test.differs(stacked)[0]:
        return _common_loop(step, test, body, constant, stacked)
    stacked = [rows or not same for rows, same in zip(stacked, constant, strict=True)]
    stacked = _fixed_point(body, stacked)
    if any(
        rows and not same and result.dtype is dtypes.variant and _changes_length(result)
        for rows, same, result in zip(stacked, constant, outputs, strict=True)
    ):
        # One stacked list cannot have another length for each row.
        raise NotVectorizable("lists grow or shrink in a loop that rows leave at different times")
    return _loop_of_some(step, test, body, constant, stacked)


def _changes_length(result: SymbolicTensor) -> bool:
    """True if a list, computed from arguments of its function, may have another length than they have."""
    node, attrs = result.op, result.op.raw_op.attrs
    if isinstance(node.raw_op, ListOp) and node.raw_op.changes_length:
        return True
    functions = [f for f in attrs.values() if isinstance(f, GraphFunction)]
    sources = [*node._inputs, *(t for f in functions for t in f.outputs)]
    return any(_changes_length(t) for t in sources if t.dtype is dtypes.variant)


def _fixed_point(body: Body, stacked: list[bool]) -> list[bool]:
    """Returns which variables differ from row to row after any number of iterations."""
    while True:
        after = [a or b for a, b in zip(stacked, body.differs(stacked), strict=True)]
        if after == stacked:
            return stacked
        stacked = after


def _split(
    step: Step, constant: Sequence[bool], stacked: Sequence[bool]
) -> tuple[list[int], list[Any], list[TensorShape]]:
    """Returns which variables change, their values at the start, and the shapes they keep."""
    changing = [i for i, same in enumerate(constant) if not same]
    inputs = step.op.attrs["body"].inputs
    first = step.count if isinstance(step.count, int) else None
    starts, shapes = [], []
    for i in changing:
        value, model = step.values[i], step.node._inputs[i]
        starts.append(_rows(value, step.count, model) if stacked[i] else value.tensor)
        shape = inputs[i].shape
        is_handle = inputs[i].dtype in (dtypes.variant, dtypes.resource)
        rows = TensorShape([first]).concatenate(shape)
        shapes.append(rows if stacked[i] and not is_handle else shape)
    return changing, starts, shapes


def _common_loop(
    step: Step, test: Body, body: Body, constant: Sequence[bool], stacked: Sequence[bool]
) -> list[Value]:
    changing, starts, shapes = _split(step, constant, stacked)

    def given(variables: Sequence[Any]) -> list[Value]:
        values = list(step.values)
        for i, tensor in zip(changing, variables, strict=True):
            values[i] = Value(tensor, stacked[i])
        return values

    def proceed(*variables: Any) -> Any:
        return test.values(given(variables), step.count)[0].tensor

    def iteration(*variables: Any) -> list[Any]:
        results = body.values(given(variables), step.count)
        rows = body.rows(results, stacked, step.count)
        return [rows[i] for i in changing]

    return given(while_loop(proceed, iteration, starts, shape_invariants=shapes))


def _loop_of_some(
    step: Step, test: Body, body: Body, constant: Sequence[bool], stacked: Sequence[bool]
) -> list[Value]:
    changing, starts, shapes = _split(step, constant, stacked)

    def given(variables: Sequence[Any], chosen: Any = None) -> list[Value]:
        """The arguments of one iteration: all variables, of the chosen rows."""
        values = list(step.values)
        for i, tensor in zip(changing, variables, strict=True):
            values[i] = Value(tensor, True)
        if chosen is None:
            return values
        models = step.op.attrs["body"].inputs
        return [
            Value(_groups(value.tensor, chosen, 2, model)[1], True) if value.stacked else value
            for value, model in zip(values, models, strict=True)
        ]

    def iteration(unfinished: Any, *variables: Any) -> list[Any]:
        chosen = raw.Cast(x=unfinished, DstT=dtypes.int32)
        rows = _groups(_numbers(step.count), chosen, 2)[1]
        count = _size(rows)
        results = body.values(given(variables, chosen), count)
        after = body.rows(results, stacked, count)
        values = [
            Value(tensor, True) if different else value
            for tensor, value, different in zip(after, results, stacked, strict=True)
        ]
        proceed = whole(test.values(values, count)[0], count)
        mask = raw.ScatterNd(
            indices=raw.ExpandDims(input=rows, axis=1),
            updates=proceed,
            shape=raw.Reshape(tensor=convert_to_tensor(step.count), shape=[1]),
        )
        models = step.op.attrs["body"].inputs
        placed = [
            _placed(tensor, rows, after[i], models[i])
            for i, tensor in zip(changing, variables, strict=True)
        ]
        return [mask, *placed]

    first = whole(test.values(given(starts), step.count)[0], step.count)
    length = step.count if isinstance(step.count, int) else None
    _, *finals = while_loop(
        lambda unfinished, *_: raw.Any(input=unfinished, axis=0),
        iteration,
        [first, *starts],
        shape_invariants=[TensorShape([length]), *shapes],
    )
    return given(finals)
