"""Branches, loops and lists of tensors as TFLite: what is written computes what the function did, at each of its runs."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(4)


def _nested(x):
    def body(i, y):
        inner = lambda j, z: (j + 1, tf.cond(j > 0, lambda: z * 0.5, lambda: z + x))  # noqa: E731
        return i + 1, tf.while_loop(lambda j, z: j < i, inner, [0, y])[1]

    return tf.while_loop(lambda i, y: i < 4, body, [0, x])[1]


def _lists(x):
    found = tf.TensorArray(tf.float32, 4, element_shape=[4])
    for i in tf.range(3):
        found = found.write(i + 1, x[0, i] * tf.cast(i, tf.float32))
    return found.stack()


def _grown(x):
    found = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[4])
    found = found.write(2, x[0, 0])
    for i in tf.range(3):
        found = found.write(2 * i + 1, x[0, i])
    return found.stack(), found.size()


def _rows(x):
    total = tf.constant(0.0)
    for row in x:
        if tf.reduce_sum(row) > 0:
            total += tf.reduce_max(row)
        else:
            total -= 1.0
    return total


def _scattered(x):
    rows = x[0]
    found = tf.TensorArray(tf.float32, 6, element_shape=[4]).scatter([5, 0], rows[:2])
    for i in tf.range(3):
        found = found.write(i + 1, rows[i] * 0.5)
    at = tf.argsort(rows[:, 0])[1:3]
    grown = tf.TensorArray(tf.float32, 0, dynamic_size=True).scatter(at, rows[:2])
    return found.scatter([0, 2], rows[1:3]).stack(), grown.stack(), grown.size()


def _joined(x):
    rows = x[0, :2]
    found = tf.TensorArray(tf.float32, 3, element_shape=[2, 4])
    for i in tf.range(2):
        found = found.write(i + 1, rows * tf.cast(i + 1, tf.float32))
    none = np.zeros(0, np.int64)
    handle = tf.raw_ops.TensorListFromTensor(tensor=x[0, :4, None], element_shape=[1, 4])
    joined, lengths = tf.raw_ops.TensorListConcatV2(
        input_handle=handle, element_shape=[-1, 4], leading_dims=none, element_dtype=tf.float32
    )
    parts = tf.TensorArray(tf.float32, 2).split(rows, [1, 1]).stack()
    return found.concat(), parts, joined, lengths


FUNCTIONS = {
    "branches": lambda x: tf.cond(
        tf.reduce_sum(x) > 0, lambda: (x * 2.0, x[0, 0]), lambda: (x, x[1, 1])
    ),
    "a number that decides": lambda x: tf.cond(
        tf.cast(tf.reduce_sum(x) > 0, tf.int32), lambda: x + 1.0, lambda: x
    ),
    "loops": lambda x: tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x + 1.0), [0, x]),
    "branches in loops in loops": _nested,
    "lists": _lists,
    "lists that grow": _grown,
    "lists that are scattered": _scattered,
    "lists that are joined and split": _joined,
    "rows": _rows,
}


def _hold(function, x, rtol=1e-5, **converted):
    concrete = tf.function(function).get_concrete_function(
        tf.TensorSpec([None, *x.shape[1:]], x.dtype)
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    for name, value in converted.items():
        setattr(converter, name, value)
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    for sample in (x, -x):
        interpreter.set_tensor(given["index"], sample)
        interpreter.invoke()
        results = tf.nest.flatten(concrete(tf.constant(sample)))
        for detail, wanted in zip(interpreter.get_output_details(), results, strict=True):
            found = interpreter.get_tensor(detail["index"])
            np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    _hold(FUNCTIONS[name], RANDOM.normal(size=(3, 5, 4)).astype(np.float32))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("whole", [True, False])
def test_recurrent_layers_begin_anew_at_each_run(kind, whole):
    layer = getattr(tf.keras.layers, kind)(6, return_sequences=whole)
    _hold(lambda x: layer(x), RANDOM.normal(size=(3, 5, 4)).astype(np.float32))


def test_recurrent_layers_with_weights_of_int8():
    layer = tf.keras.layers.LSTM(64)
    x = RANDOM.normal(size=(3, 5, 4)).astype(np.float32)
    _hold(lambda x: layer(x), x, 0.01, optimizations=[tf.lite.Optimize.DEFAULT])


def test_weights_that_are_passed_to_loops_and_branches_are_weights_inside():
    kernel = RANDOM.normal(size=(64, 64)).astype(np.float32) / 64

    @tf.function
    def repeated(x, w, n):
        step = lambda i, y, w: (i + 1, y @ w + 1.0, w)  # noqa: E731
        _, y, kept = tf.while_loop(lambda i, y, w: i < n, step, [0, x, w])
        return tf.cond(y[0, 0] > 0, lambda: y @ w, lambda: y), kept[0]

    def function(x):
        return repeated(x, tf.constant(kernel), tf.constant(3))

    x = RANDOM.normal(size=(2, 64)).astype(np.float32) / 8
    _hold(function, x)
    small = tf.function(lambda x: function(x)[0])
    concrete = small.get_concrete_function(tf.TensorSpec(x.shape))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    assert len(converter.convert()) < 0.75 * kernel.nbytes


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
def test_masked_layers_of_an_open_batch(cell):
    layers = [
        tf.keras.layers.Embedding(9, 4, mask_zero=True),
        getattr(tf.keras.layers, cell)(3, return_sequences=True),
    ]
    model = tf.keras.Sequential([tf.keras.Input([None], dtype="int32"), *layers])
    words = np.array([[1, 2, 0, 0], [0, 3, 4, 0], [0, 0, 0, 0]], np.int32)
    _hold(lambda x: model(tf.abs(x)), words)


def _same_size(x):
    first = tf.TensorArray(tf.float32, 2).write(0, x[1:]).write(1, x[1:]).stack()
    loop = tf.TensorArray(tf.float32, tf.shape(x)[0])
    grown = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    for i in tf.range(tf.shape(x)[0]):
        inner = tf.TensorArray(tf.float32, 2)
        for j in tf.range(2):
            inner = inner.write(j, x[i] * tf.cast(j, tf.float32))
        loop = loop.write(i, inner.stack())
        grown = grown.write(2 * i, x[i, :, None])
    return first, loop.stack(), grown.stack()


def test_the_first_element_determines_the_size_of_all():
    _hold(_same_size, RANDOM.normal(size=(3, 2)).astype(np.float32))


@pytest.mark.parametrize("flex", [False, True])
def test_lists_that_have_no_counterpart_are_refused(flex):
    """Also among TensorFlow's ops, which would read tensors as lists."""
    kinds = [tf.lite.OpsSet.TFLITE_BUILTINS, *[tf.lite.OpsSet.SELECT_TF_OPS] * flex]

    def function(x):
        return tf.TensorArray(tf.float32, 2).write(0, x).write(1, x * 2.0).concat()

    with pytest.raises(tf.errors.UnimplementedError, match="TensorListConcat"):
        target = tf.lite.TargetSpec(supported_ops=kinds)
        _hold(function, np.ones((3, 2), np.float32), target_spec=target)
