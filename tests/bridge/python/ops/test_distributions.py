"""TensorFlow's private functions and bijectors of distributions."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops.distributions import util
from penstock._src.bridge.python.ops.distributions.bijector import Bijector


class Scale(Bijector):
    def __init__(self, with_inverse=True, **options):
        super().__init__(forward_min_event_ndims=0, **options)
        self.calls = 0
        self._with_inverse = with_inverse

    def _forward(self, x):
        self.calls += 1
        return 2 * x

    def _inverse(self, y):
        return y / 2

    def _forward_log_det_jacobian(self, x):
        return tf.math.log(2.0) + 0 * x


def test_a_bijector_keeps_what_it_computed():
    scale, x = Scale(), tf.constant([1.0, 2.0])
    y = scale.forward(x)
    assert scale.forward(x) is y and scale.inverse(y) is x and scale.calls == 1
    assert scale.name == "scale"


def test_log_determinants_are_summed_over_events():
    scale, x = Scale(), tf.ones([3, 2])
    assert scale.forward_log_det_jacobian(x, 0).shape == (3, 2)
    summed = scale.inverse_log_det_jacobian(2 * x, event_ndims=1)
    np.testing.assert_allclose(summed, np.full(3, -2 * np.log(2.0)), rtol=1e-6)
    with pytest.raises(ValueError, match="Expected integer"):
        scale.forward_log_det_jacobian(x, event_ndims=1.5)


@pytest.mark.parametrize("upper", [False, True])
def test_triangles_and_their_vectors(upper):
    vector = np.arange(1.0, 7.0)
    triangle = util.fill_triangular(vector, upper=upper).numpy()
    expected = [[1, 2, 3], [0, 5, 6], [0, 0, 4]] if upper else [[4, 0, 0], [6, 5, 0], [3, 2, 1]]
    assert triangle.tolist() == expected
    assert util.fill_triangular_inverse(triangle, upper=upper).numpy().tolist() == list(vector)
    with pytest.raises(ValueError, match="does not correspond to a triangular matrix"):
        util.fill_triangular([1.0, 2.0])


def test_diagonals():
    assert util.tridiag([1.0], [2.0, 3.0], [4.0]).numpy().tolist() == [[2, 4], [1, 3]]


def test_logits_and_probabilities():
    logits, probs = util.get_logits_and_probs(probs=[0.25, 0.75], validate_args=True)
    np.testing.assert_allclose(tf.sigmoid(logits), probs, rtol=1e-6)
    with pytest.raises(ValueError, match="not both"):
        util.get_logits_and_probs()
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than 1"):
        util.get_logits_and_probs(probs=[1.5], validate_args=True)


def test_weighted_sums_of_exponentials():
    total, sign = util.reduce_weighted_logsumexp([0.0, 1.0], [1.0, -2.0], return_sign=True)
    np.testing.assert_allclose(sign * tf.exp(total), 1 - 2 * np.e, rtol=1e-6)


def test_the_inverse_of_softplus():
    x = np.float32([1e-6, 0.5, 30.0])
    np.testing.assert_allclose(tf.math.softplus(util.softplus_inverse(x)), x, rtol=1e-5)


def test_integers_that_a_type_holds():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Elements must be int16-equivalent"):
        util.embed_check_integer_casting_closed([1.5], tf.int16)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Elements cannot exceed 127"):
        util.embed_check_integer_casting_closed([300], tf.int8)


def test_axes_are_rotated():
    assert util.rotate_transpose(tf.zeros([2, 3, 4]), 1).shape == (4, 2, 3)
    assert util.rotate_transpose(tf.zeros([2, 3, 4]), -1).shape == (3, 4, 2)


def test_shapes_are_broadcast():
    known = util.prefer_static_broadcast_shape(tf.TensorShape([3, 1]), [2])
    assert known.as_list() == [3, 2]
