"""TensorFlow's private classes of datasets, which tests make by their constructors."""

import penstock as tf
from penstock._src.bridge.internals import datasets


def test_maps_are_made_by_their_classes():
    source = tf.data.Dataset.range(4)
    plain = datasets._MapDataset(source, lambda x: x + 1)
    parallel = datasets._ParallelMapDataset(
        plain, lambda x: x * 2, num_parallel_calls=2, deterministic=True
    )
    assert list(parallel.as_numpy_iterator()) == [2, 4, 6, 8]
    assert isinstance(parallel, datasets._ParallelMapDataset)
    assert isinstance(plain, datasets._MapDataset) and not isinstance(
        plain, datasets._ParallelMapDataset
    )
