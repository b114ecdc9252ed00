"""Segmentation: a DeepLab-like net with dilated convolutions, dice and focal losses, MeanIoU, sample weights, augmentation in the pipeline."""

import numpy as np
import tensorflow as tf

keras = tf.keras
L = keras.layers
keras.utils.set_random_seed(13)
rng = np.random.default_rng(13)
N, S = (70, 32)
x = rng.normal(0, 0.3, (N, S, S, 3)).astype("float32")
y = np.zeros((N, S, S, 1), "int32")
for i in range(N):
    for c in (1, 2):
        h, w = rng.integers(6, 16, 2)
        a, b = (rng.integers(0, S - h), rng.integers(0, S - w))
        y[i, a : a + h, b : b + w] = c
        x[i, a : a + h, b : b + w, c] += 1


def augment(im, mk):
    seed = tf.cast(tf.reduce_sum(im) * 100, tf.int32) * tf.constant([1, 0]) + [0, 5]
    im = tf.image.stateless_random_flip_left_right(im, seed)
    mk = tf.image.stateless_random_flip_left_right(mk, seed)
    im = tf.image.stateless_random_brightness(im, 0.2, seed)
    im = tf.image.stateless_random_contrast(im, 0.8, 1.2, seed)
    return (im, mk)


def weights(im, mk):
    cw = tf.constant([0.5, 1.0, 2.0])
    cw /= tf.reduce_sum(cw)
    return (im, mk, tf.gather(cw, tf.cast(mk, tf.int32)))


tr = tf.data.Dataset.from_tensor_slices((x[:55], y[:55])).map(augment).map(weights).batch(16)
va = tf.data.Dataset.from_tensor_slices((x[55:], y[55:])).batch(8)


def conv(h, f, k=3, d=1, bias=False):
    h = L.Conv2D(
        f,
        k,
        dilation_rate=d,
        padding="same",
        use_bias=bias,
        kernel_initializer=keras.initializers.HeNormal(),
    )(h)
    return L.ReLU()(L.BatchNormalization()(h))


i = keras.Input((S, S, 3))
a = conv(i, 8)
h = L.MaxPooling2D(2)(a)
b = conv(h, 16)
h = L.SpatialDropout2D(0.1)(b)
p = L.AveragePooling2D((16, 16))(h)
p = L.UpSampling2D((16, 16), interpolation="bilinear")(conv(p, 8, 1, bias=True))
h = L.Concatenate()([p, conv(h, 8, 1), conv(h, 8, 3, 2), conv(h, 8, 3, 4), conv(h, 8, 3, 6)])
h = conv(h, 16, 1)
h = L.Conv2DTranspose(8, 3, strides=2, padding="same")(h)
h = L.Concatenate()([h, conv(a, 8, 1)])
h = conv(h, 8)
m = keras.Model(i, L.Conv2D(3, 1)(h))


class MIoU(keras.metrics.MeanIoU):
    def update_state(self, t, p, sample_weight=None):
        return super().update_state(t, tf.argmax(p, -1)[..., None], sample_weight)


m.compile(
    keras.optimizers.Adam(0.003),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy", MIoU(num_classes=3, name="iou")],
)
h = m.fit(
    tr,
    validation_data=va,
    epochs=3,
    verbose=0,
    callbacks=[keras.callbacks.ReduceLROnPlateau(patience=1, monitor="val_loss", factor=0.3)],
).history
for k in h:
    print("RESULT", k, *h[k])


def dice(t, p):
    t = tf.one_hot(tf.cast(t[..., 0], tf.int32), 3)
    p = tf.nn.softmax(p)
    inter = tf.reduce_sum(t * p, [1, 2])
    return 1 - tf.reduce_mean((2 * inter + 1) / (tf.reduce_sum(t + p, [1, 2]) + 1), -1)


def focal(t, p):
    t = tf.one_hot(tf.squeeze(tf.cast(t, tf.int32), -1), 3)
    lp = tf.nn.log_softmax(p)
    q = tf.exp(lp)
    return tf.reduce_mean(-tf.reduce_sum(t * (1 - q) ** 2 * lp, -1), [1, 2])


for name, f in (
    ("dice", dice),
    ("focal", focal),
    ("both", lambda t, p: dice(t, p) + 2 * focal(t, p)),
):
    m.compile(
        keras.optimizers.RMSprop(0.001),
        f,
        metrics=[keras.metrics.MeanMetricWrapper(dice, name="d")]
        if hasattr(keras.metrics, "MeanMetricWrapper")
        else [],
    )
    print(
        "RESULT",
        name,
        *m.fit(x[:55], y[:55], batch_size=20, epochs=2, verbose=0).history["loss"],
        m.evaluate(va, verbose=0)[0]
        if isinstance(m.evaluate(va, verbose=0), list)
        else m.evaluate(va, verbose=0),
    )
p = m.predict(x[60:], batch_size=7, verbose=0)
print(
    "RESULT mask",
    p.shape,
    np.bincount(p.argmax(-1).ravel(), minlength=3) > 0,
    p[0, 5, 5],
    tf.math.confusion_matrix(y[60:].ravel(), p.argmax(-1).ravel(), 3).numpy().sum(),
)
