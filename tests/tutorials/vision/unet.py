"""Semantic segmentation by a U-Net with skip connections, dice and cross entropy; mean IoU of the classes."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(7)
rng = np.random.default_rng(7)
masks = np.zeros((84, 32, 32), "int32")
for mask in masks:
    for label in (1, 2):
        top, left = rng.integers(0, 20, 2)
        height, width = rng.integers(6, 12, 2)
        mask[top : top + height, left : left + width] = label
colours = np.array([[0.1, 0.2, 0.3], [0.9, 0.4, 0.1], [0.2, 0.8, 0.6]])
images = (colours[masks] + rng.normal(0, 0.25, (84, 32, 32, 3))).astype("float32")


def double(h, filters):
    for _ in range(2):
        h = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(h)
        h = layers.BatchNormalization()(h)
        h = layers.Activation("relu")(h)
    return h


inputs = keras.Input((32, 32, 3))
skips, h = [], inputs
for filters in (8, 16):
    skips.append(double(h, filters))
    h = layers.Dropout(0.1)(layers.MaxPooling2D()(skips[-1]))
h = double(h, 32)
for filters, skip in zip((16, 8), reversed(skips)):
    h = layers.Conv2DTranspose(filters, 3, strides=2, padding="same")(h)
    h = double(layers.concatenate([h, skip]), filters)
model = keras.Model(inputs, layers.Conv2D(3, 1)(h))
entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def dice_and_entropy(y_true, y_pred):
    one_hot = tf.one_hot(tf.cast(y_true, tf.int32), 3)
    soft = tf.nn.softmax(y_pred)
    overlap = tf.reduce_sum(one_hot * soft, [1, 2])
    total = tf.reduce_sum(one_hot + soft, [1, 2])
    dice = 1 - tf.reduce_mean((2 * overlap + 1) / (total + 1))
    return entropy(y_true, y_pred) + dice


iou = keras.metrics.MeanIoU(num_classes=3, sparse_y_pred=False)
model.compile(keras.optimizers.Adam(3e-3), dice_and_entropy, metrics=["accuracy", iou])
history = model.fit(images[:70], masks[:70], batch_size=16, epochs=4, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT accuracy", *history["accuracy"])
result = model.evaluate(images[70:], masks[70:], batch_size=8, verbose=0, return_dict=True)
print("RESULT evaluate", result["loss"], result["accuracy"])
logits = model.predict(images[70:72], verbose=0)
print(
    "RESULT logits", float(logits.mean()), float(logits.std()), logits[0, 16, 16], logits[1, 0, 31]
)
print("RESULT classes", tf.unique(tf.reshape(tf.argmax(logits, -1), [-1])).y.shape)
