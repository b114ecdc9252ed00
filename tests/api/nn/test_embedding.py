"""Rows of tables in graphs: the names of operations are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1

BEFORE = "Const Reshape/shape Reshape Size range/start range/delta range"
AFTER = (
    "DynamicPartition DynamicPartition_1 Gather Gather_1 . Shape concat/values_1 concat/axis concat "
    "Reshape_1"
)
NODES = {
    "mod": "mod/y mod floordiv/y floordiv",
    "div": "Const floordiv/y floordiv mod/y mod add/y add floordiv_1 sub floordiv_2 Maximum Less add_1/y "
    "add_1 mod_1 sub_1 mod_2 Select",
}


def parts(*rows):
    initializer = v1.zeros_initializer()
    return [v1.get_variable(f"part{n}", [n, 2], initializer=initializer) for n in rows]


@pytest.mark.parametrize("strategy", NODES)
def test_lookups_in_parts_have_tensorflows_operations(strategy):
    with tf.Graph().as_default() as graph:
        table = parts(3, 2)
        ids = tf.constant([0, 4, 1])
        before = len(graph.get_operations())
        v1.nn.embedding_lookup(table, ids, strategy)
        names = [operation.name for operation in graph.get_operations()[before:]]
    expected = f"{BEFORE} {NODES[strategy]} {AFTER}".split()[1:]
    assert names == ["embedding_lookup" if n == "." else f"embedding_lookup/{n}" for n in expected]


@pytest.mark.parametrize("strategy", NODES)
def test_tables_of_fewer_rows_than_parts_are_read(strategy):
    table = [tf.constant([[1.0]]), tf.constant([[2.0]]), tf.zeros([0, 1])]
    rows = v1.nn.embedding_lookup(table, [1, 0], strategy)
    np.testing.assert_array_equal(rows, [[2.0], [1.0]])


def test_rows_of_a_variable_are_one_operation():
    table = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    graph = tf.function(lambda: tf.gather(table, [1])).get_concrete_function().graph
    assert graph.get_operation_by_name("Gather").type == "ResourceGather"
    assert "ReadVariableOp" not in {operation.type for operation in graph.get_operations()}


def test_rows_in_functions_are_of_the_variable_at_that_time():
    table = tf.Variable([[1.0], [2.0]])

    @tf.function
    def step(ids):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(table, ids) ** 2)
        gradient = tape.gradient(loss, table)
        table.assign_add([[10.0], [10.0]])
        return gradient, tf.gather(table, ids)

    gradient, later = step(tf.constant([1, 1]))
    assert isinstance(gradient, tf.IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient), [[0.0], [8.0]])
    np.testing.assert_array_equal(later, [[12.0], [12.0]])
