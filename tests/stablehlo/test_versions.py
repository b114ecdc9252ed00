"""A module as every version of StableHLO serialises it: the same operations, and the same results."""

import pathlib

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock import raw_ops
from penstock._src.core import dtypes
from penstock._src.stablehlo.bytecode.reader import read_module
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode
from penstock._src.stablehlo.module import Scalar, TensorType

RECORDED = np.load(pathlib.Path(__file__).with_name("versions.npz"))
VERSIONS = RECORDED.files
A = np.array([[1, -2, 3], [4, 5, -6]], np.float32)
B = np.array([[2, 2, 0.5], [1, -1, 7]], np.float32)


def data(version):
    return RECORDED[version].tobytes()


def test_all_versions_of_the_container_are_recorded():
    assert {data(version)[4] >> 1 for version in VERSIONS} == {0, 1, 3, 4, 6}


@pytest.mark.parametrize("version", VERSIONS)
def test_attributes_keep_their_types(version):
    (known,) = [
        operation.attributes["mhlo.frontend"]
        for operation in read_module(data(version)).operations()
        if "mhlo.frontend" in operation.attributes
    ]
    assert known == {
        "whole": Scalar(-7, dtypes.int32),
        "part": Scalar(2.5, dtypes.float32),
        "yes": True,
        "text": "words",
        "two": (1, 2),
        "function": "main",
        "type": TensorType((3, None), dtypes.float64),
        "byte": Scalar(200, dtypes.uint8),
        "long": -5_000_000_000,
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("compiled", [False, True])
def test_results(version, holds, compiled):
    types = [tf.float32, tf.bool, tf.uint8, dtypes.int4, tf.complex64, tf.float64]

    def call(a, b, holds):
        return raw_ops.XlaCallModule(
            args=[a, b, holds], module=data(version), version=9,
            Sout=[tf.TensorShape(None)] * 6, Tout=types, platforms=["CPU"],
        )  # fmt: skip

    last, bits, bytes_, nibbles, points, same = (tf.function(call) if compiled else call)(
        tf.constant(A), tf.constant(B), tf.constant(holds)
    )
    np.testing.assert_array_equal(last, (A + B) * (A - B) if holds else A * B)
    np.testing.assert_array_equal(bits, [c == "1" for c in "1011000101"])
    np.testing.assert_array_equal(bytes_, np.array([1, 2, 255], np.uint8))
    np.testing.assert_array_equal(nibbles, np.array([-3, 4], ml_dtypes.int4))
    np.testing.assert_array_equal(points, np.array([1 + 2j, 3 - 4j], np.complex64))
    np.testing.assert_array_equal(same, np.full((2, 2), 0.5))


def test_a_container_of_a_later_version_is_refused():
    later = bytearray(data("1.17.0"))
    later[4] = 7 << 1 | 1
    with pytest.raises(MalformedBytecode, match="version 0 to 6 can be read. Received 7"):
        read_module(bytes(later))
