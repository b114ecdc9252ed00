"""tf.einsum of tensors and arrays of NumPy."""

import numpy as np
import pytest

import penstock as tf

FLOAT, DOUBLE = tf.ones([2, 2]), np.full([2, 2], 2.0)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_arrays_take_the_type_of_the_first_tensor(wrap):
    product = wrap(lambda: tf.einsum("ij,jk->ik", DOUBLE, FLOAT))()
    assert product.dtype == tf.float32 and product.numpy().tolist() == [[4, 4], [4, 4]]
    assert wrap(lambda: tf.einsum("ij,jk,kl->il", DOUBLE, FLOAT, DOUBLE))().dtype == tf.float32
    assert wrap(lambda: tf.einsum("ij->ji", DOUBLE))().dtype == tf.float64


def test_tensors_keep_their_types():
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.einsum("ij,jk->ik", FLOAT, tf.constant(DOUBLE))


@pytest.mark.parametrize(
    ("equation", "says"),
    [
        ("ij->ii", "more than once"),
        ("i...j...", "Too many ellipses"),
        ("ij->...i...", "Too many ellipses"),
        ("ij..", "incorrect format"),
        ("i1->i", "incorrect format"),
        ("ij->k", "Unknown output label"),
    ],
)
def test_equations_without_a_meaning(equation, says):
    with pytest.raises(ValueError, match=says):
        tf.einsum(equation, tf.ones([2, 2]))
