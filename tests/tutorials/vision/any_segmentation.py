"""Segmentation of pictures of sizes of their own: batches padded to their largest, masked losses and intersections over unions."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(409)
CLASSES, IGNORED = 3, 255


def pictures():
    """Discs and squares on noise, in uint8, with their classes."""
    for _ in range(24):
        height, width = rng.integers(13, 30, 2)
        y, x = np.mgrid[:height, :width]
        image = rng.integers(0, 60, (height, width, 3))
        label = np.zeros((height, width), "int32")
        row, column = rng.integers(4, height - 4), rng.integers(4, width - 4)
        disc = (y - row) ** 2 + (x - column) ** 2 < 16
        image[disc, 0] += 120
        label[disc] = 1
        row, column = rng.integers(0, height - 5), rng.integers(0, width - 5)
        image[row : row + 5, column : column + 5, 1] += 130
        label[row : row + 5, column : column + 5] = 2
        yield image.astype("uint8"), label


def prepared(image, label):
    image = tf.image.per_image_standardization(tf.cast(image, tf.float32))
    return image, label[..., tf.newaxis]


def rounded(images, labels):
    """Batches whose sizes are multiples of 4."""
    extents = tf.shape(images)[1:3]
    more = -extents % 4
    pads = [[0, 0], [0, more[0]], [0, more[1]], [0, 0]]
    return tf.pad(images, pads, "REFLECT"), tf.pad(labels, pads, constant_values=IGNORED)


spec = (tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([None, None], tf.int32))
data = tf.data.Dataset.from_generator(pictures, output_signature=spec).cache().map(prepared)
data = data.bucket_by_sequence_length(
    lambda image, label: tf.shape(image)[0],
    [18, 24],
    [4, 4, 4],
    padding_values=(0.0, IGNORED),
)
data = data.map(rounded)
keras.utils.set_random_seed(409)

inputs = keras.Input((None, None, 3))
skips, h = [], inputs
for width in (8, 12):
    h = layers.Conv2D(width, 3, padding="same", use_bias=False)(h)
    h = layers.ReLU()(layers.GroupNormalization(4)(h))
    skips.append(h)
    h = layers.MaxPooling2D()(h)
h = layers.Conv2D(16, 3, padding="same", activation="swish")(h)
for skip in reversed(skips):
    h = layers.UpSampling2D()(h)
    h = layers.Concatenate()([h, skip])
    h = layers.SeparableConv2D(skip.shape[-1], 3, padding="same", activation="relu")(h)
model = keras.Model(inputs, layers.Conv2D(CLASSES, 1)(h))
optimizer = keras.optimizers.AdamW(0.02, weight_decay=1e-3)


def dice(labels, probabilities, counted):
    wanted = tf.one_hot(labels, CLASSES) * counted[..., tf.newaxis]
    both = tf.reduce_sum(wanted * probabilities, [1, 2])
    total = tf.reduce_sum(wanted + probabilities * counted[..., tf.newaxis], [1, 2])
    return 1 - tf.reduce_mean((2 * both + 1) / (total + 1))


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None, None, 3], tf.float32),
        tf.TensorSpec([None, None, None, 1], tf.int32),
    ]
)
def step(images, labels):
    labels = labels[..., 0]
    counted = tf.cast(labels != IGNORED, tf.float32)
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.where(labels == IGNORED, 0, labels), logits
        )
        loss = tf.reduce_sum(losses * counted) / tf.reduce_sum(counted)
        loss += dice(labels, tf.nn.softmax(logits), counted)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for epoch in range(3):
    losses = [step(images, labels) for images, labels in data]
    print("RESULT epoch", epoch, *[float(loss) for loss in losses])

overlap = keras.metrics.MeanIoU(CLASSES, ignore_class=IGNORED, sparse_y_pred=False)
confusion = np.zeros((CLASSES, CLASSES), int)
for images, labels in data:
    logits = model(images)
    overlap.update_state(labels[..., 0], logits)
    kept = labels[..., 0] != IGNORED
    confusion += tf.math.confusion_matrix(
        labels[..., 0][kept], tf.argmax(logits, -1)[kept], CLASSES
    ).numpy()
    print(
        "RESULT batch",
        *images.shape,
        float(tf.reduce_mean(logits)),
        float(tf.math.reduce_std(logits)),
    )
print("RESULT counted", int(confusion.sum()), *confusion.sum(1))
print("RESULT right", np.trace(confusion) / confusion.sum() > 0.6, float(overlap.result()) > 0.2)

# The edge of each object, and its size, on one picture of a size that no batch had.
image, label = next(iter(pictures()))
image, label = prepared(tf.constant(image[:11, :10]), tf.constant(label[:11, :10]))
edges = tf.image.sobel_edges(tf.cast(label, tf.float32)[tf.newaxis])
eroded = -tf.nn.max_pool2d(-tf.cast(label, tf.float32)[tf.newaxis], 3, 1, "SAME")
sizes = tf.math.unsorted_segment_sum(tf.ones(110), tf.reshape(label, [-1]), CLASSES)
print("RESULT picture", float(tf.norm(edges)), float(tf.reduce_sum(eroded)), *sizes.numpy())
