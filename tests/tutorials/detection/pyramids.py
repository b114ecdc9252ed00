"""In the manner of RetinaNet: a feature pyramid, anchors of all levels, boxes assigned in the graph, focal loss with ignored anchors."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(243)
rng = np.random.default_rng(243)
SIZE, CLASSES = 48, 2
LEVELS = {3: 8, 4: 16}


class Anchors:
    """All anchors of an image of any size: [y, x, h, w], coarser levels last."""

    ratios, scales = (0.5, 1.0, 2.0), (1.0, 1.5)

    def __call__(self, height, width):
        levels = []
        for stride in LEVELS.values():
            rows = tf.cast(tf.math.ceil(height / stride), tf.int32)
            columns = tf.cast(tf.math.ceil(width / stride), tf.int32)
            y = (tf.range(rows, dtype=tf.float32) + 0.5) * stride
            x = (tf.range(columns, dtype=tf.float32) + 0.5) * stride
            centres = tf.stack(tf.meshgrid(y, x, indexing="ij"), -1)[:, :, None]
            sides = [
                [s * stride * r**0.5, s * stride / r**0.5] for r in self.ratios for s in self.scales
            ]
            sides = tf.tile(tf.constant(sides)[None, None], [rows, columns, 1, 1])
            anchors = tf.concat(
                [tf.tile(centres, [1, 1, len(self.ratios) * len(self.scales), 1]), sides], -1
            )
            levels.append(tf.reshape(anchors, [-1, 4]))
        return tf.concat(levels, 0)


def corners(boxes):
    return tf.concat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def assign(anchors, boxes, classes):
    """What each anchor stands for: a class, -1 for none, -2 if it is not to be counted; and its encoded box."""
    a, b = corners(anchors), corners(boxes)
    common = tf.maximum(
        tf.minimum(a[:, None, 2:], b[None, :, 2:]) - tf.maximum(a[:, None, :2], b[None, :, :2]), 0
    )
    area = tf.reduce_prod(common, -1)
    iou = area / (
        tf.reduce_prod(anchors[:, None, 2:], -1) + tf.reduce_prod(boxes[None, :, 2:], -1) - area
    )
    best, owner = tf.reduce_max(iou, 1), tf.argmax(iou, 1)
    forced = tf.reduce_any(tf.equal(iou, tf.reduce_max(iou, 0, keepdims=True)) & (iou > 0), 1)
    positive = (best >= 0.5) | forced
    ignored = ~positive & (best >= 0.4)
    mine = tf.gather(boxes, owner)
    encoded = tf.concat(
        [
            (mine[:, :2] - anchors[:, :2]) / anchors[:, 2:],
            tf.math.log(mine[:, 2:] / anchors[:, 2:]),
        ],
        -1,
    )
    label = tf.where(positive, tf.cast(tf.gather(classes, owner), tf.float32), -1.0)
    return tf.where(ignored, -2.0, label), encoded / [0.1, 0.1, 0.2, 0.2]


def examples():
    local = np.random.default_rng(5)
    for _ in range(24):
        image = local.normal(0, 0.1, (SIZE, SIZE, 1)).astype("float32")
        boxes, classes = [], []
        for _ in range(local.integers(1, 4)):
            h, w = local.integers(6, 18, 2)
            y, x = local.integers(0, SIZE - h), local.integers(0, SIZE - w)
            kind = local.integers(CLASSES)
            image[y : y + h, x : x + w] += 1 if kind else np.indices((h, w)).sum(0)[..., None] % 2
            boxes.append([y + h / 2, x + w / 2, h, w])
            classes.append(kind)
        yield image, np.array(boxes, "float32"), np.array(classes, "int32")


anchors = Anchors()(SIZE, SIZE)
print("RESULT anchors", anchors.shape, Anchors()(30, 41).shape, float(tf.reduce_mean(anchors)))
spec = (tf.TensorSpec([SIZE, SIZE, 1]), tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int32))
data = tf.data.Dataset.from_generator(examples, output_signature=spec)
data = data.map(lambda image, boxes, classes: (image, assign(anchors, boxes, classes)))
labels = tf.concat([label for _, (label, _) in data], 0)
print(
    "RESULT assigned", *[int(tf.reduce_sum(tf.cast(labels == k, tf.int32))) for k in (-2, -1, 0, 1)]
)
data = data.apply(tf.data.experimental.assert_cardinality(24)).cache().batch(8, drop_remainder=True)


def head(outputs, bias):
    return keras.Sequential(
        [
            layers.Conv2D(12, 3, padding="same", activation="relu"),
            layers.Conv2D(
                6 * outputs, 3, padding="same", bias_initializer=keras.initializers.Constant(bias)
            ),
        ]
    )


class Retina(keras.Model):
    def __init__(self):
        super().__init__()

        def conv(n, s):
            return layers.Conv2D(n, 3, strides=s, padding="same", activation="relu")

        self.stem = keras.Sequential([conv(8, 2), conv(8, 2)])
        self.c3, self.c4 = conv(16, 2), conv(16, 2)
        self.lateral, self.up = layers.Conv2D(16, 1), layers.UpSampling2D(2)
        self.classes, self.boxes = head(CLASSES, -4.6), head(4, 0.0)

    def call(self, images, training=False):
        c3 = self.c3(self.stem(images))
        c4 = self.c4(c3)
        levels = [self.lateral(c3) + self.up(c4), c4]

        def flat(net, n):
            return tf.concat([tf.reshape(net(p), [tf.shape(images)[0], -1, n]) for p in levels], 1)

        return flat(self.classes, CLASSES), flat(self.boxes, 4)

    def train_step(self, batch):
        images, (labels, encoded) = batch
        with tf.GradientTape() as tape:
            scores, boxes = self(images, training=True)
            positive = tf.cast(labels >= 0, tf.float32)
            counted = tf.cast(labels > -2, tf.float32)
            wanted = tf.one_hot(tf.cast(labels, tf.int32), CLASSES)
            focal = keras.losses.binary_crossentropy(
                wanted[..., None], scores[..., None], from_logits=True
            )
            p = tf.sigmoid(scores)
            focal *= tf.where(wanted > 0, 0.25, 0.75) * tf.where(wanted > 0, 1 - p, p) ** 2
            normal = tf.maximum(tf.reduce_sum(positive, 1), 1.0)
            focal = tf.reduce_sum(tf.reduce_sum(focal, -1) * counted, 1) / normal
            huber = tf.where(
                tf.abs(boxes - encoded) < 1,
                0.5 * (boxes - encoded) ** 2,
                tf.abs(boxes - encoded) - 0.5,
            )
            huber = tf.reduce_sum(tf.reduce_mean(huber, -1) * positive, 1) / normal
            loss = tf.reduce_mean(focal + huber)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss, "focal": tf.reduce_mean(focal), "huber": tf.reduce_mean(huber)}


model = Retina()
model.compile(keras.optimizers.SGD(0.02, momentum=0.9, clipnorm=10.0))
history = model.fit(data, epochs=3, verbose=0).history
for key, values in sorted(history.items()):
    print("RESULT", key, *values)
images = next(iter(data))[0]
scores, encoded = model.predict_on_batch(images)
boxes = tf.concat(
    [
        encoded[..., :2] * 0.1 * anchors[:, 2:] + anchors[:, :2],
        tf.exp(encoded[..., 2:] * 0.2) * anchors[:, 2:],
    ],
    -1,
)
print(
    "RESULT decoded",
    boxes.shape,
    float(tf.reduce_mean(boxes)),
    tf.reduce_max(tf.sigmoid(scores), [1, 2]).numpy()[:4],
)
