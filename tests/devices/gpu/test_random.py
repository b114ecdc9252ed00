"""Random numbers that eager operations draw on a GPU: the CPU's, at the CPU's positions."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.calls.placement import POLICY
from tests.devices.gpu.emulated import CPU, GPU, GPU_DEVICE

pytestmark = pytest.mark.skipif(
    GPU_DEVICE != "GPU_emulated", reason="counts the emulated driver's calls"
)
DRAWS = {
    "normal": lambda: tf.random.normal([3, 5], 2.0, 0.5),
    "normal of halves": lambda: tf.random.normal([7], dtype=tf.float16),
    "normal of doubles": lambda: tf.random.normal([6], dtype=tf.float64),
    "uniform": lambda: tf.random.uniform([4, 4], -1.0, 3.0),
    "truncated": lambda: tf.random.truncated_normal([9]),
    "integers": lambda: tf.random.uniform([11], -5, 100, tf.int64),
    "gamma": lambda: tf.random.gamma([4], [0.5, 3.0]),
    "classes": lambda: tf.random.categorical(
        tf.constant([[0.1, 2.0, -1.0], [1.0, 1.0, 1.0]]) * 1.0, 9
    ),
    "classes of no rows": lambda: tf.random.categorical(tf.zeros([0, 3]), 2),
    "shuffle": lambda: tf.random.shuffle(
        tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    ),
    "none": lambda: tf.random.normal([0, 3]),
    "no integers": lambda: tf.random.uniform([0], 0, 5, tf.int64),
    "one row": lambda: tf.random.shuffle(tf.constant([1.0])),
}


def drawn(draw, device):
    """Three draws after one another."""
    tf.random.set_seed(7)
    with tf.device(device):
        found = [draw() for _ in range(3)]
    return found


@pytest.mark.parametrize("name", DRAWS)
def test_a_gpu_draws_what_the_cpu_draws(name, gpu):
    found, wanted = (drawn(DRAWS[name], device) for device in (GPU, CPU))
    assert {x.device for x in found} == {GPU} and {x.device for x in wanted} == {CPU}
    for x, y in zip(found, wanted, strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape
        tolerance = 4 * np.finfo(x.dtype.as_numpy_dtype).eps if x.dtype.is_floating else 0
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=tolerance, atol=tolerance)


def test_one_program_draws_at_all_positions(gpu):
    tf.random.normal([50]), tf.random.normal([50])
    tf.random.normal([50])[0].numpy()
    linked, read = gpu["cuModuleLoadData"], gpu["cuMemcpyDtoHAsync_v2"]
    draws = [tf.random.normal([50]) for _ in range(4)]
    assert gpu["cuModuleLoadData"] == linked and gpu["cuMemcpyDtoHAsync_v2"] == read
    assert len({float(x[0]) for x in draws}) == 4


def test_positions_go_on_whatever_the_device(gpu):
    def draw(devices):
        tf.random.set_seed(3)
        found = []
        for device in devices:
            with tf.device(device):
                found.append(tf.raw_ops.RandomUniform(shape=[2], dtype=tf.float32, seed=1, seed2=2))
        return np.array([x.numpy() for x in found])

    np.testing.assert_array_equal(draw([GPU, CPU, GPU, GPU]), draw([CPU] * 4))


def test_bad_arguments_are_told_as_on_the_cpu(gpu):
    with pytest.raises(tf.errors.InvalidArgumentError, match="RandomStandardNormal: Dimension -1"):
        tf.random.normal([-1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Need minval < maxval, got 5 >= 2"):
        tf.random.uniform([3], 5, 2, tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match="logits should be a matrix"):
        tf.random.categorical(tf.zeros([3]), 2)


def test_without_soft_placement_random_operations_have_a_kernel(gpu):
    soft = POLICY.soft
    tf.config.set_soft_device_placement(False)
    try:
        with tf.device("/GPU:0"):
            assert tf.random.normal([2]).device == GPU
    finally:
        POLICY.soft = soft
