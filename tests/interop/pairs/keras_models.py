"""Models of Keras: its own files, weights, and what `export` writes for serving."""

from typing import Any

import numpy as np

INPUTS = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
WORDS = np.array([["a b"], ["c a"], ["z"]])


def _fill(model: Any) -> None:
    """Gives all weights values that do not depend on random numbers."""
    values = [
        np.cos(np.arange(w.size) + n).reshape(w.shape) for n, w in enumerate(model.get_weights())
    ]
    model.set_weights([np.abs(value).astype(np.float32) * 0.3 for value in values])


class Layers:
    """Dense, convolutional, recurrent and normalizing layers: whole models, weights alone, optimizers' state."""

    @staticmethod
    def model(tf: Any) -> Any:
        layers = tf.keras.layers
        return tf.keras.Sequential(
            [
                tf.keras.Input((4,)),
                layers.Dense(6, activation="relu"),
                layers.BatchNormalization(),
                layers.Reshape((6, 1)),
                layers.Conv1D(3, 2, padding="same"),
                layers.LSTM(4, return_sequences=True),
                layers.GRU(3),
                layers.Dropout(0.5),
                layers.Dense(2, name="last"),
            ]
        )

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        model = cls.model(tf)
        model.compile(tf.keras.optimizers.Adam(0.01), "mse")
        _fill(model)
        model.save(folder + "/m.keras")
        model.save_weights(folder + "/m.weights.h5")
        model.export(folder + "/served", verbose=False)
        return model(INPUTS)

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        loaded = tf.keras.models.load_model(folder + "/m.keras")
        fresh = cls.model(tf)
        fresh.load_weights(folder + "/m.weights.h5")
        served = tf.saved_model.load(folder + "/served")
        signature = served.signatures["serving_default"]
        (name,) = signature.structured_input_signature[1]
        (found,) = signature(**{name: tf.constant(INPUTS)}).values()
        return loaded(INPUTS), fresh(INPUTS), served.serve(tf.constant(INPUTS)), found


class Preprocessing:
    """Vocabularies and statistics of preprocessing layers, in models and for serving."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        layers = tf.keras.layers
        text = layers.TextVectorization(output_sequence_length=3)
        text.adapt(["a b c", "a b", "a"])
        inputs = tf.keras.Input((1,), dtype="string")
        numbers = layers.Embedding(text.vocabulary_size(), 4)(text(inputs))
        model = tf.keras.Model(inputs, layers.GlobalAveragePooling1D()(numbers))
        _fill(model)
        model.save(folder + "/m.keras")
        model.export(folder + "/served", verbose=False)
        return model(tf.constant(WORDS))

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        loaded = tf.keras.models.load_model(folder + "/m.keras")
        served = tf.saved_model.load(folder + "/served")
        return loaded(tf.constant(WORDS)), served.serve(tf.constant(WORDS))
