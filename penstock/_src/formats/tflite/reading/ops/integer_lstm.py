"""The LSTM of int8 inputs and weights with int16 gates and cells."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call
from penstock._src.formats.tflite.reading.quantized_kernels.accumulation import exact_type
from penstock._src.formats.tflite.reading.quantized_kernels.fixed_point import (
    divided_by_power,
    rescale,
    to_int64,
)
from penstock._src.formats.tflite.reading.quantized_kernels.int16_curves import (
    sigmoid_table,
    tanh_table,
)

_GATE_SCALE = 2.0**-12


class IntegerLstm:
    """A cell whose tensors are inputs of an operator, in the order of `_Lstm` in `recurrent.py`."""

    def __init__(self, call: Call) -> None:
        if call.has(20) or call.has(21):
            raise call.unimplemented("layer normalization of int8")
        if call.has(16) and call.has(10):  # TFLite computes something else than with one of them
            raise call.unimplemented("peepholes together with a projection of int8")
        if call.options.fused_activation_function != 4:
            raise call.unimplemented("an activation of int8 other than tanh")
        self._call = call
        self._input, self._state = call.quantization(0), call.quantization(18)
        self._cell_scale = call.quantization(19).scale
        self._cell_power = round(math.log2(self._cell_scale))
        hidden = call.intermediate(4)
        self._hidden = call.quantization_of(hidden, "intermediate tensor 4")

    def step(self, x: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the states after a step, int8 and int16."""
        call = self._call
        h, c = states[0], to_int64(states[1])
        forget = _looked_up(self._sum(1, x, h, c), sigmoid_table())
        fresh = _looked_up(self._sum(2, x, h), tanh_table(3))
        if call.has(1):
            take = _looked_up(self._sum(0, x, h, c), sigmoid_table())
        else:
            take = raw.Sub(x=np.int64(32767), y=forget)
        kept = divided_by_power(raw.Mul(x=forget, y=c), 15)
        added = divided_by_power(raw.Mul(x=take, y=fresh), 30 + self._cell_power)
        c = _int16(raw.AddV2(x=kept, y=added))
        if call.options.cell_clip > 0:
            limit = np.int64(min(call.options.cell_clip / self._cell_scale, 32767))
            c = raw.Minimum(x=raw.Maximum(x=c, y=-limit), y=limit)
        show = _looked_up(self._sum(3, x, h, c), sigmoid_table())
        shown = raw.Mul(x=show, y=_looked_up(c, tanh_table(15 + self._cell_power)))
        hidden = rescale(shown, 2.0**-30 / self._hidden.scale)
        hidden = _int8(raw.AddV2(x=hidden, y=np.int64(self._hidden.zero_point)))
        h = self._projected(hidden) if call.has(16) else raw.Cast(x=hidden, DstT=dtypes.int8)
        return h, [h, raw.Cast(x=c, DstT=dtypes.int16)]

    def _sum(self, gate: int, x: Any, h: Any, c: Any = None) -> Any:
        """A gate before its curve: each part rounded, and limited to int16."""
        call = self._call
        own = self._times(x, self._input.zero_point, 1 + gate, 12 + gate)
        scale = _factor(call.quantization(1 + gate).scale, self._input.scale, _GATE_SCALE)
        total = _int16(rescale(own, scale))
        own = self._times(h, self._state.zero_point, 5 + gate)
        scale = _factor(call.quantization(5 + gate).scale, self._state.scale, _GATE_SCALE)
        total = _int16(raw.AddV2(x=rescale(own, scale), y=total))
        peephole = 9 + (2 if gate == 3 else gate)
        if c is not None and call.has(peephole):
            product = raw.Mul(x=to_int64(call.tensor(peephole)), y=c)
            scale = _factor(self._cell_scale, call.quantization(peephole).scale, _GATE_SCALE)
            total = _int16(raw.AddV2(x=rescale(product, scale), y=total))
        return total

    def _times(self, x: Any, zero: int, w: int, bias: int = -1) -> Any:
        info = self._call.info(w)
        kind = exact_type(dtypes.int8, info.dtype, info.shape[-1])
        values = raw.Sub(x=raw.Cast(x=x, DstT=kind), y=kind.as_numpy_dtype(zero))
        weights = raw.Cast(x=self._call.tensor(w), DstT=kind)
        total = raw.Cast(x=raw.MatMul(a=values, b=weights, transpose_b=True), DstT=dtypes.int64)
        if bias >= 0 and self._call.has(bias):
            total = raw.AddV2(x=total, y=to_int64(self._call.tensor(bias)))
        return total

    def _projected(self, hidden: Any) -> Any:
        call = self._call
        total = self._times(hidden, self._hidden.zero_point, 16, 17)
        scale = _factor(call.quantization(16).scale, self._hidden.scale, self._state.scale)
        h = raw.AddV2(x=rescale(total, scale), y=np.int64(self._state.zero_point))
        h = _int8(h)
        if call.options.proj_clip > 0:
            limit = np.int64(min(call.options.proj_clip / self._state.scale, 127))
            h = raw.Minimum(x=raw.Maximum(x=h, y=-limit), y=limit)
        return raw.Cast(x=h, DstT=dtypes.int8)


def _factor(first: float, second: float, result: float) -> float:
    """A factor between scales, in TFLite's float32."""
    return float(np.float32(first) * np.float32(second) / np.float32(result))


def _looked_up(x: Any, table: np.ndarray) -> Any:
    place = raw.AddV2(x=x, y=np.int64(32768))
    return raw.GatherV2(params=table, indices=place, axis=np.int32(0))


def _int16(x: Any) -> Any:
    return raw.Minimum(x=raw.Maximum(x=x, y=np.int64(-32768)), y=np.int64(32767))


def _int8(x: Any) -> Any:
    return raw.Minimum(x=raw.Maximum(x=x, y=np.int64(-128)), y=np.int64(127))
