"""Features of one task frozen for another, then fine-tuned with a small rate, as guides to transfer learning do."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
images = rng.random((250, 20, 20, 3)).astype("float32")
first = rng.integers(0, 4, 250)
for image, label in zip(images, first):
    image[(label // 2) * 10 :, (label % 2) * 10 :] *= 0.5
second = (first % 2).astype("float32")[:, None]

base = keras.Sequential(
    [
        keras.Input((20, 20, 3)),
        layers.Rescaling(2.0, offset=-1),
        layers.SeparableConv2D(16, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(2),
        layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        layers.BatchNormalization(),
        layers.Activation("relu6"),
        layers.Conv2D(24, 1, activation="relu"),
        layers.AveragePooling2D(2),
    ],
    name="base",
)
pretrain = keras.Sequential([base, layers.Flatten(), layers.Dense(4)])
pretrain.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
print("RESULT pretrain", *pretrain.fit(images, first, epochs=3, verbose=0).history["loss"])

base.trainable = False
inputs = keras.Input((20, 20, 3))
h = base(inputs, training=False)
h = layers.GlobalAveragePooling2D()(h)
h = layers.Dropout(0.2)(h)
model = keras.Model(inputs, layers.Dense(1)(h))
data = tf.data.Dataset.from_tensor_slices((images, second))
train = data.take(200).shuffle(200, seed=1).batch(48).prefetch(tf.data.AUTOTUNE)
valid = data.skip(200).batch(48).cache()
loss = keras.losses.BinaryCrossentropy(from_logits=True)
accuracy = keras.metrics.BinaryAccuracy(threshold=0)
model.compile(keras.optimizers.Adam(1e-2), loss, metrics=[accuracy])
print("RESULT trainable", len(model.trainable_weights), len(model.non_trainable_weights))
print("RESULT frozen", *model.fit(train, epochs=3, verbose=0).history["loss"])
before = base.layers[1].pointwise_kernel.numpy().copy()

base.trainable = True
for layer in base.layers[:2]:
    layer.trainable = False
model.compile(keras.optimizers.RMSprop(1e-4), loss, metrics=[accuracy])
print("RESULT trainable", len(model.trainable_weights), len(model.non_trainable_weights))
history = model.fit(train, epochs=3, validation_data=valid, verbose=0).history
print("RESULT tuned", *history["loss"], *history["val_loss"])
print("RESULT unchanged", np.array_equal(before, base.layers[1].pointwise_kernel.numpy()))
print("RESULT scores", model.predict(images[:6], verbose=0).ravel())
