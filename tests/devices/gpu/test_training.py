"""Training on the emulated GPU gives the CPU's losses."""

import numpy as np

import penstock as tf
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import GPU_DEVICE

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
    found = losses(GPU_DEVICE)
    np.testing.assert_allclose(found, losses("CPU"), rtol=1e-5)
    assert found[-1] < 0.8 * found[0]


def losses_of_images(device, steps=4):
    """The losses of a convolution, a pooling and a dense layer that plain gradients train."""
    draw = np.random.default_rng(2)
    images = tf.constant(draw.standard_normal((8, 10, 10, 3)).astype(np.float32))
    labels = tf.constant(draw.integers(0, 4, 8))
    shapes = [(3, 3, 3, 8), (8,), (200, 4)]
    weights = [tf.Variable((draw.standard_normal(s) * 0.2).astype(np.float32)) for s in shapes]

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            x = tf.nn.relu(tf.nn.conv2d(images, weights[0], 1, "SAME") + weights[1])
            x = tf.reshape(tf.nn.max_pool2d(x, 2, 2, "VALID"), [8, 200])
            logits = x @ weights[2]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        for w, g in zip(weights, tape.gradient(loss, weights), strict=True):
            w.assign_sub(0.1 * g)
        return loss

    with override(device=device):
        return [float(step()) for _ in range(steps)]


def test_a_network_of_images_learns_as_on_the_cpu():
    found = losses_of_images(GPU_DEVICE)
    np.testing.assert_allclose(found, losses_of_images("CPU"), rtol=1e-5)
    assert found[-1] < 0.8 * found[0]
