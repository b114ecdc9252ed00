"""Accumulators, barriers and readers. Expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

v1, raw = tf.compat.v1, tf.raw_ops


def test_mean_of_gradients_drops_those_of_past_steps():
    handle = raw.ResourceConditionalAccumulator(dtype=tf.float32, shape=[2])
    for step, gradient in ((0, [1, 2]), (0, [3, 4])):
        raw.ResourceAccumulatorApplyGradient(
            handle=handle, local_step=step, gradient=np.float32(gradient)
        )
    assert raw.ResourceAccumulatorNumAccumulated(handle=handle).numpy() == 2
    mean = raw.ResourceAccumulatorTakeGradient(handle=handle, num_required=2, dtype=tf.float32)
    assert mean.numpy().tolist() == [2, 3]
    raw.ResourceAccumulatorApplyGradient(handle=handle, local_step=0, gradient=np.float32([9, 9]))
    assert raw.ResourceAccumulatorNumAccumulated(handle=handle).numpy() == 0


def test_sparse_gradients_are_averaged_by_row():
    with tf.Graph().as_default(), v1.Session() as session:
        handle = raw.SparseConditionalAccumulator(dtype=tf.float32, shape=[3, 1])
        for indices, values in (([0, 2], [[1], [2]]), ([2], [[4]])):
            session.run(
                raw.SparseAccumulatorApplyGradient(
                    handle=handle, local_step=0, gradient_indices=np.int64(indices),
                    gradient_values=np.float32(values), gradient_shape=np.int64([3, 1]),
                    has_known_shape=True,
                )
            )  # fmt: skip
        taken = raw.SparseAccumulatorTakeGradient(handle=handle, num_required=2, dtype=tf.float32)
        indices, values, shape = session.run(taken)
    assert indices.tolist() == [0, 2] and values.tolist() == [[1], [3]] and shape.tolist() == [3, 1]


def test_barrier_gives_whole_tuples():
    with tf.Graph().as_default(), v1.Session() as session:
        handle = raw.Barrier(component_types=[tf.float32, tf.int32], shapes=[[], []])
        keys = [b"a", b"b"]

        def insert(at, keys, values):
            session.run(
                raw.BarrierInsertMany(handle=handle, component_index=at, keys=keys, values=values)
            )

        insert(0, keys, np.float32([1, 2]))
        insert(1, [b"b"], np.int32([20]))
        sizes = raw.BarrierReadySize(handle=handle), raw.BarrierIncompleteSize(handle=handle)
        assert session.run(sizes) == (1, 1)
        taken = raw.BarrierTakeMany(
            handle=handle, num_elements=1, component_types=[tf.float32, tf.int32]
        )
        indices, found, values = session.run(list(taken))
        assert indices.tolist() == [-(2**63)] and found.tolist() == [b"b"]
        assert [v.tolist() for v in values] == [[2.0], [20]]


def test_reader_takes_names_from_a_queue(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"title\none\r\ntwo\n")
    names = raw.FIFOQueueV2(component_types=[tf.string], shapes=[[]])
    raw.QueueEnqueueV2(handle=names, components=[str(path)])
    raw.QueueCloseV2(handle=names)
    reader = raw.TextLineReaderV2(skip_header_lines=1)
    key, value = raw.ReaderReadV2(reader_handle=reader, queue_handle=names)
    assert (key.numpy(), value.numpy()) == (f"{path}:2".encode(), b"one")
    keys, values = raw.ReaderReadUpToV2(reader_handle=reader, queue_handle=names, num_records=5)
    assert values.numpy().tolist() == [b"two"]
    with pytest.raises(tf.errors.OutOfRangeError):
        raw.ReaderReadV2(reader_handle=reader, queue_handle=names)
