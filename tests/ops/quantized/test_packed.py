"""Packed weights: recorded blocks of each format, products against float64, gradients, rounding of activations, refusals."""

import typing

import numpy as np
import pytest

import penstock as tf
from penstock._src.ir.meaning.packed import FORMATS, round_groups, unpack
from penstock._src.ops.quantized.packed import Format
from tests.harness.op_case import OpCase, check, values
from tests.ops.quantized.recorded import RECORDED

raw = tf.raw_ops
NAMES = sorted(FORMATS)


def packed(name, rows, blocks, seed=0):
    """Random rows of blocks whose scales are small numbers."""
    form, random = FORMATS[name], np.random.default_rng(seed)
    made = random.integers(0, 256, (rows, blocks, form.size), dtype=np.uint8)
    largest = 0.0005 if form.factors else 0.02
    for at, dtype in ((form.scale, form.scale_dtype), (form.minimum, np.float16)):
        if at is not None:
            scales = random.uniform(-largest, largest, (rows, blocks, 1)).astype(dtype)
            made[..., at : at + scales.itemsize] = scales.view(np.uint8)
    return made.reshape(rows, blocks * form.size)


def test_formats_are_those_of_the_attribute():
    assert typing.get_args(Format) == tuple(FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_unpacked_as_recorded(name):
    weights, wanted = RECORDED[name]
    found = raw.PackedDequantize(weights=weights, format=name)
    np.testing.assert_array_equal(found.numpy(), wanted)
    rows = raw.PackedGather(weights=weights, indices=[[1], [0], [1]], format=name)
    np.testing.assert_array_equal(rows.numpy(), wanted[[[1], [0], [1]]])


@pytest.mark.parametrize("name", NAMES)
def test_products(name):
    weights = packed(name, 6, 2)
    dense = unpack(weights, FORMATS[name]).astype(np.float64)
    k = dense.shape[1]
    for x, transposed in ((values(2, 3, k), True), (values(6), False)):
        x = x.astype(np.float32)
        case = OpCase(
            "PackedMatMul", [x, weights], {"format": name, "transpose_b": transposed},
            expect=x @ (dense.T if transposed else dense), tolerance=(1e-5, 1e-5),
            gradient=(0,) if k < 100 or not transposed else False,
        )  # fmt: skip
        check(case)


@pytest.mark.parametrize("name", NAMES)
def test_rows_and_dequantized_values(name):
    weights = packed(name, 4, 1)
    check(OpCase("PackedGather", [weights, np.int32([[3, 0, 3]])], {"format": name}))
    check(OpCase("PackedDequantize", [weights[None]], {"format": name, "dtype": "bfloat16"}))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_results_are_rounded_once(dtype):
    weights = packed("Q4_K", 5, 1)
    x = tf.cast(values(3, 256), dtype)
    found = raw.PackedMatMul(x=x, weights=weights, format="Q4_K")
    wide = raw.PackedMatMul(x=tf.cast(x, tf.float32), weights=weights, format="Q4_K")
    assert found.dtype == x.dtype
    eps = 2.0**-8 if dtype == "bfloat16" else 2.0**-11
    np.testing.assert_allclose(tf.cast(found, tf.float32), wide, rtol=eps, atol=1e-6)


def test_gradient_is_the_product_in_the_other_direction():
    weights, x = packed("Q6_K", 5, 1), tf.constant(values(2, 256, dtype=np.float32))
    dense = unpack(weights, FORMATS["Q6_K"])
    dy = values(2, 5, dtype=np.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = raw.PackedMatMul(x=x, weights=weights, format="Q6_K")
    found = tape.gradient(y, x, output_gradients=dy)
    np.testing.assert_allclose(found, dy @ dense, rtol=1e-4, atol=1e-5)


def test_rounded_activations_are_within_their_bound():
    weights = packed("Q5_1", 7, 3)
    x = values(4, 96, dtype=np.float32)
    x[0, :32] = 0
    dense = unpack(weights, FORMATS["Q5_1"]).astype(np.float64)
    found = raw.PackedMatMul(x=x, weights=weights, format="Q5_1", activations="int8")
    step = np.abs(x.reshape(4, 3, 32)).max(-1).repeat(32, -1) / 254
    bound = step @ np.abs(dense).T + 1e-5
    off = np.abs(found.numpy() - x @ dense.T)
    assert (off <= bound).all() and off.max() > bound.max() / 100


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, w: raw.PackedMatMul(x=x, weights=w[:, 1:], format="Q4_0"), "whole blocks of Q4_0, 18 bytes for 32 elements. Received rows of 35"),
        (lambda x, w: raw.PackedMatMul(x=x[:, 1:], weights=w, format="Q4_0"), r"Received x \[2,63\], weights \[5,36\] of format Q4_0, \[5,64\] unpacked"),
        (lambda x, w: raw.PackedMatMul(x=x, weights=w, format="Q4_0", transpose_b=False), "a column of weights"),
        (lambda x, w: raw.PackedMatMul(x=x, weights=w[0], format="Q4_0"), "rank 2|weights two"),
        (lambda x, w: raw.PackedMatMul(x=x[:, :5], weights=w, format="Q4_0", transpose_b=False, activations="int8"), "only where transpose_b"),
        (lambda x, w: raw.PackedMatMul(x=x[:, :5], weights=w, format="Q4_0", transpose_b=False, bfloat16_rows=2), "only where transpose_b"),
        (lambda x, w: raw.PackedMatMul(x=x, weights=w, format="Q4_0", bfloat16_rows=-1), "bfloat16_rows must not be negative"),
        (lambda x, w: raw.PackedGather(weights=w[:, 2:], indices=[0], format="Q4_0"), "whole blocks of Q4_0"),
        (lambda x, w: raw.PackedGather(weights=w, indices=[4, 5], format="Q4_0"), r"indices\[1\] = 5 is not in \[0, 5\)"),
        (lambda x, w: raw.PackedDequantize(weights=w[:, 2:], format="Q4_0"), "whole blocks of Q4_0"),
        (lambda x, w: raw.PackedDequantize(weights=w, format="Q2_0"), "allowed values"),
    ],
)  # fmt: skip
def test_refused_with_names(call, message):
    x, w = tf.zeros([2, 64]), packed("Q4_0", 5, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(x, w)
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=message):
        tf.function(lambda: call(x, w))()


# -- compiled


def compiled(name, rows, weights, x, bias):
    """relu(x W^T + bias), and what its program launches."""

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([rows, x.shape[-1]]),
            tf.TensorSpec(weights.shape, tf.uint8),
        ],
    )
    def layer(x, weights):
        return tf.nn.relu(raw.PackedMatMul(x=x, weights=weights, format=name) + bias)

    launches = layer.experimental_get_compiler_ir(x, weights)(stage="launches")
    return layer(x, weights).numpy(), launches


@pytest.mark.parametrize("name", NAMES)
def test_compiled_products_read_packed_weights(name):
    weights, random = packed(name, 37, 3), np.random.default_rng(1)
    dense = unpack(weights, FORMATS[name]).astype(np.float64)
    for m, rows in ((1, 1), (3, 3), (4, 4), (9, None), (70, 70), (0, None)):
        x = random.normal(size=(m, dense.shape[1])).astype(np.float32)
        bias = random.normal(size=37).astype(np.float32)
        found, launches = compiled(name, rows, weights, x, bias)
        size = np.abs(x) @ np.abs(dense).T + 1
        off = np.abs(found - np.maximum(x @ dense.T + bias, 0)) / size
        assert found.shape == (m, 37) and (off < 1e-6).all(), (m, off.max(initial=0))
        assert not m or ("packed product" in launches and "unpack" not in launches), launches


@pytest.mark.parametrize("activations", ["float32", "bfloat16"])
def test_loops_and_branches_read_packed_weights(activations):
    weights, x = packed("Q4_0", 512, 16), values(1, 512).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, 512]), tf.TensorSpec([], tf.int32)])
    def repeated(x, count):
        for _ in tf.range(count):
            if x[0, 0] > 0:
                y = raw.PackedMatMul(x=x, weights=weights, format="Q4_0", activations=activations)
                x = tf.tanh(y)
        return x

    dense, wanted = unpack(weights, FORMATS["Q4_0"]).T, x
    for _ in range(3):
        wanted = np.tanh(wanted @ dense) if wanted[0, 0] > 0 else wanted
    error = 1e-5 if activations == "float32" else 0.1
    np.testing.assert_allclose(repeated(x, 3), wanted, atol=error)
    told = repeated.explain(x, np.int32(3))
    assert "packed product" in told and "float32[512, 512]" not in told


def test_packed_weights_as_variables_and_constants():
    weights = packed("Q4_K", 24, 1)
    dense = unpack(weights, FORMATS["Q4_K"])
    x = values(1, 256, dtype=np.float32)
    variable, constant = tf.Variable(weights), tf.constant(weights)
    for held in (variable, constant):
        function = tf.function(
            lambda x, held=held: raw.PackedMatMul(x=x, weights=held, format="Q4_K"), autograph=False
        )
        np.testing.assert_allclose(function(x), x @ dense.T, rtol=1e-4, atol=1e-4)
        assert "unpack" not in function.experimental_get_compiler_ir(x)(stage="launches")
    function = tf.function(
        lambda x: raw.PackedMatMul(x=x, weights=variable, format="Q4_K"), autograph=False
    )
    function(x)
    variable.assign(np.zeros_like(weights))
    assert not function(x).numpy().any()


def test_weights_that_others_need_are_unpacked_for_them():
    weights, x = packed("Q8_0", 8, 2), values(2, 64, dtype=np.float32)
    dense = unpack(weights, FORMATS["Q8_0"])

    @tf.function(autograph=False)
    def both(x, weights):
        product = raw.PackedMatMul(x=x, weights=weights, format="Q8_0")
        return product, raw.PackedDequantize(weights=weights, format="Q8_0")

    product, values_ = both(x, weights)
    np.testing.assert_allclose(product, x @ dense.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(values_, dense)


def test_compiled_gradients_are_those_of_eager_calls():
    weights, x = packed("Q5_K", 40, 2), values(6, 512, dtype=np.float32)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(raw.PackedMatMul(x=x, weights=weights, format="Q5_K") ** 2)
        return tape.gradient(y, x)

    found, wanted = tf.function(gradient)(tf.constant(x)), gradient(tf.constant(x))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("name", NAMES)
def test_products_of_numbers_rounded_to_bfloat16(name):
    weights, random = packed(name, 37, 3), np.random.default_rng(3)

    def in_bfloats(x):
        return x.astype(tf.bfloat16.as_numpy_dtype).astype(np.float64)

    dense = in_bfloats(unpack(weights, FORMATS[name]))

    def product(x, weights):
        return raw.PackedMatMul(x=x, weights=weights, format=name, activations="bfloat16")

    compiled = tf.function(
        product,
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, None, dense.shape[1]]),
            tf.TensorSpec(weights.shape, tf.uint8),
        ],
    )
    for m in (1, 3, 6, 70):
        x = random.normal(size=(2, m, dense.shape[1])).astype(np.float32)
        wanted, size = in_bfloats(x) @ dense.T, np.abs(x) @ np.abs(dense).T
        for found in (product(x, weights), compiled(x, weights)):
            assert (np.abs(found - wanted) / size).max() < 1e-6
    launches = compiled.experimental_get_compiler_ir(x, weights)(stage="launches")
    assert "packed product" in launches and "unpack" not in launches


@pytest.mark.parametrize("name", NAMES)
def test_products_of_many_rows_round_to_bfloat16_where_few_round_to_int8(name):
    weights, random = packed(name, 37, 1), np.random.default_rng(4)
    columns = unpack(weights, FORMATS[name]).shape[1]

    def product(x, **options):
        return raw.PackedMatMul(x=x, weights=weights, format=name, **options)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None, columns])])
    def compiled(x):
        return product(x, activations="int8", bfloat16_rows=3)

    for m, activations in ((1, "int8"), (2, "int8"), (3, "bfloat16"), (40, "bfloat16")):
        x = random.normal(size=(2, m, columns)).astype(np.float32)
        wanted = product(x, activations=activations).numpy()
        other = product(x, activations="int8" if activations == "bfloat16" else "bfloat16")
        for found in (product(x, activations="int8", bfloat16_rows=3), compiled(x)):
            difference = np.abs(found - wanted).max()
            assert difference < 1e-2 * np.abs(other - wanted).max()


def test_data_dependent_numbers_of_rows_are_counted():
    weights = packed("Q8_0", 5, 1)

    @tf.function(autograph=False)
    def chosen(x, mask):
        rows = tf.boolean_mask(x, mask)
        return raw.PackedMatMul(
            x=rows, weights=weights, format="Q8_0", activations="int8", bfloat16_rows=4
        )

    x = np.random.default_rng(5).normal(size=(8, 32)).astype(np.float32)
    for count, activations in ((3, "int8"), (4, "bfloat16")):
        found = chosen(x, np.arange(8) < count)
        wanted = raw.PackedMatMul(
            x=x[:count], weights=weights, format="Q8_0", activations=activations
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_compiled_products_of_rounded_activations(name):
    weights, random = packed(name, 37, 3), np.random.default_rng(2)
    dense = unpack(weights, FORMATS[name]).astype(np.float64)

    @tf.function(autograph=False)
    def product(x, weights):
        return raw.PackedMatMul(x=x, weights=weights, format=name, activations="int8")

    for m in (1, 3, 6):
        x = random.normal(size=(m, dense.shape[1])).astype(np.float32)
        x[0, 32:64] = 0
        if m == 3:
            x[1, 5], x[2, 40] = np.inf, np.nan
        with np.errstate(invalid="ignore"):
            rounded = round_groups(x, 32).astype(np.float64)
            wanted, size = rounded @ dense.T, np.abs(rounded) @ np.abs(dense).T
        found = product(x, weights).numpy()
        finite = np.isfinite(x).all(-1)
        assert np.isnan(found[~finite]).all()
        off = np.abs(found - wanted)[finite] / size[finite]
        assert (off < 1e-6).all(), (m, off.max())


@pytest.mark.parametrize("dtype", [tf.float32, tf.float16, tf.bfloat16])
def test_what_belongs_to_many_rows_is_rounded_to_bfloat16(dtype):
    x = tf.cast(np.random.default_rng(6).normal(size=(3, 5)), dtype)
    rounded = tf.cast(tf.cast(x, tf.bfloat16), dtype)

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([3, 5], dtype), tf.TensorSpec([None, None], tf.int32)],
    )
    def compiled(x, counted):
        return raw.RoundToBfloat16(x=x, counted=counted, rows=6)

    for shape, wanted in (((1, 5), x), ((2, 3), rounded), ((40, 1), rounded), ((0, 9), x)):
        counted = tf.zeros(shape, tf.int32)
        for found in (compiled(x, counted), raw.RoundToBfloat16(x=x, counted=counted, rows=6)):
            assert found.dtype == dtype and bool(tf.reduce_all(found == wanted))


def test_what_is_rounded_has_the_gradient_of_what_is_not():
    x = tf.constant([1.001, 2.002])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = raw.RoundToBfloat16(x=x, counted=[0], rows=1) * 3.0
    assert tape.gradient(y, x).numpy().tolist() == [3.0, 3.0]
