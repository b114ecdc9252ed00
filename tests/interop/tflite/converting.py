"""Run under TensorFlow: converts models and records what its interpreter computes with them.

python converting.py FOLDER
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

RESOLVER = tf.lite.experimental.OpResolverType
layers = tf.keras.layers


def digits():
    return tf.keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.SeparableConv2D(16, 3, strides=2, padding="same", activation="relu6"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(32, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def unet():
    image = layers.Input((32, 32, 3))
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    coarse = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(fine)
    up = layers.Conv2DTranspose(8, 2, strides=2, padding="same")(coarse)
    up = layers.Concatenate()([up, fine])
    up = layers.Concatenate()([up, layers.UpSampling2D(2, interpolation="bilinear")(coarse)])
    up = layers.Add()([layers.Conv2D(3, 1)(up), image])
    return tf.keras.Model(image, layers.Conv2D(2, 1, activation="sigmoid")(up))


def recurrent():
    return tf.keras.Sequential(
        [
            layers.Input((12, 6), batch_size=1),
            layers.LSTM(10, return_sequences=True),
            layers.GRU(7),
            layers.Dense(3),
        ]
    )


def encoder():
    words = layers.Input((10, 16))
    mixed = layers.MultiHeadAttention(2, 8)(words, words)
    mixed = layers.LayerNormalization()(mixed + words)
    mixed = mixed + layers.Dense(16)(layers.Dense(64, activation="gelu")(mixed))
    return tf.keras.Model(words, layers.Dense(4)(mixed[:, 0]))


def mobilenet():
    model = tf.keras.applications.MobileNetV2(
        weights=None, input_shape=(96, 96, 3), alpha=0.35, classes=10
    )
    draw = np.random.default_rng(3)
    for weight in model.weights:  # as training leaves them: else all activations vanish
        if "moving_variance" in weight.path:
            weight.assign(draw.uniform(0.02, 0.1, weight.shape))
        elif "beta" in weight.path:
            weight.assign(draw.normal(0, 0.3, weight.shape))
    return model


MODELS = {
    "digits": digits,
    "unet": unet,
    "recurrent": recurrent,
    "encoder": encoder,
    "mobilenet": mobilenet,
}
KINDS = ("float", "float16", "dynamic", "int8", "int8_inputs", "int16x8")
# TensorFlow's own converter or interpreter fails on these.
WITHOUT = {
    ("recurrent", "int8"),
    ("recurrent", "int8_inputs"),
    ("recurrent", "int16x8"),
    ("encoder", "int16x8"),
}


def converted(model, kind):
    """Returns the file of a model."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    shape = [extent or 1 for extent in model.inputs[0].shape]
    draw = np.random.default_rng(5)
    sets = tf.lite.OpsSet
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind.startswith("int"):
        converter.representative_dataset = lambda: (
            [draw.normal(size=shape).astype(np.float32)] for _ in range(16)
        )
    if kind == "int8_inputs":
        converter.target_spec.supported_ops = [sets.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    if kind == "int16x8":
        converter.target_spec.supported_ops = [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            sets.TFLITE_BUILTINS,
        ]
    return converter.convert()


def main(folder):
    tf.random.set_seed(1)
    for name, make in MODELS.items():
        model = make()
        for kind in KINDS:
            if (name, kind) in WITHOUT:
                continue
            data = converted(model, kind)
            with open(f"{folder}/{name}-{kind}.tflite", "wb") as file:
                file.write(data)
            print(f"{name}-{kind}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
