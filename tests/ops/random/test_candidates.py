"""Candidate samplers, bounded normal numbers and random crops: values recorded on TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.values import kernel_state


@pytest.fixture(autouse=True)
def fresh_kernels():
    kernel_state.clear()


def test_classes_by_zipfs_law():
    attrs = {
        "num_true": 1,
        "num_sampled": 6,
        "range_max": 20,
        "seed": 3,
        "seed2": 4,
        "unique": True,
    }
    first, second = (
        raw.LogUniformCandidateSampler(true_classes=np.array([[1], [3]]), **attrs) for _ in range(2)
    )
    assert first.sampled_candidates.numpy().tolist() == [2, 4, 1, 12, 0, 5]
    np.testing.assert_allclose(
        first.true_expected_count.numpy()[:, 0], [0.6812595725059509, 0.456076443195343], rtol=1e-6
    )
    assert second.sampled_candidates.numpy().tolist() == [5, 0, 19, 7, 1, 3]


def test_normal_numbers_between_bounds():
    mean, deviation, low, high = np.float32([1, 2, -1, 3])
    drawn = raw.StatelessParameterizedTruncatedNormal(
        shape=[4], seed=[1, 2], means=mean, stddevs=deviation, minvals=low, maxvals=high
    )
    np.testing.assert_allclose(
        drawn.numpy(), [2.3762417, -0.23181868, 2.9848928, -0.3584504], rtol=1e-6
    )
    with pytest.raises(InvalidArgumentError, match="Invalid parameters"):
        raw.StatelessParameterizedTruncatedNormal(
            shape=[4], seed=[1, 2], means=mean, stddevs=deviation, minvals=high, maxvals=low
        )


def test_a_crop_shows_enough_of_an_object():
    found = raw.StatelessSampleDistortedBoundingBox(
        image_size=np.array([50, 60, 3], np.int32), seed=[1, 2], min_object_covered=np.float32(0.1),
        bounding_boxes=np.float32([[[0.1, 0.2, 0.5, 0.6]]]), aspect_ratio_range=[0.75, 1.33],
    )  # fmt: skip
    assert found.begin.numpy().tolist() == [0, 4, 0]
    assert found.size.numpy().tolist() == [44, 55, -1]


@pytest.mark.parametrize(
    "shape, at, first, second",
    [
        ([3, 5], [0, 5, 14], [-0.590187, -0.062778, -0.163744], [0.046941, -0.660597, -0.886222]),
        (
            [4],
            [0, 1, 2, 3],
            [-0.590187, -0.682285, -0.062778, 0.87852],
            [1.338614, -0.406426, -0.991552, -0.855448],
        ),
    ],
)
def test_rows_and_calls_of_truncated_numbers_begin_where_tensorflow_s_do(shape, at, first, second):
    @tf.function
    def draw():
        return raw.ParameterizedTruncatedNormal(
            shape=shape, means=[0.0], stdevs=[1.0], minvals=[-1.0], maxvals=[2.0], seed=5, seed2=3
        )

    for expected in (first, second):
        np.testing.assert_allclose(draw().numpy().reshape(-1)[at], expected, atol=1e-6)
