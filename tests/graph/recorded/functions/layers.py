"""Layers of Keras, each in a model of its own, and small models."""

import importlib

from tests.graph.recorded.functions.cases import f, i, maker

# Layer -> (arguments, the shape of its input).
LAYERS = {
    "Dense": ({"units": 3, "activation": "relu"}, (4,)),
    "EinsumDense": ({"equation": "abc,cd->abd", "output_shape": (None, 3)}, (None, 4)),
    "Conv1D": ({"filters": 3, "kernel_size": 2, "padding": "causal"}, (6, 2)),
    "Conv2D": ({"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (8, 8, 2)),
    "Conv3D": ({"filters": 2, "kernel_size": 2}, (4, 4, 4, 1)),
    "Conv1DTranspose": ({"filters": 2, "kernel_size": 3, "strides": 2}, (5, 2)),
    "Conv2DTranspose": ({"filters": 2, "kernel_size": 3, "strides": 2}, (5, 5, 2)),
    "DepthwiseConv2D": ({"kernel_size": 3, "depth_multiplier": 2}, (6, 6, 2)),
    "SeparableConv2D": ({"filters": 3, "kernel_size": 3}, (6, 6, 2)),
    "BatchNormalization": ({}, (6, 6, 2)),
    "LayerNormalization": ({}, (4,)),
    "GroupNormalization": ({"groups": 2}, (4, 4, 4)),
    "UnitNormalization": ({}, (4,)),
    "RMSNormalization": ({}, (4,)),
    "SpectralNormalization": (None, (4,)),
    "MaxPooling2D": ({"padding": "same"}, (5, 5, 2)),
    "AveragePooling2D": ({"pool_size": 2, "padding": "same"}, (5, 5, 2)),
    "MaxPooling1D": ({}, (6, 2)),
    "AveragePooling3D": ({"pool_size": 2}, (4, 4, 4, 1)),
    "GlobalAveragePooling2D": ({"keepdims": True}, (4, 4, 2)),
    "GlobalMaxPooling1D": ({}, (6, 2)),
    "AdaptiveAveragePooling2D": ({"output_size": 2}, (4, 4, 2)),
    "ZeroPadding2D": ({"padding": ((1, 2), (0, 1))}, (4, 4, 2)),
    "Cropping2D": ({"cropping": 1}, (4, 4, 2)),
    "UpSampling2D": ({"interpolation": "bilinear"}, (4, 4, 2)),
    "UpSampling1D": ({}, (4, 2)),
    "Flatten": ({}, (4, 2)),
    "Reshape": ({"target_shape": (-1, 2)}, (4, 3)),
    "Permute": ({"dims": (2, 1)}, (4, 3)),
    "RepeatVector": ({"n": 3}, (4,)),
    "ReLU": ({"max_value": 6.0}, (4,)),
    "LeakyReLU": ({}, (4,)),
    "PReLU": ({}, (4,)),
    "ELU": ({}, (4,)),
    "Softmax": ({}, (4,)),
    "Activation": ({"activation": "hard_silu"}, (4,)),
    "Rescaling": ({"scale": 0.5, "offset": 1.0}, (4, 4, 2)),
    "Resizing": ({"height": 3, "width": 5}, (4, 4, 2)),
    "CenterCrop": ({"height": 2, "width": 2}, (4, 4, 2)),
    "Normalization": ({"mean": 1.0, "variance": 2.0}, (4,)),
    "Discretization": ({"bin_boundaries": [-0.5, 0.0, 0.5]}, (4,)),
    "CategoryEncoding": (None, (4,)),
    "Masking": ({}, (5, 3)),
    "Dropout": ({"rate": 0.5}, (4,)),
    "GaussianNoise": ({"stddev": 0.5}, (4,)),
    "MultiHeadAttention": (None, (5, 4)),
    "GroupQueryAttention": (None, (5, 4)),
    "TimeDistributed": (None, (5, 4)),
}


def keras_of(tf):
    """Keras, once TensorFlow is there, or Penstock in its place."""
    if "." not in tf.__name__ and tf.__name__ != "tensorflow":
        tf.install_as_tensorflow()
    keras = importlib.import_module("keras")
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    return keras


def settled(tf, model):
    """The model with weights that are the same everywhere."""
    for weight in model.weights:
        if weight.dtype not in ("float32", tf.float32):
            continue
        count = 1
        for extent in weight.shape:
            count *= extent
        values = tf.math.cos(tf.range(count, dtype=tf.float32) * 0.7) * 0.5
        weight.assign(
            tf.reshape(tf.abs(values) if "variance" in weight.name else values, weight.shape)
        )
    return model


def called(tf, model):
    """The function that calls a model."""
    settled(tf, model)
    return lambda inputs: model(inputs, training=False)


def sequential(tf, shape, *layers):
    """The function that calls a model of layers, made by `layers` of Keras."""
    keras = keras_of(tf)
    return called(
        tf, keras.Sequential([keras.Input(shape), *(make(keras.layers) for make in layers)])
    )


def _special(name, layers):
    if name == "MultiHeadAttention":
        attention = layers.MultiHeadAttention(2, 3)
        return lambda x: attention(x, x)
    if name == "GroupQueryAttention":
        attention = layers.GroupQueryAttention(2, 4, 2)
        return lambda x: attention(x, x)
    if name == "TimeDistributed":
        return layers.TimeDistributed(layers.Dense(3))
    if name == "CategoryEncoding":
        return lambda x: layers.CategoryEncoding(4, output_mode="multi_hot")(x > 0.0)
    return layers.SpectralNormalization(layers.Dense(3))


def _register(name):
    arguments, shape = LAYERS[name]

    def make(tf):
        keras = keras_of(tf)
        layers = keras.layers
        layer = _special(name, layers) if arguments is None else getattr(layers, name)(**arguments)
        inputs = keras.Input(shape)
        return called(tf, keras.Model(inputs, layer(inputs)))

    make.__name__, make.__module__ = f"layer_{name}", __name__
    maker(f(None, *shape))(make)


for _name in LAYERS:
    _register(_name)


@maker(i(None, 6))
def text_embedding(tf):
    keras = keras_of(tf)
    layers = keras.layers
    return called(
        tf,
        keras.Sequential(
            [
                keras.Input((6,), dtype="int32"),
                layers.Embedding(10, 4),
                layers.GlobalAveragePooling1D(),
                layers.Dense(1, activation="sigmoid"),
            ]
        ),
    )


@maker(f(None, 4), f(None, 4))
def merging(tf):
    keras = keras_of(tf)
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    merged = [
        layers.Add()([a, b]),
        layers.Multiply()([a, b]),
        layers.Concatenate()([a, b]),
        layers.Dot(1)([a, b]),
        layers.Maximum()([a, b]),
        layers.Average()([a, b]),
        layers.Subtract()([a, b]),
    ]
    model = settled(tf, keras.Model([a, b], merged))
    return lambda a, b: model([a, b], training=False)


@maker(f(None, 8, 8, 3))
def residual(tf):
    keras = keras_of(tf)
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="first")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y])))
    return called(tf, keras.Model(inputs, layers.Dense(2, "softmax", name="top")(x)))


@maker(f(None, 5, 4))
def transformer_block(tf):
    keras = keras_of(tf)
    layers = keras.layers
    inputs = keras.Input((5, 4))
    x = layers.MultiHeadAttention(2, 4)(inputs, inputs, use_causal_mask=True)
    x = layers.LayerNormalization()(x + inputs)
    y = layers.Dense(4)(layers.Dense(8, "gelu")(x))
    return called(tf, keras.Model(inputs, layers.LayerNormalization()(x + y)))


@maker(f(None, 16, 16, 3))
def mobile_block(tf):
    layers = [
        lambda k: k.Conv2D(4, 3, 2, "same", use_bias=False),
        lambda k: k.BatchNormalization(),
        lambda k: k.Activation("hard_silu"),
        lambda k: k.DepthwiseConv2D(3, padding="same"),
        lambda k: k.ReLU(6.0),
        lambda k: k.Conv2D(8, 1),
        lambda k: k.GlobalAveragePooling2D(),
        lambda k: k.Dense(3, "softmax"),
    ]
    return sequential(tf, (16, 16, 3), *layers)


@maker(f(None, 4))
def dictionary_model(tf):
    keras = keras_of(tf)
    inputs = keras.Input((4,), name="features")
    outputs = {
        "mean": keras.layers.Dense(1, name="mean")(inputs),
        "scale": keras.layers.Dense(1, "softplus", name="scale")(inputs),
    }
    return called(tf, keras.Model(inputs, outputs))


@maker(f(None, 4))
def nested_model(tf):
    keras = keras_of(tf)
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, "tanh")], name="inner")
    inputs = keras.Input((4,))
    return called(tf, keras.Model(inputs, keras.layers.Dense(1)(inner(inner(inputs)))))


@maker(f(None, 4))
def functional_operations(tf):
    keras = keras_of(tf)
    ops = keras.ops
    inputs = keras.Input((4,))
    x = ops.concatenate([ops.exp(inputs), ops.where(inputs > 0.0, inputs, 0.0)], axis=-1)
    x = ops.matmul(ops.transpose(x), x) / ops.sqrt(ops.sum(ops.square(x)) + 1.0)
    return called(tf, keras.Model(inputs, ops.softmax(x, axis=-1)))


@maker(f(4, 4), i(4))
def training_step(tf):
    keras = keras_of(tf)
    model = settled(tf, keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]))
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply(tape.gradient(value, model.trainable_variables))
        return value

    return step
