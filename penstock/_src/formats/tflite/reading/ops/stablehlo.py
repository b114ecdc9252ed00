"""The operations of StableHLO that TFLite runs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin
from penstock._src.formats.tflite.schema import SCHEMA

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": lambda x, y: raw.AddV2(x=x, y=y),
    "MULTIPLY": lambda x, y: raw.Mul(x=x, y=y),
    "MAXIMUM": lambda x, y: raw.Maximum(x=x, y=y),
    "MINIMUM": lambda x, y: raw.Minimum(x=x, y=y),
    "AND": lambda x, y: _logical(raw.LogicalAnd, raw.BitwiseAnd, x, y),
    "OR": lambda x, y: _logical(raw.LogicalOr, raw.BitwiseOr, x, y),
    "SHIFT_LEFT": lambda x, y: raw.LeftShift(x=x, y=y),
}
_SCATTERS = {"ADD": "Add", "MAXIMUM": "Max", "MINIMUM": "Min", "": "Update"}
_REDUCE = SCHEMA.enums["ReduceWindowFunction"]
_REDUCE_NAMES = {
    _REDUCE.ADD: "ADD",
    _REDUCE.MUL: "MULTIPLY",
    _REDUCE.MINIMUM: "MINIMUM",
    _REDUCE.MAXIMUM: "MAXIMUM",
    _REDUCE.ALL: "AND",
    _REDUCE.ANY: "OR",
}


def _logical(of_bools: Any, of_bits: Any, x: Any, y: Any) -> Any:
    return of_bools(x=x, y=y) if x.dtype == dtypes.bool_ else of_bits(x=x, y=y)


def _binary(name: str, function: Callable[[Any, Any], Any]) -> None:
    @builtin(f"STABLEHLO_{name}")
    def binary(call: Call) -> Any:
        if call.is_quantized():
            raise call.unimplemented("the operation on quantized values")
        return function(call.tensor(0), call.tensor(1))


for _name, _function in _BINARY.items():
    _binary(_name, _function)


def _ints(values: Any, count: int, default: int) -> list[int]:
    numbers = [] if values is None else [int(value) for value in values]
    return numbers or [default] * count


@builtin("STABLEHLO_PAD", options="StablehloPadOptions")
def pad(call: Call) -> Any:
    options, x = call.options, call.tensor(0)
    value = raw.Reshape(tensor=call.tensor(1), shape=np.zeros(0, np.int32))
    rank = call.rank(0)
    low = _ints(options.edge_padding_low, rank, 0)
    high = _ints(options.edge_padding_high, rank, 0)
    interior = _ints(options.interior_padding, rank, 0)
    x = dilated(x, list(call.shape(0)), [gap + 1 for gap in interior], value)
    return _edged(x, low, high, value)


def _edged(x: Any, low: Sequence[int], high: Sequence[int], value: Any) -> Any:
    """Adds values at the edges; negative amounts remove some."""
    paddings = np.maximum(np.array([low, high], np.int32).T, 0)
    if np.any(paddings):
        x = raw.PadV2(input=x, paddings=paddings, constant_values=value)
    cut = np.maximum(-np.array([low, high], np.int32), 0)
    if np.any(cut):
        size = np.array(x.shape.as_list(), np.int32) - cut.sum(axis=0)
        x = raw.Slice(input=x, begin=cut[0], size=size.astype(np.int32))
    return x


def dilated(x: Any, shape: list[int], factors: Sequence[int], value: Any) -> Any:
    """Returns a tensor with `factor - 1` values between neighbours along each axis."""
    for axis, factor in enumerate(factors):
        if factor == 1 or not shape[axis]:
            continue
        # [.., n, ..] -> [.., n, factor, ..] -> [.., n * factor, ..], without the padding after the last element.
        paddings = np.zeros((len(shape) + 1, 2), np.int32)
        paddings[axis + 1, 1] = factor - 1
        x = raw.ExpandDims(input=x, axis=np.int32(axis + 1))
        x = raw.PadV2(input=x, paddings=paddings, constant_values=value)
        shape[axis] *= factor
        x = raw.Reshape(tensor=x, shape=np.array(shape, np.int32))
        shape[axis] -= factor - 1
        x = raw.Slice(input=x, begin=np.zeros(len(shape), np.int32), size=np.array(shape, np.int32))
    return x


@builtin("DILATE")
def dilate(call: Call) -> Any:
    value = raw.Reshape(tensor=call.tensor(2), shape=np.zeros(0, np.int32))
    return dilated(call.tensor(0), list(call.shape(0)), call.array(1).tolist(), value)


def _windows(
    x: Any,
    name: str,
    start: Any,
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Any:
    """Reduces windows, one axis after the other, then joins in the initial value."""
    combine = _BINARY[name]
    for axis, (size, stride, dilation) in enumerate(zip(sizes, strides, dilations)):
        extent = x.shape[axis]
        count = (extent - dilation * (size - 1) - 1) // stride + 1
        total: Any = None
        for k in range(size):
            places = np.arange(max(count, 0), dtype=np.int32) * stride + k * dilation
            part = raw.GatherV2(params=x, indices=places.astype(np.int32), axis=np.int32(axis))
            total = part if total is None else combine(total, part)
        x = total
    return combine(x, start)


@builtin("REDUCE_WINDOW", options="ReduceWindowOptions")
def reduce_window(call: Call) -> Any:
    name = _REDUCE_NAMES.get(call.options.reduce_function)
    if name is None:
        raise call.invalid(f"there is no reduction {call.options.reduce_function}.")
    start = raw.Reshape(tensor=call.tensor(1), shape=np.zeros(0, np.int32))
    call.shape(0)
    geometry = (call.array(i).tolist() for i in (2, 3, 4))
    return _windows(call.tensor(0), name, start, *geometry)


@builtin("STABLEHLO_REDUCE_WINDOW", options="StablehloReduceWindowOptions")
def stablehlo_reduce_window(call: Call) -> Any:
    options, rank = call.options, call.rank(0)
    start = raw.Reshape(tensor=call.tensor(1), shape=np.zeros(0, np.int32))
    x = dilated(call.tensor(0), list(call.shape(0)), _ints(options.base_dilations, rank, 1), start)
    padding = np.array(_ints(options.padding, 2 * rank, 0)).reshape(rank, 2)
    x = _edged(x, padding[:, 0].tolist(), padding[:, 1].tolist(), start)
    return _windows(
        x,
        _reduction_of(call, options.body_subgraph_index),
        start,
        _ints(options.window_dimensions, rank, 1),
        _ints(options.window_strides, rank, 1),
        _ints(options.window_dilations, rank, 1),
    )


def _reduction_of(call: Call, index: int) -> str:
    """The operation that a graph of two scalars is; "" if it returns the second."""
    graphs = call.translation.contents.graphs
    if not 0 <= index < len(graphs):
        raise call.invalid(f"there is no subgraph {index} of {len(graphs)}.")
    graph = graphs[index]
    if not graph.operations and graph.outputs == graph.inputs[1:]:
        return ""
    if len(graph.operations) == 1:
        name = graph.operations[0].name.removeprefix("STABLEHLO_")
        name = {"MUL": "MULTIPLY", "LOGICAL_AND": "AND", "LOGICAL_OR": "OR"}.get(name, name)
        if name in _BINARY:
            return name
    raise call.unimplemented(f"the reduction of subgraph {index}")


@builtin("STABLEHLO_GATHER", options="StablehloGatherOptions")
def gather(call: Call) -> Any:
    options, operand = call.options, call.tensor(0)
    sizes = _ints(options.slice_sizes, 0, 0)
    offset_dims, collapsed = (
        _ints(options.offset_dims, 0, 0),
        _ints(options.collapsed_slice_dims, 0, 0),
    )
    shape, mapped = call.shape(0), _ints(options.start_index_map, 0, 0)
    starts = _last_axis(call.tensor(1), call.shape(1), options.index_vector_dim)
    batch = [extent for extent in starts.shape.as_list()[:-1]]
    rank = len(batch) + len(offset_dims)
    batch_dims = [d for d in range(rank) if d not in offset_dims]
    kept = [d for d in range(len(shape)) if d not in collapsed]
    result = [0] * rank
    for d, extent in zip(batch_dims, batch):
        result[d] = extent
    for d, of in zip(offset_dims, kept):
        result[d] = sizes[of]
    places = []
    for d, extent in enumerate(shape):
        place: Any = np.zeros([1] * rank, np.int32)
        if d in mapped:
            start = raw.Cast(x=starts[..., mapped.index(d)], DstT=dtypes.int32)
            start = raw.Minimum(
                x=raw.Maximum(x=start, y=np.int32(0)), y=np.int32(extent - sizes[d])
            )
            spread = [result[k] if k in batch_dims else 1 for k in range(rank)]
            place = raw.Reshape(tensor=start, shape=np.array(spread, np.int32))
        if d in kept:
            along = [1] * rank
            along[offset_dims[kept.index(d)]] = sizes[d]
            within = np.arange(sizes[d], dtype=np.int32).reshape(along)
            place = raw.AddV2(x=place, y=within)
        places.append(raw.BroadcastTo(input=place, shape=np.array(result, np.int32)))
    return raw.GatherNd(params=operand, indices=raw.Pack(values=places, axis=rank))


def _last_axis(indices: Any, shape: Sequence[int], axis: int) -> Any:
    """Index vectors along the last axis; an axis after the last one means scalars."""
    if axis == len(shape):
        return raw.ExpandDims(input=indices, axis=np.int32(axis))
    order = [d for d in range(len(shape)) if d != axis] + [axis]
    return raw.Transpose(x=indices, perm=np.array(order, np.int32))


@builtin("STABLEHLO_SCATTER", options="StablehloScatterOptions")
def scatter(call: Call) -> Any:
    options, operand = call.options, call.tensor(0)
    name = _reduction_of(call, options.update_computation_subgraph_index)
    if name not in _SCATTERS:
        raise call.unimplemented(f"a scatter by {name}")
    shape, updates_shape = call.shape(0), call.shape(2)
    window = _ints(options.update_window_dims, 0, 0)
    inserted = _ints(options.inserted_window_dims, 0, 0)
    mapped = _ints(options.scatter_dims_to_operand_dims, 0, 0)
    starts = _last_axis(call.tensor(1), call.shape(1), options.index_vector_dim)
    rank = len(updates_shape)
    kept = [d for d in range(len(shape)) if d not in inserted]
    inside: Any = None
    places = []
    for d, extent in enumerate(shape):
        place: Any = np.zeros([1] * rank, np.int32)
        if d in mapped:
            start = raw.Cast(x=starts[..., mapped.index(d)], DstT=dtypes.int32)
            spread = [1 if k in window else updates_shape[k] for k in range(rank)]
            place = raw.Reshape(tensor=start, shape=np.array(spread, np.int32))
        size = updates_shape[window[kept.index(d)]] if d in kept else 1
        last = np.int32(extent - size)
        fits = raw.LogicalAnd(
            x=raw.GreaterEqual(x=place, y=np.int32(0)), y=raw.LessEqual(x=place, y=last)
        )
        inside = fits if inside is None else raw.LogicalAnd(x=inside, y=fits)
        if d in kept:
            along = [1] * rank
            along[window[kept.index(d)]] = size
            place = raw.AddV2(x=place, y=np.arange(size, dtype=np.int32).reshape(along))
        places.append(raw.BroadcastTo(input=place, shape=np.array(updates_shape, np.int32)))
    # Updates that are not completely inside of the operand are dropped: they go to a row after it.
    flat_strides = np.cumprod([1, *shape[:0:-1]])[::-1].astype(np.int32)
    flat = raw.AddN(inputs=[raw.Mul(x=p, y=s) for p, s in zip(places, flat_strides)])
    total = int(np.prod(shape))
    inside = raw.BroadcastTo(input=inside, shape=np.array(updates_shape, np.int32))
    flat = raw.SelectV2(condition=inside, t=flat, e=np.int32(total))
    row = np.array([-1], np.int32)
    padded = raw.ConcatV2(
        values=[
            raw.Reshape(tensor=operand, shape=row),
            np.zeros(1, operand.dtype.as_numpy_dtype),
        ],
        axis=np.int32(0),
    )
    scattered = getattr(raw, f"TensorScatter{_SCATTERS[name]}")(
        tensor=padded,
        indices=raw.Reshape(tensor=flat, shape=np.array([-1, 1], np.int32)),
        updates=raw.Reshape(tensor=call.tensor(2), shape=row),
    )
    return raw.Reshape(tensor=scattered[:total], shape=np.array(shape, np.int32))


@builtin("STABLEHLO_COMPOSITE", options="StableHLOCompositeOptions")
def composite(call: Call) -> Any:
    graphs = call.translation.contents.graphs
    index = call.options.decomposition_subgraph_index
    if not 0 <= index < len(graphs):
        raise call.invalid(f"there is no subgraph {index} of {len(graphs)}.")
    return call.translation.branch(index).run(call.tensors())
