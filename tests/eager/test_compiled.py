"""Large eager ops run by compiled kernels, and give what NumPy gives."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.calls.facts import HEAVY, ONE_BY_ONE
from penstock._src.core.registry import load_all
from penstock._src.eager import compiled
from penstock._src.util.flags import override

RANDOM = np.random.default_rng(0)


@pytest.fixture
def compiled_ops(monkeypatch):
    """Lists the ops that are handed to the compiler."""
    seen = []
    run = compiled.run_compiled
    from penstock._src.eager import execute

    monkeypatch.setattr(
        execute, "run_compiled", lambda op, v: seen.append(op.op_type) or run(op, v)
    )
    return seen


def test_a_large_sum_is_compiled_and_right(compiled_ops):
    x = RANDOM.standard_normal((1000, 300)).astype("float32")
    np.testing.assert_allclose(
        tf.reduce_sum(x, 0), x.astype("float64").sum(0), rtol=1e-4, atol=1e-4
    )
    assert compiled_ops == ["Sum"]


def test_a_small_one_is_not(compiled_ops):
    tf.reduce_sum(tf.ones([10, 10]), 0)
    assert not compiled_ops


@pytest.mark.parametrize("count, ops", [(ONE_BY_ONE, ["Igamma"]), (ONE_BY_ONE - 1, [])])
def test_slow_functions_are_compiled_sooner(compiled_ops, count, ops):
    x = np.linspace(0.1, 9, count, dtype=np.float32)
    few = tf.math.igamma(x[::500], x[::500])
    assert not compiled_ops
    np.testing.assert_array_max_ulp(tf.math.igamma(x, x).numpy()[::500], few.numpy(), 1)
    assert compiled_ops == ops


@pytest.mark.parametrize("name", ["Lgamma", "Digamma"])
def test_logarithms_of_gamma_are_compiled_with_the_same_bits(compiled_ops, name):
    x = tf.constant(np.linspace(-9.7, 40, ONE_BY_ONE, dtype=np.float32))
    function = getattr(tf.raw_ops, name)
    few = [function(x=number).numpy() for number in x]
    assert not compiled_ops
    np.testing.assert_array_equal(function(x=x), few)
    assert compiled_ops == [name]


SLOW_IN_NUMPY = {
    "AvgPool": lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"),
    "MaxPool": lambda x: tf.nn.max_pool2d(x, 2, 1, "VALID"),
    "LRN": tf.nn.local_response_normalization,
    "RGBToHSV": tf.image.rgb_to_hsv,
    "AdjustHue": lambda x: tf.raw_ops.AdjustHue(images=x, delta=0.1),
    "CropAndResize": lambda x: tf.image.crop_and_resize(x, [[0.1, 0, 1.2, 1]], [0], [5, 6]),
}


@pytest.mark.parametrize("name", SLOW_IN_NUMPY)
def test_ops_of_many_numpy_calls_are_compiled_for_small_arrays(compiled_ops, name):
    call, image = SLOW_IN_NUMPY[name], RANDOM.random((1, 9, 9, 3), np.float32)
    assert image.size < HEAVY < 2 * image.size
    expected = call(image)
    assert name not in compiled_ops
    result = call(np.concatenate([image, image]))[:1]
    assert name in compiled_ops
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_each_shape_of_matrices_is_compiled_where_open_extents_cost(compiled_ops):
    for n in (46, 47):
        a = np.random.default_rng(n).standard_normal((n, n))
        packed, order = tf.linalg.lu(a)
        lower = np.tril(packed, -1) + np.eye(n)
        np.testing.assert_allclose(lower @ np.triu(packed), a[order.numpy()], atol=1e-12)
    assert compiled_ops == ["Lu", "Lu"]


def test_views_are_not(compiled_ops):
    x = tf.ones([400, 400])
    tf.reshape(x, [-1]), tf.expand_dims(x, 0), x[1:], tf.identity(x)
    assert not compiled_ops


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "area", "lanczos3"])
def test_one_picture_is_resized_without_compiling(method):
    from penstock._src.native import kernels

    pictures = RANDOM.random((3, 260, 250, 3), np.float32)
    together = tf.image.resize(pictures, (30, 41), method)
    tf.image.resize(pictures[0], (30, 41), method)  # loads what resizes pictures of any size
    before = kernels().statistics.compiled
    for number, picture in enumerate(pictures):
        part = tf.image.resize(picture[number:], (30, 41), method)  # each of another height
        if not number:
            np.testing.assert_allclose(part, together[0], rtol=1e-5, atol=1e-6)
    assert kernels().statistics.compiled == before


def test_another_batch_size_compiles_no_kernel(compiled_ops):
    from penstock._src.native import kernels

    def product(rows):
        return tf.matmul(tf.ones([rows, 500]), tf.ones([500, 64]))

    product(512)
    before = kernels().statistics.compiled
    np.testing.assert_array_equal(product(700), np.full([700, 64], 500.0))
    assert compiled_ops == ["MatMul", "MatMul"] and kernels().statistics.compiled == before


def test_gradients_of_large_convolutions_agree_with_small_ones():
    x = RANDOM.standard_normal((32, 32, 32, 8)).astype("float32")
    w = tf.constant(RANDOM.standard_normal((3, 3, 8, 4)).astype("float32"))

    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(w)
            y = tf.reduce_sum(tf.nn.conv2d(images, w, 1, "SAME") ** 2)
        return tape.gradient(y, w).numpy()

    parts = sum(gradient(tf.constant(x[i : i + 1])) for i in range(32))
    # Sums of some 30,000 terms, of which the largest are 2e5.
    np.testing.assert_allclose(gradient(tf.constant(x)), parts, rtol=1e-5, atol=1e-2)


def test_errors_name_the_op():
    with pytest.raises(tf.errors.InvalidArgumentError, match="MatMul"):
        tf.matmul(tf.ones([512, 512]), tf.ones([3, 3]))


def test_an_index_and_a_vector_of_one_index_are_told_apart():
    x = tf.ones([600, 300])
    assert tf.gather(x, 3).shape == [300]
    assert tf.gather(x, [3]).shape == [1, 300]


@pytest.mark.parametrize("devices", [("GPU_emulated", "CPU"), ("CPU", "GPU_emulated")])
def test_programs_are_kept_for_each_device(devices, monkeypatch):
    monkeypatch.setattr(compiled, "_kept", {})
    monkeypatch.setattr(compiled, "_calls", {})
    softmax = load_all()["Softmax"].instance({"T": tf.float32})
    for device, rows in zip(devices * 2, (3, 1, 1, 3), strict=True):
        with override(device=device):
            result = compiled.run_compiled(softmax, [np.ones((rows, 200), np.float32)])
        assert type(result) is np.ndarray and result.shape == (rows, 200)


@pytest.fixture
def programs(monkeypatch):
    """The programs of large eager calls from here on."""
    monkeypatch.setattr(compiled, "_calls", {})
    monkeypatch.setattr(compiled, "_kept", kept := {})
    return kept


def test_elementwise_programs_serve_all_shapes(programs):
    for shape in ([1 << 16], [1, 1 << 16], [4, 128, 130]):
        x = RANDOM.standard_normal(shape).astype("float32")
        np.testing.assert_array_equal(tf.subtract(x, x[::-1]), x - x[::-1])
        np.testing.assert_array_equal(x * tf.constant(3.0), x * np.float32(3))
        np.testing.assert_array_equal(tf.abs(x.T), abs(x.T))
    assert len(programs) == 3


def test_integers_are_divided_by_constants(programs):
    x = RANDOM.integers(-1000, 1000, (300, 300)).astype("int32")
    for by in (7, -3):
        np.testing.assert_array_equal(tf.constant(x) // by, x // by)
        np.testing.assert_array_equal(tf.constant(x) + by, x + by)
    assert len(programs) == 3


BY_ROWS = {
    "softmax": (tf.nn.softmax, lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
    "maximum": (lambda x: tf.reduce_max(x, [1]), lambda x: x.max(1)),
    "transpose": (tf.transpose, np.transpose),
    "largest": (lambda x: tf.math.top_k(x, 1)[1], lambda x: x.argmax(1)[:, None]),
    "bias": (lambda x: tf.constant(x) + x[0], lambda x: x + x[0]),
}


@pytest.mark.parametrize("name", BY_ROWS)
def test_rows_of_all_lengths_share_a_program(programs, name):
    function, expected = BY_ROWS[name]
    for columns in (300, 301, 520):
        x = RANDOM.standard_normal((256, columns)).astype("float32")
        np.testing.assert_allclose(function(x), expected(x), rtol=1e-5)
    assert len(programs) == 1


@pytest.mark.parametrize("dtype, count", [("float16", 1), ("bfloat16", 1), ("float32", 0)])
def test_narrow_numbers_are_compiled_sooner(compiled_ops, dtype, count):
    x = tf.cast(np.linspace(-3, 3, 1 << 14), dtype)
    np.testing.assert_array_equal((x * x)[:9], x[:9] * x[:9])
    assert compiled_ops == ["Mul"] * count


@pytest.mark.parametrize("dtype, op", [("int32", "MatMul"), ("uint8", "MatMul"), ("float32", "")])
def test_products_of_integers_are_compiled_sooner(compiled_ops, dtype, op):
    ends = np.iinfo(dtype if op else "int8")
    x = RANDOM.integers(ends.min, ends.max, (46, 46), endpoint=True).astype(dtype)
    np.testing.assert_array_equal(tf.matmul(x, x, transpose_b=True), x @ x.T)
    assert compiled_ops == [op] * bool(op)


def test_types_that_compiled_code_lacks_are_cast_by_the_host():
    x = np.linspace(-3, 3, 1 << 17).astype(tf.dtypes.experimental.float8_e4m3fn.as_numpy_dtype)
    np.testing.assert_array_equal(tf.cast(tf.constant(x), tf.float32), x.astype("float32"))


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: tf.constant(x) // 0,
        lambda x: tf.constant(x) + x[:100],
        lambda x: tf.gather(x, np.full(300, 300)),
        lambda x: tf.cumsum(x, 2),
    ],
)
def test_errors_are_those_of_small_calls(refused):
    x = np.ones((300, 300), np.int32)
    tf.constant(x) // 1, tf.constant(x) + x, tf.gather(x, [0] * 300), tf.cumsum(x, 0)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        refused(x)
    assert caught.value.message.endswith("]") and "[Op:" in caught.value.message
    assert "user code" not in caught.value.message
