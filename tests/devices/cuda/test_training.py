"""Training on the emulated card gives the CPU's losses."""

import numpy as np

import penstock as tf
from penstock._src.util.flags import override
from tests.devices.cuda.emulated import CARD

RANDOM = np.random.default_rng(5)
PIXELS = RANDOM.standard_normal((32, 40)).astype(np.float32)
LABELS = RANDOM.integers(0, 10, 32)


def losses(device, steps=5):
    """The losses of a network of two dense layers that Adam trains."""
    draw = np.random.default_rng(1)
    shapes = [(40, 24), (24,), (24, 10), (10,)]
    weights = [tf.Variable((draw.standard_normal(s) * 0.2).astype(np.float32)) for s in shapes]
    moments = [[tf.Variable(tf.zeros(s)) for s in shapes] for _ in range(2)]

    @tf.function
    def step(x, y, t):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ weights[0] + weights[1])
            logits = hidden @ weights[2] + weights[3]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        for w, g, m, v in zip(weights, tape.gradient(loss, weights), *moments, strict=True):
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.999 * v + 0.001 * g * g)
            scale = tf.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
            w.assign_sub(0.01 * scale * m / (tf.sqrt(v) + 1e-7))
        return loss

    with override(device=device):
        return [
            float(step(tf.constant(PIXELS), tf.constant(LABELS), tf.constant(float(t))))
            for t in range(1, steps + 1)
        ]


def test_a_network_learns_as_on_the_cpu():
    found = losses(CARD)
    np.testing.assert_allclose(found, losses("CPU"), rtol=1e-5)
    assert found[-1] < 0.8 * found[0]
