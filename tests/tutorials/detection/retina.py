"""RetinaNet-like: anchors, label encoding, focal + smooth L1 loss, FPN functional model, NMS decode."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(31)
rng = np.random.default_rng(31)
C, S = 3, 64


class AnchorBox:
    def __init__(self):
        self.aspect_ratios, self.scales = [0.5, 1.0, 2.0], [2**x for x in [0, 1 / 2]]
        self.num, self.strides, self.areas = 6, [2**i for i in (3, 4)], [16.0**2, 32.0**2]
        self.dims = self._compute()

    def _compute(self):
        out = []
        for area in self.areas:
            d = []
            for r in self.aspect_ratios:
                h = tf.math.sqrt(area / r)
                w = area / h
                dims = tf.reshape(tf.stack([w, h], -1), [1, 1, 2])
                for s in self.scales:
                    d.append(s * dims)
            out.append(tf.stack(d, -2))
        return out

    def _anchors(self, fh, fw, level):
        rx, ry = tf.range(fw, dtype=tf.float32) + 0.5, tf.range(fh, dtype=tf.float32) + 0.5
        c = tf.stack(tf.meshgrid(rx, ry), -1) * self.strides[level]
        c = tf.tile(tf.expand_dims(c, -2), [1, 1, self.num, 1])
        d = tf.tile(self.dims[level], [fh, fw, 1, 1])
        return tf.reshape(tf.concat([c, d], -1), [fh * fw * self.num, 4])

    def get(self, h, w):
        return tf.concat(
            [
                self._anchors(tf.math.ceil(h / s), tf.math.ceil(w / s), i)
                for i, s in enumerate(self.strides)
            ],
            0,
        )


def corners(b):
    return tf.concat([b[..., :2] - b[..., 2:] / 2.0, b[..., :2] + b[..., 2:] / 2.0], -1)


def iou(a, b):
    ca, cb = corners(a), corners(b)
    lu, rd = tf.maximum(ca[:, None, :2], cb[:, :2]), tf.minimum(ca[:, None, 2:], cb[:, 2:])
    i = tf.maximum(0.0, rd - lu)
    i = i[:, :, 0] * i[:, :, 1]
    u = tf.maximum((a[:, 2] * a[:, 3])[:, None] + b[:, 2] * b[:, 3] - i, 1e-8)
    return tf.clip_by_value(i / u, 0.0, 1.0)


anchor = AnchorBox()
var = tf.constant([0.1, 0.1, 0.2, 0.2])


def encode_one(boxes, ids):
    a = anchor.get(S, S)
    m = iou(a, boxes)
    mx, idx = tf.reduce_max(m, 1), tf.argmax(m, 1)
    pos, neg = mx >= 0.5, mx < 0.4
    ign = tf.logical_not(tf.logical_or(pos, neg))
    gt = tf.gather(boxes, idx)
    t = tf.concat([(gt[:, :2] - a[:, :2]) / a[:, 2:], tf.math.log(gt[:, 2:] / a[:, 2:])], -1) / var
    cls = tf.gather(tf.cast(ids, tf.float32), idx)
    cls = tf.where(pos, cls, -1.0)
    cls = tf.where(ign, -2.0, cls)
    return tf.concat([t, cls[:, None]], -1)


def encode_batch(images, boxes, ids):
    n = tf.shape(images)[0]
    labels = tf.TensorArray(tf.float32, size=n, dynamic_size=True)
    for i in range(n):
        labels = labels.write(i, encode_one(boxes[i], ids[i]))
    return images, labels.stack()


class Loss(keras.losses.Loss):
    def __init__(self):
        super().__init__(reduction="sum", name="RetinaNetLoss")

    def call(self, y_true, y_pred):
        box_t, box_p = y_true[:, :, :4], y_pred[:, :, :4]
        cls_t = tf.one_hot(tf.cast(y_true[:, :, 4], tf.int32), C)
        cls_p = y_pred[:, :, 4:]
        pos, ign = (
            tf.cast(y_true[:, :, 4] > -1.0, tf.float32),
            tf.cast(tf.equal(y_true[:, :, 4], -2.0), tf.float32),
        )
        ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=cls_t, logits=cls_p)
        pr = tf.nn.sigmoid(cls_p)
        alpha, pt = tf.where(cls_t == 1.0, 0.25, 0.75), tf.where(cls_t == 1.0, pr, 1 - pr)
        cl = tf.reduce_sum(alpha * tf.pow(1.0 - pt, 2.0) * ce, -1)
        d = tf.abs(box_t - box_p)
        bl = tf.reduce_sum(tf.where(d < 1.0, 0.5 * d**2, d - 0.5), -1)
        cl = tf.where(tf.equal(ign, 1.0), 0.0, cl)
        bl = tf.where(tf.equal(pos, 1.0), bl, 0.0)
        norm = tf.reduce_sum(pos, -1)
        cl, bl = (
            tf.math.divide_no_nan(tf.reduce_sum(cl, -1), norm),
            tf.math.divide_no_nan(tf.reduce_sum(bl, -1), norm),
        )
        return cl + bl


def head(out, bias):
    h = keras.Sequential([keras.Input((None, None, 16))])
    h.add(
        keras.layers.Conv2D(
            16,
            3,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01, seed=1),
        )
    )
    h.add(keras.layers.ReLU())
    h.add(
        keras.layers.Conv2D(
            out,
            3,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01, seed=2),
            bias_initializer=bias,
        )
    )
    return h


def backbone():
    i = keras.Input((None, None, 3))
    x = i
    outs = []
    for f in (8, 16, 16, 32):
        x = keras.layers.Conv2D(f, 3, strides=2, padding="same", activation="swish")(x)
        outs.append(x)
    c3 = keras.layers.Conv2D(16, 1)(outs[2])
    c4 = keras.layers.Conv2D(16, 1)(outs[3])
    p3 = keras.layers.Add()([c3, keras.layers.UpSampling2D(2)(c4)])
    return keras.Model(i, [p3, c4])


class Retina(keras.Model):
    def __init__(self):
        super().__init__(name="RetinaNet")
        self.fpn = backbone()
        self.cls, self.box = (
            head(6 * C, tf.constant_initializer(-np.log((1 - 0.01) / 0.01))),
            head(6 * 4, "zeros"),
        )

    def call(self, image, training=False):
        fs = self.fpn(image, training=training)
        n = tf.shape(image)[0]
        b = tf.concat([tf.reshape(self.box(f), [n, -1, 4]) for f in fs], 1)
        c = tf.concat([tf.reshape(self.cls(f), [n, -1, C]) for f in fs], 1)
        return tf.concat([b, c], -1)


imgs = rng.uniform(size=(12, S, S, 3)).astype("float32")
nb = rng.integers(1, 4, 12)
boxes = [
    np.concatenate([rng.uniform(16, 48, (k, 2)), rng.uniform(12, 40, (k, 2))], 1).astype("float32")
    for k in nb
]
ids = [rng.integers(0, C, k).astype("int32") for k in nb]
ds = tf.data.Dataset.from_generator(
    lambda: zip(imgs, boxes, ids),
    output_signature=(
        tf.TensorSpec((S, S, 3)),
        tf.TensorSpec((None, 4)),
        tf.TensorSpec((None,), tf.int32),
    ),
)
ds = (
    ds.padded_batch(4, padding_values=(0.0, 1e-8, -1), drop_remainder=True)
    .map(encode_batch, num_parallel_calls=2)
    .apply(tf.data.experimental.ignore_errors())
    .prefetch(1)
)
for im, l in ds.take(1):
    print(
        "RESULT",
        im.shape,
        l.shape,
        tf.reduce_sum(tf.cast(l[..., 4] > -1, tf.int32), 1).numpy(),
        tf.reduce_sum(tf.cast(l[..., 4] == -2, tf.int32)).numpy(),
        np.round(tf.reduce_sum(tf.where(l[..., 4:] > -1, l[..., :4], 0.0), 1).numpy()[0], 3),
    )
m = Retina()
m.compile(
    loss=Loss(),
    optimizer=keras.optimizers.SGD(
        keras.optimizers.schedules.PiecewiseConstantDecay([2, 4], [1e-3, 1e-2, 5e-3]), momentum=0.9
    ),
)
h = m.fit(ds, epochs=3, verbose=0)
print("RESULT", np.round(h.history["loss"], 3))
p = m.predict(imgs[:2], verbose=0)
a = anchor.get(S, S)
bx = p[..., :4] * var
dec = corners(
    tf.concat(
        [bx[..., :2] * a[None, :, 2:] + a[None, :, :2], tf.exp(bx[..., 2:]) * a[None, :, 2:]], -1
    )
)
r = tf.image.combined_non_max_suppression(
    dec[:, :, None], tf.nn.sigmoid(p[..., 4:]), 3, 6, 0.5, 0.005, clip_boxes=False
)
print(
    "RESULT",
    r.valid_detections.numpy(),
    np.round(r.nmsed_scores.numpy(), 4),
    np.round(r.nmsed_boxes.numpy()[0, 0], 2),
)
