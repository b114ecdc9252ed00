"""Control flow and state: branches, loops, variables, tables."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.tflite.reading.call import Call, builtin
from penstock._src.formats.tflite.reading.state import Handle
from penstock._src.formats.tflite.types import DTYPES

_SCALAR = np.zeros(0, np.int32)


def _graph(call: Call, index: int) -> Callable[[Sequence[Any]], list[Any]]:
    """A graph of the file as a function of tensors."""
    graphs = call.translation.contents.graphs
    if not 0 <= index < len(graphs):
        raise call.invalid(f"there is no subgraph {index} of {len(graphs)}.")
    return lambda inputs: call.translation.branch(index).run(inputs)


def _scalar(x: Any) -> Any:
    return raw.Reshape(tensor=x, shape=_SCALAR)


def _handle(call: Call, i: int) -> Handle:
    handle = call.tensor(i)
    if not isinstance(handle, Handle):
        raise call.invalid(f"its input {i} is neither a variable nor a table.")
    return handle


@builtin("IF", options="IfOptions")
def if_(call: Call) -> Any:
    options = call.options
    inputs = [call.tensor(i) for i in range(1, len(call))]
    then = _graph(call, options.then_subgraph_index)
    other = _graph(call, options.else_subgraph_index)
    results = cond(_scalar(call.tensor(0)), lambda: then(inputs), lambda: other(inputs))
    return list(results) if isinstance(results, (list, tuple)) else [results]


@builtin("WHILE", options="WhileOptions")
def while_(call: Call) -> Any:
    inputs = call.tensors()
    condition = _graph(call, call.options.cond_subgraph_index)
    body = _graph(call, call.options.body_subgraph_index)
    # Variables and tables are the same in every step, so they are not loop variables here.
    places = [i for i, tensor in enumerate(inputs) if not isinstance(tensor, Handle)]

    def whole(state: Sequence[Any]) -> list[Any]:
        every = list(inputs)
        for i, tensor in zip(places, state):
            every[i] = tensor
        return every

    shapes = [_invariant(call, i, inputs[i].shape) for i in places]

    def step(*state: Any) -> list[Any]:
        results = body(whole(state))
        return [raw.EnsureShape(input=results[i], shape=shape) for i, shape in zip(places, shapes)]

    finals = while_loop(
        lambda *state: _scalar(condition(whole(state))[0]),
        step,
        [inputs[i] for i in places],
        shape_invariants=shapes,
    )
    return whole(finals if isinstance(finals, (list, tuple)) else [finals])


def _invariant(call: Call, i: int, shape: TensorShape) -> TensorShape:
    """The shape of a loop variable, without the sizes that the file calls unknown or that change in the loop."""
    graph = call.translation.contents.graphs[call.options.body_subgraph_index]
    if max(len(graph.inputs), len(graph.outputs)) <= i:
        raise call.invalid(f"the body has no input and output {i}.")
    before, after = graph.tensors[graph.inputs[i]], graph.tensors[graph.outputs[i]]
    if shape.rank is None or not len(before.shape) == len(after.shape) == shape.rank:
        return TensorShape(None)
    return TensorShape(
        [
            None
            if -1 in (before.shape_signature[k], after.shape_signature[k])
            or before.shape[k] != after.shape[k]
            else extent
            for k, extent in enumerate(shape.as_list())
        ]
    )


@builtin("CALL_ONCE", options="CallOnceOptions")
def call_once(call: Call) -> Any:
    index = call.options.init_subgraph_index
    run = _graph(call, index)
    call.translation.state.initialize(index, lambda: run([]))
    return []


@builtin("VAR_HANDLE", options="VarHandleOptions")
def var_handle(call: Call) -> Any:
    options = call.options
    return Handle(f"{options.container or ''}:{options.shared_name or ''}")


@builtin("READ_VARIABLE")
def read_variable(call: Call) -> Any:
    info = call.output()
    value = call.translation.state.variable(_handle(call, 0), info).read_value()
    if not info.has_rank:
        return value
    shape = TensorShape([None if extent < 0 else extent for extent in info.shape_signature])
    return raw.EnsureShape(input=value, shape=shape)


@builtin("ASSIGN_VARIABLE")
def assign_variable(call: Call) -> Any:
    call.translation.state.variable(_handle(call, 0), call.info(1)).assign(call.tensor(1))
    return []


@builtin("HASHTABLE", options="HashtableOptions")
def hashtable(call: Call) -> Any:
    options = call.options
    key, value = DTYPES.get(options.key_dtype), DTYPES.get(options.value_dtype)
    if key is None or value is None:
        raise call.invalid(f"there are no types {options.key_dtype} and {options.value_dtype}.")
    return call.translation.state.table_handle(options.table_id, key, value)


@builtin("HASHTABLE_IMPORT")
def hashtable_import(call: Call) -> Any:
    keys, values = call.array(1), call.array(2)
    call.translation.state.fill_table(_handle(call, 0), keys, values, call.where)
    return []


@builtin("HASHTABLE_FIND")
def hashtable_find(call: Call) -> Any:
    return raw.LookupTableFindV2(
        table_handle=call.translation.state.table(_handle(call, 0), call.where).resource_handle,
        keys=call.tensor(1),
        default_value=_scalar(call.tensor(2)),
    )


@builtin("HASHTABLE_SIZE")
def hashtable_size(call: Call) -> Any:
    table = call.translation.state.table(_handle(call, 0), call.where)
    size = raw.LookupTableSizeV2(table_handle=table.resource_handle)
    return raw.Reshape(tensor=size, shape=np.ones(1, np.int32))
