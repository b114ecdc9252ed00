"""Soft decision trees and forests, gated residual networks, and variable selection, as custom layers and models."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(45)
rng = np.random.default_rng(45)
x = rng.normal(size=(330, 6)).astype("float32")
y = ((x[:, 0] > 0) ^ (x[:, 1] > 0.3)).astype("int64")


class NeuralDecisionTree(layers.Layer):
    def __init__(self, depth, used, classes):
        super().__init__()
        self.depth, self.leaves, self.classes = depth, 2**depth, classes
        self.mask = np.eye(6, dtype="float32")[rng.choice(6, used, replace=False)]
        self.decide = layers.Dense(self.leaves, activation="sigmoid")

    def build(self, shape):
        self.pi = self.add_weight(
            shape=(self.leaves, self.classes), initializer="random_normal", name="pi"
        )

    def call(self, features):
        batch = tf.shape(features)[0]
        features = tf.matmul(features, self.mask, transpose_b=True)
        decisions = tf.expand_dims(self.decide(features), 2)
        decisions = layers.concatenate([decisions, 1 - decisions], axis=2)
        mu = tf.ones([batch, 1, 1])
        begin, end = 1, 2
        for level in range(self.depth):
            mu = tf.reshape(mu, [batch, -1, 1])
            mu = tf.tile(mu, (1, 1, 2))
            mu = mu * decisions[:, begin:end, :]
            begin, end = end, end + 2 ** (level + 1)
        mu = tf.reshape(mu, [batch, self.leaves])
        return tf.matmul(mu, tf.nn.softmax(self.pi))


class Forest(keras.Model):
    def __init__(self, trees, depth):
        super().__init__()
        self.norm = layers.BatchNormalization()
        self.trees = [NeuralDecisionTree(depth, 4, 2) for _ in range(trees)]

    def call(self, inputs, training=False):
        features = self.norm(inputs, training=training)
        return tf.add_n([tree(features) for tree in self.trees]) / len(self.trees)


class Gated(layers.Layer):
    def __init__(self, units, rate):
        super().__init__()
        self.elu = layers.Dense(units, activation="elu")
        self.linear, self.gate = layers.Dense(units), layers.Dense(units, activation="sigmoid")
        self.project = layers.Dense(units)
        self.norm, self.dropout = layers.LayerNormalization(), layers.Dropout(rate)

    def call(self, inputs):
        h = self.dropout(self.elu(inputs))
        return self.norm(self.project(inputs) + self.linear(h) * self.gate(h))


class Selection(layers.Layer):
    def __init__(self, features, units):
        super().__init__()
        self.each = [Gated(units, 0.1) for _ in range(features)]
        self.concat = Gated(units, 0.1)
        self.weigh = layers.Dense(features, activation="softmax")

    def call(self, inputs):
        columns = tf.split(inputs, len(self.each), axis=1)
        weights = tf.expand_dims(self.weigh(self.concat(inputs)), -1)
        stacked = tf.stack([grn(column) for grn, column in zip(self.each, columns)], axis=1)
        return tf.squeeze(tf.matmul(weights, stacked, transpose_a=True), axis=1)


models = {
    "tree": Forest(1, 3),
    "forest": Forest(4, 3),
    "selection": keras.Sequential([Selection(6, 8), layers.Dense(2, activation="softmax")]),
}
for name, model in models.items():
    model.compile(
        keras.optimizers.Adam(2e-2), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        x[:270], y[:270], batch_size=50, epochs=4, validation_data=(x[270:], y[270:]), verbose=0
    ).history
    print("RESULT loss", name, *history["loss"])
    print("RESULT val_loss", name, *history["val_loss"])
    print("RESULT predictions", name, model.predict(x[:3], verbose=0).ravel())
