"""Trains a convolutional network on handwritten digits, twice, and draws what it learned.

First with Keras's `fit`, then with a custom loop around a compiled step. Writes to
`build/demo/`: TensorBoard logs, and `digits.png` with predictions and the confusion matrix.

Run by `make demo`, or: penstock run examples/demo.py
"""

import pathlib
import sys
import time

import keras
import numpy as np
import tensorflow as tf
from picture import draw

HERE = pathlib.Path(__file__).resolve().parent
OUTPUT = HERE.parent / "build" / "demo"
TRAINING, EPOCHS = 8000, 12
L = keras.layers


def load_digits():
    """Returns images `[10000, 28, 28, 1]` in [0, 1] and labels `[10000]`."""
    digits = np.load(HERE / "data" / "mnist_10k.npz")
    return digits["images"].astype("float32")[..., None] / 255.0, digits["labels"].astype("int32")


def make_model():
    """Returns a small convolutional network for ten classes."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            L.Conv2D(32, 3, padding="same", use_bias=False),
            L.BatchNormalization(momentum=0.9),
            L.ReLU(),
            L.Conv2D(32, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(64, 3, use_bias=False),
            L.BatchNormalization(momentum=0.9),
            L.ReLU(),
            L.Conv2D(64, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dropout(0.3),
            L.Dense(128, activation="relu"),
            L.Dropout(0.3),
            L.Dense(10),
        ]
    )


def train_with_fit(images, labels):
    """Trains with Keras's `fit` and returns the model."""
    model = make_model()
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * TRAINING // 64)
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        images[:TRAINING],
        labels[:TRAINING],
        batch_size=64,
        epochs=EPOCHS,
        validation_data=(images[TRAINING:], labels[TRAINING:]),
        callbacks=[keras.callbacks.TensorBoard(str(OUTPUT / "logs"))],
    )
    return model


def train_with_own_loop(images, labels, epochs=4):
    """Trains with a tf.function around a gradient tape and returns the model."""
    model = make_model()
    optimizer = keras.optimizers.Adam(1e-3)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    data = tf.data.Dataset.from_tensor_slices((images[:TRAINING], labels[:TRAINING]))
    data = data.shuffle(TRAINING, seed=1).batch(128).prefetch(2)
    for epoch in range(epochs):
        start = time.perf_counter()
        losses = [step(x, y).numpy() for x, y in data]
        rate = TRAINING / (time.perf_counter() - start)
        print(f"  epoch {epoch + 1}: loss {np.mean(losses):.4f}, {rate:,.0f} images/s")
    return model


def accuracy_of(model, images, labels):
    """Returns the accuracy and the predictions."""
    answers = model.predict(images, batch_size=500, verbose=0).argmax(1)
    return float(np.mean(answers == labels)), answers


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)
    images, labels = load_digits()
    held_images, held_labels = images[TRAINING:], labels[TRAINING:]
    print(
        f"{tf.__name__} {tf.__version__}: {TRAINING} training digits, {len(held_labels)} held out\n"
    )

    print("Keras fit")
    model = train_with_fit(images, labels)
    accuracy, answers = accuracy_of(model, held_images, held_labels)
    print(f"  accuracy on the digits held back: {accuracy:.2%}\n")

    print("A custom loop: tf.function and GradientTape")
    own = train_with_own_loop(images, labels)
    own_accuracy, _ = accuracy_of(own, held_images, held_labels)
    print(f"  accuracy on the digits held back: {own_accuracy:.2%}\n")

    draw(held_images[..., 0], held_labels, answers, accuracy, OUTPUT / "digits.png")
    print(f"picture      {OUTPUT / 'digits.png'}")
    print(f"TensorBoard  {OUTPUT / 'logs'}   (tensorboard --logdir {OUTPUT / 'logs'})")
    if accuracy < 0.98:
        sys.exit(f"The accuracy fell short of 98 %: {accuracy:.2%}.")


if __name__ == "__main__":
    main()
