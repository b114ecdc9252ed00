"""What follows from constants is computed once, whatever the shapes are; nothing else changes."""

import numpy as np

import penstock as tf
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.passes.fold_constants import fold_constants


def folded(function, *specs):
    traced = tf.function(function, autograph=False).get_concrete_function(*specs)
    return fold_constants(traced.graph_function)


def types(made: GraphFunction):
    operations = needed_operations(made.graph, made.inputs, made.outputs, [])
    return [op.type for op in operations if op.type != "Const"]


def test_sums_of_constants_are_computed():
    made = folded(lambda x: x * (tf.constant([1.0, 2.0]) + 3.0), tf.TensorSpec([2]))
    assert types(made) == ["Mul"]
    assert made.run([np.float32([1, 1])])[0].tolist() == [4, 5]


def test_shapes_with_one_unknown_extent_are_constants():
    made = folded(lambda x: tf.reshape(x, [tf.shape(x)[0], 6]), tf.TensorSpec([None, 2, 3]))
    assert types(made) == ["Reshape"]
    assert made.run([np.zeros([4, 2, 3], "f")])[0].shape == (4, 6)
    assert made.run([np.zeros([0, 2, 3], "f")])[0].shape == (0, 6)


def test_reshapes_of_nothing_keep_their_shape():
    made = folded(lambda x: tf.reshape(x, [tf.shape(x)[0], 0]), tf.TensorSpec([None, 0]))
    assert made.run([np.zeros([4, 0], "f")])[0].shape == (4, 0)


def test_large_results_of_small_constants_stay_computed():
    made = folded(lambda x: x + tf.fill([1000, 1000], 2.0), tf.TensorSpec([]))
    assert types(made) == ["Fill", "AddV2"]


def test_random_numbers_and_checks_of_values():
    made = folded(
        lambda x: x + tf.random.uniform([2]) * tf.debugging.check_numerics(1.0, "one"),
        tf.TensorSpec([2]),
    )
    assert "RandomUniform" in types(made)
    assert "CheckNumerics" not in types(made)


def test_errors_of_constants_are_left_to_the_run():
    made = folded(lambda x: x + tf.gather(tf.constant([1.0]), tf.constant([7])), tf.TensorSpec([]))
    assert "GatherV2" in types(made)


def test_bodies_of_loops_are_folded():
    def loop(x):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * (1.0 + 1.0)), (0, x))[1]

    made = folded(loop, tf.TensorSpec([2]))
    (while_op,) = [op for op in made.graph._operations if op.raw_op.flow.control == "while"]
    assert types(while_op.raw_op.attrs["body"]).count("Mul") == 1
    assert made.run([np.float32([1, 2])])[0].tolist() == [8, 16]
