"""Built models give Penstock's own values."""

import keras
import numpy as np
import pytest

import penstock as tf
from tests.aot.kit import built, loaded, needs_compiler, run_test_program, traced

pytestmark = needs_compiler
DRAW = np.random.default_rng(3)


def of(model, *inputs):
    """A Keras model's call as a concrete function."""
    return traced(lambda *x: model(x[0] if len(x) == 1 else list(x), training=False), *inputs)


def convolutions():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="gelu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return of(model, tf.TensorSpec([1, 12, 12, 3], name="image"))


def recurrent():
    model = keras.Sequential([keras.Input((9, 5)), keras.layers.LSTM(16), keras.layers.Dense(3)])
    return of(model, tf.TensorSpec([2, 9, 5], name="series"))


def words():
    layers = [
        keras.Input((9,), dtype="int32"),
        keras.layers.Embedding(30, 8),
        keras.layers.LSTM(16),
    ]
    return of(keras.Sequential(layers), tf.TensorSpec([1, 9], tf.int32, name="words"))


def attention():
    words = keras.Input((8,), dtype="int32")
    x = keras.layers.Embedding(30, 16)(words)
    x = keras.layers.LayerNormalization()(x + keras.layers.MultiHeadAttention(2, 8)(x, x))
    model = keras.Model(words, keras.layers.Dense(4)(x))
    return of(model, tf.TensorSpec([2, 8], tf.int32, name="words"))


def branches():
    def function(x):
        y = tf.cond(tf.reduce_sum(x) > 2.0, lambda: x * 2.0, lambda: x - 1.0)
        i = tf.constant(0)
        i, y = tf.while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, y + tf.sin(y)), [i, y])
        return {"y": y, "order": tf.argsort(y), "places": tf.cast(i, tf.int64)}

    return traced(function, tf.TensorSpec([7], name="x"))


def several_types():
    def function(a, b, c):
        return (
            a @ tf.transpose(a),
            tf.cast(b, tf.float32) / 3.0,
            tf.logical_not(c),
            b,
            tf.constant([1, 2]),
        )

    specs = (tf.TensorSpec([3, 4], tf.float64, name="a"), tf.TensorSpec([5], tf.int64, name="b"))
    return traced(function, *specs, tf.TensorSpec([2], tf.bool, name="c"))


def functions_of_doubles():
    def function(x):
        return tf.math.lgamma(x + 1.0), tf.sin(1e6 * x), tf.pow(x, 1.3), tf.math.erfc(x)

    return traced(function, tf.TensorSpec([50], tf.float64, name="x"))


def spectra():
    def function(x):
        found = tf.signal.rfft(x)
        parts = tf.math.real(found), tf.math.imag(found)
        return *parts, tf.signal.irfft(found), tf.sort(tf.reshape(x, [-1]))

    return traced(function, tf.TensorSpec([5, 180], name="x"))


def integers():
    draw = np.random.default_rng(2)
    shapes = (3, 3, 3, 16), (3, 3, 1, 16), (1, 1, 16, 24), (600, 10)
    weights = [draw.integers(-128, 128, shape).astype(np.int8) for shape in shapes]

    def function(image):
        x = image
        for number, w in enumerate(weights):
            wide, kernel = (
                tf.cast(x, tf.int32) - (5 - 60 * number),
                tf.cast(tf.constant(w), tf.int32),
            )
            if number < 3:
                x = tf.nn.conv2d(wide, kernel, 1 + (number == 1), "SAME")
            else:
                return tf.reshape(wide, [1, -1]) @ kernel
            x = tf.cast(tf.clip_by_value(tf.bitwise.right_shift(x, 8), -128, 127), tf.int8)

    return traced(function, tf.TensorSpec([1, 9, 9, 3], tf.int8, name="image"))


MODELS = [
    integers,
    convolutions,
    recurrent,
    words,
    attention,
    branches,
    several_types,
    functions_of_doubles,
    spectra,
]


def inputs_of(function):
    """Random values for a concrete function's arguments."""
    for tensor in function.inputs[: function.arity]:
        shape, dtype = tensor.shape.as_list(), tensor.dtype
        if dtype == tf.int8:
            yield DRAW.integers(-128, 128, shape).astype(np.int8)
            continue
        yield (DRAW.random(shape) * (1 if dtype.is_floating else 2)).astype(dtype.as_numpy_dtype)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_libraries_compute_what_penstock_computes(make, tmp_path):
    function = make()
    values = list(inputs_of(function))
    wanted = [np.asarray(t) for t in tf.nest.flatten(function(*map(tf.constant, values)))]
    got = list(loaded(tmp_path, function)(*values).values())
    assert len(got) == len(wanted)
    for x, y in zip(got, wanted, strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cpu", ["x86-64-v2", "x86-64-v3"])
@pytest.mark.parametrize("make", [attention, integers], ids=lambda make: make.__name__)
def test_lesser_processors_compute_the_same(make, cpu, tmp_path):
    function = make()
    values = list(inputs_of(function))
    (got,) = loaded(tmp_path, function, cpu=cpu)(*values).values()
    np.testing.assert_allclose(got, function(*map(tf.constant, values)), rtol=1e-5, atol=1e-6)


def test_test_program_agrees(tmp_path):
    built(tmp_path, {"images": convolutions(), "series": recurrent()}, small=True)
    assert run_test_program(tmp_path) == "model: 2 calls agree\n"


def test_test_program_sees_other_values(tmp_path):
    built(tmp_path, several_types())
    values = tmp_path / "model_values.h"
    text = values.read_text()
    first, _, rest = text.partition("model_out0_0[] = {\n")
    values.write_text(f"{first}model_out0_0[] = {{\n9,9,9,9,9,9,9,63,{rest.split(',', 8)[8]}")
    with pytest.raises(AssertionError, match="output 0 differs"):
        run_test_program(tmp_path)


def test_each_batch_size_is_computed(tmp_path):
    model = keras.Sequential(
        [keras.Input((20,)), keras.layers.Dense(40, "relu"), keras.layers.Dense(3)]
    )
    function = of(model, tf.TensorSpec([None, 20], name="x"))
    library = loaded(tmp_path, function, batches=(1, 2, 7))
    assert next(iter(library.functions.values())).batches == (1, 2, 7)
    for batch in (7, 1, 2):
        x = DRAW.random((batch, 20), np.float32)
        (got,) = library(x).values()
        np.testing.assert_allclose(got, function(tf.constant(x)), rtol=1e-5, atol=1e-6)


def test_weights_may_be_a_file(tmp_path):
    function = convolutions()
    values = list(inputs_of(function))
    library = loaded(tmp_path, function, weights=True)
    assert (tmp_path / "model.weights").stat().st_size > (tmp_path / "model.o").stat().st_size
    (got,) = library(*values).values()
    np.testing.assert_allclose(got, function(*map(tf.constant, values)), rtol=1e-5, atol=1e-6)
    assert run_test_program(tmp_path) == "model: 1 calls agree\n"


def test_small_builds_keep_weights_near_their_size(tmp_path):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((28, 28, 32)), layers.Conv2D(32, 3), layers.Conv2D(32, 3)]
    )
    function = of(model, tf.TensorSpec([1, 28, 28, 32], name="image"))
    size = sum(w.numpy().nbytes for w in model.weights)
    sizes = [built(tmp_path, function, small=small).model.data.size for small in (False, True)]
    assert sizes[1] < 1.1 * size < sizes[0]


def test_threads_share_the_work(tmp_path):
    function = convolutions()
    values = list(inputs_of(function))
    library = loaded(tmp_path, function, threads=2)
    assert library._table.threads == 2
    for _ in range(20):
        (got,) = library(*values).values()
        np.testing.assert_allclose(got, function(*map(tf.constant, values)), rtol=1e-5, atol=1e-6)
    assert run_test_program(tmp_path, "-pthread") == "model: 1 calls agree\n"
    with pytest.raises(tf.errors.UnimplementedError, match="--threads"):
        built(tmp_path, function, target="wasm32", threads=2)


@pytest.mark.parametrize("precision, share", [("float16", 0.5), ("bfloat16", 0.5), ("int8", 0.25)])
@pytest.mark.parametrize("make", [convolutions, recurrent], ids=lambda make: make.__name__)
def test_weights_of_fewer_bits(make, precision, share, tmp_path):
    function = make()
    values = list(inputs_of(function))
    wanted = np.asarray(function(*map(tf.constant, values)))
    library = loaded(tmp_path, function, precision=precision, small=True)
    (got,) = library(*values).values()
    far = {"float16": 2e-3, "bfloat16": 2e-2, "int8": 3e-2}[precision] * np.abs(wanted).max()
    assert 0 < np.abs(got - wanted).max() < far
    assert run_test_program(tmp_path) == "model: 1 calls agree\n"
    whole = built(tmp_path, function, small=True).model.data.size
    narrow = built(tmp_path, function, precision=precision, small=True).model.data.size
    assert narrow < (share + 0.3) * whole
    np.testing.assert_array_equal(function(*map(tf.constant, values)), wanted)


def test_large_constants_are_weights(tmp_path):
    """As models of other formats have them: packed once, stored narrowly where asked."""
    weights = DRAW.random((3, 3, 32, 64), np.float32) - 0.5
    function = traced(
        lambda x: tf.nn.conv2d(x, tf.constant(weights), 1, "VALID"),
        tf.TensorSpec([1, 9, 9, 32], name="x"),
    )
    (x,) = inputs_of(function)
    made = built(tmp_path, function)
    assert len(made.model.functions[0].plans[0].prepacked) == 1
    (got,) = loaded(tmp_path, function, "whole")(x).values()
    np.testing.assert_allclose(got, function(tf.constant(x)), rtol=1e-4, atol=1e-5)
    (got,) = loaded(tmp_path, function, "half", precision="float16")(x).values()
    np.testing.assert_allclose(got, function(tf.constant(x)), rtol=2e-2, atol=2e-2)
    assert run_test_program(tmp_path, name="half") == "half: 1 calls agree\n"


def test_what_follows_from_weights_is_computed_when_building(tmp_path):
    weights = tf.Variable(DRAW.random((64, 3, 3, 32), np.float32) - 0.5)
    spread = tf.Variable(DRAW.random(64, np.float32) + 0.1)

    def function(x):
        filters = tf.transpose(weights, [1, 2, 3, 0])
        return tf.nn.conv2d(x, filters, 1, "VALID") * tf.math.rsqrt(spread + 1e-3)

    concrete = traced(function, tf.TensorSpec([1, 9, 9, 32], name="x"))
    (x,) = inputs_of(concrete)
    made = built(tmp_path, concrete, small=True)
    plan = made.model.functions[0].plans[0]
    assert {getattr(record, "label", "") for record in plan.launches} == {
        "convolution[1, 7, 7, 64] + epilogue"
    }
    assert made.model.data.size < 1.1 * (weights.numpy().nbytes + spread.numpy().nbytes)
    (got,) = loaded(tmp_path, concrete)(x).values()
    np.testing.assert_allclose(got, concrete(tf.constant(x)), rtol=1e-4, atol=1e-5)


def test_scalars_that_follow_from_weights_stay_scalars(tmp_path):
    weights = tf.Variable(DRAW.random((64, 64), np.float32))
    concrete = traced(
        lambda x: x @ weights / tf.reduce_max(weights) + tf.reduce_sum(weights),
        tf.TensorSpec([2, 64], name="x"),
    )
    (x,) = inputs_of(concrete)
    (got,) = loaded(tmp_path, concrete)(x).values()
    np.testing.assert_allclose(got, concrete(tf.constant(x)), rtol=1e-4)


def test_samples_of_scalars_stay_scalars(tmp_path):
    concrete = traced(lambda x: tf.sqrt(x) + 1.0, tf.TensorSpec([], name="x"))
    built(tmp_path, concrete, name="root", samples={"x": np.float32(4)})
    assert run_test_program(tmp_path, name="root") == "root: 1 calls agree\n"
