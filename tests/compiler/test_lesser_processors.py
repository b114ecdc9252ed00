"""The same models with code for lesser processors (AVX2, SSE4) and other numbers of threads: in processes of their own."""

import json
import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
import numpy as np
import penstock as tf

random = np.random.default_rng(0)

def variable(*shape):
    return tf.Variable(random.standard_normal(shape).astype(np.float32) * 0.2)

filters, depthwise, first, second = variable(3, 3, 3, 8), variable(3, 3, 8, 1), variable(32, 24), variable(24, 5)
query = variable(5, 5)
weights = [filters, depthwise, first, second, query]
images, labels = random.random((6, 9, 9, 3), np.float32), random.integers(0, 5, 6)

@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        h = tf.nn.relu(tf.nn.conv2d(x, filters, 2, "SAME"))
        h = tf.nn.depthwise_conv2d(h, depthwise, [1, 1, 1, 1], "SAME")
        h = tf.nn.max_pool2d(h, 2, 2, "VALID")
        h = tf.tanh(tf.reshape(h, [6, -1]) @ first)
        h = h @ second
        shares = tf.nn.softmax(h @ query @ tf.transpose(h))
        h = shares @ h
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h))
    for w, g in zip(weights, tape.gradient(loss, weights)):
        w.assign_sub(0.1 * g)
    return loss

@tf.function
def halves(x):
    half = tf.cast(x, tf.float16)
    return tf.reduce_sum(tf.cast(half * half, tf.float32))

losses = [float(step(images, labels)) for _ in range(5)] + [float(halves(images))]
total = np.float32(sum(np.abs(w.numpy()).sum() for w in weights))
print("RESULT " + json.dumps([*losses, float(total)]))
"""

ERFC = """
import json, math
import numpy as np
import penstock as tf

x = np.linspace(-4, 9.1, 20001).astype(np.float32)
want = np.array([math.erfc(v) for v in x.astype(np.float64)])
got = tf.function(lambda x: tf.math.erfc(x))(x).numpy()
ulp = np.spacing(want.astype(np.float32)).astype(np.float64)
print("RESULT " + json.dumps(float((np.abs(got - want) / ulp).max())))
"""


def run(tmp_path, program=PROGRAM, **flags):
    """Returns the result of a program in a process with these PENSTOCK_ variables."""
    environment = dict(os.environ, PENSTOCK_CACHE_DIR=str(tmp_path))
    environment.update({f"PENSTOCK_{k.upper()}": str(v) for k, v in flags.items()})
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.split("RESULT ")[1])


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """What this processor computes with two threads."""
    return run(tmp_path_factory.mktemp("here"), threads=2)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="x86-64 only")
@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v2"])
def test_code_for_lesser_processors_computes_the_same(here, tmp_path, cpu):
    assert run(tmp_path, cpu=cpu) == pytest.approx(here, rel=1e-4)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="x86-64 only")
@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v2"])
def test_small_values_of_erfc_are_as_accurate_without_fma(tmp_path, cpu):
    assert run(tmp_path, ERFC, cpu=cpu) < 4.0  # ulps; a correction flushed to 0 made them 64


@pytest.mark.parametrize("threads", [1, 8])
def test_any_number_of_threads_computes_the_same(here, tmp_path, threads):
    assert run(tmp_path, threads=threads) == pytest.approx(here, rel=1e-5)


def test_another_process_computes_the_same_bits(here, tmp_path):
    assert run(tmp_path, threads=2) == here


def test_an_unknown_processor_is_refused(tmp_path):
    with pytest.raises(AssertionError, match="PENSTOCK_CPU: expected one of x86-64-v2, x86-64-v3"):
        run(tmp_path, cpu="pentium")
