"""Deprecated twins give what their successors give."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
MATRIX = np.float32([[4, 1], [1, 3]])


@pytest.mark.parametrize(
    ("op", "inputs", "expected"),
    [
        ("BatchCholesky", {"input": MATRIX}, [[2, 0], [0.5, 1.6583124]]),
        ("BatchMatrixDiag", {"diagonal": MATRIX[0]}, [[4, 0], [0, 1]]),
        ("BatchMatrixDiagPart", {"input": MATRIX}, [4, 3]),
        ("BatchMatrixSetDiag", {"input": MATRIX, "diagonal": [7.0, 8.0]}, [[7, 1], [1, 8]]),
        ("BatchMatrixInverse", {"input": MATRIX}, np.linalg.inv(MATRIX)),
        ("BatchMatrixDeterminant", {"input": MATRIX}, 11),
        ("BatchFFT", {"input": np.complex64([1, 2, 3])}, np.fft.fft([1, 2, 3])),
    ],
)
def test_twins(op, inputs, expected):
    np.testing.assert_allclose(getattr(raw, op)(**inputs), expected, rtol=1e-5)


def test_eigenvalues_stand_above_the_vectors():
    found = raw.SelfAdjointEig(input=MATRIX).numpy()
    np.testing.assert_allclose(found[0], [2.381966, 4.618034], rtol=1e-5)
    np.testing.assert_allclose(MATRIX @ found[1:], found[1:] * found[0], rtol=1e-5)
