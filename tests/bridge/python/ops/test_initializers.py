"""TensorFlow's private initializers, beside Keras's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import init_ops_v2


@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_gives_the_same_numbers_at_every_call(seed):
    initializer = init_ops_v2.GlorotUniform(seed=seed)
    np.testing.assert_array_equal(initializer([3, 4]), initializer([3, 4]))
    normal = tf.random_normal_initializer(seed=seed)
    np.testing.assert_array_equal(normal([3]), normal([3]))


def test_rows_of_an_orthogonal_matrix_are_orthonormal():
    matrix = init_ops_v2.Orthogonal(gain=2.0)([3, 5]).numpy()
    np.testing.assert_allclose(matrix @ matrix.T, 4 * np.eye(3), atol=1e-5)


def test_partitions_are_refused_by_initializers_of_whole_matrices():
    with pytest.raises(ValueError, match="Identity initializer doesn't support partition"):
        init_ops_v2.Identity()([2, 2], partition_shape=[1, 2])
