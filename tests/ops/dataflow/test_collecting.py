"""Accumulators, barriers and readers. Expected values are TensorFlow's."""

import pathlib

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


@pytest.mark.parametrize("make", [v1.IdentityReader, v1.WholeFileReader])
def test_a_reader_of_whole_units_serializes_its_state(make, tmp_path):
    names = [str(tmp_path / name) for name in "ab"]
    for name in names:
        pathlib.Path(name).write_bytes(b"content")
    with tf.Graph().as_default(), v1.Session() as session:
        reader, queue = make("reader"), v1.FIFOQueue(9, [tf.string], shapes=())
        session.run(queue.enqueue_many([names]))
        given = v1.placeholder(tf.string, [])
        read, restore = reader.read(queue), reader.restore_state(given)
        counts = [reader.num_records_produced(), reader.num_work_units_completed()]
        state = reader.serialize_state()
        assert session.run(state) == b""
        session.run(read)
        assert session.run(counts) == [1, 1]
        kept = session.run(state)
        assert kept == b'\x08\x01\x10\x01\x18\x01"' + bytes([len(names[0])]) + names[0].encode()
        session.run(read)
        session.run(restore, {given: kept})
        assert session.run([*counts, state]) == [1, 1, kept]
        for damaged, message in [
            (kept + b"junk", f"Could not parse state for {make.__name__} 'reader'"),
            (b"\x08\x02\x10\x01", "Inconsistent work started vs. finished"),
            (b"\x18" + b"\xff" * 9 + b"\x01", "Unexpected negative value"),
        ]:
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                session.run(restore, {given: damaged})
            assert session.run([*counts, state]) == [0, 0, b""]


def test_a_reader_of_lines_has_no_state_to_serialize():
    with tf.Graph().as_default(), v1.Session() as session:
        reader = v1.TextLineReader()
        for step in (reader.serialize_state(), reader.restore_state("")):
            with pytest.raises(tf.errors.UnimplementedError, match="State not implemented"):
                session.run(step)


def test_a_reader_does_not_pass_over_a_record_that_raised_an_error(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        writer.write(b"first")
        writer.write(b"second")
    content = (tmp_path / "records").read_bytes()
    (tmp_path / "cut").write_bytes(content[:-1])
    missing, cut, good = (str(tmp_path / name) for name in ("missing", "cut", "records"))
    with tf.Graph().as_default(), v1.Session() as session:
        for make, names, error in [
            (v1.WholeFileReader, [missing, good], tf.errors.NotFoundError),
            (v1.TFRecordReader, [cut, good], tf.errors.DataLossError),
        ]:
            reader, queue = make(), v1.FIFOQueue(9, [tf.string], shapes=())
            session.run(queue.enqueue_many([names]))
            read = reader.read(queue)
            if make is v1.TFRecordReader:
                assert session.run(read[1]) == b"first"
            for _ in range(3):
                with pytest.raises(error):
                    session.run(read)
                assert session.run([reader.num_work_units_completed(), queue.size()]) == [0, 1]
            if make is v1.WholeFileReader:  # it reads the file as soon as there is one
                (tmp_path / "missing").write_bytes(b"late")
                assert session.run(read) == (missing.encode(), b"late")
                assert session.run(reader.num_work_units_completed()) == 1
