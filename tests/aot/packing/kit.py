"""Models that are packed, and second machines: processes with another cache, another home and other trusted keys."""

import json
import os
import subprocess
import sys

import numpy as np

import penstock as tf
from penstock._src.aot.packing import new_key

THREADS = (1, 2, 4)

# Loads a model, calls each signature with batches of each size, and prints what was computed and compiled.
PROGRAM = """
import json, logging, sys
if {without_llvm}:
    sys.modules["llvmlite"] = None
import numpy as np
import penstock as tf
model = tf.saved_model.load(sys.argv[1])
values = []
for name, function in sorted(model.signatures.items()):
    specs = function.structured_input_signature[1]
    for batch in (1, 3, 8):
        inputs = {{}}
        for key, spec in specs.items():
            shape = [batch if n is None else n for n in spec.shape]
            if spec.dtype == tf.string:
                inputs[key] = tf.constant(np.full(shape, b"some words of a text", object))
            else:
                inputs[key] = tf.constant(np.linspace(-1, 1, int(np.prod(shape))).reshape(shape), spec.dtype)
        for key, value in sorted(function(**inputs).items()):
            values.append(np.asarray(value).ravel().tolist())
from penstock._src.native import kernels
from penstock._src.native.llvm.compile import COMPILATIONS
print(json.dumps({{
    "values": values, "compiled": COMPILATIONS.number, "packed": kernels().statistics.from_packs,
    "llvm": sys.modules.get("llvmlite") is not None,
    "modules": [name for name in sys.modules if name.startswith("penstock._src.")],
}}))
"""


class Machine:
    """Another machine, in a folder."""

    def __init__(self, folder, keys=(), **flags):
        self.folder = folder
        trusted = folder / "trusted"
        trusted.mkdir(parents=True, mode=0o700)
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_CONFIG_HOME": str(folder / "configuration"),
            "PENSTOCK_CACHE_DIR": str(folder / "kernels"),
            "PENSTOCK_TRUSTED_KEYS": str(trusted),
            "PENSTOCK_THREADS": "2",
            "PENSTOCK_VERIFY": "0",  # as users run: what is verified is lowered, not taken from a pack
            **{f"PENSTOCK_{name.upper()}": str(value) for name, value in flags.items()},
        }
        for key in keys:
            self.command("trust", key)

    def run(self, model, without_llvm=False):
        """(what PROGRAM prints, its messages)"""
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(without_llvm=without_llvm), str(model)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            return None, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    def command(self, *words):
        """The text of a command that succeeds."""
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def maker(folder):
    """(secret key, public key) of a new maker, as files."""
    secret = folder / "maker"
    return secret, new_key(secret)


class Small(tf.Module):
    """A product, and what is near it."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(tf.reshape(tf.range(64.0 * 32.0), [64, 32]) / 1000.0)

    @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32)])
    def __call__(self, x):
        return {"scores": tf.nn.softmax(tf.nn.relu(x @ self.weights))}


def save_small(folder):
    model = Small()
    tf.saved_model.save(model, str(folder), signatures=model.__call__)
    return folder


class Kinds(tf.Module):
    """Kernels of many kinds: convolutions, products, an attention, sorting, scans, narrow numbers, a transform."""

    def __init__(self):
        super().__init__()
        shapes = [
            (3, 3, 3, 16),
            (3, 3, 16, 1),
            (1, 1, 16, 40),
            (40, 33),
            (50, 16),
            (16, 48),
            (5, 5, 16, 8),
        ]
        numbers = np.random.default_rng(3)
        self.all = [tf.Variable(numbers.normal(0, 0.3, shape).astype("f")) for shape in shapes]

    @tf.function(input_signature=[tf.TensorSpec([None, 20, 20, 3], tf.float32)])
    def __call__(self, x):
        first, depthwise, pointwise, weights, rows, heads, wide = self.all
        y = tf.nn.relu6(tf.nn.conv2d(x, first, 2, "SAME"))
        y += tf.nn.depthwise_conv2d(y, depthwise, [1, 1, 1, 1], "SAME")
        pooled = tf.nn.max_pool2d(tf.nn.elu(tf.nn.conv2d(y, pointwise, 1, "SAME")), 2, 2, "VALID")
        scores = tf.reduce_mean(pooled, [1, 2]) @ weights
        q, k, v = tf.split(tf.reshape(y, [-1, 100, 16]) @ heads, 3, -1)
        narrow = [tf.cast(tf.cast(scores, kind), tf.float32) for kind in (tf.float16, tf.bfloat16)]
        return {
            "attended": tf.nn.softmax(q @ tf.transpose(k, [0, 2, 1]) / 4.0) @ v,
            "convolved": tf.nn.conv2d(y, wide, 1, "VALID"),
            "gathered": tf.gather(rows, tf.argmax(scores, -1) % 50),
            "narrow": narrow[0] + narrow[1],
            "scanned": tf.cumsum(tf.math.tanh(scores), -1),
            "sorted": tf.sort(scores, -1),
            "special": tf.math.lgamma(tf.abs(scores) + 1.0) + tf.math.erf(scores),
            "transformed": tf.abs(tf.signal.rfft(scores)),
        }


def save_kinds(folder):
    model = Kinds()
    tf.saved_model.save(model, str(folder), signatures=model.__call__)
    return folder


def save_picture_net(folder):
    """A network of inverted residuals with depthwise convolutions, as MobileNetV2's."""
    layers = tf.keras.layers
    inputs = tf.keras.Input([32, 32, 3], name="picture")
    x = layers.Conv2D(16, 3, 2, "same", use_bias=False)(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for stride in (1, 2, 1):
        y = layers.Conv2D(48, 1, use_bias=False)(x)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(16, 1, use_bias=False)(y))
        x = layers.add([x, y]) if stride == 1 else y
    outputs = layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D()(x))
    tf.keras.Model(inputs, outputs).export(str(folder), verbose=False)
    return folder


def save_text_classifier(folder):
    layers = tf.keras.layers
    words = layers.TextVectorization(100, output_sequence_length=12)
    words.adapt(["some words of a text", "and other words"])
    inputs = tf.keras.Input([], dtype="string", name="text")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(100, 16)(words(inputs)))
    outputs = layers.Dense(3, "softmax")(layers.Dense(16, "relu")(x))
    tf.keras.Model(inputs, outputs).export(str(folder), verbose=False)
    return folder
