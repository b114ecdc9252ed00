"""A model that learns on the device: trained here, built as a library, taught its owner's hand by a program of C++.

Data: 8,000 of MNIST's digits, 2,000 held out (`examples/data/README.md`; CC BY-SA 3.0). The owner writes mirrored digits, 500 of which are known.
The library has two functions over the same weights, `read` and `learn`, a step of gradient descent. `learn.cpp` loads no Penstock and no Python; `Read.java` and
`read.swift` are the same model from other languages. Needs a C++ compiler.

Result: `before` and `after`, the accuracy of the mirrored digits held out; some 0.3 and 0.9.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import penstock as tf
import keras
import numpy as np

HERE = Path(__file__).resolve().parent
BATCH, KNOWN, HELD_OUT = 50, 500, 1000


def digits():
    """Returns images of 10,000 digits, from 0 to 1, and labels."""
    with np.load(HERE.parent / "data" / "mnist_10k.npz") as held:
        return held["images"].astype("float32").reshape(-1, 784) / 255.0, held["labels"].astype(
            "int32"
        )


def trained(images, labels):
    """Returns a small network from images to ten scores."""
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((784,)), layers.Dense(128, activation="relu"), layers.Dense(10)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    model.fit(images, labels, batch_size=64, epochs=3, verbose=0)
    return model


def functions(model):
    """Returns the concrete functions of the library."""

    @tf.function
    def read(image):
        return {"scores": model(image, training=False)}

    @tf.function
    def learn(image, label):
        with tf.GradientTape() as tape:
            scores = model(image, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(label, scores)
            loss = tf.reduce_mean(losses)
        variables = model.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            variable.assign(variable - 0.2 * gradient)
        return {"loss": loss}

    one = tf.TensorSpec([None, 784], tf.float32, name="image")
    some = tf.TensorSpec([BATCH, 784], tf.float32, name="image")
    label = tf.TensorSpec([BATCH], tf.int32, name="label")
    return {
        "read": read.get_concrete_function(one),
        "learn": learn.get_concrete_function(some, label),
    }


def main():
    """Runs all of it."""
    parser = argparse.ArgumentParser(description="A model that learns digits in a program of C++.")
    parser.add_argument("--out", help="folder that keeps what is built")
    parser.add_argument("--compiler", default="c++", help="of C++17")
    options = parser.parse_args()
    images, labels = digits()
    model = trained(images[:8000], labels[:8000])
    with tempfile.TemporaryDirectory() as room:
        folder = Path(options.out or room)
        how = tf.aot.BuildOptions(batches=(1,))
        tf.aot.write(tf.aot.build(functions(model), "digits", how), folder, how)
        mirrored = images.reshape(-1, 28, 28)[:, :, ::-1].reshape(-1, 784)[-KNOWN - HELD_OUT :]
        (folder / "images.bin").write_bytes(np.ascontiguousarray(mirrored).tobytes())
        (folder / "labels.bin").write_bytes(labels[-KNOWN - HELD_OUT :].tobytes())
        source, program = str(HERE / "learn.cpp"), str(folder / "learn")
        command = [
            options.compiler,
            "-std=c++17",
            "-O1",
            "-I.",
            source,
            "libdigits.a",
            "-lm",
            "-o",
            program,
        ]
        subprocess.run(command, cwd=folder, check=True)
        subprocess.run([program, str(KNOWN)], cwd=folder, check=True)


if __name__ == "__main__":
    main()
