"""Training, evaluating and predicting by every way in: kinds of models, data, steps and policies."""

import gc

import keras
import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.pipeline import Pipeline
from tests.keras import compiled

L = keras.layers


def sequential():
    return keras.Sequential([keras.Input((4,)), L.Dense(16, activation="relu"), L.Dense(3)])


def functional():
    inputs = keras.Input((4,))
    x = L.Dense(16, activation="relu")(inputs)
    return keras.Model(inputs, L.Dense(3)(L.Concatenate()([x, inputs])))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.last = L.Dense(16, activation="relu"), L.Dense(3)
        self.dropout = L.Dropout(0.1)

    def call(self, x, training=False):
        return self.last(self.dropout(self.hidden(x), training=training))


class OwnStep(Subclassed):
    def train_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            metric.update_state(loss if metric.name == "loss" else (y, self(x)))
        return {"loss": loss, "own": tf.constant(1.0)}


@pytest.fixture
def data(random):
    x = random.normal(size=(120, 4)).astype("float32")
    return x, (x @ random.normal(size=(4, 3))).argmax(1)


def compile_(model, **options):
    model.compile(
        keras.optimizers.Adam(0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **options,
    )
    return model


@pytest.mark.parametrize("make", [sequential, functional, Subclassed])
@pytest.mark.parametrize("jit_compile", [True, False, "auto"])
def test_kinds_of_models(make, jit_compile, data):
    x, y = data
    model = compile_(make(), metrics=["accuracy"], jit_compile=jit_compile)
    history = model.fit(x, y, batch_size=30, epochs=12, validation_split=0.25, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    loss, accuracy = model.evaluate(x, y, verbose=0)
    answers = model.predict(x, batch_size=50, verbose=0)
    assert answers.shape == (120, 3) and answers.dtype == np.float32
    np.testing.assert_allclose(answers, model(x).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.mean(answers.argmax(1) == y), accuracy, rtol=1e-5)
    assert accuracy > 0.8 and loss < 1


def test_own_training_step(data):
    x, y = data
    model = OwnStep()
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(True))
    history = model.fit(x, y, epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] and history["own"] == [1.0] * 8
    assert compiled.host_types(model.train_function) <= compiled.OF_THE_ITERATOR


def generator(x, y):
    while True:
        for at in range(0, 120, 30):
            yield x[at : at + 30], y[at : at + 30]


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(30 * index, 30 * index + 30)
        return self.x[part], self.y[part]


SOURCES = {
    "arrays": lambda x, y: {"x": x, "y": y, "batch_size": 30},
    "tensors": lambda x, y: {"x": tf.constant(x), "y": tf.constant(y), "batch_size": 30},
    "generator": lambda x, y: {"x": generator(x, y), "steps_per_epoch": 4},
    "dataset": lambda x, y: {"x": tf.data.Dataset.from_tensor_slices((x, y)).batch(30)},
    "endless dataset": lambda x, y: {
        "x": tf.data.Dataset.from_tensor_slices((x, y)).repeat().shuffle(50).batch(30).prefetch(2),
        "steps_per_epoch": 4,
    },
    "mapped dataset": lambda x, y: {
        "x": tf.data.Dataset.zip(tf.data.Dataset.from_tensor_slices(x), tf.data.Dataset.from_tensor_slices(y))
        .map(lambda a, b: (a * 1.0, tf.cast(b, tf.int32)), num_parallel_calls=tf.data.AUTOTUNE)
        .cache()
        .batch(30)
    },
    "PyDataset": lambda x, y: {"x": Batches(x, y)},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
@pytest.mark.parametrize("source", SOURCES)
def test_sources_of_data(source, data):
    model = compile_(sequential())
    history = model.fit(**SOURCES[source](*data), epochs=6, verbose=0).history["loss"]
    assert len(history) == 6 and history[-1] < 0.8 * history[0]


def test_weights_of_samples_and_classes(data):
    x, y = data
    model = compile_(sequential())
    weights = (y == 0).astype("float32")
    model.fit(x, y, sample_weight=weights, epochs=8, verbose=0)
    assert (model.predict(x, verbose=0).argmax(1) == 0).mean() > 0.9
    model.fit(x, y, class_weight={0: 0.0, 1: 1.0, 2: 0.0}, epochs=15, verbose=0)
    assert (model.predict(x, verbose=0).argmax(1) == 1).mean() > 0.8


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"steps_per_execution": 4}])
def test_eager_and_several_steps_at_once_give_the_same(options, data):
    found = []
    for more in ({}, options):
        keras.utils.set_random_seed(3)
        model = compile_(sequential(), **more)
        found.append(
            model.fit(*data, batch_size=30, epochs=2, shuffle=False, verbose=0).history["loss"]
        )
    np.testing.assert_allclose(*found, rtol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_policies(policy, data):
    x, y = data
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((4,))
    x1 = L.LayerNormalization()(L.Dense(16, activation="relu")(inputs))
    model = compile_(keras.Model(inputs, L.Dense(3, dtype="float32")(x1)))
    if policy == "mixed_float16":
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert x1.dtype == {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}.get(
        policy, policy
    )
    history = model.fit(x, y, batch_size=30, epochs=10, verbose=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < 0.6 * history[0]
    variables = {v.dtype for v in model.trainable_variables}
    assert "float32" in variables if policy != "float64" else variables <= {"float64", "float32"}


def test_mixed_convolutions(random):
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(2, dtype="float32"),
        ]
    )
    compile_(model)
    x = random.random((40, 8, 8, 1)).astype("float32")
    y = (x.mean((1, 2, 3)) > 0.5).astype("int32")
    history = model.fit(x, y, epochs=6, verbose=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0]


@pytest.mark.parametrize("layer", [L.SimpleRNN, L.LSTM, L.GRU])
@pytest.mark.parametrize("unroll", [False, True])
def test_recurrent_layers_learn_whole_in_native_code(layer, unroll, random):
    x = random.integers(0, 2, (96, 6)).astype("float32")[..., None]
    y = x[:, 0, 0]
    model = keras.Sequential([keras.Input((6, 1)), layer(12, unroll=unroll), L.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), keras.losses.BinaryCrossentropy(from_logits=True))
    history = model.fit(x, y, batch_size=32, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    assert compiled.host_types(model.train_function) <= compiled.OF_THE_ITERATOR


def test_attention_learns_to_look(random):
    tokens = random.integers(1, 9, (128, 6)).astype("int32")
    inputs = keras.Input((6,), dtype="int32")
    x = L.Embedding(9, 16)(inputs) + L.Embedding(6, 16)(keras.ops.arange(6))
    x, scores = L.MultiHeadAttention(2, 8)(x, x, return_attention_scores=True)
    model = keras.Model(inputs, L.Dense(9)(x[:, 0]))
    compile_(model)
    history = model.fit(tokens, tokens[:, 3], epochs=40, batch_size=64, verbose=0).history["loss"]
    assert history[-1] < 0.4 * history[0]
    weights = keras.Model(inputs, scores).predict(tokens, verbose=0)
    assert weights.shape == (128, 2, 6, 6)
    np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-5)


def test_fit_and_predict_leave_no_copy_of_the_data():
    """Without the cyclic collector, which may not run for long."""
    x, y = np.ones((500, 4), np.float32), np.zeros(500, np.int64)
    model = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    gc.collect()
    gc.freeze()  # what is there before is left out of `gc.get_objects`
    gc.disable()
    try:
        model.fit(x, y, batch_size=50, epochs=2, validation_data=(x, y), verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x, verbose=0)
        assert [each for each in gc.get_objects() if issubclass(type(each), Pipeline)] == []
    finally:
        gc.enable()
