"""What tf.print and tf.strings.format write: strings, structures, ragged and sparse tensors, arrays, eagerly and in functions."""

import os

import numpy as np
import tensorflow as tf

C, R = tf.constant, tf.ragged.constant
LINES = [
    lambda: [C("x")],
    lambda: ["a", C("x")],
    lambda: [C(['a "q" b', "n\nl", "\t\x01é\\'"])],
    lambda: [[C("x")], {"a": C("x"), "b": [C(["q"])]}],
    lambda: [None, True, 1.5, np.array([1, 2]), np.float32(1.5), tf.TensorShape([2]), tf.float32],
    lambda: [R([[1.5, 2.0], [], [3.25]]), R([["it's", "a\\b"], []]), R([[True], []])],
    lambda: [R([[i] * i for i in range(9)])],
    lambda: [[R([[1]]), C(1)], {"a": R([[[1], [2, 3]], []]), "b": "t"}],
    lambda: [tf.sparse.from_dense([[1.5, 0.0]]), 1],
    lambda: [tf.IndexedSlices(C([[1.0]]), C([0]), C([3, 1]))],
    lambda: [tf.zeros([0]), tf.zeros([2, 0]), tf.zeros([2, 0, 2])],
    lambda: [tf.range(20), tf.reshape(tf.range(64), [8, 8])],
    lambda: [C([0.1, 1e-7, 1e20, -0.0, np.inf, np.nan]), C(1 / 3), C(1e16), C([1 / 3], tf.float16)],
    lambda: [[C(i) for i in range(30)]],
    lambda: [{f"key{i}": C([i, i]) for i in range(12)}],
]


def printed(values, **options):
    """What tf.print writes."""
    if os.path.exists("printed.txt"):
        os.remove("printed.txt")
    tf.print(*values, output_stream=f"file://{os.getcwd()}/printed.txt", **options)


def text():
    with open("printed.txt", "rb") as file:
        return file.read()


for number, line in enumerate(LINES):
    printed(line())
    print("RESULT eager", number, text())
    printed(line(), summarize=1, sep="|", end="!")
    print("RESULT short", number, text())
    tf.function(lambda line=line: printed(line()))()
    print("RESULT function", number, text())
print("RESULT format", tf.strings.format("{} {}", (C("x"), C(['a"b'])), summarize=-1).numpy())
print("RESULT ragged", tf.strings.format("{}", R([[1], [2, 3]])).numpy())
