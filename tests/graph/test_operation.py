"""An operation belongs to the graph of its inputs; what joins tensors of two graphs is refused."""

import pytest

import penstock as tf

tf1 = tf.compat.v1


@pytest.fixture
def graphs():
    """Two graphs, each with a vector, row boundaries and a scalar."""
    made = []
    for _ in range(2):
        graph = tf.Graph()
        with graph.as_default():
            made.append((graph, tf.constant([1, 2, 3]), tf.constant([0, 2, 3]), tf.constant(1)))
    return made


RAGGED = {
    "from_row_splits": lambda values, rows, one: tf.RaggedTensor.from_row_splits(values, rows),
    "from_row_lengths": lambda values, rows, one: tf.RaggedTensor.from_row_lengths(values, rows),
    "from_row_starts": lambda values, rows, one: tf.RaggedTensor.from_row_starts(values, rows),
    "from_row_limits": lambda values, rows, one: tf.RaggedTensor.from_row_limits(values, rows),
    "from_value_rowids": lambda values, rows, one: tf.RaggedTensor.from_value_rowids(
        values, rows, nrows=one, validate=False
    ),
    "from_uniform_row_length": lambda values, rows, one: tf.RaggedTensor.from_uniform_row_length(
        values, one
    ),
    "from_nested_row_splits": lambda values, rows, one: tf.RaggedTensor.from_nested_row_splits(
        values, [rows]
    ),
    "SparseTensor": lambda values, rows, one: tf.SparseTensor(
        tf.zeros([3, 1], tf.int64), values, [3]
    ),
    "StructuredTensor": lambda values, rows, one: tf.experimental.StructuredTensor.from_fields(
        {"a": values, "b": rows}, shape=[None]
    ),
    "add": lambda values, rows, one: values + rows,
    "concat": lambda values, rows, one: tf.concat([values, rows], 0),
}


@pytest.mark.parametrize("function", RAGGED.values(), ids=list(RAGGED))
def test_tensors_of_two_graphs_are_refused(graphs, function):
    (_, values, _, _), (second, _, rows, one) = graphs
    with second.as_default(), pytest.raises(ValueError, match="must be from the same graph as"):
        function(values, rows, one)


FUNCTIONS = {
    "neg": lambda x: -x,
    "add a number": lambda x: x + 1,
    "slice": lambda x: x[0],
    "zeros_like": tf.zeros_like,
    "reshape": lambda x: tf.reshape(x, [1, 3]),
    "norm": lambda x: tf.norm(tf.cast(x, tf.float32)),
    "gradients": lambda x: tf1.gradients(tf.cast(x, tf.float32) * 2.0, x, name="g") and x,
    "batch_normalization": lambda x: tf.nn.batch_normalization(
        tf.cast(x, tf.float32), 0.0, 1.0, 0.0, 1.0, 0.1
    ),
    "row splits": lambda x: tf.RaggedTensor.from_row_splits(x, [0, 2, 3]).row_splits,
    "sparse shape": lambda x: tf.SparseTensor([[0], [1], [2]], x, [3]).dense_shape,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_operations_are_added_to_the_graph_of_their_inputs(graphs, function):
    (first, values, _, _), (second, _, _, _) = graphs
    before = len(second.get_operations())
    with second.as_default():
        result = function(values)
    assert result.graph is first
    assert len(second.get_operations()) == before


def test_a_name_scope_is_entered_in_the_graph_of_its_values(graphs):
    (first, values, _, _), (second, other, _, _) = graphs
    with second.as_default():
        with tf1.name_scope(None, "scope", [values]) as scope:
            assert (scope, tf.constant(1).graph) == ("scope/", first)
        assert tf.constant(1).graph is second
        with pytest.raises(ValueError, match="must be from the same graph as"):
            tf1.name_scope(None, "scope", [values, other]).__enter__()


def test_variables_and_ragged_tensors_have_a_graph(graphs):
    (_, values, _, _), (second, _, _, _) = graphs
    with second.as_default():
        ragged = tf.ragged.constant([[1], [2, 3]])
        variable = tf1.get_variable("v", [2])
    for other in (ragged, variable):
        with second.as_default(), pytest.raises(ValueError, match="must be from the same graph as"):
            tf1.name_scope(None, "scope", [values, other]).__enter__()


def test_parts_of_a_sparse_tensor_are_named_in_its_scope():
    with tf.Graph().as_default() as graph:
        tf.SparseTensor([[0]], [1], [1])
        assert [o.name for o in graph.get_operations()] == [
            "SparseTensor/indices",
            "SparseTensor/values",
            "SparseTensor/dense_shape",
        ]


def test_an_operation_knows_its_readers():
    with tf.Graph().as_default():
        first, second = tf.unstack(tf.constant([1.0, 2.0]))
        total = tf.add(first, first)
        product = tf.multiply(total, second)
        assert first.op.readers() == [total.op, product.op]
        assert first.consumers() == [total.op]
        assert product.op.readers() == []


def test_consumers_are_those_after_the_last_change_of_the_graph():
    with tf.Graph().as_default():
        first, second = tf.constant(1.0), tf.constant(2.0)
        total = tf.add(first, second)
        assert first.consumers() == [total.op]
        doubled = tf.add(first, first)
        assert first.consumers() == [total.op, doubled.op]
        total.op._update_input(0, second)
        assert first.consumers() == [doubled.op]
        assert second.consumers() == [total.op]
