"""Reads handwritten digits with a small residual network.

Data: 8,000 of MNIST's digits, 2,000 held out (`examples/data/README.md`; CC BY-SA 3.0).
The images are turned, shifted and scaled a little in each epoch by Keras's layers in a `tf.data` pipeline.

Result: `accuracy`, of the digits held out, some 0.99.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import digits, grid

L = keras.layers
BATCH = 64


def residual_block(x, filters, stride):
    """Returns two convolutions of `x` with a way around them."""
    shortcut = L.Conv2D(filters, 1, stride, use_bias=False)(x) if stride > 1 else x
    y = L.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x)
    y = L.ReLU()(L.BatchNormalization(momentum=0.9)(y))
    y = L.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = L.BatchNormalization(momentum=0.9)(y)
    return L.ReLU()(y + shortcut)


def make_model():
    """Returns a network from images to the logits of ten digits."""
    images = keras.Input((28, 28, 1))
    x = L.ReLU()(L.Conv2D(16, 3, padding="same")(images))
    for filters, stride in [(16, 1), (32, 2), (64, 2)]:
        x = residual_block(x, filters, stride)
    x = L.Dropout(0.3)(L.GlobalAveragePooling2D()(x))
    return keras.Model(images, L.Dense(10)(x))


def augmented(images, labels):
    """Returns a dataset of batches whose images are others in each epoch."""
    augment = keras.Sequential(
        [
            L.RandomRotation(0.03, fill_mode="constant", seed=1),
            L.RandomTranslation(0.08, 0.08, fill_mode="constant", seed=2),
            L.RandomZoom(0.1, fill_mode="constant", seed=3),
        ]
    )
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=1).batch(BATCH, drop_remainder=True)
    return data.map(lambda x, y: (augment(x, training=True), y)).prefetch(2)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    (images, labels), (held_images, held_labels) = digits()
    if quick:
        images, labels = images[:2000], labels[:2000]
    epochs = 2 if quick else 8
    model = make_model()
    steps = epochs * (len(images) // BATCH)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    data, held = augmented(images, labels), (held_images, held_labels)
    model.fit(data, epochs=epochs, validation_data=held, shuffle=False, verbose=2)

    scores = keras.ops.softmax(model.predict(held_images, batch_size=500, verbose=0)).numpy()
    answers = scores.argmax(1)
    if picture:
        wrong = np.flatnonzero(answers != held_labels)
        unsure = wrong[np.argsort(-scores[wrong, answers[wrong]])][:20]
        rows = [unsure[:10], unsure[10:]]
        captions = [[f"{answers[i]}, is {held_labels[i]}" for i in row] for row in rows]
        grid(picture, [list(1 - held_images[row]) for row in rows], captions=captions)
    print(f"classification: accuracy {np.mean(answers == held_labels):.4f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
