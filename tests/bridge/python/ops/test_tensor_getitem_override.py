"""Indexing by which classes of other libraries stand for variables."""

import numpy as np

import penstock as tf
from penstock._src.bridge.names import private_modules

MODULE = private_modules.build("python.ops.tensor_getitem_override", "getitem")


class Parameter:
    """What has a value, as parameters of zfit."""

    __getitem__ = MODULE._slice_helper_var

    def value(self):
        return tf.constant([[1.0, 2.0], [3.0, 4.0]])


def test_variables_are_indexed_and_assigned_to():
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    column = MODULE._slice_helper_var(variable, (slice(None), 1))
    np.testing.assert_array_equal(column, [2.0, 4.0])
    column.assign([9.0, 8.0])
    np.testing.assert_array_equal(variable, [[1.0, 9.0], [3.0, 8.0]])


def test_what_has_a_value_is_indexed():
    np.testing.assert_array_equal(Parameter()[1], [3.0, 4.0])
    np.testing.assert_array_equal(MODULE._slice_helper(tf.range(4), slice(1, 3)), [1, 2])
