"""Products on the emulated GPU: shapes, strides, epilogues, and sums on their tiles."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.devices.gpu.emulator import EmulatedKernel, Emulator
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.gpu.kernels.contractions.products import (
    LARGE_TILE,
    choose,
    emit_product,
)
from penstock._src.devices.gpu.kernels.generator import CudaGenerator
from penstock._src.devices.gpu.target import target_of
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import by_reference, launches, on_gpu

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
    found, wanted = on_gpu(function, *arguments), by_reference(function, *arguments)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("dtype", "error"), [(tf.bfloat16, 2**-7), (tf.float16, 2**-10)])
@pytest.mark.parametrize("shape", [(20, 50, 72), (64, 16, 64), (17, 5, 3), (130, 40, 66)])
def test_narrow_products_are_summed_in_float(dtype, error, shape):
    m, k, n = shape
    a, b = tf.cast(normal(m, k), dtype), tf.cast(normal(k, n), dtype)
    found = on_gpu(lambda a, b: tf.cast(a @ b, tf.float64), a, b)
    wanted = np.asarray(tf.cast(a, tf.float64)) @ np.asarray(tf.cast(b, tf.float64))
    np.testing.assert_allclose(found, wanted, rtol=error, atol=error)


def kind_of(made):
    """The instructions by which a function's products are multiplied."""
    own = {
        kind for r in made for kind in re.findall(r"nvvm\.mma\.(\w+\.row\.col\.\w+)", r.code.text)
    }
    return own.pop() if len(own) == 1 else own


def tf32(x):
    """The nearest numbers with 10 bits after the point."""
    bits = np.asarray(x).view(np.int32) + 0x1000 & -(1 << 13)
    return bits.view(np.float32).astype(np.float64)


LAYOUTS = {
    "across": (lambda a, b: a @ b, (70, 36), (36, 64)),
    "along": (lambda a, b: tf.matmul(a, b, transpose_b=True), (70, 36), (68, 36)),
    "both across": (lambda a, b: tf.matmul(a, b, transpose_a=True), (36, 72), (36, 64)),
    "one by one": (lambda a, b: a @ b, (9, 35), (35, 63)),
    "deep": (lambda a, b: a @ b, (4, 300), (300, 8)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_float32_is_rounded_to_tf32_where_allowed(name):
    function, *shapes = LAYOUTS[name]
    a, b = (normal(*s) for s in shapes)
    with override(tensor_float_32=1), launches() as made:
        found = on_gpu(function, a, b)
    assert kind_of(made) == "m16n8k8.row.col.tf32"
    rounded = [tf.constant(tf32(x)) for x in (a, b)]
    np.testing.assert_allclose(found, function(*rounded), rtol=1e-5, atol=1e-4)
    with launches() as made:
        on_gpu(lambda *given: function(*given), a, b)
    assert kind_of(made) == set()


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16], ids=lambda d: d.name)
def test_narrow_products_of_all_layouts(name, dtype):
    function, *shapes = LAYOUTS[name]
    a, b = (tf.cast(normal(*s), dtype) for s in shapes)
    with launches() as made:
        found = on_gpu(lambda a, b: tf.cast(function(a, b), tf.float32), a, b)
    assert "m16n8k16" in kind_of(made)
    wanted = function(*[tf.cast(x, tf.float64) for x in (a, b)])
    np.testing.assert_allclose(found, wanted, rtol=2**-7, atol=2**-7)


@pytest.mark.parametrize("name", LAYOUTS)
def test_bytes_are_multiplied_exactly(name):
    function, *shapes = LAYOUTS[name]
    a, b = (tf.constant(RANDOM.integers(-128, 128, s).astype(np.int8)) for s in shapes)

    def product(a, b):
        return function(tf.cast(a, tf.int32), tf.cast(b, tf.int32))

    with launches() as made:
        found = on_gpu(product, a, b)
    assert kind_of(made) == "m16n8k32.row.col.s8"
    np.testing.assert_array_equal(found, product(a, b))


def test_a_number_that_stands_for_zero_is_subtracted_from_sums():
    a, b = (
        tf.constant(RANDOM.integers(-128, 128, s).astype(np.int8)) for s in [(20, 48), (48, 24)]
    )

    def product(a, b):
        return (tf.cast(a, tf.int32) - 7) @ tf.cast(b, tf.int32)

    with launches() as made:
        found = on_gpu(product, a, b)
    assert kind_of(made) == "m16n8k32.row.col.s8"
    np.testing.assert_array_equal(found, product(a, b))


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64], ids=lambda d: d.name)
def test_whole_numbers_are_multiplied_by_threads(dtype):
    a, b = (tf.constant(RANDOM.integers(-1000, 1000, s), dtype) for s in [(20, 33), (33, 18)])
    with launches() as made:
        found = on_gpu(lambda a, b: a @ b, a, b)
    assert [r.code.threads for r in made] == [256]
    np.testing.assert_array_equal(found, a @ b)


def test_bytes_on_gpus_without_tensor_cores_and_with_borders(monkeypatch):
    x, w = (
        tf.constant(RANDOM.integers(-128, 128, s).astype(np.int8))
        for s in [(1, 6, 7, 4), (3, 3, 4, 8)]
    )

    def function(x, w):
        x, w = tf.cast(x, tf.int32) - 5, tf.cast(w, tf.int32)
        return tf.nn.conv2d(tf.cast(x, tf.float32), tf.cast(w, tf.float32), 1, "SAME")

    def product(a, b):
        return (tf.cast(a, tf.int32) - 7) @ tf.cast(b, tf.int32)

    monkeypatch.setattr(
        type(DEVICE), "generator", property(lambda _: CudaGenerator(target_of("sm_75")))
    )
    a, b = (
        tf.constant(RANDOM.integers(-128, 128, s).astype(np.int8)) for s in [(20, 48), (48, 24)]
    )
    with launches() as made:
        found = on_gpu(product, a, b)
    assert all(r.code.threads > 1 for r in made)
    np.testing.assert_array_equal(found, product(a, b))
    np.testing.assert_allclose(on_gpu(function, x, w), by_reference(function, x, w), rtol=1e-5)


@pytest.mark.parametrize("channels", [8, 5])
@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float32], ids=lambda d: d.name)
def test_convolutions_gather_vectors_of_channels(dtype, channels):
    x, w = tf.cast(normal(2, 9, 8, channels), dtype), tf.cast(normal(3, 3, channels, 16), dtype)

    def function(x, w):
        y, dx, dw = convolution_and_gradients(x, w)
        return [tf.cast(t, tf.float32) for t in (y, dx, dw)]

    with override(tensor_float_32=1), launches() as made:
        found = on_gpu(function, x, w)
    own = [r.code.text for r in made if "nvvm.mma" in r.code.text]
    assert len(own) == 3
    sizes = [re.findall(r"cp\.async\.c[ag]\.shared\.global\.(\d+)", text) for text in own]
    assert channels != 8 or all("16" in found for found in sizes)
    wanted = by_reference(function, x, w)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-2, atol=2e-2 * np.abs(b).max())


def convolution_and_gradients(x, w):
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = tf.nn.conv2d(x, w, 1, "SAME")
        loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
    return y, *tape.gradient(loss, [x, w])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    sizes=st.tuples(st.integers(1, 140), st.integers(1, 90), st.integers(1, 140)),
    turned=st.tuples(st.booleans(), st.booleans()), dtype=st.sampled_from([tf.bfloat16, tf.float32]),
)  # fmt: skip
def test_any_sizes_by_tensor_cores(sizes, turned, dtype):
    m, k, n = sizes
    a, b = normal(*((k, m) if turned[0] else (m, k))), normal(*((n, k) if turned[1] else (k, n)))
    with override(tensor_float_32=1):
        found = on_gpu(
            lambda a, b: tf.cast(
                tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype), *turned), tf.float32
            ),
            a,
            b,
        )
    wanted = tf.matmul(*[tf.cast(tf.cast(x, dtype), tf.float64) for x in (a, b)], *turned)
    np.testing.assert_allclose(found, wanted, rtol=2**-7, atol=2**-5)


@pytest.mark.parametrize("rows", [1, 63, 130])
def test_one_kernel_serves_every_number_of_rows(rows):
    w = normal(20, 12)
    function = tf.function(lambda x: tf.nn.relu(x @ w), input_signature=[tf.TensorSpec([None, 20])])
    x = normal(rows, 20)
    np.testing.assert_allclose(on_gpu(function, x), np.maximum(x @ w, 0), rtol=1e-4, atol=1e-4)


def plain(m, n, k):
    """A product of dense float32 matrices."""
    types = Types("float", "float", "float", "float")
    return Gemm(m, n, (k,), Matrix("float", k, (1,)), Matrix("float", 1, (n,)), types, n)


def test_a_schedule_is_chosen_without_writing_code():
    wide = choose(plain(2048, 2048, 64))
    assert (wide.shape, wide.lanes, wide.label) == (LARGE_TILE, 4, "gemm 128x128")
    assert not wide.is_split and wide.tasks(()) == 256
    deep = choose(plain(64, 64, 4096))
    assert deep.parts(()) == 16 and deep.scratch(()) == 16 * 64 * 64 * 4
    assert choose(plain(64, 63, 64)).lanes == 1
    assert hash(choose(plain(64, 64, 4096))) == hash(deep)


def test_large_tiles_give_the_same():
    m, n, k = 130, 132, 21
    gemm = plain(m, n, k)
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


DEEP = {
    "few rows": (lambda a, b: a @ b, (3, 1500), (1500, 20)),
    "turned": (lambda a, b: tf.matmul(a, b, transpose_a=True), (2100, 9), (2100, 70)),
    "batches": (lambda a, b: a @ b, (2, 10, 700), (2, 700, 10)),
    "epilogue": (lambda a, b: tf.nn.relu(a @ b) + b[0], (65, 1030), (1030, 12)),
    "sums of columns": (lambda a, b: tf.reduce_sum(tf.nn.relu(a @ b), 0), (70, 1100), (1100, 8)),
}


@pytest.mark.parametrize("allowed", [0, 1], ids=["exact", "tf32"])
@pytest.mark.parametrize("name", DEEP)
def test_deep_products_are_summed_in_parts(name, allowed):
    function, *shapes = DEEP[name]
    a, b = (normal(*s) for s in shapes)
    with override(tensor_float_32=allowed), launches() as made:
        found = [on_gpu(lambda *given: function(*given), a, b) for _ in range(2)]
    assert [r.function for r in made if "product" in r.label][:2] == ["sum_parts", "add_up"]
    np.testing.assert_array_equal(*found)  # the same bits each time
    wanted = by_reference(
        function, *[tf.constant(tf32(x).astype(np.float32)) if allowed else x for x in (a, b)]
    )
    np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-3)


def test_the_depth_is_cut_as_it_is_known_when_planning():
    @tf.function(input_signature=[tf.TensorSpec([None, 6]), tf.TensorSpec([None, 10])])
    def function(x, dy):
        return tf.matmul(x, dy, transpose_a=True)

    for rows, names in ((40, ["task"]), (1300, ["sum_parts", "add_up"]), (0, ["task"])):
        x, dy = normal(rows, 6), normal(rows, 10)
        with launches() as made:
            found = on_gpu(function, x, dy)
        assert [r.function for r in made] == names
        np.testing.assert_allclose(found, np.transpose(x) @ np.asarray(dy), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", [*LAYOUTS, *DEEP])
def test_doubles_are_multiplied_by_tensor_cores(name):
    function, *shapes = (LAYOUTS | DEEP)[name]
    a, b = (tf.cast(normal(*s), tf.float64) for s in shapes)
    with launches() as made:
        found = on_gpu(lambda *given: function(*given), a, b)
    assert kind_of(made) == "m8n8k4.row.col.f64"
    np.testing.assert_allclose(found, by_reference(function, a, b), rtol=1e-12, atol=1e-12)
