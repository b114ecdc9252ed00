"""Written functions keep values that plain operators of ONNX would change."""

import numpy as np
import pytest

import penstock as tf
from tests.formats.onnx.runtime import check, concrete

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_negative_numbers_name_no_segment():
    x, numbers = np.arange(8, dtype=np.float32).reshape(4, 2), np.array([0, -1, 1, -3], np.int32)
    of_inputs = lambda x, numbers: tf.math.unsorted_segment_sum(x, numbers, 3)  # noqa: E731
    check(concrete(of_inputs, [x, numbers]), [x, numbers])
    check(concrete(lambda x: of_inputs(x, numbers), [x]), [x])


def test_truncating_division_of_floats_truncates():
    x, y = np.float32([7, -7, 1, -0.5]), np.float32([2, 2, 3, 0.3])
    check(concrete(lambda x, y: tf.raw_ops.TruncateDiv(x=x, y=y), [x, y]), [x, y])


def test_truncating_division_of_floats_is_no_division_in_tensorflow_lite():
    function = concrete(lambda x: tf.raw_ops.TruncateDiv(x=x, y=x + 1), [np.float32([7])])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    with pytest.raises(tf.errors.UnimplementedError, match="truncating division of floats"):
        converter.convert()
