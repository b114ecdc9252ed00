"""Ops that only move values: shapes, slices, joins, gathers. Quantized values are moved as they are."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin, number
from penstock._src.formats.tflite.reading.quantized_kernels.joining import requantized_parts
from penstock._src.formats.tflite.reading.quantized_kernels.values import finish


def _zero(call: Call) -> np.ndarray:
    """The number that means zero in the first input."""
    zero = call.quantization(0).zero_point if call.is_quantized() else 0
    return number(zero, call.tensor(0))


@builtin("RESHAPE", options="ReshapeOptions")
def reshape(call: Call) -> Any:
    if call.has(1) and call.info(1).dtype == dtypes.int32:
        shape = call.tensor(1)
    elif call.options.new_shape is None:
        raise call.invalid("it has no shape.")
    else:
        shape = np.asarray(call.options.new_shape, np.int32)
    known = call.static(1) if call.has(1) else shape
    if known is not None and known.tolist() == [0]:  # old files write a scalar in this way
        shape = np.zeros(0, np.int32)
    return raw.Reshape(tensor=call.tensor(0), shape=shape)


@builtin("SQUEEZE", options="SqueezeOptions")
def squeeze(call: Call) -> Any:
    axes = call.options.squeeze_dims
    return raw.Squeeze(input=call.tensor(0), axis=[] if axes is None else axes.tolist())


@builtin("EXPAND_DIMS")
def expand_dims(call: Call) -> Any:
    return raw.ExpandDims(input=call.tensor(0), axis=call.tensor(1))


@builtin("TRANSPOSE")
def transpose(call: Call) -> Any:
    return raw.Transpose(x=call.tensor(0), perm=call.tensor(1))


@builtin("SHAPE", options="ShapeOptions")
def shape(call: Call) -> Any:
    return raw.Shape(input=call.tensor(0), out_type=call.output().dtype)


@builtin("RANK")
def rank(call: Call) -> Any:
    return raw.Rank(input=call.tensor(0))


@builtin("FILL")
def fill(call: Call) -> Any:
    return raw.Fill(dims=call.tensor(0), value=call.tensor(1))


@builtin("RANGE")
def range_(call: Call) -> Any:
    start, limit, delta = call.tensors()
    return raw.Range(start=start, limit=limit, delta=delta)


@builtin("TILE")
def tile(call: Call) -> Any:
    return raw.Tile(input=call.tensor(0), multiples=call.tensor(1))


@builtin("BROADCAST_TO")
def broadcast_to(call: Call) -> Any:
    return raw.BroadcastTo(input=call.tensor(0), shape=call.tensor(1))


@builtin("BROADCAST_ARGS")
def broadcast_args(call: Call) -> Any:
    return raw.BroadcastArgs(s0=call.tensor(0), s1=call.tensor(1))


@builtin("CONCATENATION", options="ConcatenationOptions")
def concatenation(call: Call) -> Any:
    options = call.options
    parts = call.tensors()
    if call.is_quantized():
        parts = requantized_parts(call)
    joined = raw.ConcatV2(values=parts, axis=np.int32(options.axis)) if len(parts) > 1 else parts[0]
    if call.is_quantized() and options.fused_activation_function:
        return finish(
            call, raw.Cast(x=joined, DstT=dtypes.int32), options.fused_activation_function
        )
    return call.activated(joined)


@builtin("PACK", options="PackOptions")
def pack(call: Call) -> Any:
    return raw.Pack(values=call.tensors(), axis=call.options.axis)


def _outputs(call: Call, count: int) -> int:
    """The number of outputs, which must match the options."""
    actual = len(call.operation.outputs)
    if count != actual:
        raise call.invalid(f"its options say {count} outputs, and it has {actual}.")
    return actual


@builtin("UNPACK", options="UnpackOptions")
def unpack(call: Call) -> Any:
    count = _outputs(call, call.options.num)
    return raw.Unpack(value=call.tensor(0), num=count, axis=call.options.axis)


@builtin("SPLIT", options="SplitOptions")
def split(call: Call) -> Any:
    count = _outputs(call, call.options.num_splits)
    return raw.Split(axis=call.tensor(0), value=call.tensor(1), num_split=count)


@builtin("SPLIT_V", options="SplitVOptions")
def split_v(call: Call) -> Any:
    value, sizes, axis = call.tensors()
    return raw.SplitV(
        value=value, size_splits=sizes, axis=axis, num_split=len(call.operation.outputs)
    )


@builtin("SLICE")
def slice_(call: Call) -> Any:
    return raw.Slice(input=call.tensor(0), begin=call.tensor(1), size=call.tensor(2))


@builtin("STRIDED_SLICE", options="StridedSliceOptions")
def strided_slice(call: Call) -> Any:
    x, begin, end, strides = call.tensors()
    options = call.options
    if options.offset:
        end = raw.AddV2(x=begin, y=end)
    return raw.StridedSlice(
        input=x,
        begin=begin,
        end=end,
        strides=strides,
        begin_mask=options.begin_mask,
        end_mask=options.end_mask,
        ellipsis_mask=options.ellipsis_mask,
        new_axis_mask=options.new_axis_mask,
        shrink_axis_mask=options.shrink_axis_mask,
    )


@builtin("GATHER", options="GatherOptions")
def gather(call: Call) -> Any:
    options = call.options
    axis = options.axis + (call.rank(0) if options.axis < 0 else 0)
    batch = options.batch_dims + (call.rank(1) if options.batch_dims < 0 else 0)
    indices = call.tensor(1)
    if indices.dtype not in (dtypes.int32, dtypes.int64):
        indices = raw.Cast(x=indices, DstT=dtypes.int32)
    return raw.GatherV2(
        params=call.tensor(0), indices=indices, axis=np.int32(axis), batch_dims=batch
    )


@builtin("GATHER_ND")
def gather_nd(call: Call) -> Any:
    indices = call.tensor(1)
    if indices.dtype not in (dtypes.int32, dtypes.int64):
        indices = raw.Cast(x=indices, DstT=dtypes.int32)
    return raw.GatherNd(params=call.tensor(0), indices=indices)


@builtin("REVERSE_V2")
def reverse(call: Call) -> Any:
    return raw.ReverseV2(tensor=call.tensor(0), axis=call.tensor(1))


@builtin("REVERSE_SEQUENCE", options="ReverseSequenceOptions")
def reverse_sequence(call: Call) -> Any:
    return raw.ReverseSequence(
        input=call.tensor(0),
        seq_lengths=call.tensor(1),
        seq_dim=call.options.seq_dim,
        batch_dim=call.options.batch_dim,
    )


@builtin("PAD")
def pad(call: Call) -> Any:
    return raw.PadV2(input=call.tensor(0), paddings=call.tensor(1), constant_values=_zero(call))


@builtin("PADV2")
def pad_v2(call: Call) -> Any:
    x, paddings, value = call.tensors()
    return raw.PadV2(
        input=x,
        paddings=paddings,
        constant_values=raw.Reshape(tensor=value, shape=np.zeros(0, np.int32)),
    )


@builtin("MIRROR_PAD", options="MirrorPadOptions")
def mirror_pad(call: Call) -> Any:
    mode = "SYMMETRIC" if call.options.mode else "REFLECT"
    return raw.MirrorPad(input=call.tensor(0), paddings=call.tensor(1), mode=mode)


@builtin("SPACE_TO_DEPTH", options="SpaceToDepthOptions")
def space_to_depth(call: Call) -> Any:
    return raw.SpaceToDepth(input=call.tensor(0), block_size=call.options.block_size)


@builtin("DEPTH_TO_SPACE", options="DepthToSpaceOptions")
def depth_to_space(call: Call) -> Any:
    return raw.DepthToSpace(input=call.tensor(0), block_size=call.options.block_size)


@builtin("SPACE_TO_BATCH_ND")
def space_to_batch_nd(call: Call) -> Any:
    x, block, paddings = call.tensors()
    zero = _zero(call)
    if zero:  # padding is to mean zero
        pairs = call.array(2).tolist()
        rest = [[0, 0]] * (call.rank(0) - 1 - len(pairs))
        x = raw.PadV2(
            input=x, paddings=np.array([[0, 0], *pairs, *rest], np.int32), constant_values=zero
        )
        paddings = np.zeros_like(call.array(2))
    return raw.SpaceToBatchND(input=x, block_shape=block, paddings=paddings)


@builtin("BATCH_TO_SPACE_ND")
def batch_to_space_nd(call: Call) -> Any:
    x, block, crops = call.tensors()
    return raw.BatchToSpaceND(input=x, block_shape=block, crops=crops)


@builtin("ONE_HOT", options="OneHotOptions")
def one_hot(call: Call) -> Any:
    indices, depth, on, off = call.tensors()
    return raw.OneHot(
        indices=indices, depth=depth, on_value=on, off_value=off, axis=call.options.axis
    )


@builtin("WHERE")
def where(call: Call) -> Any:
    return raw.Where(condition=call.tensor(0))


@builtin("UNIQUE", options="UniqueOptions")
def unique(call: Call) -> Any:
    unique_ = raw.Unique(x=call.tensor(0), out_idx=call.output(1).dtype)
    return [unique_[0], unique_[1]]


@builtin("MATRIX_DIAG")
def matrix_diag(call: Call) -> Any:
    return raw.MatrixDiag(diagonal=call.tensor(0))


@builtin("MATRIX_SET_DIAG")
def matrix_set_diag(call: Call) -> Any:
    return raw.MatrixSetDiag(input=call.tensor(0), diagonal=call.tensor(1))


@builtin("DYNAMIC_UPDATE_SLICE")
def dynamic_update_slice(call: Call) -> Any:
    operand, update, start = call.tensors()
    return raw.XlaDynamicUpdateSlice(input=operand, update=update, indices=start)


@builtin("EMBEDDING_LOOKUP")
def embedding_lookup(call: Call) -> Any:
    ids, table = call.tensors()
    rows = raw.GatherV2(params=table, indices=ids, axis=np.int32(0))
    if call.is_quantized(1) and call.output().dtype == dtypes.float32:
        return _real_rows(call, rows)
    return rows


def _real_rows(call: Call, rows: Any) -> Any:
    """Rows of a quantized table as floats."""
    quantization = call.quantization(1)
    scales: Any = quantization.scales
    if len(scales) > 1:  # a scale for each row of the table
        picked = raw.GatherV2(params=scales, indices=call.tensor(0), axis=np.int32(0))
        shape = np.array([-1] + [1] * (call.rank(1) - 1), np.int32)
        scales = raw.Reshape(tensor=picked, shape=shape)
    return raw.Mul(x=raw.Cast(x=rows, DstT=dtypes.float32), y=scales)
