"""A judge of generated digits: a network that reads real ones."""

import keras
import numpy as np
from images import digits

L = keras.layers


def reader():
    """Returns a network from digits `[n, 28, 28, 1]` to logits, which reads 98 of 100 real ones right."""
    (images, labels), held = digits()
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            L.Conv2D(16, 5, 2, padding="same", activation="relu"),
            L.Conv2D(32, 3, 2, padding="same", activation="relu"),
            L.Flatten(),
            L.Dropout(0.3),
            L.Dense(64, activation="relu"),
            L.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    model.fit(images, labels, 64, 6, verbose=0)
    _, accuracy = model.evaluate(*held, 500, verbose=0)
    print(f"the judge reads {accuracy:.1%} of the real digits right")
    return model


def judge(images, labels):
    """Returns how good generated digits are.

    Args:
      images: `[n, 28, 28, 1]` from 0 to 1.
      labels: `[n]`, the digits that they are to be.

    Returns:
      Which share of them a reader of real digits takes for what they are to be, and how they vary:
      their standard deviation around the mean image of each digit, as a share of real digits'.
    """
    answers = reader().predict(images, 500, verbose=0).argmax(1)
    (real, real_labels), _ = digits()
    return np.mean(answers == labels), spread(images, labels) / spread(real, real_labels)


def spread(images, labels):
    """Returns the standard deviation of pixels around the mean image of each digit."""
    variances = [images[labels == digit].var(0).mean() for digit in range(10)]
    return np.sqrt(np.mean(variances))
