"""Sets in rows of sparse tensors: what is refused."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "indices, shape, said",
    [
        ([[0, 0], [5, 0]], [2, 3], r"indices\[1\] = \[5,0\] is out of bounds"),
        ([[1, 0], [0, 0]], [2, 3], r"indices\[1\] = \[0,0\] is out of order"),
        ([[0], [1]], [2], "Invalid rank 1"),
    ],
)
def test_indices_of_sets_are_checked(indices, shape, said):
    given = {"set_indices": np.array(indices), "set_values": [1, 1], "set_shape": np.array(shape)}
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        tf.raw_ops.SetSize(**given)


def test_without_checks_an_index_outside_is_an_internal_error():
    given = {"set_values": [1], "set_shape": np.array([2, 3]), "validate_indices": False}
    with pytest.raises(tf.errors.InternalError, match="expected < 2, got 5"):
        tf.raw_ops.SetSize(set_indices=np.array([[5, 0]]), **given)
