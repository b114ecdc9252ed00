"""Ops of tensors, of NumPy arrays and of primitives: eagerly, in functions, under tapes and elsewhere."""

import numpy as np
import pytest

import penstock as tf
from tests.custom_ops import my_ops

X = np.float32([[-2.0, 0.5], [0.25, 3.0]])
SIGMOID = 1 / (1 + np.exp(-X))
# Op, attributes, value at X, derivative at X.
SMOOTH = {
    "tensors": (my_ops.swish, {}, X * SIGMOID, SIGMOID + X * SIGMOID * (1 - SIGMOID)),
    "given gradient": (my_ops.marked, {}, X, np.full_like(X, 10)),
    "numpy": (my_ops.power, {"power": 3}, X**3, 3 * X**2),
    "primitives": (my_ops.growth, {"rate": 0.5}, np.exp(X / 2), np.exp(X / 2) / 2),
}
CASES = pytest.mark.parametrize(("op", "attributes", "value", "slope"), SMOOTH.values(), ids=SMOOTH)


@CASES
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_value_and_gradient(op, attributes, value, slope, wrap):
    call = wrap(lambda x: op(x, **attributes) * 2.0)
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    np.testing.assert_allclose(y, value * 2, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(y, x), slope * 2, rtol=1e-5)


@CASES
def test_a_gradient_within_a_function(op, attributes, value, slope):
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def gradient(x):
        return tf.gradients(op(x, **attributes), x)[0]

    np.testing.assert_allclose(gradient(X), slope, rtol=1e-5)


@CASES
def test_rows_of_a_map(op, attributes, value, slope):
    np.testing.assert_allclose(
        tf.vectorized_map(lambda row: op(row, **attributes), tf.constant(X)), value, rtol=1e-5
    )
    rows = tf.data.Dataset.from_tensor_slices(X).map(lambda row: op(row, **attributes))
    np.testing.assert_allclose(list(rows), value, rtol=1e-5)


@CASES
def test_a_graph_of_tensorflow_1(op, attributes, value, slope):
    with tf.Graph().as_default():
        x = tf.constant(X)
        y = op(x, **attributes)
        gradient = tf.gradients(y, x)
        with tf.compat.v1.Session() as session:
            found = session.run([y, *gradient])
    np.testing.assert_allclose(found, [value, slope], rtol=1e-5)


def test_second_derivatives():
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = my_ops.growth(x) + my_ops.swish(x) * 0.0
        slope = inner.gradient(y, x)
    np.testing.assert_allclose(outer.gradient(slope, x), np.exp(2.0), rtol=1e-5)


def test_primitives_are_fused_and_numpy_runs_on_the_host():
    x = tf.constant(X)
    fused = tf.function(lambda x: my_ops.growth(x) + 1.0).explain(x)
    assert "host" not in str(fused) and "computes exp, add" in str(fused)
    assert "MyOps>Power" in str(tf.function(lambda x: my_ops.power(x) + 1.0).explain(x))


def test_shapes_are_inferred_where_sizes_are_unknown():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([3])])
    def shapes(x, y):
        rows, count = my_ops.row_norms(x)
        return [my_ops.row_sums(x), my_ops.hypotenuse(x, y), my_ops.power(x), rows, count]

    found = [t.shape.as_list() for t in shapes.get_concrete_function().outputs]
    assert found == [[None], [None, 3], [None, 3], [None], []]


def test_several_results_strings_and_broadcasting():
    norms, count = my_ops.row_norms([[3.0, 4.0], [0.0, 1.0]])
    assert norms.numpy().tolist() == [5.0, 1.0] and int(count) == 2
    assert tf.function(my_ops.upper)(tf.constant(["ab"])).numpy().tolist() == [b"AB"]
    assert my_ops.hypotenuse([[3.0], [0.0]], 4.0).numpy().tolist() == [[5.0], [4.0]]


def test_numbers_take_the_dtype_of_the_first_tensor():
    assert my_ops.hypotenuse(tf.constant(3.0, tf.float64), 4.0).dtype == tf.float32  # as it says
    assert my_ops.power(tf.constant(3.0, tf.float64)).dtype == tf.float64
    assert my_ops.power(3).dtype == tf.int32


def test_large_arrays_are_compiled():
    x = tf.fill([300_000], 2.0)
    np.testing.assert_allclose(my_ops.growth(x), np.full(300_000, np.exp(2.0)), rtol=1e-5)


def test_what_a_function_returns_is_copied():
    kept = np.zeros(2, np.float32)

    @tf.op(kind="numpy", shape="x", name="Kept")
    def keeping(x):
        return kept

    y = keeping([1.0, 2.0])
    kept += 1
    assert y.numpy().tolist() == [0.0, 0.0]


def test_stateful_calls_are_all_made():
    calls = []

    @tf.op(kind="numpy", shape=[], dtype="int32", stateful=True, name="Counting")
    def counting():
        calls.append(1)
        return len(calls)

    assert tf.function(lambda: (counting(), counting()))()[1].numpy() == 2
    tf.function(lambda: [counting(), 0][1])()
    assert len(calls) == 3


def test_a_keras_layer_trains_through_each_kind():
    class Layer(tf.keras.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 4))

        def call(self, x):
            x = my_ops.swish(x @ self.kernel, beta=2.0)
            return my_ops.growth(x, rate=0.1) + my_ops.power(x)

    tf.keras.utils.set_random_seed(0)
    model = tf.keras.Sequential(
        [tf.keras.Input((2,)), Layer(), tf.keras.layers.Dense(1, my_ops.swish)]
    )
    model.compile("adam", "mse")
    before = model.layers[0].kernel.numpy()
    losses = model.fit(X, X[:, :1], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and (model.layers[0].kernel.numpy() != before).all()
