"""tf.print of structures: what stands for a tensor, and what only looks so."""

import sys

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_braces_of_texts_are_no_places_of_tensors(wrap, capsys):
    wrap(lambda: tf.print("{}6", {"{}": tf.range(10) * 10}, output_stream=sys.stdout))()
    assert capsys.readouterr().out == "{}6 {'{}': [0 10 20 ... 70 80 90]}\n"


def test_composites_within_structures(capsys):
    sparse = tf.sparse.from_dense([0, 3])
    tf.print([sparse, tf.constant(1)], output_stream=sys.stdout)
    expected = "['SparseTensor(indices=[[1]], values=[3], shape=[2])', 1]\n"
    assert capsys.readouterr().out == expected


def test_values_of_every_kind(capsys):
    tf.print(tf.constant("text"), 2, None, np.float32(0.5), output_stream=sys.stdout, sep="|")
    assert capsys.readouterr().out == "text|2|None|0.5\n"
