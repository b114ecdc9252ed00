"""Conditions, loops, and the lists of tensors that loops read and write.

A list is the tensor of its concatenated elements. A list that a loop fills from the front is collected by the
loop (a scan output of Loop).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.writing.recurrent import RecurrentLayer, recurrent_layer
from penstock._src.formats.onnx.writing.writer import (
    GraphDraft,
    NodeDraft,
    Writer,
    attribute_of,
    rank,
    writes,
)
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value

_FAR = (1 << 63) - 1


@dataclass(frozen=True)
class Rows:
    """A list as the tensor of its elements."""

    name: str


@dataclass(frozen=True)
class Unfilled:
    """A list without elements yet: the name of its final length, as a scalar of int64 ("" if it grows), and its dtype."""

    count: str
    dtype: DType


@dataclass(frozen=True)
class Filling:
    """In the body of a loop: a list that gets an element in each step."""

    position: int


@dataclass(frozen=True)
class Filled:
    """A list after the step, with the name of its element."""

    position: int
    item: str


def _rows(x: Any) -> str:
    if not isinstance(x, Rows):
        raise UnimplementedError(
            "a list that is not filled by a loop from its front cannot be written."
        )
    return x.name


@writes("TensorListFromTensor")
def _from_tensor(w: Writer, op: Operation, x: str, shape: str) -> Any:
    return Rows(x)


@writes("TensorListReserve")
def _reserve(w: Writer, op: Operation, shape: str, count: str) -> Any:
    return Unfilled(w.int64(count, op.inputs[1]), attribute_of(op, "element_dtype"))


@writes("EmptyTensorList")
def _empty(w: Writer, op: Operation, shape: str, most: str) -> Any:
    return Unfilled("", attribute_of(op, "element_dtype"))


@writes("TensorListGetItem")
def _get_item(w: Writer, op: Operation, x: Any, index: str, shape: str) -> str:
    return w.node("Gather", _rows(x), index, axis=0)


@writes("TensorListSetItem")
def _set_item(w: Writer, op: Operation, x: Any, index: str, item: str) -> Any:
    if isinstance(x, Filling):
        return Filled(x.position, item)
    if isinstance(x, Unfilled) and x.count:
        shape = w.vector([w.reshape(x.count, 1), w.node("Shape", item)])
        x = Rows(_empty_rows(w, shape, op.inputs[2].dtype))
    place = w.reshape(w.int64(index, op.inputs[1]), 1, 1)
    return Rows(w.node("ScatterND", _rows(x), place, w.unsqueeze(item, 0)))


def _empty_rows(w: Writer, shape: str, dtype: DType) -> str:
    return w.node("ConstantOfShape", shape, value=np.zeros(1, dtype.np))


@writes("TensorListPushBack")
def _push_back(w: Writer, op: Operation, x: Any, item: str) -> Any:
    if isinstance(x, Filling):
        return Filled(x.position, item)
    last = w.unsqueeze(item, 0)
    if isinstance(x, Unfilled) and not x.count:
        return Rows(last)
    return Rows(w.node("Concat", _rows(x), last, axis=0))


@writes("TensorListStack")
def _stack(w: Writer, op: Operation, x: Any, shape: str) -> str:
    return _rows(x)


@writes("TensorListGather")
def _gather(w: Writer, op: Operation, x: Any, indices: str, shape: str) -> str:
    return w.node("Gather", _rows(x), indices, axis=0)


@writes("TensorListLength")
def _length(w: Writer, op: Operation, x: Any) -> str:
    if isinstance(x, Unfilled):
        return w.cast(x.count, dtypes.int64, dtypes.int32) if x.count else w.constant(np.int32(0))
    count = w.node("Shape", _rows(x), start=0, end=1)
    return w.cast(w.squeeze(count, 0), dtypes.int64, dtypes.int32)


def _boolean(w: Writer, condition: str, tensor: Any) -> str:
    """A condition as a bool scalar: numbers are true unless they are zero."""
    if tensor.dtype is dtypes.bool_:
        return condition if rank(tensor) == 0 else w.reshape(condition)
    return w.cast(condition, tensor.dtype, dtypes.bool_)


def _outputs(inner: Writer, results: Sequence[tuple[str, DType, Any]]) -> None:
    """Makes values the outputs of a subgraph, each by a separate node."""
    produced = {name for node in inner.graph.nodes for name in node.outputs}
    for name, dtype, shape in results:
        if name not in produced:
            copy = inner.shared.name(name)
            inner.graph.nodes.append(NodeDraft("Identity", [name], [copy]))
            name = copy
        produced.discard(name)
        inner.graph.outputs.append((name, dtype, shape))


def _static(tensor: Any) -> Any:
    return None if tensor.shape.rank is None else tensor.shape.as_list()


def _branch(w: Writer, function: GraphFunction, arguments: Sequence[Any]) -> GraphDraft:
    """The subgraph of a branch."""
    if any(tensor.dtype is dtypes.variant for tensor in function.outputs):
        raise UnimplementedError("a list as the result of a branch cannot be written.")
    inner = w.inner()
    results = inner.function(function, arguments)
    outputs = zip(results, function.outputs, strict=True)
    _outputs(inner, [(name, tensor.dtype, _static(tensor)) for name, tensor in outputs])
    return inner.graph


@writes("If", "StatelessIf")
def _if(w: Writer, op: Operation, condition: str, *inputs: Any) -> Any:
    attrs = op.raw_op.attrs
    branches = {name: _branch(w, attrs[name], inputs) for name in ("then_branch", "else_branch")}
    return w.nodes("If", [_boolean(w, condition, op.inputs[0])], len(op.outputs), **branches)


@writes("Case", "StatelessCase")
def _case(w: Writer, op: Operation, index: str, *inputs: Any) -> Any:
    """A chain of If: the last branch is also that of indices out of range."""
    functions = list(op.raw_op.attrs["branches"])

    def chosen(w: Writer, number: int) -> list[str]:
        if number == len(functions) - 1:
            return w.function(functions[number], inputs)
        here = w.node("Equal", index, w.constant(np.int32(number)))
        own = _branch(w, functions[number], inputs)
        rest = w.inner()
        results = chosen(rest, number + 1)
        outputs = functions[number].outputs
        _outputs(rest, [(n, t.dtype, _static(t)) for n, t in zip(results, outputs, strict=True)])
        return w.nodes("If", [here], len(op.outputs), then_branch=own, else_branch=rest.graph)

    return chosen(w, 0)


@writes("While", "StatelessWhile")
def _while(w: Writer, op: Operation, *inputs: Any) -> Any:
    loop = _LoopPlan(op, inputs)
    inputs = loop.with_rows(w, inputs)
    count, started = loop.trip_count(w, inputs), w.constant(True)
    if count:
        layer = loop.recurrent_layer()
        if layer is not None and isinstance(inputs[layer.rows], Rows):
            return _recurrent(w, loop, layer, inputs, count)
    if not count:
        before = w.function(loop.cond, inputs)
        started = _boolean(w, before[0], loop.cond.outputs[0])
    inner = w.inner()
    step, going = w.shared.name("step"), w.shared.name("going")
    inner.graph.inputs = [(step, dtypes.int64, []), (going, dtypes.bool_, [])]
    arguments = []
    for i, tensor in enumerate(loop.body.inputs):
        if i in loop.invariant:
            arguments.append(inputs[i])
        elif i in loop.filled:
            arguments.append(Filling(i))
        else:
            name = w.shared.name(f"{op.name}/{i}")
            carried = _carried(inputs[i])
            dtype = _dtype_of(tensor, inputs[i], loop, i)
            shape = None if isinstance(inputs[i], Rows) else _static(tensor)
            inner.graph.inputs.append((name, dtype, shape))
            arguments.append(Rows(name) if isinstance(inputs[i], Rows) else name)
            loop.states.append((i, carried, dtype, shape))
    results = inner.function(loop.body, arguments)
    again = going
    if not count:
        after = inner.function(loop.cond, results)
        again = _boolean(inner, after[0], loop.cond.outputs[0])
    described: list[tuple[str, DType, Any]] = [(again, dtypes.bool_, [])]
    described += [(_carried(results[i]), dtype, shape) for i, _, dtype, shape in loop.states]
    for i in loop.filled:
        if not isinstance(results[i], Filled) or results[i].position != i:
            raise UnimplementedError("a list that is filled in another way cannot be written.")
        item = loop.body.outputs[i].op.inputs[-1]
        described.append((results[i].item, item.dtype, _static(item)))
    _outputs(inner, described)
    names = w.nodes(
        "Loop",
        [count, started, *(start for _, start, _, _ in loop.states)],
        len(loop.states) + len(loop.filled),
        body=inner.graph,
    )
    return loop.results(w, inputs, names)


def _recurrent(
    w: Writer, loop: _LoopPlan, layer: RecurrentLayer, inputs: Sequence[Any], count: str
) -> list[Any]:
    """Replaces the loop by an LSTM or GRU; returns the final values of the variables."""
    end = w.reshape(count, 1)
    rows = w.node("Slice", inputs[layer.rows].name, w.ints(0), end, w.ints(0))
    weights = [w.constant(layer.weights[name]) for name in ("w", "r", "b")]
    states = [w.unsqueeze(inputs[layer.hidden], 0)]
    if layer.cell is not None:
        states.append(w.unsqueeze(inputs[layer.cell], 0))
    names = w.nodes(
        layer.kind,
        [rows, *weights, "", *states],
        1 + len(states),
        hidden_size=layer.size,
        linear_before_reset=1 if layer.kind == "GRU" else None,
    )
    finals = list(inputs)
    for i in range(len(inputs)):
        if i in loop.filled:
            only_last = i in loop.overwritten
            finals[i] = Rows(names[1] if only_last else w.squeeze(names[0], 1))
        elif i not in loop.invariant:  # a count
            finals[i] = w.cast(count, dtypes.int64, loop.body.inputs[i].dtype)
    finals[layer.hidden] = w.squeeze(names[1], 0)
    if layer.cell is not None:
        finals[layer.cell] = w.squeeze(names[2], 0)
    return finals


def _carried(value: Any) -> str:
    if isinstance(value, Rows):
        return value.name
    if isinstance(value, str):
        return value
    raise UnimplementedError("a list that a loop does not fill from its front cannot be written.")


def _dtype_of(tensor: Any, value: Any, loop: _LoopPlan, i: int) -> DType:
    if not isinstance(value, Rows):
        return tensor.dtype
    for op in loop.body.graph.get_operations():
        if op.inputs and op.inputs[0] is tensor and "element_dtype" in op.raw_op.attrs:
            return op.raw_op.attrs["element_dtype"]
    raise UnimplementedError("a list whose elements are of unknown type cannot be written.")


@dataclass(frozen=True)
class _Limit:
    """The limit of a counter: a number, or else the variable at a position."""

    value: int | None
    position: int


class _LoopPlan:
    """The roles of a loop's variables: constant, lists that it fills, or state.

    Attributes:
      invariant, filled: positions of variables; of those filled, the ones in `overwritten` have one element, which each step replaces.
      limits: the operand that the condition compares counts with; None for another condition.
      states: (position, name at the start, dtype, shape).
    """

    def __init__(self, op: Operation, inputs: Sequence[Any]) -> None:
        self.op = op
        self.cond: GraphFunction = op.raw_op.attrs["cond"]
        self.body: GraphFunction = op.raw_op.attrs["body"]
        self.states: list[tuple[int, str, DType, Any]] = []
        pairs = list(zip(self.body.inputs, self.body.outputs, strict=True))
        self.overwritten: set[int] = set()
        self.invariant = {i for i, (a, b) in enumerate(pairs) if a is b}
        self.limits = self._limits(self.cond.outputs[0].op)
        self.filled = [
            i
            for i, (a, b) in enumerate(pairs)
            if i not in self.invariant and self._is_filled(i, a, b, inputs[i])
        ]

    def with_rows(self, w: Writer, inputs: Sequence[Any]) -> list[Any]:
        """The variables; empty lists that are filled in any order are replaced by zeros."""
        operands = list(inputs)
        for i, value in enumerate(inputs):
            last = self.body.outputs[i].op
            if not isinstance(value, Unfilled) or i in self.filled or i in self.invariant:
                continue
            if last.type != "TensorListSetItem" or not last.inputs[2].shape.is_fully_defined():
                continue
            sizes = w.ints(*(int(n or 0) for n in last.inputs[2].shape.as_list()))
            shape = w.vector([w.reshape(value.count, 1), sizes])
            operands[i] = Rows(_empty_rows(w, shape, value.dtype))
        return operands

    def _is_filled(self, i: int, before: Any, after: Any, start: Any) -> bool:
        if not isinstance(start, Unfilled):
            return False
        last = after.op
        grows = last.type == "TensorListPushBack" and not start.count
        if not grows:
            if last.type != "TensorListSetItem":
                return False
            if self._is_the_only_element(last, i):
                self.overwritten.add(i)
            elif not self._is_counter(last.inputs[1], self.body.inputs):
                return False
        readers = [
            op for op in self.body.graph.get_operations() if any(t is before for t in op.inputs)
        ]
        return last.inputs[0] is before and all(op is last for op in readers)

    def _is_the_only_element(self, op: Operation, i: int) -> bool:
        """True if a list of one element gets this element replaced."""
        reserve = self.op.inputs[i].op
        index, count = constant_value(op.inputs[1]), constant_value(reserve.inputs[1])
        return index is not None and int(index) == 0 and count is not None and int(count) == 1

    def results(self, w: Writer, inputs: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """The names of the variables after the loop."""
        values: list[Any] = list(inputs)
        for (i, _, _, _), name in zip(self.states, names, strict=False):
            values[i] = Rows(name) if isinstance(inputs[i], Rows) else name
        for i, name in zip(self.filled, names[len(self.states) :], strict=True):
            item = self.body.outputs[i].op.inputs[-1]
            if i in self.overwritten:
                last = w.node("Slice", name, w.ints(-1), w.ints(_FAR), w.ints(0))
                values[i] = Rows(self._completed(w, last, inputs[i], item))
            else:
                done = not inputs[i].count or self._always_fills(i)
                values[i] = Rows(name if done else self._completed(w, name, inputs[i], item))
        return values

    def _completed(self, w: Writer, rows: str, start: Unfilled, item: Any) -> str:
        """Rows padded with zeros, for a loop that ended before the list was full."""
        count = w.node("Shape", rows, start=0, end=1)
        lacking = w.node("Sub", w.reshape(start.count, 1), count)
        dimensions = rank(item) + 1
        before = w.ints(*[0] * dimensions)
        after = [lacking] if dimensions == 1 else [lacking, w.ints(*[0] * (dimensions - 1))]
        return w.node("Pad", rows, w.vector([before, *after]))

    def recurrent_layer(self) -> RecurrentLayer | None:
        """The LSTM or GRU that the loop is, if it is one and fills its lists."""
        if not all(i in self.overwritten or self._always_fills(i) for i in self.filled):
            return None
        states = [
            i
            for i in range(len(self.body.inputs))
            if i not in self.invariant and i not in self.filled
        ]
        return recurrent_layer(
            self.body,
            states,
            self.filled,
            self.invariant,
            lambda tensor: self._is_counter(tensor, self.body.inputs),
        )

    def trip_count(self, w: Writer, inputs: Sequence[Any]) -> str:
        """The name of the trip count, if the condition only compares counters with limits; else empty."""
        names = []
        for limit in self.limits or ():
            if limit.value is not None:
                names.append(w.constant(np.int64(limit.value)))
            else:
                tensor = self.op.inputs[limit.position]
                names.append(w.cast(inputs[limit.position], tensor.dtype, dtypes.int64))
        names = list(dict.fromkeys(names))
        if len(names) > 1:
            return w.node("Min", *names)
        return names[0] if names else ""

    def _always_fills(self, i: int) -> bool:
        """True if a loop has as many steps as a list has elements."""
        wanted = self.op.inputs[i].op.inputs[1]
        value = constant_value(wanted)
        return bool(self.limits) and all(
            self.op.inputs[limit.position] is wanted
            if limit.value is None
            else value is not None and int(value) == limit.value
            for limit in self.limits or ()
        )

    def _limits(self, op: Operation) -> list[_Limit] | None:
        """The limits of the loop's counters; None if the condition has another form."""
        while op.type == "Identity":
            op = op.inputs[0].op
        if op.type == "LogicalAnd":
            parts = [self._limits(t.op) for t in op.inputs]
            return None if None in parts else [n for part in parts for n in part or ()]
        if op.type != "Less" or not self._is_counter(op.inputs[0], self.cond.inputs):
            return None
        value = constant_value(op.inputs[1])
        if value is not None:
            return [_Limit(int(value), 0)]
        for i, tensor in enumerate(self.cond.inputs):
            if tensor is op.inputs[1] and i in self.invariant:
                start = constant_value(self.op.inputs[i])
                return [_Limit(None if start is None else int(start), i)]
        return None

    def _is_counter(self, tensor: Any, arguments: Sequence[Any]) -> bool:
        """True if an argument is a variable that starts at 0 and grows by one."""
        positions = [i for i, t in enumerate(arguments) if t is tensor]
        if not positions or not tensor.dtype.is_integer:
            return False
        start = constant_value(self.op.inputs[positions[0]])
        following, before = self.body.outputs[positions[0]].op, self.body.inputs[positions[0]]
        if following.type not in ("AddV2", "Add") or start is None or int(start) != 0:
            return False
        steps = [constant_value(t) for t in following.inputs if t is not before]
        return len(steps) == 1 and steps[0] is not None and int(steps[0]) == 1
