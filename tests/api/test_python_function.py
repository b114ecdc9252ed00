"""tf.py_function with values that are made of several tensors, and its gradients."""

import numpy as np
import pytest

import penstock as tf

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
ROWS = tf.RaggedTensorSpec([2, None], tf.int32)


def rows(first):
    return tf.ragged.constant([[1, 2], [3]]) + first


@BOTH
def test_composite_results(wrap):
    found = wrap(lambda: tf.py_function(rows, [1], ROWS))()
    assert found.to_list() == [[2, 3], [4]] and found.dtype == tf.int32


@BOTH
def test_composites_among_results(wrap):
    found, number = wrap(lambda: tf.py_function(lambda x: (rows(x), x), [1], [ROWS, tf.int32]))()
    assert found.to_list() == [[2, 3], [4]] and int(number) == 1


@BOTH
def test_composite_arguments(wrap):
    total = wrap(lambda x: tf.py_function(tf.reduce_sum, [x], tf.int32))
    assert int(total(tf.ragged.constant([[1, 2], [3]]))) == 6


@BOTH
def test_gradients(wrap):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, z = tf.py_function(lambda x: (x**3, x**2), [x], [tf.float32] * 2)
            total = y + 2.0 * z
        return tape.gradient(total, x)

    assert float(wrap(gradient)(tf.constant(3.0))) == 39.0


@BOTH
def test_gradients_by_inputs_that_the_function_leaves_out_are_zero(wrap):
    def gradients(x, unused):
        with tf.GradientTape() as tape:
            tape.watch([x, unused])
            y, count, z = tf.py_function(
                lambda x, _: (x * x, 3, np.float32(x.numpy())),
                [x, unused],
                [tf.float32, tf.int32, tf.float32],
            )
            total = y * tf.cast(count, tf.float32) + z
        return tape.gradient(total, [x, unused])

    dx, rest = wrap(gradients)(tf.constant(2.0), tf.constant([1.0, 1.0]))
    assert float(dx) == 12 and rest.numpy().tolist() == [0, 0]


def test_second_derivatives_of_eager_calls():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer, tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as forward:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.py_function(lambda a: a**3, [x], tf.float32)
        first = inner.gradient(y, x)
    assert forward.jvp(y).numpy().tolist() == [3, 12]
    assert outer.gradient(first, x).numpy().tolist() == [6, 12]


@pytest.mark.parametrize(
    "result, expected",
    [(None, None), ([], []), ([1], 1), ((1, (2, 3)), [1, 2, 3]), ({"b": 1, "a": None}, [None, 1])],
)
def test_eager_numpy_functions_return_a_flat_list(result, expected):
    returned = tf.numpy_function(lambda: result, [], [tf.int32])
    assert tf.nest.map_structure(lambda x: x if x is None else x.numpy(), returned) == expected


@pytest.mark.parametrize("call", [tf.py_function, tf.numpy_function])
def test_arguments_that_are_missing_or_too_many(call):
    with pytest.raises(TypeError, match="Missing required argument: 'Tout'"):
        call(lambda x: x)
    with pytest.raises(TypeError, match="Missing argument `inp`"):
        call(lambda x: x, Tout=tf.int32)
    with pytest.raises(TypeError, match="Don't set the `inp` argument"):
        call(inp=[], Tout=tf.int32)


def test_a_decorator_keeps_the_name():
    @tf.py_function(Tout=tf.int32)
    def plus(x, y):
        return x + y

    assert plus.__name__ == "plus" and int(plus(1, 2)) == 3


def _of_operation(x):
    return tf.reshape(x, [7])


@pytest.mark.parametrize(
    "call",
    {
        "eager": lambda: tf.py_function(_of_operation, [1.0], tf.float32),
        "traced": lambda: tf.function(
            lambda: tf.numpy_function(_of_operation, [1.0], tf.float32)
        )(),
        "dataset": lambda: list(
            tf.data.Dataset.range(1).map(lambda x: tf.py_function(_of_operation, [x], tf.int64))
        ),
        "generator": lambda: list(
            tf.data.Dataset.from_generator(
                lambda: map(_of_operation, [1.0]), output_signature=tf.TensorSpec([])
            )
        ),
    }.values(),
)
def test_errors_of_operations_in_python_functions_are_unknown_ones(call):
    with pytest.raises(tf.errors.UnknownError, match="InvalidArgumentError: .*reshape"):
        call()


@pytest.mark.parametrize("call", [tf.numpy_function, tf.py_function])
def test_results_of_a_tuple_of_types_are_a_list_in_functions(call):
    types = (tf.float32, tf.float32)
    pair = tf.function(lambda: call(lambda x: (x, x + 1), [1.0], types))()
    assert type(pair) is list and [float(x) for x in pair] == [1.0, 2.0]
    assert type(tf.py_function(lambda x: x, [1.0], (tf.float32,))) is list


def _add_ten(array):
    array += 10
    return array


@pytest.mark.parametrize("kept", [lambda data: data, lambda data: data.batch(2).cache()])
def test_functions_may_write_into_their_arrays(kept):
    data = kept(tf.data.Dataset.from_tensor_slices(np.arange(4.0)))
    mapped = data.map(lambda x: tf.numpy_function(_add_ten, [x], tf.float64))
    for _ in range(2):
        values = np.concatenate([np.reshape(x, [-1]) for x in mapped])
        assert values.tolist() == [10.0, 11.0, 12.0, 13.0]
    x = tf.constant([1.0])
    assert float(tf.function(lambda x: tf.numpy_function(_add_ten, [x], tf.float32))(x)[0]) == 11.0
    assert float(x[0]) == 1.0


def test_functions_may_fill_one_array_in_each_call():
    array = np.zeros(2)

    def filled(value):
        array[:] = value
        return array

    def rows(value):
        return filled(value)[:1]

    for function in (filled, rows):
        call = tf.function(lambda x, of=function: tf.numpy_function(of, [x], tf.float64))
        first, second = call(tf.constant(1.0)), call(tf.constant(2.0))
        assert (float(first[0]), float(second[0])) == (1.0, 2.0)
        data = tf.data.Dataset.range(4).map(
            lambda x, of=function: tf.numpy_function(of, [x], tf.float64)
        )
        batches = [np.asarray(batch)[:, 0].tolist() for batch in data.batch(2)]
        assert batches == [[0.0, 1.0], [2.0, 3.0]]


def test_second_and_third_derivatives_in_functions():
    def product(x, z):
        return x**3 * z, z

    @tf.function
    def derivatives(x, z):
        with tf.GradientTape() as third:
            third.watch([x, z])
            with tf.GradientTape() as second:
                second.watch([x, z])
                with tf.GradientTape() as first:
                    first.watch(x)
                    y, _ = tf.py_function(product, [x, z], [tf.float32, tf.float32])
                dx = first.gradient(y, x)
            dxx, dxz = second.gradient(dx, [x, z])
        return dx, dxx, dxz, *third.gradient(dxx, [x, z])

    results = derivatives(tf.constant(2.0), tf.constant(5.0))
    assert [float(result) for result in results] == [60.0, 60.0, 12.0, 30.0, 12.0]


@pytest.mark.parametrize("wrap", [tf.function, lambda f: f])
def test_a_value_that_is_not_callable_is_refused(wrap):
    with pytest.raises(ValueError, match="Expected func to be callable. Received func=3"):
        wrap(lambda: tf.py_function(3, [], tf.float32))()


def test_a_traced_value_that_is_not_callable_is_refused():
    with pytest.raises(ValueError, match="Expected func to be callable. Received func=3"):
        tf.function(lambda: tf.numpy_function(3, [], tf.float32))()
