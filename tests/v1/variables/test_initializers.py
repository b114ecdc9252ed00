"""Initializers of TensorFlow 1."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.variables import orthogonal_initializers as orthogonal
from penstock._src.v1.variables.partitioned import PartitionInfo

v1 = tf.compat.v1


@pytest.mark.parametrize(
    "initializer",
    [v1.random_normal_initializer, v1.orthogonal_initializer, v1.initializers.identity],
)
def test_initializers_of_floats_refuse_other_dtypes(initializer):
    with pytest.raises(ValueError, match="floating point"):
        initializer(dtype=tf.int32)


def test_a_partition_of_an_identity_is_its_part_of_the_whole():
    part = v1.initializers.identity(gain=2.0)([2, 4], partition_info=PartitionInfo([4, 4], [2, 0]))
    np.testing.assert_array_equal(part, 2.0 * np.eye(4)[2:])


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_circular_convolution_with_an_orthogonal_kernel_keeps_norms(rank, size):
    kind = getattr(orthogonal, f"ConvolutionOrthogonal{rank}D")
    kernel = kind(seed=3, dtype=tf.float64)([size] * rank + [2, 5]).numpy()
    signal = np.random.default_rng(0).normal(size=[4] * rank + [2])
    result = sum(
        np.roll(signal, place, range(rank)) @ kernel[place] for place in np.ndindex(*[size] * rank)
    )
    np.testing.assert_allclose(np.linalg.norm(result), np.linalg.norm(signal), rtol=1e-9)


def test_a_delta_orthogonal_kernel_is_orthogonal_at_its_center_only():
    kernel = orthogonal.ConvolutionDeltaOrthogonal(seed=1)([3, 3, 4, 4]).numpy()
    np.testing.assert_allclose(kernel[1, 1] @ kernel[1, 1].T, np.eye(4), atol=1e-5)
    assert np.count_nonzero(kernel) == np.count_nonzero(kernel[1, 1])


def test_orthogonal_kernels_refuse_more_inputs_than_outputs():
    with pytest.raises(ValueError, match="cannot be greater"):
        orthogonal.ConvolutionOrthogonal2D()([3, 3, 5, 4])
