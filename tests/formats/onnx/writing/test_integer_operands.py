"""Products of int32 that are bytes less a zero point are written as ONNX's integer products, and ONNX Runtime's results are the same to the bit."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.model import of_function
from penstock._src.formats.onnx.writing.model import model_proto
from penstock._src.formats.table import convert
from tests.formats.onnx.runtime import check, concrete, session

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

RECORDED = Path(__file__).parents[2] / "tflite" / "recorded"
ENDS = {"int8": (-128, 127), "uint8": (0, 255)}
random = np.random.default_rng(3)


def ends_of(dtype, *shape):
    """Bytes at the ends of their range, whose products are the largest."""
    return random.choice(np.array([*ENDS[dtype], 1], dtype), shape)


def less(x, zero):
    return tf.cast(x, tf.int32) - np.int32(zero)


def kinds(proto):
    return [node.op_type for node in proto.graph.node]


@pytest.mark.parametrize(("dtype", "zero"), [("int8", -128), ("int8", 7), ("uint8", 255)])
@pytest.mark.parametrize(
    ("padding", "stride", "groups"), [("SAME", 1, 1), ("SAME", 2, 4), ("VALID", 2, 1)]
)
def test_convolutions_of_bytes(dtype, zero, padding, stride, groups):
    x, filters = ends_of(dtype, 2, 7, 6, 8), ends_of("int8", 3, 3, 8 // groups, 12).astype(np.int32)

    def function(x):
        return tf.raw_ops.Conv2D(
            input=less(x, zero), filter=filters, strides=[1, stride, stride, 1], padding=padding
        )

    proto = check(concrete(function, [x]), [x], 0, 0)
    assert "ConvInteger" in kinds(proto) and "Conv" not in kinds(proto)


@pytest.mark.parametrize("dtype", ENDS)
def test_products_of_bytes(dtype):
    x, w = ends_of(dtype, 3, 400), ends_of("int8", 400, 5).astype(np.int32)
    proto = check(concrete(lambda x: tf.matmul(less(x, 100), w), [x]), [x], 0, 0)
    assert kinds(proto).count("MatMulInteger") == 1


def test_stacks_of_products_of_bytes():
    x, y = ends_of("int8", 2, 3, 9), ends_of("uint8", 2, 9, 4)
    function = lambda x, y: tf.matmul(less(x, -5), less(y, 128))  # noqa: E731
    assert "MatMulInteger" in kinds(check(concrete(function, [x, y]), [x, y], 0, 0))


def test_integers_that_do_not_fit_bytes_are_multiplied_as_they_are():
    x = random.integers(-1000, 1000, (3, 4)).astype(np.int32)
    w = random.integers(-9, 9, (4, 5)).astype(np.int32)
    assert kinds(check(concrete(lambda x: tf.matmul(x, w), [x]), [x], 0, 0)) == ["MatMul"]


def test_a_transposed_convolution_whose_sums_floats_hold():
    x, filters = ends_of("int8", 1, 4, 4, 3), ends_of("int8", 3, 3, 5, 3).astype(np.int32)

    def function(x):
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=[1, 8, 8, 5], filter=filters, out_backprop=less(x, 3),
            strides=[1, 2, 2, 1], padding="SAME",
        )  # fmt: skip

    check(concrete(function, [x]), [x], 0, 0)


def refused(function, *inputs):
    with pytest.raises(tf.errors.UnimplementedError) as error:
        model_proto(of_function(concrete(function, inputs)))
    return str(error.value)


def test_a_convolution_of_numbers_of_any_size_is_refused():
    x, filters = np.zeros((1, 4, 4, 1), np.int32), np.ones((2, 2, 1, 1), np.int32)
    conv = lambda x, f: tf.raw_ops.Conv2D(input=x, filter=f, strides=[1] * 4, padding="SAME")  # noqa: E731
    assert "from -2147483648 to 2147483647 do not fit" in refused(lambda x: conv(x, filters), x)
    small = np.zeros((1, 4, 4, 1), np.int8)
    assert "from -256 to -1 do not fit" in refused(lambda x: conv(less(x, 128), filters), small)
    wide = filters * [[[[1000]]]]
    assert "from 1000 to 1000" in refused(lambda x: conv(less(x, 0), wide.astype(np.int32)), small)


def test_a_transposed_convolution_whose_sums_floats_may_not_hold_is_refused():
    x, filters = np.zeros((1, 4, 4, 200), np.int8), np.full((3, 3, 5, 200), 127, np.int32)

    def function(x):
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=[1, 8, 8, 5], filter=filters, out_backprop=less(x, 3),
            strides=[1, 2, 2, 1], padding="SAME",
        )  # fmt: skip

    assert "sums here may not fit float32" in refused(function, x)


@pytest.mark.parametrize("name", ["cnn_int8io", "attn_int8", "unet_int8"])
def test_models_of_int8_have_tflites_results_to_the_bit(name, tmp_path):
    source = RECORDED / f"{name}.tflite"
    convert(str(source), str(tmp_path / "model.onnx"))
    runtime = session(onnx.load(tmp_path / "model.onnx"))
    own = tf.lite.Interpreter(str(source))
    own.allocate_tensors()
    (taken,), (given,) = own.get_input_details(), own.get_output_details()
    draw = np.random.default_rng(5)
    for _ in range(4):
        shape = tuple(taken["shape"])
        x = draw.normal(size=shape).astype(np.float32)
        if taken["dtype"] is not np.float32:
            x = draw.integers(-128, 128, shape).astype(taken["dtype"])
        own.set_tensor(taken["index"], x)
        own.invoke()
        (found,) = runtime.run(None, {runtime.get_inputs()[0].name: x})
        np.testing.assert_array_equal(found, own.get_tensor(given["index"]))
