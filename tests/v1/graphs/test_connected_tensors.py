"""CallableOptions with connections: tensors replaced by other tensors of the graph."""

import numpy as np

import penstock as tf
from penstock._src.proto.config import CallableOptions

v1 = tf.compat.v1


def options(fetch, target=(), feed=(), connections=()):
    made = CallableOptions()
    made.fetch.extend(fetch)
    made.target.extend(target)
    made.feed.extend(feed)
    for source, replaced in connections:
        connection = made.tensor_connection.add()
        connection.from_tensor, connection.to_tensor = source, replaced
    return made


def test_a_placeholder_reads_an_iterator_once_for_each_call():
    with tf.Graph().as_default(), v1.Session() as session:
        rows = v1.data.make_one_shot_iterator(v1.data.Dataset.range(6).batch(2)).get_next()
        x = v1.placeholder(tf.int64, [None], name="x")
        scale = v1.placeholder(tf.int64, [], name="scale")
        total = v1.get_variable("total", [], tf.int64, v1.zeros_initializer())
        session.run(total.initializer)
        y = x * scale + 0 * rows  # reads the iterator, too: in the same run
        update = total.assign_add(tf.reduce_sum(x))
        call = session._make_callable_from_options(
            options([y.name, rows.name], [update.op.name], ["scale:0"], [(rows.name, "x:0")])
        )
        for number in range(3):
            expected = np.array([2 * number, 2 * number + 1])
            scaled, read = call(np.int64(10))
            assert scaled.tolist() == (10 * expected).tolist()
            assert read.tolist() == expected.tolist()
        assert session.run(total) == 15
