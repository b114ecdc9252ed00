"""Functions of quantized numbers have the bits of TFLite's reference kernels: numbers recorded with TensorFlow 2.21's interpreter."""

import numpy as np
import pytest

from penstock._src.formats.tflite.schema import SCHEMA, BuiltinOperator, TensorType
from tests.formats.tflite.models_of_one_op import run_builtin

CODES = [1, 64, 89, 100, 150, 300, 777, 2000, 5000, 12345, 20001, 30000, 32767]
BELOW = [-1, -300, -2000, -5000, -12345]
# by name: the op, its options, scales, the codes that go in, and those that come out
CASES = {
    "LOG": (
        None,
        [0.00011472031474113464, 0.00014049689343664795],
        [*CODES, 0, -1, -300, -32768],
        [-32745, -31314, -30747, -30497, -29034, -24070, -17207, -10481, -3957, 2477, 5911, 8797]
        + [9425] + 4 * [-32768],
    ),
    "RSQRT": (
        None,
        [0.00011472031474113464, 0.0003049549413844943],
        CODES,
        [32719, 29688, 28485, 27956, 25305, 17837, 10982, 6848, 4330, 2756, 2165, 1768, 1691],
    ),
    "GELU": (
        False,
        [0.00022883026394993067, 0.0002177380520151928],
        CODES + BELOW,
        [1, 34, 47, 53, 81, 166, 466, 1421, 4590, 12943, 21020, 31528, 32767]
        + [-1, -150, -681, -663, -31],
    ),
    "GELU by tanh": (
        True,
        [0.00022883026394993067, 0.0002177380520151928],
        CODES + BELOW,
        [1, 34, 47, 53, 81, 166, 466, 1421, 4589, 12945, 21020, 31528, 32767]
        + [-1, -150, -681, -665, -29],
    ),
    "SQRT": (
        None,
        [0.01474133599549532, 0.007603233680129051],
        [0, 1, 2, 3, 10, 48, 66, 100, 143, 200, 255],
        [0, 15, 22, 27, 50, 110, 129, 159, 190, 225, 255],
    ),
}  # fmt: skip


def run(op, approximate, dtype, scales, codes):
    """The numbers that an op gives, with the zero points that the lowest numbers of int8 have."""
    zero = -128 if dtype is np.int8 else 0
    kind = TensorType.INT8 if dtype is np.int8 else TensorType.INT16
    tensors = [
        SCHEMA["Tensor"](
            shape=np.array([len(codes)], np.int32),
            type=kind,
            buffer=0,
            name=f"t{i}",
            quantization=SCHEMA["QuantizationParameters"](
                scale=np.array([scale], np.float32), zero_point=np.array([zero], np.int64)
            ),
        )
        for i, scale in enumerate(scales)
    ]
    operator = SCHEMA["Operator"]()
    if approximate is not None:
        operator.builtin_options = SCHEMA["GeluOptions"](approximate=approximate)
    x = (np.array(codes) + zero).astype(dtype)
    (y,) = run_builtin(getattr(BuiltinOperator, op), operator, tensors, [x])
    return y.astype(int) - zero


@pytest.mark.parametrize("name", CASES)
def test_functions_have_the_bits_of_the_reference(name):
    approximate, scales, codes, wanted = CASES[name]
    op = name.split()[0]
    dtype = np.int8 if op == "SQRT" else np.int16
    np.testing.assert_array_equal(run(op, approximate, dtype, scales, codes), wanted)
