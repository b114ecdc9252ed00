"""Models to serve, and a client."""

import json
import urllib.error
import urllib.request

import numpy as np

import penstock as tf


class HalfPlusTwo(tf.Module):
    """x / 2 + 2, the model of TensorFlow Serving's examples."""

    def __init__(self, half=0.5, two=2.0):
        super().__init__()
        self.half, self.two = tf.Variable(half), tf.Variable(two)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x):
        return {"y": self.half * x + self.two}


def save(module, folder, signatures=None):
    """Saves a module as a SavedModel; returns the folder as a string."""
    tf.saved_model.save(module, str(folder), signatures)
    return str(folder)


class Rest:
    """A client of a server's REST API: `status, value = rest(path, request)`."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def __call__(self, path, request=None, method=None):
        body = request if isinstance(request, bytes | None) else json.dumps(request).encode()
        asked = urllib.request.Request(self.url + path, body, method=method)
        try:
            with urllib.request.urlopen(asked) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def save_half_plus_two_of_v1(folder):
    """The program of TensorFlow Serving's example as TensorFlow 1 saves it: predict, regress and classify; returns the folder."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, [None], name="tf_example")
        spec = {
            "x": tf.io.FixedLenFeature([1], tf.float32),
            "x2": tf.io.FixedLenFeature([1], tf.float32, [0.0]),
        }
        parsed = tf.io.parse_example(examples, spec)
        x, half = tf.identity(parsed["x"], name="x"), v1.Variable(0.5, name="a")
        y = tf.add(half * x, v1.Variable(2.0, name="b"), name="y")
        y2 = half * parsed["x2"] + 3.0
        session.run(v1.global_variables_initializer())
        build = v1.saved_model.signature_def_utils
        signatures = {
            "serving_default": build.predict_signature_def({"x": x}, {"y": y}),
            "regress_x_to_y": build.regression_signature_def(examples, y),
            "regress_x2_to_y3": build.regression_signature_def(examples, y2),
            "classify_x_to_y": build.classification_signature_def(examples, None, y),
            "classify_labels": build.classification_signature_def(
                examples,
                tf.strings.as_string(tf.concat([x, y], 1), precision=1),
                tf.concat([x, y], 1),
            ),
        }
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()
    return str(folder)


def example(**features):
    """A tf.Example of numbers."""
    made = tf.train.Example()
    for name, value in features.items():
        made.features.feature[name].float_list.value.append(value)
    return made


class Writer(tf.Module):
    """A small transformer with random weights that writes digits and letters.

    Its tokens are of one character; `broken`, if given, is a token after which all logits are NaN.
    """

    characters = "0123456789abcdefghijklmnopqrstuvwxyz ."

    def __init__(self, length=48, width=16, heads=2, blocks=2, broken=None, seed=0):
        super().__init__()
        random = np.random.default_rng(seed)

        def matrix(*shape):
            return tf.Variable(random.standard_normal(shape).astype(np.float32) / shape[0] ** 0.5)

        self.heads, self.broken = heads, broken
        self.tokens = tf.Variable(4 * matrix(len(self.characters), width))
        self.places = matrix(length, width)
        self.blocks = [
            {"qkv": matrix(width, 3 * width), "mixed": matrix(width, width)} for _ in range(blocks)
        ]

    def __call__(self, tokens, positions, attend):
        x = tf.gather(self.tokens, tokens) + tf.gather(self.places, positions)
        shape = tf.concat([tf.shape(x)[:2], [self.heads, x.shape[-1] // self.heads]], 0)
        for block in self.blocks:
            parts = tf.split(x @ block["qkv"], 3, -1)
            mixed = attend(*[tf.reshape(part, shape) for part in parts])
            x += tf.nn.gelu(tf.reshape(mixed, tf.shape(x)) @ block["mixed"])
        if self.broken is not None:
            x += tf.where(tokens == self.broken, np.nan, 0.0)[..., None]
        return tf.matmul(x, self.tokens, transpose_b=True)


def save_writer(folder, length=48, slots=4, **options):
    """Saves a `Writer` as a model that generates; returns the folder as a string."""
    keywords = {key: options.pop(key) for key in ("broken", "seed") if key in options}
    given = {"chunk": 16, "tokenizer": list(Writer.characters), **options}
    tf.serving.export_generator(
        Writer(length, **keywords), str(folder), length=length, slots=slots, **given
    )
    return str(folder)
