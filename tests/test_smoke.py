"""The thin slice through every layer: if this fails, nothing else needs to be read."""

import subprocess
import sys

import numpy as np

import penstock as tf
from penstock._src.native import kernels

IMPORT = """
import time
start = time.process_time()  # a busy machine says nothing of the import
import numpy
between = time.process_time()
import penstock
penstock.constant
print((time.process_time() - between) / (between - start))
"""


def test_import_is_quick():
    """Until the first name is there, after numpy, whose import shows how quick the machine is: 0.7 times as long."""
    command = [sys.executable, "-c", IMPORT]
    shares = [
        float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(5)
    ]
    assert min(shares) < 3, shares


def test_a_network_learns_in_one_native_program():
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 8)).astype("float32")
    y = (x[:, :1] * x[:, 1:2] > 0).astype("float32")
    w1 = tf.Variable(random.normal(size=(8, 32)).astype("float32") * 0.4)
    w2 = tf.Variable(random.normal(size=(32, 1)).astype("float32") * 0.4)

    @tf.function(input_signature=[tf.TensorSpec([None, 8]), tf.TensorSpec([None, 1])])
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = tf.nn.relu(x @ w1) @ w2
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits))
        for variable, gradient in zip((w1, w2), tape.gradient(loss, (w1, w2)), strict=True):
            variable.assign_sub(0.5 * gradient)
        return loss

    losses = [step(x, y).numpy() for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]

    executable = step.get_concrete_function().graph_function.executable
    assert not executable.host_ops
    (program,) = executable.programs()
    assert not program.compiled.why_interpreted

    before = kernels().statistics.compiled + kernels().statistics.from_disk
    step(x[:37], y[:37])
    assert len(executable.programs()) == 2
    assert kernels().statistics.compiled + kernels().statistics.from_disk == before
