"""Products on the emulated card: shapes, strides, epilogues, and sums on their tiles."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.devices.cuda.emulator import EmulatedKernel, Emulator
from penstock._src.devices.cuda.kernels.contractions.products import LARGE_TILE, emit_product
from penstock._src.devices.cuda.target import target_of
from tests.devices.cuda.emulated import by_reference, on_card

RANDOM = np.random.default_rng(3)


def normal(*shape):
    return tf.constant(RANDOM.standard_normal(shape).astype(np.float32))


def narrow(dtype):
    return lambda a, b: tf.cast(tf.cast(a, dtype) @ tf.cast(b, dtype), tf.float64)


def gradients_of_convolution(x, w):
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = tf.reduce_sum(tf.nn.conv2d(x, w, 2, "SAME") ** 2)
    return tape.gradient(y, [x, w])


CASES = {
    "a tile": (lambda a, b: a @ b, [(64, 32), (32, 64)]),
    "ragged": (lambda a, b: a @ b, [(70, 33), (33, 67)]),
    "no depth": (lambda a, b: a @ b, [(5, 0), (0, 8)]),
    "turned": (lambda a, b: tf.matmul(a, b, transpose_a=True), [(33, 70), (33, 68)]),
    "both turned": (lambda a, b: tf.matmul(a, b, True, True), [(20, 9), (11, 20)]),
    "batches": (lambda a, b: tf.matmul(a, b) * 2.0, [(3, 5, 20, 33), (3, 5, 33, 7)]),
    "broadcast batches": (tf.matmul, [(4, 6, 10), (10, 8)]),
    "two depths": (lambda a, b: tf.einsum("abc,bcd->ad", a, b), [(20, 5, 6), (5, 6, 72)]),
    "borders": (
        lambda a, b: tf.nn.conv1d(a, b, 2, "SAME"),
        [(2, 15, 6), (5, 6, 8)],
    ),
    "convolution": (
        lambda x, w, b: tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME") + b),
        [(2, 9, 8, 5), (3, 3, 5, 12), (12,)],
    ),
    "strides and dilations": (
        lambda x, w: (tf.nn.conv2d(x, w, 2, "SAME"), tf.nn.conv2d(x, w, 1, "VALID", dilations=2)),
        [(2, 9, 8, 5), (3, 3, 5, 12)],
    ),
    "depthwise": (
        lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"),
        [(1, 6, 5, 8), (3, 3, 8, 1)],
    ),
    "gradients of a convolution": (gradients_of_convolution, [(2, 8, 7, 5), (3, 3, 5, 12)]),
    "epilogue": (
        lambda a, b, c: tf.nn.relu(a @ b + c) + a[:, :1],
        [(20, 50), (50, 72), (72,)],
    ),
    "sums of columns": (lambda a, b: tf.reduce_sum(tf.nn.relu(a @ b), 0), [(200, 20), (20, 72)]),
    "float64": (narrow(tf.float64), [(20, 50), (50, 72)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_product_is_what_the_interpreter_says(name):
    function, shapes = CASES[name]
    arguments = [normal(*s) for s in shapes]
    found, wanted = on_card(function, *arguments), by_reference(function, *arguments)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("dtype", "error"), [(tf.bfloat16, 2**-7), (tf.float16, 2**-10)])
@pytest.mark.parametrize("shape", [(20, 50, 72), (64, 16, 64), (17, 5, 3), (130, 40, 66)])
def test_narrow_products_are_summed_in_float(dtype, error, shape):
    m, k, n = shape
    a, b = tf.cast(normal(m, k), dtype), tf.cast(normal(k, n), dtype)
    found = on_card(lambda a, b: tf.cast(a @ b, tf.float64), a, b)
    wanted = np.asarray(tf.cast(a, tf.float64)) @ np.asarray(tf.cast(b, tf.float64))
    np.testing.assert_allclose(found, wanted, rtol=error, atol=error)


@pytest.mark.parametrize("rows", [1, 63, 130])
def test_one_kernel_serves_every_number_of_rows(rows):
    w = normal(20, 12)
    function = tf.function(lambda x: tf.nn.relu(x @ w), input_signature=[tf.TensorSpec([None, 20])])
    x = normal(rows, 20)
    np.testing.assert_allclose(on_card(function, x), np.maximum(x @ w, 0), rtol=1e-4, atol=1e-4)


def test_large_tiles_give_the_same():
    m, n, k = 130, 132, 21
    types = Types("float", "float", "float", "float")
    gemm = Gemm(m, n, (k,), Matrix("float", k, (1,)), Matrix("float", 1, (n,)), types, n)
    code = emit_product(gemm, target_of(), shape=LARGE_TILE)
    a, b = RANDOM.standard_normal((m, k)), RANDOM.standard_normal((k, n))
    emulator = Emulator()
    memory = [emulator.allocate(4 * size) for size in (m * k, k * n, m * n)]
    for place, x in zip(memory, (a, b), strict=False):
        place.bytes.view(np.float32)[:] = x.reshape(-1)
    words = [x.address for x in memory]
    context = [words[0], words[1], words[2], 0, 0, 0][: code.code.words]
    blocks = code.stages(())[0].tasks(())
    emulator.launch(EmulatedKernel(code.code.text, "task"), context, blocks, blocks)
    found = memory[2].bytes.view(np.float32).reshape(m, n)
    np.testing.assert_allclose(found, a @ b, rtol=1e-4, atol=1e-4)
