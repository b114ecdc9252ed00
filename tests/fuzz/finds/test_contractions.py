"""Contractions that random programs found to be wrong with what follows them."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util import flags


@pytest.mark.parametrize("shape", [(2, 2, 2), (12, 17, 5), (5, 12, 17, 3)])
def test_a_contraction_without_columns_of_its_own_takes_its_tail_by_rows(shape):
    """The last axis of `abc,c->ab` was taken for a tile's column, which has one."""
    random = np.random.default_rng(0)
    x, weights, bias = (
        tf.constant(random.standard_normal(s).astype(np.float32))
        for s in (shape, shape[-1:], shape[-2:-1])
    )
    spec = "abc,c->ab" if len(shape) == 3 else "dabc,c->dab"
    tails = [
        lambda y: y * 0.3 + bias,
        lambda y: tf.reduce_sum(tf.tanh(y + bias), 0),
        lambda y: tf.nn.softmax(y + bias),
    ]
    for tail in tails:

        def run(x, tail=tail):
            return tail(tf.einsum(spec, x, weights))

        with flags.override(verify=1):
            compiled = tf.function(run, autograph=False)(x)
        np.testing.assert_allclose(compiled, run(x), rtol=1e-4, atol=1e-4)


def test_a_product_without_elements_whose_columns_are_summed():
    """Its tasks' sums had as many rows as there are tasks, which nobody had counted."""

    generator = tf.random.Generator.from_seed(1)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 1])], autograph=False)
    def total(x):
        y = tf.reshape(generator.truncated_normal([-tf.shape(x)[1] % 3, 2]), [-1, 8, 2])
        y = tf.matmul(y, y, transpose_a=True) * 0.3
        z = tf.einsum("abc,dbc->ad", y, y) * 0.3
        return tf.cond(tf.reduce_sum(z) > 0.3, lambda: 1.0, lambda: 2.0)

    assert total(np.ones((3, 3, 1), np.float32)).numpy() == 2
