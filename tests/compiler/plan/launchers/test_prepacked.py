"""Packed forms of weights are found in a plan without comparing them with all others."""

import numpy as np

import penstock as tf
from penstock._src.compiler.plan.launchers import contractions


class Counted:
    """A key of a packed form that counts its comparisons."""

    compared = 0

    def __init__(self, key):
        self.key = key

    def __hash__(self):
        return hash(self.key)

    def __eq__(self, other):
        Counted.compared += 1
        return self.key == other.key


def test_forms_of_many_weights_are_compared_linearly_often(monkeypatch):
    count, form = 40, contractions.form_of

    def counted(builder, match, code):
        start, key = form(builder, match, code)
        return start, Counted(key)

    monkeypatch.setattr(contractions, "form_of", counted)
    random = np.random.default_rng(0)
    weights = [tf.Variable(random.normal(size=(200, 150)).astype(np.float32)) for _ in range(count)]
    x = random.normal(size=(130, 200)).astype(np.float32)
    Counted.compared = 0
    function = tf.function(lambda x: tf.add_n([tf.matmul(x, w) for w in weights]), autograph=False)
    expected = sum(x.astype(np.float64) @ w.numpy() for w in weights)
    np.testing.assert_allclose(function(tf.constant(x)), expected, rtol=1e-3, atol=1e-3)
    assert Counted.compared < 4 * count
