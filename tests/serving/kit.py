"""Models to serve, and a client."""

import json
import urllib.error
import urllib.request

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
