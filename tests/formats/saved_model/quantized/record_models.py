"""Writes models.npz: SavedModels that TensorFlow has quantized, with inputs and what they give there.

python tests/formats/saved_model/quantized/record_models.py
"""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

quantization = tf.quantization.experimental
METHODS = {
    "static": quantization.QuantizationMethod.METHOD_STATIC_RANGE_INT8,
    "dynamic": quantization.QuantizationMethod.METHOD_DYNAMIC_RANGE_INT8,
    "weights": quantization.QuantizationMethod.METHOD_STATIC_RANGE_WEIGHT_ONLY_INT8,
}
CASES = [
    ("static", "XLA"),
    ("dynamic", "XLA"),
    ("weights", "XLA"),
    ("static", "TF"),
    ("dynamic", "TF"),
]
OP_SETS = {"TF": 1, "XLA": 2}


class Model(tf.Module):
    """A convolution, a depthwise convolution and two products."""

    def __init__(self, weights):
        super().__init__()
        self.weights = {name: tf.Variable(value) for name, value in weights.items()}

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 4], tf.float32, "x")])
    def __call__(self, x):
        w = self.weights
        h = tf.nn.relu(tf.nn.conv2d(x, w["conv"], 1, "SAME") + w["bias"])
        h = tf.nn.depthwise_conv2d(h, w["depthwise"], [1, 1, 1, 1], "SAME")
        h = tf.nn.relu6(tf.matmul(tf.reduce_mean(h, [1, 2]), w["hidden"]))
        return {"y": tf.matmul(h, w["last"])}


def weights():
    """The weights of the model."""
    rng = np.random.default_rng(7)
    shapes = {
        "conv": (3, 3, 4, 32),
        "bias": (32,),
        "depthwise": (3, 3, 32, 1),
        "hidden": (32, 48),
        "last": (48, 24),
    }
    return {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}


def main():
    rng = np.random.default_rng(8)
    held = {f"weights/{name}": value for name, value in weights().items()}
    held["samples"] = rng.normal(0, 1, (6, 2, 8, 8, 4)).astype(np.float32)
    held["x"] = x = rng.normal(0, 1, (3, 8, 8, 4)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        model = Model(weights())
        tf.saved_model.save(model, f"{folder}/floats", signatures=model.__call__)
        held["floats"] = model(x)["y"].numpy()
        for method, op_set in CASES:
            options = quantization.QuantizationOptions(
                quantization_method=quantization.QuantizationMethod(preset_method=METHODS[method]),
                op_set=OP_SETS[op_set],
            )
            path = f"{folder}/{method}{op_set}"
            loaded = quantization.quantize_saved_model(
                f"{folder}/floats",
                path,
                options,
                [{"x": sample} for sample in held["samples"]] if method == "static" else None,
            )
            key = f"{method}/{op_set}"
            file = pathlib.Path(path, "saved_model.pb").read_bytes()
            held[f"{key}/model"] = np.frombuffer(file, np.uint8)
            held[f"{key}/y"] = loaded.signatures["serving_default"](tf.constant(x))["y"].numpy()
    np.savez_compressed(pathlib.Path(__file__).with_name("models.npz"), **held)


if __name__ == "__main__":
    main()
