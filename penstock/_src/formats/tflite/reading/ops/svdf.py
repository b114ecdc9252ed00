"""SVDF: a filter along time, whose matrix is a sum of products of two vectors."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin
from penstock._src.formats.tflite.reading.ops.recurrent import times
from penstock._src.formats.tflite.reading.quantized_kernels.accumulation import exact_type
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import rescale, to_int64
from penstock._src.formats.tflite.reading.quantized_kernels.values import finish

_LAST = np.array([2], np.int32)


@builtin("SVDF", options="SVDFOptions")
def svdf(call: Call) -> Any:
    filters, rank = call.info(2).shape[0], call.options.rank
    if rank < 1 or filters % rank:
        raise call.invalid(f"{filters} filters of rank {rank}.")
    if call.is_quantized(0):
        return _quantized(call)
    if call.tensor(0).dtype != dtypes.float32:
        raise call.unimplemented(f"inputs of type {call.tensor(0).dtype.name}")
    history = _remembered(call, times(call, call.tensor(0), 1))
    weights = call.tensor(2)
    if call.is_quantized(2):
        scale = np.float32(call.quantization(2).scale)
        weights = raw.Mul(x=raw.Cast(x=weights, DstT=dtypes.float32), y=scale)
    result = _filtered(call, raw.Mul(x=history, y=weights))
    if call.has(3):
        result = raw.AddV2(x=result, y=call.tensor(3))
    return call.activated(result)


def _remembered(call: Call, feature: Any) -> Any:
    """The last values of each filter's feature, with the oldest dropped: `[batch, filters, memory]`."""
    filters, memory = call.info(2).shape
    shape = np.array([-1, filters, memory], np.int32)
    remembered = raw.Reshape(tensor=call.tensor(4), shape=shape)
    newest = raw.ExpandDims(input=feature, axis=np.int32(2))
    remembered = raw.ConcatV2(values=[remembered[:, :, 1:], newest], axis=np.int32(2))
    call.assign(4, raw.Reshape(tensor=remembered, shape=np.array([-1, filters * memory], np.int32)))
    return remembered


def _filtered(call: Call, products: Any) -> Any:
    """Sums over the memory, then over the ranks of each unit."""
    filters, rank = call.info(2).shape[0], call.options.rank
    sums = raw.Sum(input=products, axis=_LAST)
    shape = np.array([-1, filters // rank, rank], np.int32)
    return raw.Sum(input=raw.Reshape(tensor=sums, shape=shape), axis=_LAST)


def _quantized(call: Call) -> Any:
    """int8 features, remembered as int16."""
    source, state = call.quantization(0), call.quantization(4)
    kind = exact_type(dtypes.int8, dtypes.int8, call.info(1).shape[-1])
    x = raw.Cast(x=call.tensor(0), DstT=kind)
    x = raw.Sub(x=x, y=kind.as_numpy_dtype(source.zero_point))
    weights = raw.Cast(x=call.tensor(1), DstT=kind)
    feature = raw.Cast(x=raw.MatMul(a=x, b=weights, transpose_b=True), DstT=dtypes.int64)
    feature = rescale(feature, source.scale * call.quantization(1).scale / state.scale)
    limited = raw.Minimum(x=raw.Maximum(x=feature, y=np.int64(-32768)), y=np.int64(32767))
    remembered = _remembered(call, raw.Cast(x=limited, DstT=dtypes.int16))
    total = _filtered(call, raw.Mul(x=to_int64(remembered), y=to_int64(call.tensor(2))))
    if call.has(3):
        total = raw.AddV2(x=total, y=to_int64(call.tensor(3)))
    scale = state.scale * call.quantization(2).scale / call.output_quantization().scale
    return finish(call, rescale(total, scale))
