"""Neural style transfer: an image optimised through Gram matrices of a convolutional network's features."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(67)
rng = np.random.default_rng(67)
rows, columns = np.meshgrid(np.arange(40), np.arange(40), indexing="ij")
content = np.stack([rows / 40, columns / 40, (rows + columns) / 80], -1)[None].astype("float32")
style = (0.5 + 0.5 * np.sin(rows / 2)[..., None] * np.array([1, 0.5, -1]))[None].astype("float32")

network = keras.Sequential(
    [
        keras.Input((40, 40, 3)),
        layers.Conv2D(12, 3, padding="same", activation="relu", name="block1"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="block2"),
        layers.AveragePooling2D(2),
        layers.Conv2D(24, 3, padding="same", activation="relu", name="block3"),
    ]
)
network.trainable = False
outputs = [network.get_layer(name).output for name in ("block1", "block2", "block3")]
features_of = keras.Model(network.inputs, outputs)


def gram_matrix(features):
    result = tf.linalg.einsum("bijc,bijd->bcd", features, features)
    shape = tf.shape(features)
    return result / tf.cast(shape[1] * shape[2], tf.float32)


style_targets = [gram_matrix(feature) for feature in features_of(style)]
content_target = features_of(content)[-1]
image = tf.Variable(content)
optimizer = tf.keras.optimizers.Adam(learning_rate=0.02, beta_1=0.99, epsilon=1e-1)


@tf.function()
def train_step(image):
    with tf.GradientTape() as tape:
        features = features_of(image)
        style_loss = tf.add_n(
            [tf.reduce_mean((gram_matrix(f) - t) ** 2) for f, t in zip(features, style_targets)]
        )
        content_loss = tf.reduce_mean((features[-1] - content_target) ** 2)
        variation = tf.reduce_sum(tf.image.total_variation(image))
        loss = 10 * style_loss + content_loss + 1e-4 * variation
    gradient = tape.gradient(loss, image)
    optimizer.apply_gradients([(gradient, image)])
    image.assign(tf.clip_by_value(image, clip_value_min=0.0, clip_value_max=1.0))
    return style_loss, content_loss, variation


for step in range(16):
    losses = train_step(image)
    if step % 5 == 0:
        print("RESULT step", step, *(float(loss) for loss in losses))
print("RESULT image", tf.reduce_mean(image, [0, 1, 2]).numpy(), image[0, 20, 20].numpy())


@tf.function(
    input_signature=(
        tf.TensorSpec([None, None, 3], tf.float32),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([], tf.float32),
    )
)
def dream(picture, steps, size):
    loss = tf.constant(0.0)
    for _ in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            activations = features_of(tf.expand_dims(picture, 0))
            loss = tf.add_n([tf.reduce_mean(act) for act in activations])
        gradients = tape.gradient(loss, picture)
        gradients /= tf.math.reduce_std(gradients) + 1e-8
        picture = tf.clip_by_value(picture + gradients * size, -1, 1)
    return loss, picture


loss, picture = dream(tf.constant(content[0]), 6, 0.01)
print("RESULT dream", float(loss), float(tf.reduce_mean(picture)))
