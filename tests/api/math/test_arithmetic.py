"""Functions of two operands of which one is no tensor, or of another type: as TensorFlow does it."""

import numpy as np
import pytest

import penstock as tf


def test_the_first_operand_gives_the_type_of_sums_and_quotients():
    x = tf.constant([4.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="AddV2 as input #1"):
        tf.add(2, x)
    with pytest.raises(TypeError, match="must have the same dtype"):
        tf.truediv(2, x)
    with pytest.raises(ValueError, match="requested dtype int32"):
        tf.math.multiply_no_nan(2, x)
    np.testing.assert_array_equal(tf.divide(2, x), [0.5, 1.0])
    np.testing.assert_array_equal(tf.math.divide_no_nan(2, x), [0.5, 1.0])
    np.testing.assert_array_equal(2 / x, [0.5, 1.0])


def test_divide_takes_variables_as_tensors():
    np.testing.assert_array_equal(tf.divide(2, tf.Variable([4.0])), [0.5])


def test_operators_refuse_numbers_that_do_not_fit_the_tensor():
    with pytest.raises(TypeError, match="Cannot convert 2.0"):
        2.0 + tf.constant([1])
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.constant([1], tf.uint8) + True


def test_quotients_without_nan_are_of_one_type():
    with pytest.raises(TypeError, match="must have the same dtype"):
        tf.math.divide_no_nan(tf.constant([1.0]), tf.constant([1]))
    with pytest.raises(TypeError, match="Invalid dtype"):
        tf.math.divide_no_nan(tf.constant(["a"]), tf.constant(["a"]))


def test_saturating_casts_to_complex_numbers():
    infinite = tf.constant([1.0, np.inf], tf.float16)
    np.testing.assert_array_equal(tf.saturate_cast(infinite, tf.complex64), [1.0, 65504.0])
    with pytest.raises(TypeError, match="minimum"):
        tf.saturate_cast(tf.constant([True]), tf.complex64)


def test_bfloat16_saturates_to_uint64():
    value = tf.constant([-1.0, 0.5, 300.0], tf.bfloat16)
    assert tf.saturate_cast(value, tf.uint64).numpy().tolist() == [0, 0, 300]


def test_complex_numbers_saturate_by_their_parts():
    # recorded from TensorFlow 2.21
    value = tf.constant([complex(1e300, -1e300), complex(1.5, np.inf)], tf.complex128)
    most = float(np.finfo(np.float32).max)
    found = tf.saturate_cast(value, tf.complex64).numpy().tolist()
    assert found == [complex(most, -most), complex(1.5, most)]


def test_saturating_casts_pass_gradients_of_what_is_not_outside():
    # recorded from TensorFlow 2.21
    value = tf.constant([np.nan, 1e9, -3.0])
    with tf.GradientTape() as tape:
        tape.watch(value)
        narrow = tf.saturate_cast(value, tf.float16)
    assert tape.gradient(narrow, value).numpy().tolist() == [1.0, 0.0, 1.0]


def test_clipping_by_a_norm_makes_nothing_larger():
    with pytest.raises(ValueError, match="incompatible"):
        tf.clip_by_norm([[2.0, 1.0]], [[[2.0]]])
    with pytest.raises(ValueError, match="incompatible"):
        tf.clip_by_norm(2.0, [1.0, 3.0])


def test_ranks_of_integers_and_complex_matrices():
    assert tf.linalg.matrix_rank([[1, 2], [2, 4]]) == 1
    assert tf.linalg.matrix_rank(tf.constant([[1 + 0j, 1j], [1j, -1 + 0j]])) == 1


def test_singular_values_of_complex_matrices_are_real(caplog):
    matrix = tf.constant([[3 + 0j, 4j]])
    assert tf.linalg.svd(matrix, compute_uv=False).numpy().tolist() == [5.0]
    assert not caplog.records


def test_the_sign_of_a_complex_zero_has_the_gradient_zero_and_nan_stays_nan():
    x = tf.constant(np.array([0, 3 - 4j, 1e-42, complex(np.nan, 1)], np.complex64))

    def function(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            signs = tf.sign(x)
            part = tf.math.real(signs)
        return signs, tape.gradient(part, x)

    for call in (function, tf.function(function, autograph=False)):
        signs, slopes = call(x)
        np.testing.assert_allclose(signs[:3], [0, 0.6 - 0.8j, 0], rtol=1e-6)
        np.testing.assert_allclose(slopes[:2], [0, 0.128 + 0.096j], rtol=1e-5)
        assert np.isnan(signs[3]) and np.isnan(slopes[3])
