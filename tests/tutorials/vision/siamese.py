"""Two pictures through one network, trained by a contrastive loss of their distance."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

keras.utils.set_random_seed(4)
rng = np.random.default_rng(4)
prototypes = rng.normal(size=(5, 14, 14, 1))
labels = rng.integers(0, 5, 300)
x = (prototypes[labels] + rng.normal(0, 0.8, (300, 14, 14, 1))).astype("float32")


def make_pairs(count):
    left, right = rng.integers(0, 300, count), rng.integers(0, 300, count)
    same = rng.random(count) < 0.5
    for k in np.flatnonzero(same):
        right[k] = rng.choice(np.flatnonzero(labels == labels[left[k]]))
    return [x[left], x[right]], (labels[left] != labels[right]).astype("float32")


def euclidean(vectors):
    a, b = vectors
    square = ops.sum(ops.square(a - b), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(square, keras.backend.epsilon()))


def contrastive(margin=1.0):
    def loss(y_true, y_pred):
        near = ops.square(y_pred)
        far = ops.square(ops.maximum(margin - y_pred, 0))
        return ops.mean((1 - y_true) * near + y_true * far)

    return loss


def embedding():
    inputs = keras.Input((14, 14, 1))
    h = layers.BatchNormalization()(inputs)
    h = layers.Conv2D(4, 5, activation="tanh")(h)
    h = layers.AveragePooling2D(2)(h)
    h = layers.Conv2D(8, 3, activation="tanh")(h)
    h = layers.Flatten()(h)
    return keras.Model(inputs, layers.Dense(10, activation="tanh")(layers.BatchNormalization()(h)))


network = embedding()
a, b = keras.Input((14, 14, 1)), keras.Input((14, 14, 1))
merged = layers.Lambda(euclidean, output_shape=(1,))([network(a), network(b)])
output = layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(merged))
model = keras.Model([a, b], output)
model.compile(loss=contrastive(), optimizer="rmsprop", metrics=["accuracy"])
pairs, different = make_pairs(420)
valid = make_pairs(90)
history = model.fit(
    pairs, different, validation_data=valid, batch_size=64, epochs=4, verbose=0
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print("RESULT predictions", model.predict(valid[0], verbose=0)[:8, 0])
vectors = network(x[:4])
print("RESULT embedding", float(tf.reduce_mean(vectors)), float(tf.norm(vectors)))
