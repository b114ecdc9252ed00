"""Long sums of float32 err by few units in the last place, however their elements lie in memory."""

import numpy as np
import pytest

import penstock as tf

ULP = 2.0**-24  # half a unit in the last place, relative
SUMS = {
    "all, transposed": ((3833, 2, 3), lambda x: tf.reduce_sum(tf.square(tf.transpose(x, [2, 1, 0])))),
    "all, beside a transposed one": ((4000, 4), lambda x: tf.reduce_sum(x * tf.transpose(tf.reshape(x, [4, 4000])))),
    "one column": ((20000, 3), lambda x: tf.reduce_sum(x[:, 1])),
    "few columns": ((6000, 4), lambda x: tf.reduce_sum(x * x, 0)),
    "many columns": ((3000, 64), lambda x: tf.einsum("ab,ab->b", x, x)),
    "all, as a product of two axes": ((300, 68), lambda x: tf.einsum("ab,ab->", x, x)),
    "outer and inner axes": ((40, 30, 300), lambda x: tf.einsum("abc,abc->b", x, x)),
    "images": ((8, 30, 30, 8), lambda x: tf.reduce_mean(tf.square(x), [0, 1, 2])),
}  # fmt: skip


@pytest.mark.parametrize("values", ["equal", "random"])
@pytest.mark.parametrize("name", SUMS)
def test_long_sums_err_little(name, values):
    shape, total = SUMS[name]
    x = np.full(shape, 0.1) if values == "equal" else np.random.default_rng(0).random(shape)
    x = x.astype(np.float32)
    right = total(tf.constant(x, tf.float64)).numpy()
    found = tf.function(total)(tf.constant(x)).numpy()
    np.testing.assert_allclose(found, right, rtol=100 * ULP)
