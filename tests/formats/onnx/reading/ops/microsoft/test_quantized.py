"""What ONNX Runtime's quantizer writes: beside ONNX Runtime, where a value between two numbers may become either."""

import numpy as np
import pytest

from penstock._src.formats.onnx.reading.model import read_proto
from penstock.errors import InvalidArgumentError
from tests.formats.onnx.reading.ops.microsoft.beside import (
    both,
    floats,
    node_model,
    numbers,
    same,
    weights_of_7_bits,
)

SCALES = [np.float32(0.05), np.float32(0.031), np.float32(0.07)]
TYPES = [np.uint8, np.int8]


def quantization(dtype, *letters):
    """Scales and zero points of some tensors, by the names that ONNX has."""
    middle = 120 if dtype is np.uint8 else -5
    given = {}
    for at, letter in enumerate(letters):
        given |= {
            f"{letter}s": np.array(SCALES[at % 3]),
            f"{letter}z": np.array(middle + at, dtype),
        }
    return given


def order(given, names):
    return {name: given.get(name) for name in names.split()}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("op_type", "attributes"),
    [
        ("QLinearSigmoid", {}),
        ("QLinearLeakyRelu", {"alpha": 0.2}),
        ("QLinearSoftmax", {"axis": -1, "opset": 13}),
        ("QLinearGlobalAveragePool", {"channels_last": 0}),
        ("QLinearGlobalAveragePool", {"channels_last": 1}),
        ("QLinearAveragePool", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]}),
        ("QLinearAveragePool", {"kernel_shape": [2, 2], "channels_last": 1}),
    ],
)
def test_operators_on_one_tensor(op_type, attributes, dtype):
    given = {"x": numbers(2, 3, 6, 5, dtype=dtype), **quantization(dtype, "x", "y")}
    if op_type == "QLinearSoftmax":
        given |= {"ys": np.array(np.float32(1 / 256)), "yz": np.array(np.iinfo(dtype).min, dtype)}
    same(op_type, given, {"y": dtype}, weights=[k for k in given if k != "x"], atol=1, **attributes)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(2, 3, 4), (4,), (1, 3, 1)])
@pytest.mark.parametrize("op_type", ["QLinearAdd", "QLinearMul"])
def test_operators_on_two_tensors(op_type, shape, dtype):
    given = {
        "a": numbers(2, 3, 4, dtype=dtype),
        "b": numbers(*shape, dtype=dtype, seed=1),
        **quantization(dtype, "a", "b", "y"),
    }
    given = order(given, "a as az b bs bz ys yz")
    same(op_type, given, {"y": dtype}, weights=[k for k in given if len(k) > 1], atol=1)


@pytest.mark.parametrize(
    ("op_type", "inputs"),
    [("QLinearLeakyRelu", "x xs xz ys yz"), ("QLinearAdd", "x xs xz x2 xs2 xz2 ys yz")],
)
def test_a_zero_point_that_is_left_out_is_zero(op_type, inputs):
    """ONNX Runtime's type inference fails without them."""
    given = {}
    for name in inputs.split():
        given[name] = numbers(2, 3) if name[1:] in ("", "2") else np.array(SCALES[0])
        given[name] = np.array(0, np.uint8) if "z" in name else given[name]
    _, expected = both(op_type, given, {"y": np.uint8})
    without = {name: None if "z" in name else array for name, array in given.items()}
    proto = node_model(op_type, without, {"y": np.uint8})
    found = read_proto(proto).signatures["serving_default"](
        **{name: array for name, array in without.items() if array is not None}
    )
    np.testing.assert_array_equal(found["y"], expected["y"])


@pytest.mark.parametrize("dtype", TYPES)
def test_joined_and_chosen_tensors(dtype):
    given = {
        "a": numbers(2, 3, dtype=dtype),
        "b": numbers(2, 4, dtype=dtype, seed=1),
        **quantization(dtype, "y", "a", "b"),
    }
    joined = order(given, "ys yz a as az b bs bz")
    constants = [k for k in given if len(k) > 1]
    same("QLinearConcat", joined, {"y": dtype}, weights=constants, atol=1, axis=1)
    chosen = {"c": np.array([[True], [False]]), **given, "b": numbers(2, 3, dtype=dtype, seed=2)}
    chosen = order(chosen, "c a as az b bs bz ys yz")
    same("QLinearWhere", chosen, {"y": dtype}, weights=constants, atol=1)


@pytest.mark.parametrize("by_column", [True, False])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("narrow", [True, False])
def test_products_of_matrices(dtype, by_column, narrow):
    columns = 5
    scales = np.random.default_rng(3).uniform(0.01, 0.1, columns).astype(np.float32)
    given = {
        "a": numbers(3, 4, dtype=dtype),
        "b": weights_of_7_bits(columns, 4),
        **quantization(dtype, "a", "y"),
        "bs": scales if by_column else np.array(scales[0]),
        "bz": np.zeros(columns, np.int8) if by_column else np.array(3, np.int8),
        "c": np.random.default_rng(4).integers(-500, 500, columns).astype(np.int32),
    }
    given = order(given, "a as az b bs bz c" + (" ys yz" if narrow else ""))
    outputs = {"y": dtype if narrow else np.float32}
    constants = [k for k in given if k not in ("a", "c")]
    atol = 1 if narrow else 1e-4
    same("QGemm", given, outputs, weights=constants, atol=atol, transB=1, alpha=0.5)


@pytest.mark.parametrize("by_column", [True, False])
@pytest.mark.parametrize("dtype", TYPES)
def test_products_that_give_floats(dtype, by_column):
    columns = 5
    scales = np.random.default_rng(3).uniform(0.01, 0.1, columns).astype(np.float32)
    given = {
        "a": numbers(2, 3, 4, dtype=dtype),
        "b": weights_of_7_bits(4, columns),
        **quantization(dtype, "a"),
        "bs": scales if by_column else np.array(scales[0]),
        "bz": np.arange(columns).astype(np.int8) if by_column else np.array(3, np.int8),
        "c": floats(columns),
    }
    given = order(given, "a b as bs az bz c")
    same("MatMulIntegerToFloat", given, weights=[k for k in given if k != "a"], atol=1e-4)
    given = {"x": floats(2, 3, 4), **order(given, "b bs bz c")}
    same("DynamicQuantizeMatMul", given, weights=[k for k in given if k != "x"], atol=1e-4)


@pytest.mark.parametrize("dtype", TYPES)
def test_convolutions_and_pools_with_channels_last(dtype):
    given = {
        "x": numbers(1, 6, 5, 3, dtype=dtype),
        "w": weights_of_7_bits(4, 3, 3, 3),
        **quantization(dtype, "x", "y"),
        "ws": np.array(SCALES[1]),
        "wz": np.array(0, np.int8),
        "b": np.array([5, -100, 300, 0], np.int32),
    }
    given = order(given, "x xs xz w ws wz ys yz b")
    constants = [k for k in given if k != "x"]
    same("QLinearConv", given, {"y": dtype}, weights=constants, atol=1, channels_last=1)
    same("NhwcMaxPool", {"x": given["x"]}, {"y": dtype}, kernel_shape=[2, 2], strides=[2, 2])


@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_and_values(dtype):
    given = {"x": floats(3, 4), **quantization(dtype, "x")}
    same("QuantizeLinear", given, {"y": dtype})
    same("DequantizeLinear", {**given, "x": numbers(3, 4, dtype=dtype)})


def test_products_of_16_bits():
    given = {"a": numbers(3, 4, dtype=np.int16), "b": numbers(4, 2, dtype=np.int16, seed=1)}
    same("MatMulInteger16", given, {"y": np.int32})


def test_several_scales_of_the_first_matrix_are_refused():
    """ONNX Runtime refuses them when it runs."""
    given = {
        "a": numbers(4, 4),
        "b": weights_of_7_bits(4, 4),
        "as": np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        "bs": np.array(SCALES[0]),
    }
    proto = node_model("MatMulIntegerToFloat", given, {"y": np.float32}, ("as", "bs"))
    with pytest.raises(InvalidArgumentError, match=r"node 0 .*MatMulIntegerToFloat"):
        read_proto(proto)
