"""Operations over segments, sequences, diagonals and bits are written as TFLite's builtin ops."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(24, dtype=np.float32).reshape(4, 3, 2) - 7.5
IDS = tf.constant([2, 0, 2, 1])
WHOLE = np.array([[3, -4, 5], [7, 8, -9]], np.int32)
FUNCTIONS = {
    "UNSORTED_SEGMENT_SUM": (lambda x: tf.math.unsorted_segment_sum(x, IDS, 3), X),
    "UNSORTED_SEGMENT_MAX": (lambda x: tf.math.unsorted_segment_max(x, IDS, 3), X),
    "UNSORTED_SEGMENT_MIN": (lambda x: tf.math.unsorted_segment_min(x, IDS, 3), X),
    "UNSORTED_SEGMENT_PROD": (lambda x: tf.math.unsorted_segment_prod(x, IDS, 3), X),
    "SEGMENT_SUM": (lambda x: tf.math.segment_sum(x, tf.constant([0, 0, 1, 2])), X),
    "BROADCAST_ARGS": (lambda x: tf.broadcast_dynamic_shape(tf.shape(x), [3, 2]), X),
    "REVERSE_SEQUENCE": (lambda x: tf.reverse_sequence(x, [3, 1, 2, 0], seq_axis=1), X),
    "MATRIX_DIAG": (lambda x: tf.linalg.diag(x), X),
    "MATRIX_SET_DIAG": (lambda x: tf.linalg.set_diag(x, x[:, 0, :] * 2), X),
    "SPARSE_TO_DENSE": (
        lambda x: tf.sparse.to_dense(tf.SparseTensor([[0, 1], [2, 0]], x[:2, 0], [3, 2]), 1.5),
        X[0],
    ),
    "BUCKETIZE": (lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[-2.0, 3.0]), X),
    "BITWISE_XOR": (lambda x: tf.bitwise.bitwise_xor(x, 6), WHOLE),
    "RIGHT_SHIFT": (lambda x: tf.bitwise.right_shift(x, 1), WHOLE),
    "BITCAST": (lambda x: tf.bitcast(x, tf.int32), X),
    "RFFT2D": (lambda x: tf.abs(tf.signal.rfft2d(x, [2, 4])), X),
    "SQUEEZE": (lambda x: tf.abs(tf.signal.rfft(x, [4])), X),
    "ROUND": (lambda x: tf.math.rint(x), X),
}


def written(function, *specs) -> bytes:
    concrete = tf.function(function).get_concrete_function(*specs)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_operation_becomes_its_builtin_op(name):
    function, x = FUNCTIONS[name]
    content = written(function, tf.TensorSpec([None, *x.shape[1:]], x.dtype, "x"))
    interpreter = tf.lite.Interpreter(model_content=content)
    assert name in [operation["op_name"] for operation in interpreter._get_ops_details()]
    (result,) = interpreter.get_signature_runner()(x=x).values()
    np.testing.assert_array_equal(result, function(tf.constant(x)))


def test_parts_of_complex_numbers():
    x = np.array([3 - 4j, 1 + 2j], np.complex64)
    spec = tf.TensorSpec([2], tf.complex64, "x")
    for function in (tf.math.real, tf.math.imag, tf.math.abs):
        interpreter = tf.lite.Interpreter(model_content=written(function, spec))
        (result,) = interpreter.get_signature_runner()(x=x).values()
        np.testing.assert_allclose(result, function(tf.constant(x)), rtol=1e-6)


def test_diagonals_that_tflite_lacks_are_named():
    spec = tf.TensorSpec([3], tf.float32, "x")
    with pytest.raises(tf.errors.UnimplementedError, match="another diagonal"):
        written(lambda x: tf.linalg.diag(x, k=1), spec)
    with pytest.raises(tf.errors.UnimplementedError, match="padding"):
        written(lambda x: tf.linalg.diag(x, padding_value=2.0), spec)


@pytest.mark.parametrize("is_computed", (False, True))
def test_slices_that_end_at_the_greatest_int64_keep_their_last_rows(is_computed):
    def tail(x):
        ends = tf.constant([2**63 - 1], tf.int64)
        if is_computed:
            ends = tf.where(tf.shape(x, tf.int64)[:1] > 0, ends, 0)
        begin, strides = tf.constant([1], tf.int64), tf.constant([1], tf.int64)
        return tf.raw_ops.StridedSlice(input=x, begin=begin, end=ends, strides=strides)

    content = written(tail, tf.TensorSpec([None, 2], tf.float32, "x"))
    x = X[:, 0]
    (result,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_array_equal(result, x[1:])
