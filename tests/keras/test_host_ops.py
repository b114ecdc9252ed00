"""Training steps of layers, losses, metrics and optimizers are compiled whole: no operation stays on the host.

The steps are lowered and planned, but not run (the null device). Layers over strings and tables are not listed: these
need the host. RandomElasticTransform is not, either: the size of its blur is drawn at random.
"""

import inspect

import keras
import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.block import BlockStep
from penstock._src.compiler.blocks.steps import ProgramStep
from penstock._src.compiler.host.steps import HostStep
from penstock._src.util.flags import flags

L = keras.layers
RANDOM = np.random.default_rng(0)


def array(*shape):
    return RANDOM.normal(size=shape).astype("float32")


ROWS, SERIES, IMAGES, VOLUMES = (
    array(8, 6),
    array(4, 10, 6),
    array(2, 16, 16, 3),
    array(1, 6, 6, 6, 2),
)
PIXELS = RANDOM.integers(0, 255, (2, 16, 16, 3)).astype("float32")
TOKENS = RANDOM.integers(0, 20, (4, 7)).astype("int32")

LAYERS = {
    "dense": (lambda: L.Dense(4, activation="gelu"), ROWS),
    "einsum dense": (lambda: L.EinsumDense("abc,cd->abd", (None, 7), bias_axes="d"), SERIES),
    "spectral normalization": (lambda: L.SpectralNormalization(L.Dense(4)), ROWS),
    "embedding": (lambda: L.Embedding(20, 5), TOKENS),
    "masked": (lambda: keras.Sequential([L.Embedding(20, 5, mask_zero=True), L.LSTM(4)]), TOKENS),
    "attention": (lambda: SelfAttention(L.MultiHeadAttention(2, 4, dropout=0.1)), SERIES),
    "grouped attention": (lambda: SelfAttention(L.GroupQueryAttention(4, 4, 2)), SERIES),
    "stacked cells": (lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(3)])), SERIES),
    "bidirectional": (lambda: L.Bidirectional(L.GRU(4, return_sequences=True)), SERIES),
    "time distributed": (lambda: L.TimeDistributed(L.Dense(3)), SERIES),
    "convolutional lstm": (lambda: L.ConvLSTM2D(3, 3), array(2, 4, 8, 8, 3)),
    "upsampling": (lambda: L.UpSampling2D(3, interpolation="bicubic"), IMAGES),
    "spectrogram": (lambda: L.STFTSpectrogram("magnitude", 64, 32, 64), array(2, 256, 1)),
    "mel spectrogram": (
        lambda: L.MelSpectrogram(128, sequence_stride=64, num_mel_bins=10, sampling_rate=8000),
        array(2, 512),
    ),
    "discretization": (lambda: L.Discretization([0.0, 1.0], output_mode="one_hot"), ROWS[:, :1]),
    "counts of bins": (lambda: L.Discretization([0.0, 1.0], output_mode="count"), ROWS),
    "category encoding": (lambda: L.CategoryEncoding(20, "multi_hot"), TOKENS),
    **{
        name: (lambda name=name: getattr(L, name)(), ROWS)
        for name in "BatchNormalization LayerNormalization RMSNormalization UnitNormalization PReLU Softmax".split()
    },
    **{
        name: (lambda name=name: getattr(L, name)(0.3), ROWS)
        for name in "Dropout GaussianNoise GaussianDropout AlphaDropout".split()
    },
    **{
        name: (lambda name=name: getattr(L, name)(4, return_sequences=True, dropout=0.2), SERIES)
        for name in "LSTM GRU SimpleRNN".split()
    },
    **{
        name + size: (lambda name=name + size: getattr(L, name)(2, 3), x)
        for size, x in (("1D", SERIES), ("2D", IMAGES), ("3D", VOLUMES))
        for name in ("Conv", "SeparableConv")
        if hasattr(L, name + size)
    },
    **{
        name: (lambda name=name: getattr(L, name)(4, 3, strides=2), x)
        for name, x in (("Conv1DTranspose", SERIES), ("Conv2DTranspose", IMAGES))
    },
    **{
        name: (lambda name=name: getattr(L, name)(2), IMAGES)
        for name in "MaxPooling2D AveragePooling2D AdaptiveAveragePooling2D ZeroPadding2D Cropping2D".split()
    },
}
AUGMENTATIONS = {
    "RandomFlip": [],
    "RandomRotation": [0.2],
    "RandomZoom": [0.2],
    "RandomTranslation": [0.2, 0.2],
    "RandomShear": [0.2, 0.2],
    "RandomPerspective": [],
    "RandomContrast": [0.3],
    "RandomBrightness": [0.3],
    "RandomHue": [0.2],
    "RandomSaturation": [0.3],
    "RandomGrayscale": [],
    "RandomSharpness": [0.3],
    "RandomGaussianBlur": [],
    "RandomErasing": [],
    "Solarization": [],
    "CenterCrop": [8, 8],
    "Resizing": [9, 11],
    "RandomCrop": [8, 8],
    "RandomColorJitter": [],
    "RandomColorDegeneration": [0.3],
    "RandomPosterization": [4],
    "RandomInvert": [],
    "RandAugment": [],
    "AugMix": [],
    "MixUp": [],
    "CutMix": [],
    "Equalization": [],
    "AutoContrast": [],
}
PROBABILITIES = np.abs(ROWS) / np.abs(ROWS).sum(1, keepdims=True)
CLASSES = RANDOM.integers(0, 6, 8).astype("int32")
ONE_HOT = np.eye(6, dtype="float32")[CLASSES]
METRICS = (
    "Accuracy AUC BinaryAccuracy CategoricalAccuracy F1Score Mean Precision Recall R2Score".split()
)
OPTIMIZERS = "SGD Adam AdamW Adadelta Adafactor Adagrad Adamax Ftrl Lion Muon Nadam RMSprop".split()


class SelfAttention(L.Layer):
    """A layer of attention from a sequence to itself."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def call(self, x, training=False):
        return self.attention(x, x, use_causal_mask=True, training=training)


def on_host(function, *args):
    """What of a function is not compiled; lowering needs no run."""
    args = [tf.constant(a) for a in args]
    function = tf.function(function, autograph=False)
    before, flags.device = flags.device, "null"
    try:
        function(*args)
    finally:
        flags.device = before
    found = []
    for step in function.get_concrete_function(*args).graph_function.executable.steps():
        if isinstance(step, HostStep):
            found.append((step.op.type, step.why))
        elif isinstance(step, BlockStep):
            found += step.reasons.items()
        elif isinstance(step, ProgramStep) and step.compiled.why_interpreted:
            found.append(step.compiled.why_interpreted)
    return found


def called(layer, x):
    takes_training = "training" in inspect.signature(layer.call).parameters
    return layer(x, training=True) if takes_training else layer(x)


@pytest.mark.parametrize("name", LAYERS)
def test_training_steps_of_layers(name):
    make, x = LAYERS[name]
    layer = make()
    called(layer, tf.constant(x))
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(layer.trainable_variables)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.add_n(
                [
                    tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
                    for y in tf.nest.flatten(called(layer, x))
                ]
            )
        if layer.trainable_variables:
            gradients = tape.gradient(loss, layer.trainable_variables)
            optimizer.apply(gradients, layer.trainable_variables)
        return loss

    assert on_host(step, x) == []


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_preprocessing_of_images(name):
    kind = getattr(L, name)
    takes_range = "value_range" in inspect.signature(kind.__init__).parameters
    layer = kind(*AUGMENTATIONS[name], **({"value_range": (0, 255)} if takes_range else {}))
    called(layer, tf.constant(PIXELS))
    assert on_host(lambda x: called(layer, x), PIXELS) == []


@pytest.mark.parametrize(
    "loss, labels",
    [
        (keras.losses.SparseCategoricalCrossentropy(ignore_class=1), CLASSES),
        (keras.losses.CategoricalFocalCrossentropy(), ONE_HOT),
        (keras.losses.BinaryFocalCrossentropy(), ONE_HOT),
        (keras.losses.CosineSimilarity(), ONE_HOT),
        (keras.losses.Huber(), ONE_HOT),
        (keras.losses.KLDivergence(), PROBABILITIES),
        (keras.losses.Dice(), ONE_HOT),
        (keras.losses.Circle(), CLASSES),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_steps_of_losses_need_no_host(loss, labels):
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(labels, x)
        return tape.gradient(value, x)

    assert on_host(step, PROBABILITIES) == []


def test_a_step_of_ctc_needs_no_host():
    loss = keras.losses.CTC()
    labels = tf.constant(RANDOM.integers(1, 4, (2, 3)), tf.int32)

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(labels, x)
        return tape.gradient(value, x)

    assert on_host(step, array(2, 9, 6)) == []


@pytest.mark.parametrize("name", METRICS)
def test_metrics(name):
    metric = getattr(keras.metrics, name)()
    args = (PROBABILITIES,) if name == "Mean" else (ONE_HOT, PROBABILITIES)
    metric.update_state(*args)

    def step(*args):
        metric.update_state(*args)
        return metric.result()

    assert on_host(step, *args) == []


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 100, warmup_steps=3, warmup_target=0.2)
    optimizer = getattr(keras.optimizers, name)(schedule, global_clipnorm=1.0, use_ema=True)
    layer = L.Dense(3)
    layer.build((None, 6))
    optimizer.build(layer.trainable_variables)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x) ** 2)
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)

    assert on_host(step, ROWS) == []


@pytest.mark.parametrize("name", [*OPTIMIZERS, "Lamb", "LossScaleOptimizer"])
def test_optimizers_with_gradients_of_few_rows(name):
    kind = getattr(keras.optimizers, name)
    wraps = name == "LossScaleOptimizer"
    optimizer = kind(keras.optimizers.Adam()) if wraps else kind(0.1, clipvalue=0.5)
    layer = L.Embedding(20, 3)
    layer.build()
    optimizer.build(layer.trainable_variables)

    def step(x):
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(tf.reduce_sum(layer(x) ** 2))
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)

    assert on_host(step, TOKENS) == []


def test_gradients_of_scans():
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            last, all_of_them = keras.ops.scan(lambda c, x: (c + tf.sin(x), c * x), x[0], x)
            y = tf.reduce_sum(all_of_them**2) + tf.reduce_sum(last**3)
        return tape.gradient(y, x)

    assert on_host(gradient, SERIES[0]) == []
    compiled = tf.function(gradient, autograph=False)
    np.testing.assert_allclose(compiled(SERIES[0]), gradient(tf.constant(SERIES[0])), 1e-4, 1e-4)
