"""Products of a few rows on the emulated GPU."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices.gpu.cuda.ptx import assembled, find_ptxas, ptx_of
from tests.devices.gpu.emulated import by_reference, launches, on_gpu

RANDOM = np.random.default_rng(5)


def thin(made):
    """The launches of products whose blocks have a column for each thread."""
    return [r for r in made if "product" in r.label and "nvvm.mma" not in r.code.text]


def operands(*shapes, dtype=tf.float32):
    return [tf.cast(RANDOM.standard_normal(s).astype(np.float32), dtype) for s in shapes]


CASES = {
    "across": (lambda a, b: a @ b, (1, 96), (96, 320)),
    "along": (lambda a, b: tf.matmul(a, b, transpose_b=True), (3, 96), (100, 96)),
    "across, in parts": (lambda a, b: a @ b, (8, 1032), (1032, 72)),
    "along, in parts": (lambda a, b: tf.matmul(a, b, transpose_b=True), (2, 1304), (64, 1304)),
    "batches": (lambda a, b: tf.matmul(a, b, transpose_b=True), (2, 3, 2, 64), (2, 3, 80, 64)),
    "epilogue": (lambda a, b: tf.nn.relu(a @ b + 1.0) + b[:1], (4, 40), (40, 264)),
    "sums of columns": (lambda a, b: tf.reduce_sum(tf.nn.relu(a @ b), 0), (5, 64), (64, 80)),
}


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16], ids=lambda d: d.name)
@pytest.mark.parametrize("name", CASES)
def test_values_are_the_interpreters(name, dtype):
    function, *shapes = CASES[name]
    arguments = operands(*shapes, dtype=dtype)

    def run(*given):
        return tf.cast(function(*[tf.cast(x, dtype) for x in given]), tf.float32)

    with launches() as made:
        found = [on_gpu(lambda *given: run(*given), *arguments) for _ in range(2)]
    assert len(thin(made)) == (4 if "parts" in name else 2)
    np.testing.assert_array_equal(*found)  # the same bits each time
    error = 2**-7 if dtype == tf.bfloat16 else 1e-4
    wanted = by_reference(run, *arguments)
    np.testing.assert_allclose(found[0], wanted, rtol=error, atol=error)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float64], ids=lambda d: d.name)
def test_other_types(dtype):
    a, b = operands((2, 48), (48, 96), dtype=dtype)
    with launches() as made:
        found = on_gpu(lambda a, b: a @ b, a, b)
    assert len(thin(made)) == 1
    wanted = np.asarray(a, np.float64) @ np.asarray(b, np.float64)
    error = 2**-9 if dtype == tf.float16 else 1e-12
    np.testing.assert_allclose(found.astype(np.float64), wanted, rtol=error, atol=error)


def test_what_lies_behind_the_depth_is_not_added():
    """Infinities at the last line, which lanes read in place of lines that there are not."""
    a, b = np.ones((1, 66), np.float32), np.ones((66, 64), np.float32)
    b[-1] = np.inf
    a[0, -1] = 0.5
    found = on_gpu(lambda a, b: a @ b, tf.constant(a), tf.constant(b))
    np.testing.assert_array_equal(found, np.full((1, 64), np.inf, np.float32))


@pytest.mark.parametrize("shape", [(2, 4096), (8, 512)], ids=["two rows", "eight rows"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_matrix_is_loaded_by_whole_vectors(shape, turned):
    rows, depth = shape
    a, b = operands((rows, depth), (64, depth) if turned else (depth, 64), dtype=tf.bfloat16)
    with launches() as made:
        on_gpu(lambda a, b: tf.matmul(a, b, transpose_b=turned), a, b)
    code = thin(made)[0].code
    text, ptxas = ptx_of(code), find_ptxas()
    assert "ld.global.v4.b32" in text or "ld.global.nc.v4" in text or "ld.global.v2.b64" in text
    if ptxas is not None:
        assert not any(k.spilled for k in assembled(text, "sm_80", ptxas)[1])
