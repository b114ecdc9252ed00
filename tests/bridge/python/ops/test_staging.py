"""Barriers, staging areas and queues, as graphs of v1 make them."""

import subprocess
import sys

SCRIPT = """
import penstock; penstock.install_as_tensorflow()
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.ops import data_flow_ops
v1 = tf.compat.v1

def areas():
    area = data_flow_ops.StagingArea([tf.float32], shapes=[[2]])
    put, got, size = area.put([[1.0, 2.0]]), area.get(), area.size()
    assert got[0].shape == [2]
    byname = data_flow_ops.MapStagingArea([tf.float32, tf.int32], names=["x", "n"])
    first, second = byname.put(3, {"x": 1.5}), byname.put(3, {"n": 7})
    incomplete = byname.incomplete_size()
    part, rest = byname.get(3, ["n"]), byname.get()
    return put, got, size, first, second, incomplete, part, rest

for _ in range(2):  # a session has areas of its own
    with tf.Graph().as_default(), v1.Session() as session:
        put, got, size, first, second, incomplete, part, rest = areas()
        session.run(put)
        assert session.run(size) == 1
        assert session.run(got)[0].tolist() == [1, 2] and session.run(size) == 0
        session.run(first)
        assert session.run(incomplete) == 1
        session.run(second)
        assert session.run(part[1]) == {"n": 7}

with tf.Graph().as_default(), v1.Session() as session:
    barrier = data_flow_ops.Barrier((tf.float32, tf.float32), shapes=((), ()), name="B")
    keys = [b"a", b"b"]
    session.run([barrier.insert_many(i, keys, [1.0, 2.0]) for i in range(2)])
    assert session.run(barrier.ready_size()) == 2
    indices, taken, values = session.run(barrier.take_many(2))
    assert indices[0] == indices[1] and sorted(taken.tolist()) == keys

with tf.Graph().as_default():
    with ops.container("mine"):
        queue = v1.FIFOQueue(10, tf.float32)
    assert queue.queue_ref.op.get_attr("container") == b"mine"
    assert queue.queue_ref.op.device == "/device:CPU:*"
    queues = [v1.PaddingFIFOQueue(10, [tf.float32], [s]) for s in ([2, 3], [None, 3])]
    assert v1.QueueBase.from_list(0, queues).shapes[0].as_list() == [None, 3]
"""


def test_data_flow_of_graphs():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)
