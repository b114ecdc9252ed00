"""A small convolutional network that sorts squares, crosses and stripes; the last batch is partial."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)


def pictures(count):
    images = rng.normal(0, 0.3, (count, 24, 24, 1)).astype("float32")
    labels = rng.integers(0, 3, count)
    for image, label in zip(images, labels):
        top, left = rng.integers(0, 16, 2)
        if label == 0:
            image[top : top + 8, left : left + 8] += 1
        elif label == 1:
            image[top + 3 : top + 5, left : left + 8] += 1
            image[top : top + 8, left + 3 : left + 5] += 1
        else:
            image[top : top + 8 : 2, left : left + 8] += 1
    return images, labels


train, test = pictures(330), pictures(75)
model = keras.Sequential(
    [
        keras.Input((24, 24, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dense(3),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
)
history = model.fit(*train, batch_size=32, epochs=4, validation_data=test, verbose=0).history
for name in ("loss", "val_loss", "val_top2"):
    print("RESULT", name, *(round(value, 6) for value in history[name]))
print("RESULT evaluate", *model.evaluate(*test, batch_size=20, verbose=0))
probabilities = tf.nn.softmax(model.predict(test[0][:7], verbose=0))
print("RESULT predictions", np.round(probabilities.numpy().ravel(), 5))
confusion = tf.math.confusion_matrix(test[1], model.predict(test[0], verbose=0).argmax(1))
print("RESULT confusion", confusion.shape, int(tf.reduce_sum(confusion)))
