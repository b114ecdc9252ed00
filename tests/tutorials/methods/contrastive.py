"""Self-supervised contrast: SimCLR with two augmented views, a linear probe, and a momentum encoder with a queue."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(122)
rng = np.random.default_rng(122)
labels = rng.integers(0, 4, 180)
prototypes = rng.normal(size=(4, 12, 12, 3))
images = (prototypes[labels] + rng.normal(0, 0.7, (180, 12, 12, 3))).astype("float32")


def encoder(name):
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(12, 3, strides=2, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
        ],
        name=name,
    )


def augment(images, seed):
    size = tf.shape(images)[0]
    noise = tf.random.stateless_normal(tf.shape(images), seed) * 0.3
    gain = tf.random.stateless_uniform([size, 1, 1, 3], seed + 1, 0.7, 1.3)
    flip = tf.random.stateless_uniform([size, 1, 1, 1], seed + 2) < 0.5
    return tf.where(flip, images[:, :, ::-1], images) * gain + noise


class ContrastiveModel(keras.Model):
    def __init__(self, temperature=0.1):
        super().__init__()
        self.temperature = temperature
        self.encoder = encoder("encoder")
        self.head = keras.Sequential(
            [keras.Input((24,)), layers.Dense(16, activation="relu"), layers.Dense(16)]
        )
        self.probe = keras.Sequential([keras.Input((24,)), layers.Dense(4)])
        self.step = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

    def compile(self, contrastive_optimizer, probe_optimizer):
        super().compile()
        self.contrastive_optimizer, self.probe_optimizer = contrastive_optimizer, probe_optimizer
        self.trackers = [
            keras.metrics.Mean(name="c_loss"),
            keras.metrics.SparseCategoricalAccuracy(name="c_acc"),
            keras.metrics.Mean(name="p_loss"),
        ]
        self.probe_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return self.trackers

    def contrastive_loss(self, one, two):
        one, two = tf.math.l2_normalize(one, axis=1), tf.math.l2_normalize(two, axis=1)
        similarities = tf.matmul(one, two, transpose_b=True) / self.temperature
        numbers = tf.range(tf.shape(one)[0])
        self.trackers[1].update_state(numbers, similarities)
        self.trackers[1].update_state(numbers, tf.transpose(similarities))
        rows = keras.losses.sparse_categorical_crossentropy(numbers, similarities, from_logits=True)
        columns = keras.losses.sparse_categorical_crossentropy(
            numbers, tf.transpose(similarities), from_logits=True
        )
        return tf.reduce_mean(rows + columns) / 2

    def train_step(self, data):
        images, labels = data
        self.step.assign_add(1)
        seed = tf.stack([self.step.value, 7])
        one, two = augment(images, seed), augment(images, seed + 100)
        with tf.GradientTape() as tape:
            loss = self.contrastive_loss(self.head(self.encoder(one)), self.head(self.encoder(two)))
        weights = self.encoder.trainable_weights + self.head.trainable_weights
        self.contrastive_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self.trackers[0].update_state(loss)
        features = self.encoder(images, training=False)
        with tf.GradientTape() as tape:
            probe_loss = self.probe_loss(labels, self.probe(features))
        gradients = tape.gradient(probe_loss, self.probe.trainable_weights)
        self.probe_optimizer.apply_gradients(zip(gradients, self.probe.trainable_weights))
        self.trackers[2].update_state(probe_loss)
        return {tracker.name: tracker.result() for tracker in self.trackers}


model = ContrastiveModel()
model.compile(keras.optimizers.Adam(2e-3), keras.optimizers.Adam(1e-2))
data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(50)
history = model.fit(data, epochs=4, verbose=0).history
print("RESULT contrast", *history["c_loss"])
print("RESULT probe", *history["p_loss"])

query, key = encoder("query"), encoder("key")
key.set_weights(query.get_weights())
queue = tf.Variable(
    tf.math.l2_normalize(tf.random.stateless_normal([64, 24], [1, 2]), -1), trainable=False
)
optimizer = keras.optimizers.SGD(0.1, momentum=0.9)


@tf.function
def momentum_step(images, seed):
    keys = tf.math.l2_normalize(key(augment(images, seed + 50)), -1)
    with tf.GradientTape() as tape:
        q = tf.math.l2_normalize(query(augment(images, seed)), -1)
        positive = tf.reduce_sum(q * keys, -1, keepdims=True)
        negative = tf.matmul(q, queue, transpose_b=True)
        logits = tf.concat([positive, negative], 1) / 0.2
        zeros = tf.zeros([tf.shape(q)[0]], tf.int32)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(zeros, logits))
    optimizer.apply_gradients(
        zip(tape.gradient(loss, query.trainable_variables), query.trainable_variables)
    )
    for slow, fast in zip(key.variables, query.variables):
        slow.assign(0.9 * slow + 0.1 * fast)
    queue.assign(tf.concat([keys, queue], 0)[:64])
    return loss


for epoch in range(2):
    losses = [
        float(momentum_step(batch, tf.constant([epoch, k]))) for k, (batch, _) in enumerate(data)
    ]
    print("RESULT momentum", epoch, *losses)
print(
    "RESULT queue", float(tf.reduce_sum(queue)), float(tf.norm(key(images[:5]) - query(images[:5])))
)
