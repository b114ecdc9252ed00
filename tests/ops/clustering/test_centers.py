"""First centers of clusters, and the nearest ones."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
POINTS = np.float32([[0, 0], [3, 4], [0.1, 0], [3, 4.1]])


def test_nearest_centers():
    centers = np.float32([[1, 0], [3, 3], [0, 0]])
    places, distances = raw.NearestNeighbors(points=POINTS[:2], centers=centers, k=2)
    assert places.numpy().tolist() == [[2, 0], [1, 0]]
    assert distances.numpy().tolist() == [[0, 1], [1, 20]]
    assert raw.NearestNeighbors(points=POINTS, centers=centers, k=9)[0].shape == (4, 3)


def test_chains_end_where_tensorflows_do():
    distances = np.float32([9.0, 1.0, 4.0, 2.0, 7.0, 0.5, 3.0, 0.2, 1.0, 0.3])
    ends = [int(raw.KMC2ChainInitialization(distances=distances, seed=s)) for s in range(6)]
    assert ends == [6, 6, 6, 0, 4, 4]


def test_centers_lie_apart():
    for seed in range(5):
        made = raw.KmeansPlusPlusInitialization(
            points=POINTS, num_to_sample=2, seed=seed, num_retries_per_sample=2
        ).numpy()
        assert np.linalg.norm(made[0] - made[1]) > 4


@pytest.mark.parametrize("count", [0, 5])
def test_too_many_centers(count):
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_to_sample"):
        raw.KmeansPlusPlusInitialization(
            points=POINTS, num_to_sample=count, seed=1, num_retries_per_sample=0
        )
