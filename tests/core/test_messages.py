"""Types, shapes and specs as messages, and back."""

import pytest

import penstock as tf

SPECS = [
    tf.TensorSpec([2, None], tf.int32, "x"),
    tf.SparseTensorSpec([2]),
    tf.IndexedSlicesSpec([2]),
    tf.RaggedTensorSpec([2, None]),
    tf.TensorArraySpec([2]),
    tf.OptionalSpec(tf.TensorSpec([2])),
    tf.data.DatasetSpec(tf.TensorSpec([2])),
]


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_specs_survive(spec):
    message = spec.experimental_as_proto()
    assert type(message) is type(spec).experimental_type_proto()
    assert type(spec).experimental_from_proto(message) == spec


def test_types_and_shapes_survive():
    assert tf.DType.experimental_from_proto(tf.float16.experimental_as_proto()) is tf.float16
    shape = tf.TensorShape([2, None])
    assert tf.TensorShape.experimental_from_proto(shape.experimental_as_proto()) == shape


def test_a_type_is_made_of_its_number():
    assert tf.DType(1) is tf.float32
    assert tf.DType(101).base_dtype is tf.float32
    with pytest.raises(TypeError, match="999 does not correspond to a valid"):
        tf.DType(999)


def test_types_stand_for_themselves_alone():
    assert tf.float32.flatten() == tf.TensorShape([1]).to_tensors(None) == []
    with pytest.raises(AssertionError):
        tf.float32.cast(tf.int32, None)


def test_set_shape_of_an_eager_tensor_only_checks():
    tensor = tf.constant([1, 2])
    tensor.set_shape([None])
    with pytest.raises(ValueError, match="not compatible with supplied shape"):
        tensor.set_shape([3])
