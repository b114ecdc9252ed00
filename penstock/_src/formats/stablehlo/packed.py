"""Packed weights: StableHLO has no such blocks, so they are unpacked by shifts of bytes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.formats.stablehlo.functions import write_function
from penstock._src.formats.stablehlo.writer import Value, Writer, writes
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.ir.meaning.packed import FORMATS, PackedFormat, Run
from penstock._src.ir.node import Node


def _written(w: Writer, x: Value, build: Callable[[Builder, Node], Node]) -> Value:
    """The value of an expression of primitives, applied to one value."""
    p = Builder(rules=False, fold=False)
    parameter = p.parameter(0, x.shape, x.dtype)
    function = Function("packed", (parameter,), (build(p, parameter),))
    return write_function(w, function, [x])[0]


@writes("unpack")
def _unpack(w: Writer, node: Node, x: Value) -> Value:
    return _written(w, x, lambda p, packed: unpacked(p, packed, FORMATS[node.attrs["format"]]))


@writes("round_groups")
def _round_groups(w: Writer, node: Node, x: Value) -> Value:
    return _written(w, x, lambda p, rows: rounded(p, rows, node.attrs["size"]))


def unpacked(p: Builder, packed: Node, form: PackedFormat) -> Node:
    """Rows of blocks, unpacked by other primitives."""
    lead, row = packed.shape[:-1], packed.shape[-1]
    blocks = p.reshape(packed, (*lead, row // form.size, form.size))
    scale, minimum = _scales(p, blocks, form)
    runs = []
    for run in form.runs:
        q = p.cast(_numbers(p, blocks, run, form), dtypes.float32)
        at = run.factor if form.factors else 0
        value = p.mul(q, _part(p, scale, at, 1))
        if minimum is not None:
            value = p.add(value, _part(p, minimum, at, 1))
        runs.append(value)
    return p.reshape(p.concat(runs, -1), (*lead, form.row_elements(row)))


def _part(p: Builder, x: Node, at: int, count: int) -> Node:
    return p.slice_axis(x, -1, at, at + count)


def _float(p: Builder, blocks: Node, at: int, dtype: DType = dtypes.float16) -> Node:
    """The number at a byte of each block, [..., 1]."""
    number = p.bitcast(_part(p, blocks, at, dtype.size), dtype)
    return p.expand_dims(p.cast(number, dtypes.float32), -1)


def _scales(p: Builder, blocks: Node, form: PackedFormat) -> tuple[Node, Node | None]:
    """Scales [..., factors or 1], and the added constants."""
    scale = _float(p, blocks, form.scale, dtypes.as_dtype(form.scale_dtype))
    minimum = None if form.minimum is None else _float(p, blocks, form.minimum)
    if form.factors == "int8":
        factors = p.bitcast(_part(p, blocks, form.factor, len(form.runs)), dtypes.int8)
        return p.mul(p.cast(factors, dtypes.float32), scale), None
    if form.factors == "signed six bits":
        return p.mul(p.cast(_signed_six_bits(p, blocks, form.factor), dtypes.float32), scale), None
    if form.factors == "four bits":
        both = _part(p, blocks, form.factor, len(form.runs))
        scales, minima = [p.and_(both, 15)], [p.shift_right_logical(both, 4)]
    elif form.factors:
        a, b, c = (_part(p, blocks, form.factor + i, 4) for i in (0, 4, 8))
        upper = [p.shift_left(p.shift_right_logical(x, 6), 4) for x in (a, b)]
        scales = [p.and_(a, 63), p.or_(p.and_(c, 15), upper[0])]
        minima = [p.and_(b, 63), p.or_(p.shift_right_logical(c, 4), upper[1])]
    if form.factors:
        assert minimum is not None
        scale = p.mul(p.cast(p.concat(scales, -1), dtypes.float32), scale)
        minimum = p.neg(p.mul(p.cast(p.concat(minima, -1), dtypes.float32), minimum))
    return scale, minimum


def _signed_six_bits(p: Builder, blocks: Node, at: int) -> Node:
    """The sixteen scales in 12 bytes, int8."""
    low, high = _part(p, blocks, at, 8), _part(p, blocks, at + 8, 4)
    lows = p.concat([p.and_(low, 15), p.shift_right_logical(low, 4)], -1)
    highs = [p.and_(p.shift_right_logical(high, shift), 3) for shift in range(0, 8, 2)]
    both = p.or_(lows, p.shift_left(p.concat(highs, -1), 4))
    return p.sub(p.bitcast(both, dtypes.int8), 32)


def _numbers(p: Builder, blocks: Node, run: Run, form: PackedFormat) -> Node:
    """The int8 numbers of a run, [..., its length]."""
    q = _part(p, blocks, run.low, run.length)
    if form.bits == 8:
        return p.bitcast(q, dtypes.int8)
    q = p.and_(p.shift_right_logical(q, run.shift), (1 << form.bits) - 1)
    if form.across:
        word = p.expand_dims(p.bitcast(_part(p, blocks, run.high, 4), dtypes.uint32), -1)
        places = np.arange(run.high_shift, run.high_shift + run.length, dtype=np.uint32)
        word = p.broadcast_to(word, (*blocks.shape[:-1], run.length))
        bits = p.and_(p.shift_right_logical(word, p.constant(places, dtypes.uint32)), 1)
        q = p.or_(q, p.shift_left(p.cast(bits, dtypes.uint8), 4))
    elif form.high_bits:
        high = p.shift_right_logical(_part(p, blocks, run.high, run.length), run.high_shift)
        q = p.or_(q, p.shift_left(p.and_(high, (1 << form.high_bits) - 1), form.bits))
    return p.sub(p.bitcast(q, dtypes.int8), form.zero)


def rounded(p: Builder, x: Node, size: int) -> Node:
    """Rows rounded by groups, by other primitives."""
    groups = p.reshape(x, (*x.shape[:-1], x.shape[-1] // size, size))
    largest: Any = p.reduce_max(p.abs(groups), -1, True)
    divisor = p.select(p.eq(largest, 0.0), 1.0, largest)
    q = p.round(p.mul(p.div(groups, divisor), 127.0))
    scale = p.add(p.mul(largest, float(np.float32(1 / 127))), p.sub(largest, largest))
    return p.reshape(p.mul(q, scale), x.shape)
