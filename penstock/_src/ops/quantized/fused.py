"""Products of matrices of small integers with a bias and a fused epilogue."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import QUANTIZED
from penstock._src.ops.quantized.arithmetic import exact_product
from penstock._src.ops.quantized.quantize import half_away, limits
from penstock._src.ops.rules import show

F = np.float32
BIAS = frozenset({dtypes.float32, dtypes.qint32})


class _MatMulWithBias(Op):
    """a b + bias in 32 bits. The zero point of `a` is its least value (MIN_FIRST) or zero (SCALED), that of `b` is zero."""

    ranks = {
        "bias": (1,),
        "min_a": (0,),
        "max_a": (0,),
        "min_b": (0,),
        "max_b": (0,),
        "min_freezed_output": (0,),
        "max_freezed_output": (0,),
    }

    T1 = QUANTIZED
    T2 = QUANTIZED
    transpose_a: bool = False
    transpose_b: bool = False
    input_quant_mode: Literal["MIN_FIRST", "SCALED"] = "MIN_FIRST"

    relu = False

    def shape(self, a, b, *_rest):
        a, b = a.with_rank(2), b.with_rank(2)
        out = [a[1 if self.transpose_a else 0], b[0 if self.transpose_b else 1]]
        return (out, (), ()) if len(self.outputs) == 3 else out

    def summed(self, a, b, bias, *ranges):
        """The sums and their scale: int64 `[n, m]` and a float."""
        if a.ndim != 2 or b.ndim != 2:
            raise self.invalid(
                f"a and b must be matrices. Received {show(a.shape)}, {show(b.shape)}"
            )
        min_a, max_a, min_b, max_b = (float(F(v)) for v in ranges)
        left = (a.T if self.transpose_a else a).astype(np.int64)
        right = (b.T if self.transpose_b else b).astype(np.int64)
        if left.shape[1] != right.shape[0]:
            raise self.invalid(
                f"Matrix size-incompatible: In[0]: {show(a.shape)}, In[1]: {show(b.shape)}"
            )
        if bias.shape != right.shape[1:]:
            raise self.invalid(
                f"bias must have an element for each of the {right.shape[1]} columns. Received {show(bias.shape)}"
            )
        first = self.input_quant_mode == "MIN_FIRST"
        least, most = limits(self.T1)
        step_a = (max_a - min_a if first else max(abs(min_a), abs(max_a))) / (
            most - (least if first else 0)
        )
        step_b = max(abs(min_b), abs(max_b)) / limits(self.T2)[1]
        step = step_a * step_b
        total = exact_product(left, right)
        if first:
            total = total + half_away((min_a / step_a - least) * right.sum(0)).astype(np.int64)
        added = half_away(bias / step) if bias.dtype == F else bias
        total = total + added.astype(np.int64)
        return (np.maximum(total, 0) if self.relu else total), step

    def wide(self, total, ranges):
        """The sums in 32 bits, with the range that TensorFlow reports, computed from the widths of both ranges."""
        least, most = limits(dtypes.qint32)
        min_a, max_a, min_b, max_b = (float(F(v)) for v in ranges)
        first, last = limits(self.T1)
        step = (max_a - min_a) / (last - first) * (max_b - min_b) / (2 * limits(self.T2)[1])
        end = F(step * (most + 1))
        return np.clip(total, least, most).astype(np.int32), -end, end

    def narrow(self, total, step, low, high):
        """The sums in the output's type over a given range."""
        least, most = limits(self.Toutput)
        end = float(max(abs(low), abs(high)))
        rounded = np.clip(np.rint(total * (step * most / end)), least, most)
        return rounded.astype(self.Toutput.np), F(low), F(high)


class QuantizedMatMulWithBias(_MatMulWithBias):
    """The product with a bias."""

    signature = """a: T1, b: T2, bias: Tbias, min_a: float32, max_a: float32, min_b: float32,
        max_b: float32 -> out: Toutput, min_out: float32, max_out: float32"""
    Tbias = BIAS
    Toutput: QUANTIZED = dtypes.qint32

    def eager(self, a, b, bias, *ranges):
        total, _ = self.summed(a, b, bias, *ranges)
        return self.wide(total, ranges)


class QuantizedMatMulWithBiasAndRelu(_MatMulWithBias):
    """The product with a bias, negative sums set to zero."""

    signature = """a: T1, b: T2, bias: float32, min_a: float32, max_a: float32, min_b: float32,
        max_b: float32 -> out: Toutput, min_out: float32, max_out: float32"""
    relu = True
    Toutput: QUANTIZED = dtypes.qint32

    def eager(self, a, b, bias, *ranges):
        total, _ = self.summed(a, b, bias, *ranges)
        return self.wide(total, ranges)


class QuantizedMatMulWithBiasAndRequantize(_MatMulWithBias):
    """The product with a bias, in fewer bits over a given range."""

    signature = """a: T1, b: T2, bias: Tbias, min_a: float32, max_a: float32, min_b: float32,
        max_b: float32, min_freezed_output: float32, max_freezed_output: float32
        -> out: Toutput, min_out: float32, max_out: float32"""
    Tbias = BIAS
    Toutput: QUANTIZED = dtypes.quint8

    def eager(self, a, b, bias, *ranges):
        return self.narrow(*self.summed(a, b, bias, *ranges[:4]), *ranges[4:])


class QuantizedMatMulWithBiasAndReluAndRequantize(QuantizedMatMulWithBiasAndRequantize):
    """The product with a bias, negative sums set to zero, in fewer bits over a given range."""

    relu = True


class QuantizedMatMulWithBiasAndDequantize(_MatMulWithBias):
    """The product with a bias, as floats."""

    signature = """a: T1, b: T2, bias: Tbias, min_a: float32, max_a: float32, min_b: float32,
        max_b: float32, min_freezed_output: float32, max_freezed_output: float32 -> out: Toutput"""
    Tbias = BIAS
    Toutput: {dtypes.float32}

    def eager(self, a, b, bias, *ranges):
        total, step = self.summed(a, b, bias, *ranges[:4])
        return (total * step).astype(np.float32)
