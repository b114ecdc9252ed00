"""Values of partitioned variables."""

import numpy as np

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
