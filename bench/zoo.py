"""The Keras models that are timed, each with its data: `MODELS[name](keras, random) -> model, x, y, batch size`."""

import numpy as np


def mlp(keras, random):
    """Two hidden layers of 512 on flat digits."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, random.random((12800, 784), np.float32), random.integers(0, 10, 12800), 128


def convolutional(keras, random):
    """Two convolutions with pooling on digits."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, random.random((6400, 28, 28, 1), np.float32), random.integers(0, 10, 6400), 128


def residual(keras, random):
    """A residual network of 20 layers on images of 32 x 32."""
    layers = keras.layers

    def normalized(x, filters, strides=1):
        x = layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalized(inputs, 16))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters > 16 and block == 0 else 1
            y = normalized(layers.ReLU()(normalized(x, filters, strides)), filters)
            if x.shape[-1] != filters:
                x = layers.Conv2D(filters, 1, strides, use_bias=False)(x)
            x = layers.ReLU()(layers.Add()([x, y]))
    model = keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model, random.random((1280, 32, 32, 3), np.float32), random.integers(0, 10, 1280), 64


def recurrent(keras, random):
    """An LSTM of 128 units over 80 tokens."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((80,), dtype="int32"),
            layers.Embedding(10000, 128),
            layers.LSTM(128),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    tokens = random.integers(0, 10000, (1280, 80)).astype("int32")
    return model, tokens, random.integers(0, 2, 1280), 32


def transformer(keras, random, length=128, blocks=4, vocabulary=8000):
    """Four causal blocks of width 256 over 128 tokens."""
    layers = keras.layers
    inputs = keras.Input((length,), dtype="int32")
    x = layers.Embedding(vocabulary, 256)(inputs)
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 64)(y, y, use_causal_mask=True)
        y = layers.Dense(1024, activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(256)(y)
    model = keras.Model(inputs, layers.Dense(vocabulary)(layers.LayerNormalization()(x)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tokens = random.integers(0, vocabulary, (160, length + 1)).astype("int32")
    return model, tokens[:, :-1], tokens[:, 1:], 16


def _classifier(keras, random, body, batch, side):
    """Returns an image classifier of keras.applications with random weights, and two batches."""
    model = body(weights=None, classes=1000, input_shape=(side, side, 3))
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = random.random((2 * batch, side, side, 3), np.float32)
    return model, images, random.integers(0, 1000, 2 * batch), batch


def resnet50(keras, random, side=224):
    """ResNet-50 on images of 224 x 224."""
    return _classifier(keras, random, keras.applications.ResNet50, 8, side)


def mobilenet(keras, random, side=224):
    """MobileNetV2 on images of 224 x 224: depthwise convolutions."""
    return _classifier(keras, random, keras.applications.MobileNetV2, 16, side)


def _block(keras, x, heads, hidden, causal=False, first=False):
    """Attention and a network of two layers, each with its residual; `first`: with the norms first (as in GPT-2)."""
    layers, width = keras.layers, x.shape[-1]

    def norm(x):
        return layers.LayerNormalization(epsilon=1e-5)(x)

    attention = layers.MultiHeadAttention(heads, width // heads)
    y = norm(x) if first else x
    x = x + attention(y, y, use_causal_mask=causal)
    x = x if first else norm(x)
    y = layers.Dense(hidden, activation="gelu")(norm(x) if first else x)
    x = x + layers.Dense(width)(y)
    return x if first else norm(x)


def _embedded(keras, inputs, vocabulary, width):
    """Returns token embeddings plus position embeddings."""
    length = inputs.shape[1]

    class Positions(keras.layers.Layer):
        """Adds one trained vector for each position."""

        def build(self, input_shape):
            self.vectors = self.add_weight(shape=(length, width), name="vectors")

        def call(self, tokens):
            return tokens + self.vectors

    return Positions()(keras.layers.Embedding(vocabulary, width)(inputs))


def bert_base(keras, random, blocks=12, vocabulary=30522):
    """The encoder of BERT-base (110 million weights) over 128 tokens, with two classes."""
    inputs = keras.Input((128,), dtype="int32")
    x = keras.layers.LayerNormalization()(_embedded(keras, inputs, vocabulary, 768))
    for _ in range(blocks):
        x = _block(keras, x, 12, 3072)
    model = keras.Model(inputs, keras.layers.Dense(2)(x[:, 0]))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return (
        model,
        random.integers(0, vocabulary, (16, 128)).astype("int32"),
        random.integers(0, 2, 16),
        8,
    )


def gpt2_small(keras, random, blocks=12, vocabulary=50257):
    """GPT-2 small over 128 tokens (163 million weights: the last matrix is not shared with the embedding)."""
    inputs = keras.Input((128,), dtype="int32")
    x = _embedded(keras, inputs, vocabulary, 768)
    for _ in range(blocks):
        x = _block(keras, x, 12, 3072, causal=True, first=True)
    model = keras.Model(inputs, keras.layers.Dense(vocabulary, use_bias=False)(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tokens = random.integers(0, vocabulary, (4, 129)).astype("int32")
    return model, tokens[:, :-1], tokens[:, 1:], 2


MODELS = {
    "mlp": mlp,
    "convolutional": convolutional,
    "residual": residual,
    "recurrent": recurrent,
    "transformer": transformer,
    "resnet50": resnet50,
    "mobilenet": mobilenet,
    "bert_base": bert_base,
    "gpt2_small": gpt2_small,
}
