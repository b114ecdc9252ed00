"""Variables of graphs and of eager programs, as libraries tell them apart."""

import penstock as tf


def test_variables_of_graphs_say_that_they_are():
    # recorded from TensorFlow 2.21; Keras 2 reads values by it
    made = []

    @tf.function
    def lifted():
        if not made:
            made.append(tf.Variable(1.0))

    lifted()
    with tf.Graph().as_default():
        in_graph = tf.compat.v1.get_variable("a", [], use_resource=True)
        with tf.init_scope():
            within = tf.Variable(1.0)
    assert [v._in_graph_mode for v in (tf.Variable(1.0), *made)] == [False, False]
    assert [v._in_graph_mode for v in (in_graph, within)] == [True, True]
