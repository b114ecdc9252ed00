"""What consists of matrix products on GPUs, but is no matrix product to its user, is not rounded to TF32."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import on_gpu

RNG = np.random.default_rng(5)
MATRICES = (RNG.normal(size=(2, 70, 70)) + 12 * np.eye(70)).astype(np.float32)
POSITIVE = MATRICES @ MATRICES.swapaxes(1, 2)

CASES = {
    "rfft": (tf.signal.rfft, RNG.normal(size=(4, 30)).astype(np.float32), np.fft.rfft),
    "ifft": (tf.signal.ifft, (RNG.normal(size=(3, 96)) + 1j).astype(np.complex64), np.fft.ifft),
    "inverse": (tf.linalg.inv, MATRICES, np.linalg.inv),
    "Cholesky": (tf.linalg.cholesky, POSITIVE, np.linalg.cholesky),
}


@pytest.mark.parametrize("name", CASES)
def test_they_have_the_digits_of_float32(name):
    function, x, expected = CASES[name]
    wide = np.complex128 if np.iscomplexobj(x) else np.float64
    wanted = expected(x.astype(wide))
    with override(tensor_float_32=1):
        found = on_gpu(lambda x: function(x), tf.constant(x))
    assert np.abs(np.asarray(found) - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_matrix_products_are_rounded():
    x = tf.constant(MATRICES)
    with override(tensor_float_32=1):
        found = on_gpu(lambda x: tf.matmul(x, x), x)
    exact = MATRICES.astype(np.float64) @ MATRICES
    assert np.abs(np.asarray(found) - exact).max() > 1e-5 * np.abs(exact).max()
