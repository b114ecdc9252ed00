"""Inputs by queues, readers and accumulators of compat.v1."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def run(session):
    """Starts the queue runners; returns what stops them."""
    session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
    coordinator = v1.train.Coordinator()
    threads = v1.train.start_queue_runners(session, coordinator)

    def stop():
        coordinator.request_stop()
        coordinator.join(threads)

    return stop


def test_lines_of_files_in_batches(tmp_path):
    (tmp_path / "a").write_text("1\n2\n3\n")
    (tmp_path / "b").write_text("4\n5\n")
    with tf.Graph().as_default(), v1.Session() as session:
        files = [str(tmp_path / "a"), str(tmp_path / "b")]
        queue = v1.train.string_input_producer(files, num_epochs=1, shuffle=False)
        reader = v1.TextLineReader()
        _, line = reader.read(queue)
        batch = v1.train.batch([tf.strings.to_number(line)], 2, allow_smaller_final_batch=True)
        assert batch.shape.as_list() == [None]
        count = reader.num_records_produced()
        stop = run(session)
        found = []
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                found.append(session.run(batch).tolist())
        assert found == [[1, 2], [3, 4], [5]]
        assert session.run(count) == 5
        stop()


def test_slices_ranges_and_shuffled_batches():
    with tf.Graph().as_default(), v1.Session() as session:
        number, letter = v1.train.slice_input_producer(
            [np.arange(4), np.array(list("abcd"))], num_epochs=2, shuffle=False
        )
        shuffled = v1.train.shuffle_batch({"n": number, "l": letter}, 4, 10, 2, seed=1)
        numbers = v1.train.range_input_producer(3, shuffle=False)
        kept = v1.train.maybe_batch([numbers.dequeue()], tf.constant(True), 2)
        joined = v1.train.batch_join([[numbers.dequeue()], [numbers.dequeue()]], 2)
        once = v1.train.limit_epochs(tf.constant([1, 2]), 1)
        stop = run(session)
        batches = [session.run(shuffled) for _ in range(2)]
        assert sorted(n for b in batches for n in b["n"]) == [0, 0, 1, 1, 2, 2, 3, 3]
        assert {(n, t) for b in batches for n, t in zip(b["n"], b["l"], strict=True)} == {
            (0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")
        }  # fmt: skip
        assert session.run(kept).shape == session.run(joined).shape == (2,)
        session.run(once)
        with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 1"):
            session.run(once)
        stop()


def test_accumulators():
    with tf.Graph().as_default(), v1.Session() as session:
        dense = v1.ConditionalAccumulator(tf.float32, [2])
        puts = [dense.apply_grad([1.0, 2.0]), dense.apply_grad([3.0, 4.0])]
        taken, count = dense.take_grad(2), dense.num_accumulated()
        for put in puts:
            session.run(put)
        assert session.run(count) == 2
        assert session.run(taken).tolist() == [2, 3]
        assert session.run(count) == 0
        sparse = v1.SparseConditionalAccumulator(tf.float32, [3, 1])
        slices = tf.IndexedSlices(
            [[4.0]], tf.constant([2], tf.int64), tf.constant([3, 1], tf.int64)
        )
        puts = [sparse.apply_grad([0, 2], [[1.0], [2.0]], [3, 1])]
        puts.append(sparse.apply_indexed_slices_grad(slices))
        taken = sparse.take_indexed_slices_grad(2)
        for put in puts:
            session.run(put)
        value = session.run(taken)
        assert (value.indices.tolist(), value.values.tolist()) == ([0, 2], [[1.0], [3.0]])


def test_graphs_only():
    with pytest.raises(RuntimeError, match="eager"):
        v1.train.input_producer([1, 2])
    with pytest.raises(RuntimeError, match="eager"):
        v1.WholeFileReader()


def test_an_initializer_needs_a_dataset_like_the_iterator():
    Dataset, Iterator = tf.compat.v1.data.Dataset, tf.compat.v1.data.Iterator
    with tf.Graph().as_default():
        iterator = Iterator.from_structure((tf.int64, tf.float64), ([None], []))
        assert iterator.string_handle() is iterator.string_handle()
        with pytest.raises(ValueError, match="nested structure"):
            iterator.make_initializer(Dataset.from_tensors((([1],), ([1.0],))))
        with pytest.raises(TypeError, match="Expected output types"):
            iterator.make_initializer(Dataset.from_tensors((np.int32([1]), np.float32(1))))
        with pytest.raises(TypeError, match="Expected output shapes compatible with"):
            iterator.make_initializer(Dataset.from_tensors((np.int64([1]), np.ones(2))))
        with pytest.raises(TypeError):
            Iterator.from_structure((tf.int64, tf.float64), [None])


def test_handles_of_other_iterators_are_refused():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        handle = tf.compat.v1.placeholder(tf.string, [])
        Iterator = tf.compat.v1.data.Iterator
        vectors = Iterator.from_string_handle(handle, tf.int32, [None]).get_next()
        scalars = tf.compat.v1.data.make_one_shot_iterator(
            tf.compat.v1.data.Dataset.from_tensor_slices([1, 2])
        )
        text = session.run(scalars.string_handle())
        assert session.run(scalars.get_next()) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="Incompatible shapes"):
            session.run(vectors, {handle: text})


def test_one_shot_iterators_hold_no_variables():
    with tf.Graph().as_default():
        ds = tf.compat.v1.data.Dataset.range(3).map(tf.compat.v1.Variable(np.int64(1)).__add__)
        with pytest.raises(ValueError, match="captures a stateful object"):
            tf.compat.v1.data.make_one_shot_iterator(ds)
