"""What Python values and arrays become as tensors, and what is refused: as TensorFlow does it."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "int64", "uint64", "complex128"])
def test_booleans_become_numbers_of_common_types(dtype):
    assert tf.convert_to_tensor(True, dtype=dtype).dtype.name == dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "int8", "uint8", "uint32", "complex64", "string"])
def test_booleans_become_no_numbers_of_other_types(dtype):
    with pytest.raises(TypeError, match="Cannot convert"):
        tf.convert_to_tensor([True, False], dtype=dtype)


@pytest.mark.parametrize(
    "value, dtype", [([True, 2], "int8"), ([True, 2], "bool"), ([True, 2.5], "int32")]
)
def test_lists_of_mixed_kinds_are_refused(value, dtype):
    with pytest.raises(ValueError, match="mixed types"):
        tf.convert_to_tensor(value, dtype=dtype)


@pytest.mark.parametrize("value", [tf.float32, [tf.float32], [1, tf.float32]])
def test_dtypes_are_no_values(value):
    with pytest.raises(ValueError, match="unsupported type .*DType"):
        tf.convert_to_tensor(value)
    with pytest.raises(TypeError, match="Failed to convert elements"):
        tf.function(lambda: tf.convert_to_tensor(value))()


def test_arrays_become_truth_values():
    np.testing.assert_array_equal(tf.constant(np.array([0.0, 1.5]), tf.bool), [False, True])
    assert tf.math.logical_and(np.array([1, 0]), np.array([2, 2])).numpy().tolist() == [True, False]


def test_numbers_in_arrays_become_no_strings():
    with pytest.raises(ValueError, match="Unsupported object type int"):
        tf.constant(np.array([1, 2]), tf.string)
    assert tf.constant(np.zeros([0, 2]), tf.string).shape == [0, 2]


def test_a_number_beyond_float32_needs_a_type():
    with pytest.raises(ValueError, match="out of range"):
        tf.constant(1e39)
    assert tf.constant(1e39, tf.float64).numpy() == 1e39


def test_a_float_is_no_axis():
    with pytest.raises(TypeError, match="Cannot convert 1.0 to EagerTensor of dtype int32"):
        tf.expand_dims(tf.ones([2]), 1.0)


def test_values_are_converted_before_tensors_types_are_compared():
    with pytest.raises(TypeError, match="Cannot convert 2 to"):
        tf.math.logical_and(tf.constant([1.0]), 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="was expected to be a bool"):
        tf.math.logical_and(tf.constant([1.0]), tf.constant([True]))


def test_names_are_part_of_specs():
    named, unnamed = tf.TensorSpec([2], name="x"), tf.TensorSpec([2])
    assert unnamed.is_subtype_of(named) and not named.is_subtype_of(unnamed)
    assert named.most_specific_common_supertype([unnamed]) is None
    with pytest.raises(ValueError, match="No TypeSpec is compatible"):
        named.most_specific_compatible_type(unnamed)


def test_shapes_to_be_broadcast_are_integers():
    with pytest.raises(tf.errors.InvalidArgumentError, match="allowed values"):
        tf.broadcast_dynamic_shape([2.0], [2.0])


def test_a_registered_conversion_is_nearer_than_an_inherited_one():
    class Held(tf.Variable):
        def __init__(self):
            self.held = tf.constant(3.0)

    assert not hasattr(Held(), "_name")
    tf.register_tensor_conversion_function(Held, lambda value, dtype, name, as_ref: value.held)
    assert tf.convert_to_tensor(Held()).numpy() == 3.0
    assert tf.convert_to_tensor(tf.Variable(2.0)).numpy() == 2.0
    assert tf.square(Held()).numpy() == 9.0


def test_references_have_an_order_and_are_not_compared_with_what_they_refer_to():
    references = [tf.Variable(float(i)).ref() for i in range(4)]
    assert [id(r.deref()) for r in sorted(references)] == sorted(id(r.deref()) for r in references)
    with pytest.raises(TypeError, match="unwrapped object"):
        _ = references[0] == references[0].deref()


def test_objects_that_say_so_count_as_tensors():
    class Deferred:
        is_tensor_like = True

    assert tf.is_tensor(Deferred())
    assert not tf.is_tensor(object())


def test_arrays_of_strings_become_the_numbers_that_they_spell():
    assert tf.constant(np.array(["1", "2"]), tf.float32).numpy().tolist() == [1.0, 2.0]
    assert tf.constant(np.array([b"3"], object), tf.int32).numpy().tolist() == [3]
    with pytest.raises(ValueError, match="invalid literal for int"):
        tf.constant(np.array(["a"]), tf.int32)


def test_axes_to_squeeze_must_be_known_while_tracing():
    with pytest.raises(TypeError, match="Expected list for 'axis'"):
        tf.function(lambda axis: tf.squeeze([[1.0]], axis))(tf.constant(0))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1e40], tf.float32),
        ([2**40, -1e40], tf.float32),
        ([True, 1.0], tf.float32),
        ([True, 1], tf.int32),
        ([1.0, 1j], tf.complex128),
        ([np.float64(1), 2.0], tf.float32),
        ([np.float16(1)], tf.float16),
        ([np.bool_(True), 1.0], tf.float32),
        ([2**40, 1], tf.int64),
        ([2**63], tf.uint64),
        ([], tf.float32),
    ],
    ids=repr,
)
def test_numbers_in_graphs_have_numpys_common_dtype(values, dtype):
    made = tf.function(lambda: tf.constant(values))()
    assert made.dtype == dtype
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(made, np.array(values).astype(dtype.as_numpy_dtype))
