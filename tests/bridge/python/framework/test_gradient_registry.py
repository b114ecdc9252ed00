"""Gradients that programs replace in `ops._gradient_registry`, as explainers of models do."""

import contextlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.framework.ops import (
    _gradient_registry,
    get_gradient_function,
)

ENTRIES = _gradient_registry._registry
X = tf.constant([1.0, -2.0])


@contextlib.contextmanager
def replaced(op_type, function):
    own = ENTRIES[op_type]["type"]
    ENTRIES[op_type]["type"] = function
    try:
        yield own
    finally:
        ENTRIES[op_type]["type"] = own


def gradient_of(f, x=X):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def in_graph(f):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.constant(X.numpy())
        return session.run(tf.gradients(f(x), x)[0])


def traced(f):
    return tf.function(lambda x: gradient_of(f, x))(X)


WAYS = {
    "eager": gradient_of,
    "traced": traced,
    "called": lambda f: gradient_of(tf.function(f)),
    "graph": in_graph,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_replaced_gradient_counts_until_it_is_put_back(way):
    def doubled(op, dy):
        assert op.type == "Relu" and len(op.inputs) == len(op.outputs) == 1
        return 2.0 * own(op, dy) + op.inputs[0]

    with replaced("Relu", doubled) as own:
        np.testing.assert_array_equal(WAYS[way](tf.nn.relu), [3.0, -2.0])
    np.testing.assert_array_equal(WAYS[way](tf.nn.relu), [1.0, 0.0])


@pytest.mark.parametrize("way", WAYS)
def test_ops_without_gradients_can_be_given_one(way):
    with replaced("Ceil", lambda op, dy: dy * 3.0), replaced("ZerosLike", lambda op, dy: dy):
        np.testing.assert_array_equal(WAYS[way](lambda x: tf.math.ceil(x)), [3.0, 3.0])
        np.testing.assert_array_equal(WAYS[way](lambda x: tf.raw_ops.ZerosLike(x=x)), [1.0, 1.0])


def test_gradients_of_classes_are_called_with_operations_of_graphs():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        a, b = tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]])
        product = tf.matmul(a, b)
        of_a, of_b = get_gradient_function(product.op)(product.op, tf.ones([1, 1]))
        np.testing.assert_array_equal(session.run(of_a), [[3.0, 4.0]])
        np.testing.assert_array_equal(session.run(of_b), [[1.0], [2.0]])


def test_attributes_and_lists_reach_the_function():
    def of_concat(op, dy):
        assert op.get_attr("N") == 2 and len(op.inputs) == 3
        return own(op, dy)

    with replaced("ConcatV2", of_concat) as own:
        gradient = gradient_of(lambda x: tf.concat([x, 2.0 * x], 0))
    np.testing.assert_array_equal(gradient, [3.0, 3.0])


def test_a_gradient_of_none_ends_the_walk_and_a_removed_one_is_an_error():
    with replaced("Relu", None):
        assert gradient_of(tf.nn.relu) is None
    entry = ENTRIES["Relu"]
    del ENTRIES["Relu"]
    try:
        assert "Relu" not in ENTRIES
        with pytest.raises(LookupError, match="gradient registry has no entry for: Relu"):
            gradient_of(tf.nn.relu)
    finally:
        ENTRIES["Relu"] = entry
    np.testing.assert_array_equal(gradient_of(tf.nn.relu), [1.0, 0.0])


def test_the_registry_lists_and_refuses_names():
    assert {"Relu", "MatMul", "ZerosLike"} <= set(_gradient_registry.list())
    assert ENTRIES["ZerosLike"]["type"] is None and "NoSuchOp" not in ENTRIES
    with pytest.raises(KeyError, match="Registering two gradient with name 'Relu'"):
        _gradient_registry.register(lambda op, dy: dy, "Relu")
    with pytest.raises(LookupError, match="gradient registry has no entry for: NoSuchOp"):
        _gradient_registry.lookup("NoSuchOp")
