"""Boxes regressed by IoU losses (IoU, GIoU, DIoU, CIoU), spatial transformers, crops from features, drawn boxes."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(142)
images = rng.normal(0, 0.1, (130, 24, 24, 1)).astype("float32")
boxes = np.zeros((130, 4), "float32")
for image, box in zip(images, boxes):
    h, w = rng.integers(6, 14, 2)
    y, x = rng.integers(0, 24 - h), rng.integers(0, 24 - w)
    image[y : y + h, x : x + w] += 1
    box[:] = np.array([y, x, y + h, x + w]) / 24


def parts(y_true, y_pred):
    t, p = tf.unstack(y_true, 4, axis=-1), tf.unstack(y_pred, 4, axis=-1)
    high = tf.maximum(0.0, tf.minimum(t[2], p[2]) - tf.maximum(t[0], p[0]))
    wide = tf.maximum(0.0, tf.minimum(t[3], p[3]) - tf.maximum(t[1], p[1]))
    overlap = high * wide
    area = tf.maximum(p[2] - p[0], 0.0) * tf.maximum(p[3] - p[1], 0.0)
    union = (t[2] - t[0]) * (t[3] - t[1]) + area - overlap
    outer = (
        tf.maximum(t[2], p[2]) - tf.minimum(t[0], p[0]),
        tf.maximum(t[3], p[3]) - tf.minimum(t[1], p[1]),
    )
    return t, p, tf.math.divide_no_nan(overlap, union), union, outer


def iou(y_true, y_pred):
    return 1 - parts(y_true, y_pred)[2]


def giou(y_true, y_pred):
    _, _, ratio, union, (high, wide) = parts(y_true, y_pred)
    return 1 - ratio + tf.math.divide_no_nan(high * wide - union, high * wide)


def diou(y_true, y_pred):
    t, p, ratio, _, (high, wide) = parts(y_true, y_pred)
    dy, dx = (t[0] + t[2] - p[0] - p[2]) / 2, (t[1] + t[3] - p[1] - p[3]) / 2
    return 1 - ratio + (dy**2 + dx**2) / (high**2 + wide**2 + 1e-7)


def ciou(y_true, y_pred):
    t, p, ratio, _, _ = parts(y_true, y_pred)
    angle = tf.atan2(t[3] - t[1], t[2] - t[0]) - tf.atan2(p[3] - p[1], p[2] - p[0])
    v = 4 / np.pi**2 * angle**2
    alpha = tf.stop_gradient(v / (1 - ratio + v + 1e-7))
    return diou(y_true, y_pred) + alpha * v


class MeanOverlap(keras.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(parts(y_true, y_pred)[2], sample_weight)


for loss in (iou, giou, diou, ciou):
    keras.utils.set_random_seed(142)
    model = keras.Sequential(
        [
            keras.Input((24, 24, 1)),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.GroupNormalization(4),
            layers.Conv2D(16, 3, strides=2, activation="swish"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(
                4,
                activation="sigmoid",
                bias_initializer=lambda shape, dtype=None: tf.constant([-1.0, -1.0, 1.0, 1.0]),
            ),
        ]
    )
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=[MeanOverlap(name="overlap")])
    history = model.fit(
        images[:110],
        boxes[:110],
        batch_size=32,
        epochs=3,
        validation_data=(images[110:], boxes[110:]),
        verbose=0,
    ).history
    print("RESULT", loss.__name__, *history["loss"], *history["val_overlap"])
found = model.predict(images[110:114], verbose=0)
print("RESULT boxes", found.ravel())
crops = tf.image.crop_and_resize(images[110:114], found, tf.range(4), [6, 6])
print("RESULT crops", crops.shape, tf.reduce_mean(crops, [1, 2, 3]).numpy())
drawn = tf.image.draw_bounding_boxes(images[110:114], boxes[110:114, None], [[1.0]])
print("RESULT drawn", float(tf.reduce_mean(drawn)))
glimpses = tf.image.extract_glimpse(
    images[:3], [8, 8], tf.constant([[0.0, 0.0], [0.5, 0.5], [-1.0, 0.2]])
)
print("RESULT glimpses", glimpses.shape, tf.reduce_mean(glimpses[:2], [1, 2, 3]).numpy())


@tf.function
def transform(images, theta):
    """Bilinear samples of images at the points of an affine grid."""
    size, height, width = tf.shape(images)[0], 24, 24
    y, x = tf.meshgrid(tf.linspace(-1.0, 1.0, height), tf.linspace(-1.0, 1.0, width), indexing="ij")
    grid = tf.stack([tf.reshape(x, [-1]), tf.reshape(y, [-1]), tf.ones([height * width])])
    where = tf.einsum("nij,jp->nip", tf.reshape(theta, [-1, 2, 3]), grid)
    px, py = (where[:, 0] + 1) * (width - 1) / 2, (where[:, 1] + 1) * (height - 1) / 2
    x0, y0 = tf.floor(px), tf.floor(py)
    result = 0.0
    for dy in (0, 1):
        for dx in (0, 1):
            cx, cy = (
                tf.clip_by_value(x0 + dx, 0, width - 1),
                tf.clip_by_value(y0 + dy, 0, height - 1),
            )
            weight = (1 - tf.abs(px - (x0 + dx))) * (1 - tf.abs(py - (y0 + dy)))
            flat = tf.cast(cy * width + cx, tf.int32)
            picked = tf.gather(tf.reshape(images, [size, -1, 1]), flat, batch_dims=1)
            result += weight[..., None] * picked
    return tf.reshape(result, [size, height, width, 1])


theta = tf.constant([[0.8, 0.1, 0.05, -0.1, 0.9, -0.1]] * 3)
with tf.GradientTape() as tape:
    tape.watch(theta)
    moved = transform(tf.constant(images[:3]), theta)
    loss = tf.reduce_mean((moved - images[3:6]) ** 2)
print("RESULT transformed", float(loss), tape.gradient(loss, theta).numpy().ravel())
