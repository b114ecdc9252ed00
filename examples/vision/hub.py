"""Publishes a network that knows some digits as a SavedModel, and reuses it for others through tensorflow-hub.

Data: MNIST's digits (`examples/data/README.md`; CC BY-SA 3.0): the network learns 0 to 4 from 4,000
images; 5 to 9 are then learned from twenty images each, and 1,000 others held out.
`hub.load` gives the network as it was published; `hub.KerasLayer` makes it a layer of Keras 2, which
trains further. Needs tensorflow-hub and tf-keras, which `penstock run` lets find Penstock.

Result: `accuracy` on 5 to 9 held out, some 0.86; `scratch`, that of the same network with random
weights.
"""

import os
import pathlib
import tempfile

import penstock as tf
import numpy as np
import tensorflow_hub as hub
import tf_keras
from command_line import options
from images import digits

SIZES = [(5, 1, 16), (5, 16, 32), (3, 32, 64)]


class Features(tf.Module):
    """A network from images `[n, 28, 28, 1]` to 64 features."""

    def __init__(self):
        super().__init__()
        self.kernels = [
            tf.Variable(tf.random.normal([k, k, a, b], stddev=(2 / (k * k * a)) ** 0.5, seed=1))
            for k, a, b in SIZES
        ]
        self.biases = [tf.Variable(tf.zeros([b])) for _, _, b in SIZES]

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28, 1]), tf.TensorSpec([], tf.bool)])
    def __call__(self, images, training=False):
        x = tf.random.normal(tf.shape(images), stddev=0.05) + images if training else images
        for kernel, bias in zip(self.kernels, self.biases):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME") + bias)
        return tf.reduce_mean(x, [1, 2])


def publish(folder, images, labels, steps):
    """Trains features on digits and writes them as a SavedModel."""
    features = Features()
    head = tf.Variable(tf.zeros([SIZES[-1][-1], 5]))
    variables = [*features.trainable_variables, head]
    optimizer = tf_keras.optimizers.Adam(2e-3)

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            logits = features(images, True) @ head
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    data = tf.data.Dataset.from_tensor_slices((images, labels))
    for number, (x, y) in enumerate(
        data.shuffle(len(images), seed=1).repeat().batch(64).take(steps)
    ):
        loss = step(x, y)
        if number % 100 == 0:
            print(f"step {number}: loss {loss:.3f}")
    # The attributes that hub knows of: what to call, and what can be trained.
    published = tf.train.Checkpoint()
    published.__call__ = features.__call__
    published.variables = published.trainable_variables = list(features.trainable_variables)
    published.regularization_losses = []
    tf.saved_model.save(published, folder)


def few_of_each(labels, count):
    """Returns the places of the first images of each of five digits."""
    return np.concatenate([np.flatnonzero(labels == digit)[:count] for digit in range(5)])


def learn(layer, images, labels, epochs):
    """Returns a model of Keras 2 that learned the new digits on top of a layer from hub."""
    model = tf_keras.Sequential([tf_keras.Input((28, 28, 1)), layer, tf_keras.layers.Dense(5)])
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf_keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    model.fit(images, labels, 20, epochs, verbose=0)
    return model


def main(quick, picture):
    tf_keras.utils.set_random_seed(1)
    (images, labels), (held, held_labels) = digits()
    known, new = labels < 5, labels >= 5
    held, held_labels = held[held_labels >= 5], held_labels[held_labels >= 5] - 5
    chosen = few_of_each(labels[new] - 5, 20)
    few, few_labels = images[new][chosen], labels[new][chosen] - 5
    with tempfile.TemporaryDirectory() as folder:
        for name, steps in (("trained", 20 if quick else 600), ("random", 0)):
            publish(os.path.join(folder, name), images[known], labels[known], steps)
        size = sum(f.stat().st_size for f in pathlib.Path(folder, "trained").rglob("*.*"))
        print(f"the published SavedModel has {size / 1e3:.0f} kB")

        features = hub.load(os.path.join(folder, "trained"))
        middles = np.stack(
            [features(few[few_labels == n], False).numpy().mean(0) for n in range(5)]
        )
        away = features(held, False).numpy()[:, None] - middles
        print(
            f"nearest mean features: accuracy {np.mean((away**2).sum(-1).argmin(1) == held_labels):.3f}"
        )

        found = {}
        for name in ("trained", "random"):
            layer = hub.KerasLayer(os.path.join(folder, name), trainable=True)
            model = learn(layer, few, few_labels, 2 if quick else 40)
            _, found[name] = model.evaluate(held, held_labels, 200, verbose=0)
    print(f"hub: accuracy {found['trained']:.3f}, scratch {found['random']:.3f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
