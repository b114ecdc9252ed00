"""Types of values: what two of them have in common, and as arguments of functions."""

import collections

import numpy as np
import pytest

import penstock as tf

Point = collections.namedtuple("Point", ["x", "y"])
Other = collections.namedtuple("Other", ["x", "z"])
SCALAR = tf.TensorSpec([], tf.int32)


class Nest(tf.TypeSpec):
    """The type of a structure of tensors."""

    value_type = object

    def __init__(self, parts):
        self.parts = parts

    def _serialize(self):
        return (self.parts,)


def test_named_tuples_stay_named_tuples():
    vector = tf.TensorSpec([3], tf.int32)
    joined = Nest(Point(vector, SCALAR)).most_specific_common_supertype(
        [Nest(Point(tf.TensorSpec([4], tf.int32), SCALAR))]
    )
    assert joined.parts == Point(tf.TensorSpec([None], tf.int32), SCALAR)
    assert type(joined.parts) is Point


def test_tuples_of_other_fields_have_nothing_in_common():
    for other in (Other(SCALAR, SCALAR), (SCALAR, SCALAR)):
        assert Nest(Point(SCALAR, SCALAR)).most_specific_common_supertype([Nest(other)]) is None


def test_types_stand_for_their_values():
    assert SCALAR.__tf_tracing_type__(None) is SCALAR
    concrete = tf.function(lambda x: x + 1).get_concrete_function(SCALAR)
    assert concrete(tf.constant(1)).numpy() == 2


def test_batchable_types_encode_their_components():
    # as in TensorFlow 2.21: a ragged component is one variant, or one for each row
    class Pair(tf.experimental.BatchableExtensionType):
        one: tf.RaggedTensor
        two: tf.Tensor

    pair = Pair(tf.ragged.constant([[1, 2], [3]]), [4, 5])
    spec = pair._type_spec
    assert [flat.dtype for flat in spec._flat_tensor_specs] == [tf.variant, tf.int32]
    rows = spec._to_batched_tensor_list(pair)
    assert [tensor.shape.as_list() for tensor in rows] == [[2], [2]]
    back = spec._from_tensor_list(spec._to_tensor_list(pair))
    assert back.one.to_list() == [[1, 2], [3]] and back.two.numpy().tolist() == [4, 5]


def test_placeholders_of_types_have_valid_names():
    # as in TensorFlow 2.21
    graph = tf.Graph()
    spec = tf.TensorSpec([2], tf.int32)
    assert spec._graph_placeholder(graph, "a").name == "a:0"
    assert spec._graph_placeholder(graph, "a%!").name == "Placeholder:0"


def test_specs_of_ranks_only():
    """What Keras 2 asks of the elements of generators."""
    ranks = tf.RaggedTensorSpec([2, None, 3], tf.int32, 1)._with_tensor_ranks_only()
    assert ranks == tf.RaggedTensorSpec([None, None, None], tf.int32, 1)
    assert tf.TensorSpec([2, 3])._with_tensor_ranks_only() == tf.TensorSpec([None, None])
    assert tf.TensorSpec(None)._with_tensor_ranks_only() == tf.TensorSpec(None)


def test_decoded_tensors_have_the_shape_of_their_type():
    spec = tf.TensorSpec([None, 3])

    @tf.function(input_signature=[tf.TensorSpec(None)])
    def decoded(x):
        assert spec._from_tensor_list([x]).shape.as_list() == [None, 3]
        return x

    decoded(tf.zeros([2, 3]))


@pytest.mark.parametrize(
    "tensors", [[], [tf.zeros([3])] * 2, [tf.zeros([2])], [tf.zeros([3], tf.int32)]]
)
def test_tensors_of_another_type_are_not_decoded(tensors):
    with pytest.raises(ValueError, match="TensorSpec"):
        tf.TensorSpec([3])._from_tensor_list(tensors)


def test_only_composites_tell_their_own_type():
    """Legacy Keras's symbolic tensors have a `_type_spec`, and are no values: tensorflow-gnn depends on the error."""

    class Symbolic:
        _type_spec = SCALAR

    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        tf.type_spec_from_value(Symbolic())


def test_values_of_sessions_and_none_have_types():
    sparse = tf.compat.v1.SparseTensorValue([[0, 1]], [1.5], [2, 3])
    assert tf.type_spec_from_value(sparse) == tf.SparseTensorSpec([2, 3], tf.float32)
    ragged = tf.compat.v1.ragged.constant_value([[["a"], []], []])
    expected = tf.RaggedTensorSpec([2, None, None], tf.string, 2, tf.int64)
    assert tf.type_spec_from_value(ragged) == expected
    assert repr(tf.type_spec_from_value(None)) == "NoneTensorSpec()"


def test_rows_without_a_shape_have_the_widths_of_their_values():
    rows = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([0]))
    assert tf.type_spec_from_value(rows)._serialize()[0] == tf.TensorShape([None, 3])


@pytest.mark.parametrize("value", [3, np.ones(3), tf.TensorSpec([1]), [1.0]])
def test_a_spec_is_not_made_from_a_value_that_is_not_a_tensor(value):
    with pytest.raises(ValueError, match="`tensor` should be a tf.Tensor, but got type <class"):
        tf.TensorSpec.from_tensor(value)
