"""Values of partitioned variables."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def test_a_list_has_a_value_for_each_partition():
    with tf.Graph().as_default(), v1.Session() as session:
        cut = v1.fixed_size_partitioner(2)
        whole = v1.get_variable("v", [4], initializer=v1.zeros_initializer(), partitioner=cut)
        session.run(v1.global_variables_initializer())
        session.run(whole.assign([[1.0, 2.0], [3.0, 4.0]]))
        session.run(whole.assign_add(tf.ones([4])))
        np.testing.assert_array_equal(session.run(whole.as_tensor()), [2, 3, 4, 5])


@pytest.mark.parametrize("sizes", [{"max_shard_bytes": 0}, {"max_shard_bytes": 8, "max_shards": 0}])
def test_sizes_of_partitions_are_positive(sizes):
    with pytest.raises(ValueError, match="must be positive"):
        v1.variable_axis_size_partitioner(**sizes)
