"""Random flips, brightness, contrast and crops by tf.image with seeds, in a dataset and before the network."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)
images = (rng.random((140, 28, 28, 3)) * 255).astype("uint8")
labels = rng.integers(0, 2, 140)
images[labels == 1, 8:20, 8:20, 0] = 250


def resize_and_rescale(image, label):
    image = tf.cast(image, tf.float32)
    image = tf.image.resize(image, [32, 32]) / 255.0
    return image, label


def augment(image_label, seed):
    image, label = resize_and_rescale(*image_label)
    image = tf.image.resize_with_crop_or_pad(image, 36, 36)
    fresh = tf.random.split(seed, num=1)[0, :]
    image = tf.image.stateless_random_crop(image, size=[32, 32, 3], seed=seed)
    image = tf.image.stateless_random_brightness(image, max_delta=0.2, seed=fresh)
    image = tf.image.stateless_random_contrast(image, 0.7, 1.3, seed=fresh)
    image = tf.image.stateless_random_flip_left_right(image, seed=seed)
    image = tf.image.stateless_random_saturation(image, 0.6, 1.4, seed=seed)
    image = tf.image.stateless_random_hue(image, 0.1, seed=fresh)
    return tf.clip_by_value(image, 0, 1), label


data = tf.data.Dataset.from_tensor_slices((images, labels))
counter = tf.data.Dataset.counter()
train = tf.data.Dataset.zip((data.take(110), tf.data.Dataset.zip((counter, counter))))
train = train.shuffle(110, seed=3).map(augment, num_parallel_calls=tf.data.AUTOTUNE).batch(32)
valid = data.skip(110).map(resize_and_rescale).batch(16)
for batch, numbers in train.take(2):
    print(
        "RESULT batch",
        float(tf.reduce_mean(batch)),
        float(tf.math.reduce_std(batch)),
        numbers[:6].numpy(),
    )
    print("RESULT pixels", batch[3, 10, 10].numpy(), batch[5, 20, 3].numpy())
model = keras.Sequential(
    [
        layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.Flatten(),
        layers.Dense(2),
    ]
)
model.compile(
    "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
history = model.fit(train, epochs=3, validation_data=valid, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
image = tf.cast(images[0], tf.float32) / 255
print("RESULT gray", float(tf.reduce_mean(tf.image.rgb_to_grayscale(image))))
print("RESULT hsv", tf.reduce_mean(tf.image.rgb_to_hsv(image), [0, 1]).numpy())
print(
    "RESULT rotated", tf.image.rot90(image)[2, 5].numpy(), tf.image.central_crop(image, 0.5).shape
)
gradients = tf.image.sobel_edges(image[None])
print("RESULT edges", gradients.shape, float(tf.reduce_max(gradients)))
