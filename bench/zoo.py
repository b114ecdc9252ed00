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


def _positioned(keras, x):
    """Returns vectors [batch, length, width] plus a trained vector for each position."""
    length, width = x.shape[1:]

    class Positions(keras.layers.Layer):
        """Adds one trained vector for each position."""

        def build(self, input_shape):
            self.vectors = self.add_weight(shape=(length, width), name="vectors")

        def call(self, x):
            return x + self.vectors

    return Positions()(x)


def _embedded(keras, inputs, vocabulary, width):
    """Returns token embeddings plus position embeddings."""
    return _positioned(keras, keras.layers.Embedding(vocabulary, width)(inputs))


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


def _grouped_attention(keras, x, heads, groups):
    """Causal attention with rotary positions; `heads / groups` heads share keys and values."""
    layers, ops = keras.layers, keras.ops
    length, width = x.shape[1:]
    size = width // heads
    frequencies = 1e4 ** (-np.arange(0, size, 2) / size)
    angles = np.arange(length)[:, None, None] * np.tile(frequencies, 2)
    cosine, sine = np.cos(angles).astype("float32"), np.sin(angles).astype("float32")
    hidden = np.where(np.tri(length, dtype=bool), 0, -1e9).astype("float32")

    class Rotary(layers.Layer):
        """Rotates the two halves of each head by angles that grow with the position."""

        def call(self, x):
            low, high = ops.split(x, 2, axis=-1)
            turned = ops.concatenate([-high, low], -1)
            return x * ops.cast(cosine, x.dtype) + turned * ops.cast(sine, x.dtype)

    class Attend(layers.Layer):
        """Softmax attention of [batch, length, heads, size] over keys and values of fewer heads."""

        def call(self, q, k, v):
            q = ops.reshape(q, (-1, length, groups, heads // groups, size))
            scores = ops.einsum("btghd,bsgd->bghts", q, k) * size**-0.5
            scores = scores + ops.cast(hidden, scores.dtype)
            return ops.reshape(
                ops.einsum("bghts,bsgd->btghd", ops.softmax(scores), v), (-1, length, width)
            )

    def projected(count):
        return layers.Reshape((length, count, size))(layers.Dense(count * size, use_bias=False)(x))

    y = Attend()(Rotary()(projected(heads)), Rotary()(projected(groups)), projected(groups))
    return layers.Dense(width, use_bias=False)(y)


def llama(keras, random, blocks=12, vocabulary=32000, length=128, width=768, hidden=2048):
    """Blocks as in Llama over 128 tokens (124 million weights): RMS norms, rotary positions, grouped heads, SwiGLU."""
    layers = keras.layers

    def norm(x):
        return layers.RMSNormalization(epsilon=1e-5)(x)

    inputs = keras.Input((length,), dtype="int32")
    x = layers.Embedding(vocabulary, width)(inputs)
    for _ in range(blocks):
        x = x + _grouped_attention(keras, norm(x), 12, 4)
        y = norm(x)
        gate = layers.Dense(hidden, activation="silu", use_bias=False)(y)
        x = x + layers.Dense(width, use_bias=False)(gate * layers.Dense(hidden, use_bias=False)(y))
    model = keras.Model(inputs, layers.Dense(vocabulary, use_bias=False)(norm(x)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tokens = random.integers(0, vocabulary, (4, length + 1)).astype("int32")
    return model, tokens[:, :-1], tokens[:, 1:], 2


def vision_transformer(keras, random, blocks=12, side=224, patch=16, width=384):
    """A small vision transformer (ViT-S/16, 22 million weights) on images of 224 x 224; the mean of 196 patches is classified."""
    layers = keras.layers
    inputs = keras.Input((side, side, 3))
    x = layers.Conv2D(width, patch, patch)(inputs)
    x = _positioned(keras, layers.Reshape(((side // patch) ** 2, width))(x))
    for _ in range(blocks):
        x = _block(keras, x, 6, 4 * width, first=True)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    model = keras.Model(inputs, layers.Dense(1000)(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, random.random((16, side, side, 3), np.float32), random.integers(0, 1000, 16), 8


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
    "llama": llama,
    "vision_transformer": vision_transformer,
}
