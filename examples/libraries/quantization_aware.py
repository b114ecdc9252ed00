"""A network of Keras 2 that learns digits, then to live with weights and activations of 8 bits, then to do without half of its weights.

pip install scikit-learn tf-keras
pip install --no-deps tensorflow-model-optimization dm-tree
penstock run examples/libraries/quantization_aware.py
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as optimization
import tf_keras as keras
from sklearn.datasets import load_digits

TRAINED = 1500  # of 1,797 digits


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def main():
    tf.keras.utils.set_random_seed(1)
    rows, labels = map(np.asarray, load_digits(return_X_y=True))
    images = np.asarray(rows.reshape(-1, 8, 8, 1) / 16, np.float32)
    train, test = (images[:TRAINED], labels[:TRAINED]), (images[TRAINED:], labels[TRAINED:])
    layers = keras.layers
    model = compiled(
        keras.Sequential(
            [
                layers.Input((8, 8, 1)),
                layers.Conv2D(16, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(10),
            ]
        )
    )
    model.fit(*train, epochs=15, verbose=0)
    print(f"float32: {model.evaluate(*test, verbose=0)[1]:.3f}")

    sparsity = optimization.sparsity.keras
    schedule = sparsity.ConstantSparsity(0.5, begin_step=10, frequency=10)
    pruned = compiled(sparsity.prune_low_magnitude(model, schedule))
    pruned.fit(*train, epochs=2, verbose=0, callbacks=[sparsity.UpdatePruningStep()])
    weights = sparsity.strip_pruning(pruned).get_weights()
    zeros = np.mean([np.mean(w == 0) for w in weights if w.ndim > 1])
    print(f"pruned, {zeros:.0%} of the weights are 0: {pruned.evaluate(*test, verbose=0)[1]:.3f}")

    quantized = compiled(optimization.quantization.keras.quantize_model(model))
    quantized.fit(*train, epochs=3, verbose=0)
    print(f"8 bits: {quantized.evaluate(*test, verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main()
