"""Composite tensors in variants: they keep their type, also when they are written as messages."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops import composite_tensor_ops as composites


def test_a_variant_is_read_as_what_it_was():
    ragged = tf.ragged.constant([[1, 2], [3]])
    encoded = composites.composite_tensor_to_variants(ragged)
    decoded = composites.composite_tensor_from_variant(encoded, ragged._type_spec)
    assert decoded.to_list() == [[1, 2], [3]]
    message = tf.io.serialize_tensor(encoded)
    parsed = tf.io.parse_tensor(message, tf.variant)
    assert composites.composite_tensor_from_variant(parsed, ragged._type_spec).to_list() == [
        [1, 2],
        [3],
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            tf.SparseTensorSpec([None, None], tf.int32),
            "Expected a SPARSE_TENSOR_SPEC .* contains a RAGGED",
        ),
        (tf.RaggedTensorSpec([None, None, None], tf.int32), "has 2 tensor components; expected 3"),
        (
            tf.RaggedTensorSpec([None, None], tf.float32),
            "component 0 had dtype DT_INT32; expected dtype DT_FLOAT",
        ),
    ],
)
def test_a_variant_is_read_as_nothing_else(spec, message):
    encoded = composites.composite_tensor_to_variants(tf.ragged.constant([[1]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        composites.composite_tensor_from_variant(encoded, spec)
