"""Ops that move values: shapes, slices, padding, joining, making constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.writing.writer import (
    Writer,
    attribute_of,
    known,
    rank,
    scalar,
    sizes,
    writes,
)
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value

_FAR = (1 << 63) - 1
_BACKWARDS = -(1 << 63)


@writes("Reshape")
def _reshape(w: Writer, op: Operation, x: str, shape: str) -> str:
    value = constant_value(op.inputs[1])
    if value is None:
        static = op.outputs[0].shape
        if (
            static.rank is not None
            and static.as_list().count(None) == 1
            and 0 not in static.as_list()
        ):
            value = np.array([-1 if n is None else n for n in static.as_list()])
    if value is not None:
        return w.reshape(x, *np.asarray(value).reshape(-1).tolist())
    return w.node("Reshape", x, w.int64(shape, op.inputs[1]), allowzero=1)


@writes("Transpose")
def _transpose(w: Writer, op: Operation, x: str, order: str) -> str:
    return w.transpose(x, known(op.inputs[1], "the permutation").tolist())


@writes("ExpandDims")
def _expand_dims(w: Writer, op: Operation, x: str, axis: str) -> str:
    return w.unsqueeze(x, int(known(op.inputs[1], "the axis").reshape(())))


@writes("Squeeze")
def _squeeze(w: Writer, op: Operation, x: str) -> str:
    axes = attribute_of(op, "axis", ()) or attribute_of(op, "squeeze_dims", ())
    if not axes:
        axes = [a for a, n in enumerate(sizes(op.inputs[0])) if n == 1]
        if None in sizes(op.inputs[0]):
            raise UnimplementedError("sizes that are not known cannot be squeezed.")
    return w.squeeze(x, *(int(a) for a in axes)) if axes else x


def _axis(op: Operation, tensor: Any) -> int:
    return int(known(tensor, "the axis").reshape(()))


@writes("ConcatV2")
def _concat(w: Writer, op: Operation, *inputs: str) -> str:
    parts = list(inputs[:-1])
    return w.node("Concat", *parts, axis=_axis(op, op.inputs[-1])) if len(parts) > 1 else parts[0]


@writes("Concat")
def _old_concat(w: Writer, op: Operation, axis: str, *parts: str) -> str:
    return w.node("Concat", *parts, axis=_axis(op, op.inputs[0]))


@writes("Pack")
def _pack(w: Writer, op: Operation, *inputs: str) -> str:
    axis = int(attribute_of(op, "axis", 0))
    parts = [w.unsqueeze(x, axis) for x in inputs]
    return w.node("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0]


@writes("Unpack")
def _unpack(w: Writer, op: Operation, x: str) -> Any:
    axis, count = int(attribute_of(op, "axis", 0)), len(op.outputs)
    if count == 1:
        return w.squeeze(x, axis)
    parts = w.nodes("Split", [x, w.ints(*[1] * count)], count, axis=axis)
    return [w.squeeze(part, axis) for part in parts]


@writes("Split")
def _split(w: Writer, op: Operation, axis: str, x: str) -> Any:
    count = len(op.outputs)
    if count == 1:
        return x
    return w.nodes("Split", [x], count, axis=_axis(op, op.inputs[0]), num_outputs=count)


@writes("SplitV")
def _split_v(w: Writer, op: Operation, x: str, parts: str, axis: str) -> Any:
    if len(op.outputs) == 1:
        return x
    at = _axis(op, op.inputs[2])
    value = constant_value(op.inputs[1])
    if value is not None and np.any(np.asarray(value) < 0):
        size = sizes(op.inputs[0])[at]
        if size is None:
            raise UnimplementedError("a part of a size that is not known cannot be written.")
        amounts = np.asarray(value).copy()
        amounts[amounts < 0] = size - amounts[amounts >= 0].sum()
        lengths = w.ints(*amounts.tolist())
    else:
        lengths = w.int64(parts, op.inputs[1])
    return w.nodes("Split", [x, lengths], len(op.outputs), axis=at)


@writes("Slice")
def _slice(w: Writer, op: Operation, x: str, begin: str, size: str) -> str:
    starts, lengths = constant_value(op.inputs[1]), constant_value(op.inputs[2])
    axes = list(range(rank(op.inputs[0])))
    first = w.int64(begin, op.inputs[1])
    if lengths is not None and starts is not None:
        ends = [
            _FAR if n < 0 else s + n for s, n in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]
        return w.node("Slice", x, first, w.ints(*ends), w.ints(*axes))
    count = w.int64(size, op.inputs[2])
    sums = w.node("Add", first, count)
    if lengths is None or np.any(np.asarray(lengths) < 0):
        sums = w.node("Where", w.node("Less", count, w.ints(0)), w.ints(_FAR), sums)
    return w.node("Slice", x, first, sums, w.ints(*axes))


@writes("StridedSlice")
def _strided_slice(w: Writer, op: Operation, x: str, begin: str, end: str, strides: str) -> str:
    plan = _SlicePlan(op)
    if plan.is_empty_of_slices:
        y = x
    else:
        y = w.node("Slice", plan.up_to_begins(w, x), *plan.bounds(w, begin, end))
    if plan.dropped:
        y = w.squeeze(y, *plan.dropped)
    return w.unsqueeze(y, *plan.added) if plan.added else y


class _SlicePlan:
    """The axes that a StridedSlice cuts, drops and adds.

    Attributes:
      cut: for every axis that is cut (axis, position in the vectors, step).
      dropped: axes of the input that disappear; added: those of the output that are new.
    """

    def __init__(self, op: Operation) -> None:
        self.op = op
        count = op.inputs[1].shape.as_list()[0]
        if count is None:
            raise UnimplementedError("a slice with bounds of unknown number cannot be written.")
        self.masks = {
            name: int(attribute_of(op, f"{name}_mask"))
            for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
        }
        steps = constant_value(op.inputs[3])
        if steps is None:
            raise UnimplementedError("the strides must be constant.")
        dimensions = rank(op.inputs[0])
        new = sum(self._has("new_axis", i) and not self._has("ellipsis", i) for i in range(count))
        ellipsis = [i for i in range(count) if self._has("ellipsis", i)]
        hidden = dimensions - (count - new - len(ellipsis)) if ellipsis else 0
        self.cut: list[tuple[int, int, int]] = []
        self.dropped: list[int] = []
        self.added: list[int] = []
        axis = place = 0
        for i in range(count):
            if self._has("ellipsis", i):
                axis += hidden
                place += hidden
            elif self._has("new_axis", i):
                self.added.append(place)
                place += 1
            elif self._has("shrink_axis", i):
                self.cut.append((axis, i, 1))
                self.dropped.append(axis)
                axis += 1
            else:
                if not (self._has("begin", i) and self._has("end", i) and steps[i] == 1):
                    self.cut.append((axis, i, int(steps[i])))
                axis += 1
                place += 1

    def _has(self, mask: str, i: int) -> bool:
        return bool(self.masks[mask] >> i & 1)

    @property
    def is_empty_of_slices(self) -> bool:
        """True if nothing is cut."""
        return not self.cut

    def up_to_begins(self, w: Writer, x: str) -> str:
        """The rows up to the begins of backward slices that count from the end.

        ONNX begins at the first row if such a begin is before it; TensorFlow's slice is empty then, as these rows are.
        """
        cut = {axis: self._begin_from_end(i, step) for axis, i, step in self.cut}
        ends = {axis: begin + 1 for axis, begin in cut.items() if begin}
        if not ends:
            return x
        return w.node("Slice", x, w.ints(*[0] * len(ends)), w.ints(*ends.values()), w.ints(*ends))

    def _begin_from_end(self, i: int, step: int) -> int:
        """The constant begin of a backward slice, if it is before the last row, counted from the end; else 0."""
        begins = constant_value(self.op.inputs[1])
        if step > 0 or begins is None or self._has("begin", i):
            return 0
        return int(begins[i]) if begins[i] < -1 else 0

    def bounds(self, w: Writer, begin: str, end: str) -> list[str]:
        """The inputs of Slice: starts, ends, axes, steps."""
        starts, ends = [], []
        for _, i, step in self.cut:
            before = self._begin_from_end(i, step)
            starts.append(-1 if before else self._bound(w, begin, 1, i, step, "begin"))
            if self._has("shrink_axis", i):
                ends.append(self._end_of_one(w, begin, i))
            else:
                stop = self._bound(w, end, 2, i, step, "end")
                ends.append(self._moved_end(w, stop, before) if before else stop)
        return [
            self._joined(w, starts),
            self._joined(w, ends),
            w.ints(*(axis for axis, _, _ in self.cut)),
            w.ints(*(step for _, _, step in self.cut)),
        ]

    def _joined(self, w: Writer, parts: list[Any]) -> str:
        if all(isinstance(p, int) for p in parts):
            return w.ints(*parts)
        return w.vector([w.ints(p) if isinstance(p, int) else p for p in parts])

    def _bound(self, w: Writer, name: str, index: int, i: int, step: int, mask: str) -> Any:
        if self._has(mask, i):
            first = mask == "begin"
            return 0 if first and step > 0 else _FAR if first or step > 0 else _BACKWARDS
        value = constant_value(self.op.inputs[index])
        if value is not None:
            return int(value[i])
        vector = w.cast(name, self.op.inputs[index].dtype, dtypes.int64)
        return w.node("Slice", vector, w.ints(i), w.ints(i + 1))

    def _moved_end(self, w: Writer, end: Any, begin: int) -> Any:
        """The end of a backward slice among the rows up to its begin, counted from the end as that is."""
        if isinstance(end, int):
            return end if end >= 0 or end == _BACKWARDS else min(end - begin - 1, -1)
        moved = w.node("Min", w.node("Sub", end, w.ints(begin + 1)), w.ints(-1))
        return w.node("Where", w.node("Less", end, w.ints(0)), moved, end)

    def _end_of_one(self, w: Writer, begin: str, i: int) -> Any:
        """The end of one row: after the last one for -1."""
        start = self._bound(w, begin, 1, i, 1, "begin")
        if isinstance(start, int):
            return _FAR if start == -1 else start + 1
        behind = w.node("Add", start, w.ints(1))
        return w.node("Where", w.node("Equal", behind, w.ints(0)), w.ints(_FAR), behind)


@writes("BroadcastArgs")
def _broadcast_args(w: Writer, op: Operation, a: str, b: str) -> str:
    """The broadcast shape of two shapes."""
    one = [w.node("ConstantOfShape", w.int64(n, t)) for n, t in zip((a, b), op.inputs, strict=True)]
    return w.cast(w.node("Shape", w.node("Add", *one)), dtypes.int64, op.outputs[0].dtype)


@writes("Fill")
def _fill(w: Writer, op: Operation, shape: str, value: str) -> str:
    constant = constant_value(op.inputs[1])
    if constant is not None and op.inputs[1].dtype is not dtypes.string:
        return w.node(
            "ConstantOfShape", w.int64(shape, op.inputs[0]), value=np.reshape(constant, 1)
        )
    return w.node("Expand", value, w.int64(shape, op.inputs[0]))


@writes("ShapeN")
def _shapes(w: Writer, op: Operation, *inputs: str) -> Any:
    return [w.cast(w.node("Shape", x), dtypes.int64, op.outputs[0].dtype) for x in inputs]


@writes("Rank")
def _rank(w: Writer, op: Operation, x: str) -> str:
    size = w.node("Size", w.node("Shape", x))
    return w.cast(size, dtypes.int64, op.outputs[0].dtype)


@writes("Pad", "PadV2")
def _pad(w: Writer, op: Operation, x: str, amounts: str, value: str = "") -> str:
    return w.node("Pad", x, _pads(w, op, amounts), value)


def _pads(w: Writer, op: Operation, amounts: str) -> str:
    """[axes, 2] as the padding before all axes, then after them."""
    padding = constant_value(op.inputs[1])
    if padding is not None:
        return w.ints(*padding.T.reshape(-1).tolist())
    turned = w.node("Transpose", w.int64(amounts, op.inputs[1]), perm=[1, 0])
    return w.reshape(turned, -1)


@writes("MirrorPad")
def _mirror_pad(w: Writer, op: Operation, x: str, amounts: str) -> str:
    if attribute_of(op, "mode") == "REFLECT":
        return w.node("Pad", x, _pads(w, op, amounts), mode="reflect")
    # The outer rows are there twice: they are gathered.
    padding = known(op.inputs[1], "the padding")
    for axis, (before, after) in enumerate(padding.tolist()):
        size = sizes(op.inputs[0])[axis]
        if before or after:
            if size is None:
                raise UnimplementedError("symmetric padding of a size that is not known.")
            rows = np.pad(np.arange(size), (before, after), mode="symmetric")
            x = w.node("Gather", x, w.constant(rows.astype(np.int64)), axis=axis)
    return x


@writes("ReverseV2")
def _reverse(w: Writer, op: Operation, x: str, axes: str) -> str:
    reversed_axes = known(op.inputs[1], "the axes").reshape(-1).tolist()
    if not reversed_axes:
        return x
    count = len(reversed_axes)
    starts, ends = w.ints(*[-1] * count), w.ints(*[_BACKWARDS] * count)
    return w.node("Slice", x, starts, ends, w.ints(*reversed_axes), w.ints(*[-1] * count))


@writes("ReverseSequence")
def _reverse_sequence(w: Writer, op: Operation, x: str, lengths: str) -> str:
    time, batch = int(attribute_of(op, "seq_dim")), int(attribute_of(op, "batch_dim"))
    if {time, batch} != {0, 1}:
        order = [batch, time, *(a for a in range(rank(op.inputs[0])) if a not in (batch, time))]
        x = w.transpose(x, order)
    counts = w.int64(lengths, op.inputs[1])
    at = (time, batch) if {time, batch} == {0, 1} else (1, 0)
    y = w.node("ReverseSequence", x, counts, time_axis=at[0], batch_axis=at[1])
    return y if {time, batch} == {0, 1} else w.transpose(y, np.argsort(order).tolist())


@writes("SpaceToBatchND")
def _space_to_batch(w: Writer, op: Operation, x: str, block: str, paddings: str) -> str:
    factors = known(op.inputs[1], "the block").tolist()
    amounts = known(op.inputs[2], "the paddings")
    count, shape = len(factors), sizes(op.inputs[0])
    if None in shape[1:]:
        raise UnimplementedError("sizes that are not known cannot be split into blocks.")
    dimensions = len(shape)
    full = np.zeros((dimensions, 2), np.int64)
    full[1 : 1 + count] = amounts
    x = w.node("Pad", x, w.ints(*full.T.reshape(-1).tolist())) if full.any() else x
    padded = [n + int(a.sum()) for n, a in zip(shape[1:], full[1:], strict=True)]  # type: ignore[operator]
    split = [-1 if shape[0] is None else shape[0]]
    for i, n in enumerate(padded):
        split += [n // factors[i], factors[i]] if i < count else [n]
    inner = list(range(1, 1 + 2 * count))
    order = [*inner[1::2], 0, *inner[0::2], *range(1 + 2 * count, len(split))]
    moved = w.transpose(w.reshape(x, *split), order)
    rows = [n // factors[i] if i < count else n for i, n in enumerate(padded)]
    return w.reshape(moved, -1, *rows)


@writes("BatchToSpaceND")
def _batch_to_space(w: Writer, op: Operation, x: str, block: str, crops: str) -> str:
    factors = known(op.inputs[1], "the block").tolist()
    amounts = known(op.inputs[2], "the crops")
    count, shape = len(factors), sizes(op.inputs[0])
    if None in shape[1:]:
        raise UnimplementedError("sizes that are not known cannot be joined from blocks.")
    split: list[Any] = [*factors, -1, *shape[1:]]
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    order += range(2 * count + 1, len(split))
    moved = w.transpose(w.reshape(x, *split), order)
    rows: list[Any] = [n * factors[i] if i < count else n for i, n in enumerate(shape[1:])]  # type: ignore[operator]
    joined = w.reshape(moved, -1, *rows)
    if not amounts.any():
        return joined
    ends = [n - int(after) for n, (_, after) in zip(rows, amounts, strict=False)]  # type: ignore[operator]
    axes = list(range(1, 1 + count))
    return w.node("Slice", joined, w.ints(*amounts[:, 0].tolist()), w.ints(*ends), w.ints(*axes))


@writes("MatrixBandPart")
def _band(w: Writer, op: Operation, x: str, lower: str, upper: str) -> str:
    below, above = (int(known(t, "the band").reshape(())) for t in op.inputs[1:])
    if above >= 0:
        x = w.node("Trilu", x, w.constant(np.int64(above)), upper=0)
    if below >= 0:
        x = w.node("Trilu", x, w.constant(np.int64(-below)), upper=1)
    return x


@writes("LinSpace")
def _lin_space(w: Writer, op: Operation, start: str, stop: str, count: str) -> str:
    number = int(known(op.inputs[2], "the number").reshape(()))
    like = op.inputs[0]
    parts = scalar(w, max(number - 1, 1), like)
    step = w.node("Div", w.node("Sub", stop, start), parts)
    places = w.constant(np.arange(number).astype(like.dtype.np))
    return w.node("Add", start, w.node("Mul", places, step))


@writes("InvertPermutation")
def _invert_permutation(w: Writer, op: Operation, x: str) -> str:
    numbers = w.int64(x, op.inputs[0])
    size = w.node("Shape", numbers)
    empty = w.node("ConstantOfShape", size, value=np.zeros(1, np.int64))
    count = w.squeeze(size, 0)
    rows = w.node("Range", w.constant(np.int64(0)), count, w.constant(np.int64(1)))
    inverse = w.node("ScatterElements", empty, numbers, rows)
    return w.cast(inverse, dtypes.int64, op.outputs[0].dtype)


@writes("RandomUniform", "RandomStandardNormal", "TruncatedNormal")
def _random(w: Writer, op: Operation, shape: str) -> str:
    if op.type == "TruncatedNormal":
        raise UnimplementedError("truncated normal numbers have no counterpart.")
    like = w.node(
        "ConstantOfShape",
        w.int64(shape, op.inputs[0]),
        value=np.zeros(1, op.outputs[0].dtype.np),
    )
    node = "RandomUniformLike" if op.type == "RandomUniform" else "RandomNormalLike"
    return w.node(node, like)
