"""Where kernels that read arguments alone stand among kernels."""

import numpy as np

import penstock as tf
from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.devices.cpu.device import generator_for
from penstock._src.native import host

ROWS, COLUMNS, LAYERS = 64, 256, 6
ROW_BYTES = COLUMNS // 32 * 34  # of Q8_0


def layers(keeps=False):
    """A function that mentions unpacked weights first and multiplies by them later, as gradients do."""
    p = LoweringContext()
    x = p.parameter(0, (ROWS, COLUMNS), dtypes.float32)
    packed = [p.parameter(1 + i, (COLUMNS, ROW_BYTES), dtypes.uint8) for i in range(LAYERS)]
    weights = [p.unpack(each, "Q8_0") for each in packed]
    y = x
    for weight in weights:
        y = p.exp(p.contract("mk,kn->mn", y, weight) * 1e-3)
    return p.function("layers", [x, *packed], [y, *weights[:1]] if keeps else [y])


def order(function):
    return [kernel.outputs[0].kind for kernel in schedule_function(function).kernels]


def test_weights_are_unpacked_just_before_they_are_read():
    found = order(layers())
    assert found[:4] == ["unpack", found[1], "unpack", found[1]] and found.count("unpack") == LAYERS
    assert found[1] != "unpack"


def test_memory_is_that_of_one_layer():
    assert plan_function(layers(), generator_for(host()), 1).arena_bytes < 3 * COLUMNS * COLUMNS * 4


def test_results_stay_where_they_are():
    found = order(layers(keeps=True))
    assert found[0] == "unpack" and found.count("unpack") == LAYERS


def test_gradients_are_the_same_as_eagerly():
    random = np.random.default_rng(3)
    scales = np.float16(random.uniform(3e-4, 6e-4, (LAYERS, COLUMNS, COLUMNS // 32, 1)))
    integers = random.integers(-127, 128, (LAYERS, COLUMNS, COLUMNS // 32, 32), np.int8)
    packed = np.concatenate([scales.view(np.uint8), integers.view(np.uint8)], -1)
    x = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)

    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for rows in packed.reshape(LAYERS, COLUMNS, ROW_BYTES):
                y = tf.tanh(raw.PackedMatMul(y, tf.constant(rows), format="Q8_0"))
            loss = tf.reduce_sum(y**2)
        return tape.gradient(loss, x)

    x = tf.constant(x)
    compiled, eager = tf.function(slopes, autograph=False)(x), slopes(x)
    np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5 * np.abs(eager).max())
