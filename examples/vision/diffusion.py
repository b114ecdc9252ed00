"""Draws digits by diffusion: a network learns to see through noise, and draws from pure noise.

Data: 8,000 of MNIST's digits (`examples/data/README.md`; CC BY-SA 3.0).
A small U-Net is told the digit and how much noise there is, and finds the clean image (DDPM with a
cosine schedule); drawing takes 25 steps of DDIM.

Result: `read`, which share of drawn digits a network that reads real ones takes for what they are to
be, some 0.9, and `spread`, how drawn digits vary, of how real ones do.
"""

import math

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import digits, grid
from judge import judge

STEPS, BATCH = 25, 32
L = keras.layers


def signal(time):
    """Returns how much of an image (the square of its factor) is left at a time from 0 to 1."""
    return tf.cos(0.5 * math.pi * (0.01 + 0.98 * time)) ** 2


def block(x, state, filters):
    """Returns `x` after two convolutions, told the state of the drawing in between."""
    y = L.GroupNormalization(4)(L.Conv2D(filters, 3, padding="same")(x))
    scale, shift = (L.Reshape((1, 1, filters))(L.Dense(filters)(state)) for _ in range(2))
    y = L.Conv2D(filters, 3, padding="same")(L.Activation("silu")(y + y * scale + shift))
    return L.Activation("silu")(y + (x if x.shape[-1] == filters else L.Conv2D(filters, 1)(x)))


def make_model():
    """Returns a network from noisy images, times `[n, 1]` and labels to clean images, -1 to 1."""
    images, time, labels = keras.Input((28, 28, 1)), keras.Input((1,)), keras.Input((10,))
    angles = time * (2.0 ** np.arange(6, dtype="float32")) * math.pi
    state = L.Concatenate()([keras.ops.sin(angles), keras.ops.cos(angles), labels])
    state = L.Dense(64, activation="silu")(state)
    planes = L.Concatenate()([images, L.Reshape((28, 28, 2))(L.Dense(28 * 28 * 2)(labels))])
    fine = block(L.Conv2D(16, 3, padding="same")(planes), state, 16)
    middle = block(L.Conv2D(24, 3, 2, padding="same")(fine), state, 24)
    x = block(L.Conv2D(48, 3, 2, padding="same")(middle), state, 48)
    x = L.Concatenate()([L.Conv2DTranspose(24, 2, 2)(x), middle])
    x = L.Concatenate()([L.Conv2DTranspose(16, 2, 2)(block(x, state, 24)), fine])
    return keras.Model([images, time, labels], L.Conv2D(1, 3, padding="same")(block(x, state, 16)))


class Diffusion(keras.Model):
    """Learns to find what noise hides, and draws by finding it step by step."""

    def __init__(self):
        super().__init__()
        self.network = make_model()
        self.random = tf.random.Generator.from_seed(1)

    def train_step(self, data):
        images, labels = data
        count = tf.shape(images)[0]
        time = self.random.uniform([count, 1])
        noise = self.random.normal(tf.shape(images))
        left = signal(time)[:, None, None]
        clean = 2 * images - 1
        noisy = tf.sqrt(left) * clean + tf.sqrt(1 - left) * noise
        with tf.GradientTape() as tape:
            found = self.network([noisy, time, tf.one_hot(labels, 10)], training=True)
            loss = tf.reduce_mean((found - clean) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}

    @tf.function
    def draw(self, labels):
        """Returns digits, and what the drawings of the first ten looked like at each step."""
        count, told = tf.shape(labels)[0], tf.one_hot(labels, 10)
        x = self.random.normal([count, 28, 28, 1])
        stages = tf.TensorArray(tf.float32, STEPS)
        for step in tf.range(STEPS):
            time = 1 - tf.cast(step, tf.float32) / STEPS
            now, then = signal(time), signal(time - 1 / STEPS)
            clean = tf.clip_by_value(self.network([x, tf.fill([count, 1], time), told]), -1.0, 1.0)
            noise = (x - tf.sqrt(now) * clean) / tf.sqrt(1 - now)
            x = tf.sqrt(then) * clean + tf.sqrt(1 - then) * noise
            stages = stages.write(step, x[:10])
        return tf.clip_by_value((x + 1) / 2, 0.0, 1.0), (stages.stack() + 1) / 2


def main(quick, picture):
    keras.utils.set_random_seed(1)
    (images, labels), _ = digits()
    if quick:
        images, labels = images[:500], labels[:500]
    epochs = 1 if quick else 7
    model = Diffusion()
    rates = keras.optimizers.schedules.CosineDecay(3e-3, epochs * (len(images) // BATCH))
    model.compile(keras.optimizers.Adam(rates))
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=1).batch(BATCH, drop_remainder=True).prefetch(2)
    model.fit(data, epochs=epochs, shuffle=False, verbose=2)

    wanted = np.tile(np.arange(10, dtype="int32"), 5 if quick else 40)
    drawn, stages = (result.numpy() for result in model.draw(wanted))
    if picture:
        rows = [1 - np.clip(stages[step], 0, 1) for step in (0, 9, 16, 20)]
        rows += [1 - drawn[n : n + 10] for n in (0, 10, 20)]
        titles = "step 1", "step 10", "step 17", "step 21", "done", "", ""
        grid(picture, [list(row) for row in rows], titles, size=(56, 56), gap=2)
    read, spread = judge(drawn, wanted)
    print(f"diffusion: read {read:.3f}, spread {spread:.2f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
