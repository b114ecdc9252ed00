"""A small detector with anchors: boxes matched by IoU, encoded offsets, focal and smooth L1 losses, decoded by NMS."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(141)
rng = np.random.default_rng(141)
COUNT, SIDE, CELLS = 90, 32, 8
images = rng.normal(0, 0.2, (COUNT, SIDE, SIDE, 3)).astype("float32")
boxes = np.zeros((COUNT, 2, 4), "float32")
kinds = rng.integers(0, 2, (COUNT, 2))
for image, pair, labels in zip(images, boxes, kinds):
    for k in range(2):
        h, w = rng.integers(6, 14, 2)
        y, x = rng.integers(0, SIDE - h), rng.integers(0, SIDE - w)
        image[y : y + h, x : x + w, labels[k]] += 1
        pair[k] = [(x + w / 2), (y + h / 2), w, h]

centres = (np.arange(CELLS) + 0.5) * SIDE / CELLS
cy, cx = np.meshgrid(centres, centres, indexing="ij")
sizes = [(8, 8), (12, 8), (8, 12)]
anchors = np.stack(
    [np.stack([cx, cy, np.full_like(cx, w), np.full_like(cy, h)], -1) for w, h in sizes], 2
)
anchors = tf.constant(anchors.reshape(-1, 4), tf.float32)


def corners(boxes):
    return tf.concat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def iou_matrix(one, two):
    a, b = corners(one), corners(two)
    top, bottom = (
        tf.maximum(a[:, None, :2], b[None, :, :2]),
        tf.minimum(a[:, None, 2:], b[None, :, 2:]),
    )
    overlap = tf.reduce_prod(tf.maximum(0.0, bottom - top), -1)
    areas = one[:, None, 2] * one[:, None, 3] + two[None, :, 2] * two[None, :, 3]
    return tf.clip_by_value(overlap / tf.maximum(areas - overlap, 1e-8), 0.0, 1.0)


def encode(truth, labels):
    matrix = iou_matrix(anchors, truth)
    best, number = tf.reduce_max(matrix, 1), tf.argmax(matrix, 1)
    positive = tf.cast(best >= 0.45, tf.float32)
    ignored = tf.cast((best > 0.3) & (best < 0.45), tf.float32)
    matched = tf.gather(truth, number)
    offsets = tf.concat(
        [
            (matched[:, :2] - anchors[:, :2]) / anchors[:, 2:],
            tf.math.log(matched[:, 2:] / anchors[:, 2:]),
        ],
        -1,
    )
    kind = tf.where(positive > 0, tf.gather(tf.cast(labels, tf.float32), number), -1.0)
    kind = tf.where(ignored > 0, -2.0, kind)
    return tf.concat([offsets / 0.2, kind[:, None]], -1)


data = tf.data.Dataset.from_tensor_slices((images, boxes, kinds))
data = data.map(lambda image, truth, labels: (image, encode(truth, labels)), num_parallel_calls=2)
train, test = data.take(75).batch(20).prefetch(1), data.skip(75).batch(15)
targets = next(iter(train))[1]
print(
    "RESULT targets",
    targets.shape,
    int(tf.reduce_sum(tf.cast(targets[..., 4] >= 0, tf.int32))),
    float(tf.reduce_sum(targets[..., :4])),
)


class DetectionLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        kind = y_true[..., 4]
        one_hot = tf.one_hot(tf.cast(kind, tf.int32), depth=2)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=one_hot, logits=y_pred[..., 4:])
        chance = tf.nn.sigmoid(y_pred[..., 4:])
        alpha = tf.where(tf.equal(one_hot, 1.0), 0.25, 0.75)
        pt = tf.where(tf.equal(one_hot, 1.0), chance, 1 - chance)
        focal = tf.reduce_sum(alpha * tf.pow(1.0 - pt, 2.0) * entropy, -1)
        difference = y_true[..., :4] - y_pred[..., :4]
        absolute = tf.abs(difference)
        smooth = tf.reduce_sum(tf.where(absolute < 1.0, 0.5 * difference**2, absolute - 0.5), -1)
        positive, ignored = tf.cast(kind > -1.0, tf.float32), tf.cast(kind == -2.0, tf.float32)
        focal = tf.where(tf.equal(ignored, 1.0), 0.0, focal)
        smooth = tf.where(tf.equal(positive, 1.0), smooth, 0.0)
        count = tf.reduce_sum(positive, -1)
        return tf.math.divide_no_nan(tf.reduce_sum(focal, -1), count) + tf.math.divide_no_nan(
            tf.reduce_sum(smooth, -1), count
        )


inputs = keras.Input((SIDE, SIDE, 3))
h = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(inputs)
c3 = layers.Conv2D(24, 3, strides=2, padding="same", activation="relu")(h)
c4 = layers.Conv2D(24, 3, strides=2, padding="same", activation="relu")(c3)
p3 = layers.Conv2D(24, 1)(c3) + layers.UpSampling2D(2)(layers.Conv2D(24, 1)(c4))
bias = keras.initializers.Constant(-np.log((1 - 0.01) / 0.01))
box = layers.Reshape((-1, 4))(layers.Conv2D(12, 3, padding="same")(p3))
kind = layers.Reshape((-1, 2))(layers.Conv2D(6, 3, padding="same", bias_initializer=bias)(p3))
model = keras.Model(inputs, layers.Concatenate(axis=-1)([box, kind]))
model.compile(keras.optimizers.Adam(3e-3), DetectionLoss())
history = model.fit(train, epochs=4, validation_data=test, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
predictions = model.predict(images[75:79], verbose=0)


@tf.function
def decode(predictions):
    offsets = predictions[..., :4] * 0.2
    found = tf.concat(
        [
            offsets[..., :2] * anchors[:, 2:] + anchors[:, :2],
            tf.exp(offsets[..., 2:]) * anchors[:, 2:],
        ],
        -1,
    )
    scores = tf.nn.sigmoid(predictions[..., 4:])
    return tf.image.combined_non_max_suppression(
        tf.expand_dims(corners(found), 2), scores, 5, 8, 0.5, 0.05, clip_boxes=False
    )


found = decode(predictions)
print("RESULT detections", found.nmsed_boxes.shape, float(tf.reduce_max(found.nmsed_scores)))
kept = tf.image.non_max_suppression(corners(anchors[:12]), tf.linspace(1.0, 0.1, 12), 6, 0.3)
print("RESULT kept", kept.numpy())
padded = tf.image.non_max_suppression_padded(
    corners(anchors[:12]), tf.linspace(1.0, 0.1, 12), 6, 0.3, pad_to_max_output_size=True
)
print("RESULT padded", padded[0].numpy(), int(padded[1]))
