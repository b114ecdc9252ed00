"""Runs programs on TensorFlow itself, in a process of the Python that TENSORFLOW_PYTHON names.

The process reads pickled requests {text, arguments, variables} and answers (True, arrays) or (False, an error). This file is
that process's script too, which therefore imports nothing of Penstock's.
"""

import os
import pickle
import subprocess
import sys

VARIABLE = "TENSORFLOW_PYTHON"


class Peer:
    """The process, started at the first request."""

    def __init__(self, python):
        self.python, self.process = python, None

    def ask(self, request):
        """Returns what the process answers."""
        if self.process is None or self.process.poll() is not None:
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
            environment.pop("PYTHONPATH", None)
            self.process = subprocess.Popen(
                [self.python, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
        pickle.dump(request, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)


def peer():
    """Returns the process, None where no TensorFlow is named."""
    global _peer
    if _peer is None and os.environ.get(VARIABLE):
        _peer = Peer(os.environ[VARIABLE])
    return _peer


_peer = None


def serve():
    import numpy as np
    import tensorflow as tf

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tensor(array, dtype):
        return tf.cast(tf.constant(array), dtype)

    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            env = {"np": np, "tf": tf}
            for name, dtype, array in request["variables"]:
                env[name] = tf.Variable(tensor(array, dtype))
            exec(request["text"], env)
            found = env["program"](*[tensor(a, dtype) for _, dtype, a in request["arguments"]])
            found = list(found) + [env[name] for name, _, _ in request["variables"]]
            answer = True, [np.asarray(r.numpy()) for r in found]
        except Exception as error:
            answer = False, f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    serve()
