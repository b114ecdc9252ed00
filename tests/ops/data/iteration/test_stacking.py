"""Batches of large rows, which are copied one by one."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.iteration.stacking import has_large_rows, stacked_one_by_one

Dataset = tf.data.Dataset
LARGE = (200, 200)  # of float32: more than a batch leaves where it is


def large(number, shape=LARGE):
    return np.full(shape, number, np.float32)


def dataset(shapes):
    return Dataset.from_generator(
        lambda: ((large(at, shape), at) for at, shape in enumerate(shapes)),
        output_signature=(tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int32)),
    )


@pytest.mark.parametrize("drop", [True, False])
def test_large_and_small_components_are_stacked(drop):
    batches = list(dataset([LARGE] * 5).batch(2, drop_remainder=drop).as_numpy_iterator())
    assert [labels.tolist() for _, labels in batches] == [[0, 1], [2, 3], [4]][: 2 if drop else 3]
    for images, labels in batches:
        assert images.shape == (len(labels), *LARGE)
        np.testing.assert_array_equal(images[:, 7, 3], labels)


def test_batches_do_not_share_memory():
    kept = list(dataset([LARGE] * 6).batch(2))
    assert [float(images[0, 0, 0]) for images, _ in kept] == [0, 2, 4]


def test_a_batch_of_different_shapes_is_an_error_and_the_next_one_goes_on():
    made = iter(dataset([LARGE, (300, 200), LARGE, LARGE]).batch(2))
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"component 0.*shape \[200, 200\] and element 1 had shape \[300, 200\]",
    ):
        next(made)
    assert next(made)[1].numpy().tolist() == [2, 3]


def test_a_batch_larger_than_all_data_takes_no_more_memory_than_its_rows():
    (images, _) = next(iter(dataset([LARGE] * 2).batch(1 << 40)))
    assert images.shape == (2, *LARGE)


def test_too_few_elements_are_no_batch():
    first = (large(1),)
    assert has_large_rows(first) and not has_large_rows((np.zeros(3), "text"))
    assert stacked_one_by_one(first, iter(()), 2, least=2) == ()
    assert stacked_one_by_one(first, iter(()), 2, least=1)[0].shape == (1, *LARGE)
