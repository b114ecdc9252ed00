"""Captions of images: words attend to a grid of features, with masks, weights of attention and decoding by temperature."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(23)
rng = np.random.default_rng(23)
COLORS, SHAPES = ["red", "green", "blue"], ["bar", "box"]
images, captions = [], []
for n in range(48):
    color, shape = n % 3, n // 3 % 2
    image = rng.random((24, 24, 3)).astype("float32") * 0.1
    image[4:20, (4 if shape else 10) : (20 if shape else 13), color] += 0.9
    images.append(image)
    captions.append(f"A {COLORS[color]} {SHAPES[shape]}!" + (" It is wide." if shape else ""))
images = np.stack(images)


def standardize(text):
    text = tf.strings.regex_replace(tf.strings.lower(text), r"[!.?]", "")
    return tf.strings.join(["[START]", text, "[END]"], separator=" ")


tokenizer = layers.TextVectorization(standardize=standardize, ragged=True)
tokenizer.adapt(captions)
words = tokenizer.get_vocabulary()
print("RESULT words", *words)
index = layers.StringLookup(mask_token="", vocabulary=words)
text_of = layers.StringLookup(mask_token="", vocabulary=words, invert=True)


def prepared(image, text):
    tokens = tokenizer(text)
    return (image, tokens[..., :-1].to_tensor()), tokens[..., 1:].to_tensor()


data = tf.data.Dataset.from_tensor_slices((images, captions)).batch(12).map(prepared)


class Positions(layers.Layer):
    def __init__(self, vocabulary, length, depth):
        super().__init__()
        self.places = layers.Embedding(length, depth)
        self.tokens = layers.Embedding(vocabulary, depth, mask_zero=True)
        self.add = layers.Add()

    def call(self, tokens):
        places = tf.range(tf.shape(tokens)[1])[tf.newaxis, :]
        return self.add([self.tokens(tokens), self.places(places)])

    def compute_mask(self, tokens, mask=None):
        return self.tokens.compute_mask(tokens)


class Decoder(layers.Layer):
    def __init__(self, units, heads):
        super().__init__()
        self.itself = layers.MultiHeadAttention(heads, units)
        self.across = layers.MultiHeadAttention(heads, units)
        self.feed = keras.Sequential([layers.Dense(2 * units, "relu"), layers.Dense(units)])
        self.norms = [layers.LayerNormalization() for _ in range(3)]
        self.supports_masking = True
        self.scores = None

    def call(self, features, text, training=False, return_scores=False):
        text = self.norms[0](text + self.itself(text, text, use_causal_mask=True))
        attended, scores = self.across(text, features, return_attention_scores=True)
        text = self.norms[1](text + attended)
        text = self.norms[2](text + self.feed(text))
        return (text, scores) if return_scores else text


class Captioner(keras.Model):
    def __init__(self, units=16):
        super().__init__()
        self.look = keras.Sequential(
            [
                layers.Conv2D(8, 3, 2, activation="relu"),
                layers.Conv2D(units, 3, 2, activation="relu"),
            ]
        )
        self.flatten = layers.Reshape((-1, units))
        self.positions = Positions(len(words), 16, units)
        self.decode = Decoder(units, 2)
        self.words = layers.Dense(len(words))

    def call(self, inputs, return_scores=False):
        image, tokens = inputs
        features = self.flatten(self.look(image))
        text = self.decode(features, self.positions(tokens), return_scores=return_scores)
        if return_scores:
            return self.words(text[0]), text[1]
        return self.words(text)

    def write(self, image, temperature, seed):
        tokens = index([["[START]"]])
        for place in range(7):
            logits = self((image[None], tokens))[:, -1, :]
            if temperature:
                drawn = tf.random.stateless_categorical(logits / temperature, 1, [seed, place])
            else:
                drawn = tf.argmax(logits, axis=-1)[:, None]
            tokens = tf.concat([tokens, tf.cast(drawn, tokens.dtype)], axis=1)
            if text_of(tokens[0, -1]) == "[END]":
                break
        return tf.strings.reduce_join(text_of(tokens[0, 1:]), separator=" ").numpy().decode()


def masked_loss(labels, logits):
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), logits)
    mask = tf.cast(labels != 0, loss.dtype)
    return tf.reduce_sum(loss * mask) / tf.reduce_sum(mask)


def masked_accuracy(labels, logits):
    mask = tf.cast(labels != 0, tf.float32)
    right = tf.cast(tf.argmax(logits, axis=-1) == tf.cast(labels, tf.int64), tf.float32)
    return tf.reduce_sum(right * mask) / tf.reduce_sum(mask)


model = Captioner()
model.compile(keras.optimizers.Adam(3e-3), loss=masked_loss, metrics=[masked_accuracy])
history = model.fit(data, epochs=5, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT accuracy", *history["masked_accuracy"])
print("RESULT greedy", *[model.write(image, 0, 1) for image in images[:3]])
tokens = tokenizer(captions[:2])[..., :-1].to_tensor()
logits, scores = model((images[:2], tokens), return_scores=True)
print("RESULT scores", scores.shape, *scores[0, 0, :, 12].numpy())
print("RESULT logits", float(tf.reduce_mean(logits)))
