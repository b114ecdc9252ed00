"""Parts of a function that are recorded once and then copied."""

import numpy as np

import penstock as tf
from penstock._src.graph.members.repetition import Repetition

SCALES = [np.float32([1.0, 2.0, 3.0]), np.float32([4.0, 5.0, 6.0]), np.float32([7.0, 8.0, 9.0])]


def types(graph):
    return [op.type for op in graph.get_operations()]


def wiring(graph):
    operations = graph.get_operations()
    return [[(operations.index(t.op), t.shape) for t in op.inputs] for op in operations]


def traced(layer, outer_of, repeats=True):
    """A function that applies a layer to what is read from outside, and how often Python ran the layer in it."""
    runs = []

    def counted(x, outer):
        runs.append(outer)
        return layer(x, outer)

    @tf.function(input_signature=[tf.TensorSpec([None, 3])], autograph=False)
    def function(x):
        repetition = Repetition()
        for outer in outer_of:
            call = lambda x, outer=outer: counted(x, outer)  # noqa: E731
            handles = [getattr(each, "handle", each) for each in outer]
            variables = [each for each in outer if isinstance(each, tf.Variable)]
            x = repetition.call(call, x, "form", handles, variables) if repeats else call(x)
        return x

    return function, runs


def test_like_parts_are_copied_over_other_tensors():
    scales = [(tf.constant(scale),) for scale in SCALES]
    layer = lambda x, outer: tf.nn.relu(x * outer[0] - 1.0)  # noqa: E731
    function, runs = traced(layer, scales)
    plain, _ = traced(layer, scales, repeats=False)
    x = tf.constant([[1.0, 0.5, 0.1]])
    np.testing.assert_array_equal(function(x), plain(x))
    graph, wanted = (each.get_concrete_function().graph for each in (function, plain))
    assert len(runs) == 1 and types(graph) == types(wanted)
    assert len({op.name for op in graph.get_operations()}) == len(graph.get_operations())
    assert wiring(graph) == wiring(wanted)


def test_variables_are_written_and_read_in_order():
    def layer(x, outer):
        outer[0].assign_add(tf.reduce_sum(x, 0))
        return x + outer[0]

    variables = [(tf.Variable(scale),) for scale in SCALES]
    function, runs = traced(layer, variables)
    x, wanted = tf.ones([1, 3]), np.ones(3, np.float32)
    found = function(x)
    for (variable,), scale in zip(variables, SCALES, strict=True):
        np.testing.assert_array_equal(variable, scale + wanted)
        wanted = wanted + scale + wanted
    np.testing.assert_array_equal(found, [wanted])
    concrete = function.get_concrete_function()
    assert len(runs) == 1 and [id(v) for v in concrete.graph.variables] == [
        id(v) for (v,) in variables
    ]


def test_numbers_that_became_constants_are_recorded_each_time():
    counts = [(tf.constant([number, 1, 1]),) for number in range(3)]
    function, runs = traced(lambda x, outer: x + tf.cast(outer[0], tf.float32), counts)
    np.testing.assert_array_equal(function(tf.zeros([1, 3])), [[3.0, 3.0, 3.0]])
    assert len(runs) == 3


def test_tensors_that_are_not_declared_are_recorded_each_time():
    hidden = iter([tf.constant(scale) for scale in SCALES])
    function, runs = traced(lambda x, outer: x + next(hidden), [(), (), ()])
    np.testing.assert_array_equal(function(tf.zeros([1, 3])), [np.sum(SCALES, 0)])
    assert len(runs) == 3


def test_random_numbers_are_not_the_same_twice():
    layer = lambda x, outer: x + outer[0] * tf.random.uniform([3])  # noqa: E731
    ones = [(tf.ones([3]),), (-tf.ones([3]),)]
    function, runs = traced(layer, ones)
    assert np.abs(function(tf.zeros([1, 3]))).min() > 0 and len(runs) == 2


def test_a_tape_sees_all_parts():
    variables = [tf.Variable(scale) for scale in SCALES[:2]]

    @tf.function(autograph=False)
    def gradients(x):
        repetition = Repetition()
        with tf.GradientTape() as tape:
            for variable in variables:
                call = lambda x, variable=variable: x * variable  # noqa: E731
                x = repetition.call(call, x, "form", [variable.handle], [variable])
        return tape.gradient(x, variables)

    for found, other in zip(gradients(tf.ones([1, 3])), reversed(variables), strict=True):
        np.testing.assert_array_equal(found, other)


def test_gradients_of_a_function_with_copies_are_those_of_all_parts():
    variables = [(tf.Variable(scale),) for scale in SCALES]
    function, runs = traced(lambda x, outer: x * outer[0], variables)
    with tf.GradientTape() as tape:
        y = function(tf.ones([1, 3]))
    found = tape.gradient(y, [variable for (variable,) in variables])
    assert len(runs) == 1
    for gradient, scale in zip(found, SCALES, strict=True):
        np.testing.assert_allclose(gradient, np.prod(SCALES, 0) / scale)


def test_parts_of_a_loop_are_copied_within_its_body():
    scales = [tf.constant(scale) for scale in SCALES]
    runs = []

    def layer(x, scale):
        runs.append(scale)
        return x * scale

    @tf.function(autograph=False)
    def function(x):
        def body(at, x):
            repetition = Repetition()
            for scale in scales:
                x = repetition.call(lambda x, scale=scale: layer(x, scale), x, "form", [scale])
            return at + 1, x

        return tf.while_loop(lambda at, x: at < 2, body, (0, x))[1]

    np.testing.assert_array_equal(function(tf.ones([1, 3])), [np.prod(SCALES, 0) ** 2])
    assert len(runs) == 1
