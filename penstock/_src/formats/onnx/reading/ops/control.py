"""Control flow: If, Loop, Scan."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads
from penstock._src.formats.onnx.reading.values import ListValue, packed, unpacked
from penstock._src.graph.func_graph import FuncGraph


@reads("If")
def _if(n: Node, condition: Any) -> Any:
    condition = raw.Reshape(condition, np.zeros(0, np.int32))
    value = t.known(condition)
    if value is not None:
        return tuple(n.subgraph("then_branch" if bool(value) else "else_branch")())
    kinds: list[Any] = []

    def branch(name: str) -> Any:
        def build() -> Any:
            results = [packed(v) for v in n.subgraph(name)()]
            kinds.append([kind for _, kind in results])
            return [tensor for tensor, _ in results]

        return build

    branch_results = cond(condition, branch("then_branch"), branch("else_branch"))
    branch_results = (
        list(branch_results) if isinstance(branch_results, (list, tuple)) else [branch_results]
    )
    return tuple(unpacked(v, kind) for v, kind in zip(branch_results, kinds[0]))


def _loose(value: Any) -> Any:
    """The shape of a value with extents that may differ between steps; scalars stay scalars."""
    return TensorShape([None] * value.shape.rank) if value.shape.rank is not None else value.shape


@reads("Loop")
def _loop(n: Node, limit: Any = None, condition: Any = None, *states: Any) -> Any:
    plan = _LoopPlan(n, limit, condition, states)
    if n.translation.is_trial:
        return plan.outlined()
    return plan.counted() if plan.only_counts else plan.conditional()


class _LoopPlan:
    """A Loop: its number of steps, its states, and the outputs that it collects.

    Args:
      n: the node.
      limit: the greatest number of steps, or None.
      condition: whether the first step is taken, or None.
      states: the carried values.
    """

    def __init__(self, n: Node, limit: Any, condition: Any, states: Sequence[Any]) -> None:
        self.n, self.body = n, n.subgraph("body")
        self.limit = (
            None if limit is None else raw.Reshape(t.cast(limit, dtypes.int64), t.int64([]))
        )
        self.go = t.constant(True, dtypes.bool_)
        if condition is not None:
            self.go = raw.Reshape(condition, t.int64([]))
        start = [packed(v) for v in states]
        self.start, self.kinds = [v for v, _ in start], [kind for _, kind in start]
        self.collected = len(n.outputs) - len(states)
        if len(n.attr("body").output) != 1 + len(states) + max(self.collected, 0):
            raise InvalidArgumentError(f"the body has {len(n.attr('body').output)} outputs.")
        self.shapes, self.items = self._trial()

    def _trial(self) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """The shapes that states have in all steps, and dtype and shape of each collected value."""
        with _trial(self.n):
            states = [_outline(v.dtype, v.shape) for v in self.start]
            going = t.constant(True, dtypes.bool_)
            results = self._step(_outline(dtypes.int64, TensorShape([])), going, states)
        new, items = results[1], results[2]
        if [v.shape.as_list() if v.shape.rank is not None else None for v in new] == [
            v.shape.as_list() if v.shape.rank is not None else None for v in self.start
        ]:
            return [v.shape for v in self.start], [(v.dtype, v.shape) for v in items]
        return [_loose(v) for v in self.start], [(v.dtype, _loose(v)) for v in items]

    def _step(self, i: Any, going: Any, old: Sequence[Any]) -> tuple[Any, list[Any], list[Any]]:
        """True to continue, the new states, and the collected outputs."""
        values = [unpacked(v, kind) for v, kind in zip(old, self.kinds)]
        results = self.body(i, going, *values)
        count = 1 + len(old)
        new = [packed(v)[0] for v in results[1:count]]
        return results[0], new, results[count:]

    @property
    def only_counts(self) -> bool:
        """True if no step is skipped: the condition starts as true, and the body returns it unchanged."""
        first, body = t.known(self.go), self.n.attr("body")
        if self.limit is None or first is None or not bool(first):
            return False
        sources = {node.output[0]: node for node in body.node if len(node.output) == 1}
        name = body.output[0].name
        while name in sources and sources[name].op_type == "Identity":
            name = sources[name].input[0]
        return len(body.input) > 1 and name == body.input[1].name

    def _finished(self, states: Sequence[Any], rows: Sequence[Any]) -> tuple[Any, ...]:
        last = [unpacked(v, kind) for v, kind in zip(states, self.kinds)]
        return (
            *last,
            *(_stacked(a, shape) for a, (_, shape) in zip(rows, self.items, strict=True)),
        )

    def outlined(self) -> tuple[Any, ...]:
        """Placeholders of the results' shapes."""
        states = [_outline(v.dtype, shape) for v, shape in zip(self.start, self.shapes)]
        count = t.known(self.limit) if self.only_counts else None
        last = [unpacked(v, kind) for v, kind in zip(states, self.kinds)]
        return (
            *last,
            *_outlines_of_rows(self.items, None if count is None else max(int(count), 0)),
        )

    def counted(self) -> tuple[Any, ...]:
        """A loop whose number of steps is the limit."""
        count = raw.Maximum(t.cast(self.limit, dtypes.int32), np.int32(0))
        known = t.known(count)
        count = count if known is None else t.constant(known, dtypes.int32)
        rows = [
            TensorArray(dtype, size=count, infer_shape=False, element_shape=shape)
            for dtype, shape in self.items
        ]

        def step(i: Any, kept: Any, *old: Any) -> Any:
            _, new, results = self._step(
                t.cast(i, dtypes.int64), t.constant(True, dtypes.bool_), old
            )
            return (raw.AddV2(i, np.int32(1)), [a.write(i, v) for a, v in zip(kept, results)], *new)

        shapes = (TensorShape([]), [TensorShape(None) for _ in rows], *self.shapes)
        results = while_loop(
            lambda i, *_: raw.Less(i, count),
            step,
            (t.constant(0, dtypes.int32), rows, *self.start),
            shape_invariants=shapes,
            maximum_iterations=count,
        )
        return self._finished(results[2:], results[1])

    def conditional(self) -> tuple[Any, ...]:
        """A loop that continues while the body returns True."""
        most = t.int64(np.iinfo(np.int64).max) if self.limit is None else self.limit
        rows = [
            TensorArray(dtype, size=0, dynamic_size=True, infer_shape=False, element_shape=shape)
            for dtype, shape in self.items
        ]

        def step(i: Any, going: Any, kept: Any, *old: Any) -> Any:
            again, new, results = self._step(i, going, old)
            kept = [a.write(t.cast(i, dtypes.int32), v) for a, v in zip(kept, results)]
            return (raw.AddV2(i, t.int64(1)), raw.Reshape(again, t.int64([])), kept, *new)

        shapes = (
            TensorShape([]),
            TensorShape([]),
            [TensorShape(None) for _ in rows],
            *self.shapes,
        )
        results = while_loop(
            lambda i, going, *_: raw.LogicalAnd(going, raw.Less(i, most)),
            step,
            (t.int64(0), self.go, rows, *self.start),
            shape_invariants=shapes,
            maximum_iterations=None if self.limit is None else _as_int32(most),
        )
        return self._finished(results[3:], results[2])


def _stacked(rows: TensorArray, shape: TensorShape) -> Any:
    """The results of all steps in one tensor. Without a step, extents that depend on the steps' results are 0."""
    if shape.rank is None or shape.is_fully_defined():
        return rows.stack()
    handle = rows.flow
    is_empty = raw.Equal(raw.TensorListLength(handle), np.int32(0))
    open_extents = np.array([-1 if n is None else n for n in shape.as_list()], np.int32)
    known = raw.SelectV2(is_empty, np.maximum(open_extents, 0), open_extents)
    stack = raw.TensorListStack(handle, known, element_dtype=rows.dtype)
    stack.set_shape([None, *shape.as_list()])
    return stack


def _as_int32(most: Any) -> Any:
    """The number of steps as int32, for the loop's own count; None where it does not fit."""
    value = t.known(most)
    if value is None:
        return None
    return t.constant(int(value), dtypes.int32) if 0 <= value < 1 << 31 else None


@contextmanager
def _trial(n: Node) -> Iterator[None]:
    """Makes a graph in which the body is built for its results' shapes; loops in it are outlined, so each body is tried once a level."""
    outer, n.translation.is_trial = n.translation.is_trial, True
    try:
        with FuncGraph("trial").as_default():
            yield
    finally:
        n.translation.is_trial = outer


def _outline(dtype: DType, shape: TensorShape) -> Any:
    """What stands for a value of a trial."""
    return raw.Placeholder(dtype=dtype, shape=shape)


def _outlines_of_rows(items: Sequence[tuple[DType, TensorShape]], count: int | None) -> list[Any]:
    """What stands for the results of all steps."""
    return [_outline(dtype, TensorShape([count]).concatenate(shape)) for dtype, shape in items]


def _collected(n: Node, count: int, inputs: Sequence[Any]) -> list[tuple[Any, TensorShape]]:
    """The dtypes and shapes of the collected outputs of a body, found by a trial."""
    outputs = n.attr("body").output
    if count < 0 or count > len(outputs):
        raise InvalidArgumentError(f"the body has {len(outputs)} outputs.")
    with _trial(n):
        results = n.subgraph("body")(*inputs)
    collected = results[len(results) - count :]
    return [(v.dtype, v.shape) for v in collected]


@reads("Scan")
def _scan(n: Node, *inputs: Any) -> Any:
    if n.version < 9:
        return _batched_scan(n, *inputs)
    scanned = n.attr("num_scan_inputs")
    states, sequences = inputs[: len(inputs) - scanned], inputs[len(inputs) - scanned :]
    return _scanned(n, states, sequences)


def _batched_scan(n: Node, lengths: Any, *inputs: Any) -> Any:
    """The first version: every input has a batch in front, and sequences of their own lengths.

    Raises:
      InvalidArgumentError: the batch is not known, or has lengths.
    """
    if lengths is not None:
        raise InvalidArgumentError("lengths of sequences are not supported before version 9.")
    scanned = n.attr("num_scan_inputs")
    batch = inputs[0].shape.as_list()[0]
    if batch is None:
        raise InvalidArgumentError("the batch must have a known size before version 9.")
    results = []
    for b in range(batch):
        own = [t.batched_gather(x, np.int32(b), 0) for x in inputs]
        split = len(own) - scanned
        results.append(_scanned(n, own[:split], own[split:]))
    return tuple(raw.Pack(list(rows), axis=0) for rows in zip(*results))


def _scanned(n: Node, states: Sequence[Any], sequences: Sequence[Any]) -> Any:
    body, count = n.subgraph("body"), len(states)
    old = n.version < 9
    back = n.attr("directions" if old else "scan_input_directions", [0] * len(sequences))
    axes = n.attr("scan_input_axes", [0] * len(sequences))
    moved = []
    for x, axis, backwards in zip(sequences, axes, back):
        axis = t.axis_of(axis, t.rank(x))
        x = t.transpose(x, [axis, *(a for a in range(t.rank(x)) if a != axis)])
        moved.append(raw.ReverseV2(x, np.array([0], np.int32)) if backwards else x)
    collected = len(n.outputs) - count
    steps = t.cast(t.extent(moved[0], 0), dtypes.int32)
    trial = [*states, *(t.batched_gather(x, np.int32(0), 0) for x in moved)]
    items = _collected(n, collected, trial)
    rows = [
        TensorArray(dtype, size=steps, infer_shape=False, element_shape=shape)
        for dtype, shape in items
    ]

    def step(i: Any, kept: Any, *old: Any) -> Any:
        results = body(*old, *(t.batched_gather(x, i, 0) for x in moved))
        kept = [a.write(i, v) for a, v in zip(kept, results[count:])]
        return (raw.AddV2(i, np.int32(1)), kept, *results[:count])

    if n.translation.is_trial:
        final = (None, None, *(_outline(v.dtype, v.shape) for v in states))
        outputs = _outlines_of_rows(items, moved[0].shape.as_list()[0])
    else:
        final = while_loop(
            lambda i, *_: raw.Less(i, steps),
            step,
            (t.constant(0, dtypes.int32), rows, *states),
            maximum_iterations=steps,
        )
        outputs = [_stacked(a, shape) for a, (_, shape) in zip(final[1], items, strict=True)]
    turned = n.attr("scan_output_directions", [0] * collected)
    places = n.attr("scan_output_axes", [0] * collected)
    shown = []
    for y, axis, backwards in zip(outputs, places, turned):
        y = raw.ReverseV2(y, np.array([0], np.int32)) if backwards else y
        if axis:
            axis = t.axis_of(axis, t.rank(y))
            order = list(range(1, t.rank(y)))
            order.insert(axis, 0)
            y = t.transpose(y, order)
        shown.append(y)
    return (*final[2:], *shown)


@reads("SequenceMap")
def _sequence_map(n: Node, first: Any, *others: Any) -> Any:
    body = n.subgraph("body")
    lists = [first, *others]
    if all(x.items is not None for x in lists if isinstance(x, ListValue)):
        return _known_map(n, body, lists)
    count = t.cast(first.length(), dtypes.int32)
    trial = [x.at(t.int64(0)) if isinstance(x, ListValue) else x for x in lists]
    types = [dtype for dtype, _ in _collected(n, len(n.attr("body").output), trial)]
    handles = [ListValue.of([], dtype).as_handle() for dtype in types]

    def step(i: Any, *handles: Any) -> Any:
        results = body(*(x.at(i) if isinstance(x, ListValue) else x for x in lists))
        pushed = (raw.TensorListPushBack(h, v) for h, v in zip(handles, results))
        return (raw.AddV2(i, np.int32(1)), *pushed)

    if not n.translation.is_trial:
        zero = t.constant(0, dtypes.int32)
        _, *handles = while_loop(lambda i, *_: raw.Less(i, count), step, (zero, *handles))
    return tuple(ListValue(None, h, dtype) for h, dtype in zip(handles, types))


def _known_map(n: Node, body: Any, lists: Sequence[Any]) -> Any:
    parts = [x.items or [] if isinstance(x, ListValue) else None for x in lists]
    rows = [
        body(*(x if part is None else part[i] for x, part in zip(lists, parts)))
        for i in range(len(lists[0].items))
    ]
    if not rows:
        return tuple(ListValue.of([]) for _ in n.outputs)
    return tuple(ListValue.of(list(items)) for items in zip(*rows))
