"""Functions over rows, and Python functions inside graphs; values recorded on TensorFlow."""

import numpy as np
import pytest

import penstock as tf

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
X = [1, 2, 3]


@BOTH
def test_map_fn_maps_rows_to_one_or_several_results(wrap):
    f = wrap(lambda x: tf.map_fn(lambda r: r * r, x))
    assert f(tf.constant(X)).numpy().tolist() == [1, 4, 9]
    f = wrap(
        lambda x: tf.map_fn(
            lambda r: (r[0] + r[1], tf.cast(r[0], tf.float32)),
            (x, x),
            fn_output_signature=(tf.int32, tf.float32),
        )
    )
    a, b = f(tf.constant(X))
    assert a.numpy().tolist() == [2, 4, 6] and b.numpy().tolist() == [1.0, 2.0, 3.0]


@BOTH
def test_folds_and_scans(wrap):
    x = tf.constant(X)
    assert wrap(lambda x: tf.foldl(lambda a, r: a - r, x))(x).numpy() == -4
    assert wrap(lambda x: tf.foldr(lambda a, r: a - r, x))(x).numpy() == 0
    assert wrap(lambda x: tf.scan(lambda a, r: a + r, x))(x).numpy().tolist() == [1, 3, 6]
    backwards = wrap(lambda x: tf.scan(lambda a, r: a + r, x, reverse=True))
    assert backwards(x).numpy().tolist() == [6, 5, 3]


@BOTH
def test_gradient_of_scan(wrap):
    f = wrap(lambda x: tf.scan(lambda a, r: a * r, x))
    x = tf.constant([2.0, 3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(f(x))
    assert tape.gradient(y, x).numpy().tolist() == [16.0, 10.0, 6.0]


@BOTH
def test_vectorized_map(wrap):
    f = wrap(lambda x: tf.vectorized_map(lambda r: r * 2, x))
    assert f(tf.constant(X)).numpy().tolist() == [2, 4, 6]


@BOTH
def test_numpy_function(wrap):
    f = wrap(lambda x: tf.numpy_function(np.sin, [x], tf.float32))
    np.testing.assert_allclose(f(tf.constant([1.0, 2.0])), [0.84147098, 0.90929743], rtol=1e-6)


@BOTH
def test_py_function_is_differentiated(wrap):
    f = wrap(lambda x: tf.py_function(lambda a: a * a if a[0] > 0 else -a, [x], tf.float32))
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert y.numpy().tolist() == [1.0, 4.0] and tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]


def test_symbolic_gradients():
    """The gradients of x * x * y by x and y, as an op."""
    spec = tf.TensorSpec([], tf.float32)
    function = tf.function(lambda x, y: (x * x * y,)).get_concrete_function(spec, spec)
    inputs = [tf.constant(2.0), tf.constant(3.0), tf.constant(1.0)]

    @tf.function
    def gradients():
        return tf.raw_ops.SymbolicGradient(input=inputs, Tout=[tf.float32] * 2, f=function)

    assert [float(g) for g in gradients()] == [12.0, 4.0]


class Vehicle(tf.experimental.BatchableExtensionType):
    speed: tf.Tensor
    mileage: tf.Tensor


def test_map_fn_takes_and_gives_extension_types():
    fleet = Vehicle([120, 150, 80], [30, 40, 12])
    ranges = tf.map_fn(lambda v: v.speed * v.mileage, fleet, fn_output_signature=tf.int32)
    assert ranges.numpy().tolist() == [3600, 6000, 960]
    number = tf.TensorSpec([], tf.int32)
    made = tf.map_fn(
        lambda i: Vehicle(i, i * 2),
        tf.range(3),
        fn_output_signature=Vehicle.Spec(speed=number, mileage=number),
    )
    assert made.mileage.numpy().tolist() == [0, 2, 4]


@BOTH
@pytest.mark.parametrize(
    ("before", "after", "error"),
    [({"a": 0}, {"b": 1}, ValueError), ((0,), [1], TypeError), ([0], (1,), TypeError)],
)
def test_functions_return_the_structure_that_they_take(wrap, before, after, error):
    rows = tf.range(2)
    types = tf.nest.map_structure(lambda _: tf.int32, before)
    calls = (
        lambda: tf.map_fn(lambda row: after, rows, fn_output_signature=types),
        lambda: tf.scan(lambda state, row: after, rows, initializer=before),
    )
    for call in calls:
        with pytest.raises(error, match="same nested structure"):
            wrap(call)()


LOOPS = {
    "map_fn": lambda x, **k: tf.map_fn(lambda v: v * v, x, **k),
    "scan": lambda x, **k: tf.scan(lambda a, v: a * v, x, **k),
    "foldl": lambda x, **k: tf.foldl(lambda a, v: a * v, x, **k),
    "foldr": lambda x, **k: tf.foldr(lambda a, v: a * v, x, **k),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_in_graphs_pass_gradients_on_only_with_back_prop(name):
    def gradient(back_prop):
        x = tf.constant([2.0, 3.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = LOOPS[name](x, back_prop=back_prop)
        found = tape.gradient(y, x)
        return tf.constant(-1.0) if found is None else tf.reduce_sum(found)

    assert float(tf.function(gradient)(True)) > 0
    assert float(tf.function(gradient)(False)) == -1
    assert float(gradient(False)) > 0  # eager loops are Python's, as in TensorFlow


@pytest.mark.parametrize("name", LOOPS)
def test_loops_refuse_numbers_of_parallel_iterations_below_one(name):
    for wrap in (lambda f: f, tf.function):
        with pytest.raises(TypeError, match="'parallel_iterations' must be a positive integer"):
            wrap(lambda: LOOPS[name](tf.constant([1.0]), parallel_iterations=-1))()
