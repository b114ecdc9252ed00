"""A fully convolutional net for images of any size: it paints segments, upsamples back to the input, and pools globally."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(201)
rng = np.random.default_rng(201)


def picture(height, width):
    """A noisy picture with a disc, and the disc's mask."""
    y, x = np.mgrid[:height, :width]
    radius = min(height, width) / 4
    cy, cx = rng.uniform(radius, height - radius), rng.uniform(radius, width - radius)
    mask = ((y - cy) ** 2 + (x - cx) ** 2 < radius**2).astype("float32")
    image = np.stack([mask, 1 - mask, 0.5 * mask], -1) + rng.normal(0, 0.3, (height, width, 3))
    return image.astype("float32"), mask[..., None]


class UpTo(layers.Layer):
    """Repeats rows and columns, and crops to the size of another tensor."""

    def call(self, inputs):
        coarse, like = inputs
        fine = tf.repeat(tf.repeat(coarse, 2, axis=1), 2, axis=2)
        return fine[:, : tf.shape(like)[1], : tf.shape(like)[2]]


inputs = keras.Input((None, None, 3))
a = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
b = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(a)
c = layers.MaxPool2D(2, padding="same")(b)
c = layers.SeparableConv2D(8, 3, padding="same", activation="relu")(c)
up = layers.Conv2D(8, 3, padding="same", activation="relu")(UpTo()([c, b]))
up = layers.Concatenate()([up, b])
up = layers.Conv2D(6, 3, padding="same", activation="relu")(UpTo()([up, a]))
logits = layers.Conv2D(1, 1)(layers.Add()([up, a]))
net = keras.Model(inputs, [logits, layers.GlobalMaxPooling2D()(logits)])
optimizer = keras.optimizers.RMSprop(2e-3)


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None, None, 3]),
        tf.TensorSpec([None, None, None, 1]),
    ]
)
def step(images, masks):
    with tf.GradientTape() as tape:
        scores, peak = net(images, training=True)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(masks, scores))
        loss += 1e-3 * tf.reduce_mean(peak**2)
    gradients = tape.gradient(loss, net.trainable_variables)
    optimizer.apply_gradients(zip(gradients, net.trainable_variables))
    overlap = tf.reduce_sum(tf.cast(scores > 0, tf.float32) * masks)
    return loss, overlap / tf.reduce_sum(masks), tf.linalg.global_norm(gradients)


sizes = [(16, 16), (17, 23), (9, 31), (32, 12), (21, 21), (13, 40), (16, 17), (40, 13)]
for _epoch in range(2):
    for height, width in sizes:
        images, masks = map(np.stack, zip(*[picture(height, width) for _ in range(3)]))
        print("RESULT", height, width, *(float(x) for x in step(images, masks)))
print("RESULT traces", step.experimental_get_tracing_count())


@tf.function(reduce_retracing=True)
def sharpen(image):
    """An image doubled, padded as a mirror, and passed through a fixed filter."""
    big = tf.repeat(tf.repeat(image, 2, 0), 2, 1)
    padded = tf.pad(big, [[1, 1], [1, 1]], mode="REFLECT") + tf.pad(big, [[1, 1], [1, 1]])
    kernel = tf.reshape([0.0, -1, 0, -1, 5, -1, 0, -1, 0], [3, 3, 1, 1])
    return tf.nn.conv2d(padded[None, :, :, None], kernel, 1, "VALID")[0, :, :, 0]


for height, width in [(2, 3), (3, 2), (4, 4), (5, 2), (2, 7)]:
    image = tf.reshape(tf.range(height * width, dtype=tf.float32), [height, width])
    sharp = sharpen(image)
    print("RESULT sharp", sharp.shape, float(tf.reduce_sum(sharp)), sharp.numpy()[:, 1])
for image, _ in [picture(11, 19), picture(30, 8)]:
    scores, peak = net.predict(image[None], verbose=0)
    print("RESULT predicted", scores.shape, float(scores.mean()), float(peak[0, 0]))
