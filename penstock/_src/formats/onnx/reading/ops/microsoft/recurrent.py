"""DynamicQuantizeLSTM of ONNX Runtime: an LSTM with integer weights, whose inputs and states are quantized at run time."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.integer_products import integer_product
from penstock._src.formats.onnx.reading.ops.nn.quantization import dynamically_quantized
from penstock._src.formats.onnx.reading.ops.nn.recurrent import (
    LSTM_ACTIVATIONS,
    Function,
    Sequences,
    _at,
    lstm,
)
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


class _Weights:
    """The integer weights of a direction, whose rows are those of the inputs, with scales of the matrix or of its columns."""

    def __init__(self, w: Any, scale: Any, zero_point: Any, direction: int) -> None:
        self._numbers = _at(w, direction)
        self._zero = None if zero_point is None else _at(zero_point, direction)
        self._scale = _at(scale, direction)

    def product(self, x: Any) -> Any:
        """x W, where x becomes integers by the least and greatest of its numbers."""
        values, scale, zero_point = dynamically_quantized(x)
        total = integer_product(values, zero_point, self._numbers, self._zero)
        return raw.Mul(t.cast(total, dtypes.float32), raw.Mul(scale, self._scale))


@reads("DynamicQuantizeLSTM", domain=MICROSOFT, settings=(1, 2, 4, 8, 9, 10, 11))
def _dynamic_quantize_lstm(
    n: Node,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    initial_h: Any = None,
    initial_c: Any = None,
    peepholes: Any = None,
    w_scale: Any = None,
    w_zero_point: Any = None,
    r_scale: Any = None,
    r_zero_point: Any = None,
) -> Any:
    s = Sequences(n, x, w, lengths, LSTM_ACTIVATIONS)

    def products(d: int) -> tuple[Any, Function]:
        by_input = _Weights(w, w_scale, w_zero_point, d).product(s.x)
        return by_input, _Weights(r, r_scale, r_zero_point, d).product

    return lstm(n, s, products, b, initial_h, initial_c, peepholes)
