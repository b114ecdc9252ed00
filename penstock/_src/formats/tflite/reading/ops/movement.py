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


@builtin("RESHAPE")
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
    return call.by_row(call.tensor(0), shape)


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


def _as_many(call: Call, count: int) -> Any:
    """The outputs, as many as the options must say."""
    actual = len(call.operation.outputs)
    if count != actual:
        raise call.invalid(f"its options say {count} outputs, and it has {actual}.")
    return call.by_row()


@builtin("UNPACK")
def unpack(call: Call) -> Any:
    return _as_many(call, call.options.num)


@builtin("SPLIT")
def split(call: Call) -> Any:
    return _as_many(call, call.options.num_splits)


@builtin("SPLIT_V")
def split_v(call: Call) -> Any:
    value, sizes, axis = call.tensors()
    return raw.SplitV(
        value=value, size_splits=sizes, axis=axis, num_split=len(call.operation.outputs)
    )


@builtin("STRIDED_SLICE")
def strided_slice(call: Call) -> Any:
    x, begin, end, strides = call.tensors()
    if call.options.offset:
        end = raw.AddV2(x=begin, y=end)
    return call.by_row(x, begin, end, strides)


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
    return call.by_row(call.tensor(0), indices)


@builtin("PAD")
def pad(call: Call) -> Any:
    return raw.PadV2(input=call.tensor(0), paddings=call.tensor(1), constant_values=_zero(call))


@builtin("PADV2")
def pad_v2(call: Call) -> Any:
    x, paddings, value = call.tensors()
    return call.by_row(x, paddings, raw.Reshape(tensor=value, shape=np.zeros(0, np.int32)))


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
    return call.by_row(x, block, paddings)


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
