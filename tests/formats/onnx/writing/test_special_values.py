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


@pytest.mark.parametrize("end", [-9, -3, -1, 0, 2])
def test_backward_slices_that_begin_before_the_first_row_are_empty(end):
    x = np.arange(5, dtype=np.float32)

    def backwards(x, end):
        return tuple(x[begin:end:-1] for begin in (-1, -2, -4, -5, -6, -9, 1, 7))

    for size in (5, 3, 1):
        check(concrete(lambda x: backwards(x, end), [x], [0]), [x[:size]])
        check(concrete(backwards, [x, np.int32(end)], [0]), [x[:size], np.int32(end)])


def test_floored_quotients_do_not_overflow():
    x = np.int32([-(2**31), 2**31 - 1, -(2**31), -7, 7, 6])
    y = np.int32([2, -2, 2**31 - 1, 2, -2, -3])
    check(concrete(lambda x, y: x // y, [x, y]), [x, y])


def test_angles_keep_signs_of_zeros_and_infinity():
    values = np.float32([0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan])
    y, x = (each.reshape(-1) for each in np.meshgrid(values, values))
    check(concrete(tf.atan2, [y, x]), [y, x])


def test_positions_among_constant_keys():
    keys, x = np.array([-4, 0, 7, 2**40]), np.array([[7, 1, -4], [2**40, 0, 8]])
    function = concrete(lambda x: tf.raw_ops.KeyPositions(x=x, keys=keys), [x])
    check(function, [x])
    written = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    interpreter = tf.lite.Interpreter(model_content=written)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(found, [[2, -1, 0], [3, 1, -1]])
