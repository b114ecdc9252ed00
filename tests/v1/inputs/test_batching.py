"""Batches of examples from queues: sparse components, what is refused, and the threads that fill them."""

import pytest

import penstock as tf

v1 = tf.compat.v1


def batches(make, count=2):
    """Runs a graph's input pipeline; returns `count` batches."""
    with tf.Graph().as_default(), v1.Session() as session:
        number = v1.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
        taken = make(number)
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        coordinator = v1.train.Coordinator()
        threads = v1.train.start_queue_runners(session, coordinator)
        found = [session.run(taken) for _ in range(count)]
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=20)
        return found


def sparse_row(number):
    """A sparse vector with the number at the position of the number."""
    return tf.SparseTensor(tf.reshape(tf.cast(number, tf.int64), [1, 1]), [number], [6])


def test_sparse_examples_are_batched():
    first, second = batches(lambda n: v1.train.batch([n, sparse_row(n)], 2))
    assert first[0].tolist() == [0, 1]
    assert first[1].indices.tolist() == [[0, 0], [1, 1]]
    assert second[1].values.tolist() == [2, 3]
    assert second[1].dense_shape.tolist() == [2, 6]


def test_sparse_examples_of_two_sources():
    (taken,) = batches(
        lambda n: v1.train.batch_join([{"s": sparse_row(n)}, {"s": sparse_row(n)}], 4), 1
    )
    assert sorted(taken["s"].values.tolist()) == [0, 1, 2, 3]


def test_several_sparse_examples_and_which_are_kept():
    def make(number):
        rows = tf.sparse.from_dense([[1, 0], [0, 2], [3, 4]])
        return v1.train.maybe_batch([rows], [True, False, True], 2, enqueue_many=True)

    (taken,) = batches(make, 1)
    assert taken.values.tolist() == [1, 3, 4] and taken.indices.tolist() == [[0, 0], [1, 0], [1, 1]]


def test_examples_are_kept_by_a_condition():
    (taken,) = batches(lambda n: v1.train.maybe_batch([n], n > 1, 2), 1)
    assert taken.tolist() == [2, 3]


def test_no_strings_end_the_queue():
    with tf.Graph().as_default(), v1.Session() as session:
        line = v1.train.string_input_producer(tf.constant([], tf.string)).dequeue()
        coordinator = v1.train.Coordinator()
        threads = v1.train.start_queue_runners(session, coordinator)
        with pytest.raises(tf.errors.OutOfRangeError, match="is closed and has insufficient"):
            session.run(line)
        with pytest.raises(tf.errors.InvalidArgumentError, match="non-null input tensor"):
            coordinator.join(threads)


def test_wrong_arguments_are_refused():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match=r"at least one tensor in batch\(\)"):
            v1.train.batch([], 2)
        with pytest.raises(ValueError, match="at least one set of tensors"):
            v1.train.batch_join([], 2)
        with pytest.raises(ValueError, match="same keys"):
            v1.train.batch_join([{"a": 1}, {"b": 1}], 2)
        with pytest.raises(ValueError, match="must be bigger than min_after_dequeue 20"):
            v1.train.shuffle_batch([1], 2, 10, 20)
        with pytest.raises(ValueError, match="cannot be a vector"):
            v1.train.maybe_batch([1], [True, False], 2)
        with pytest.raises(ValueError, match="known at graph construction"):
            v1.train.maybe_batch([1], v1.placeholder(tf.bool), 2)
        assert v1.train.batch([1], tf.constant(3)).shape == [3]


def test_names_of_queues_and_threads():
    with tf.Graph().as_default(), v1.Session() as session:
        assert v1.train.string_input_producer(["a"], name="files").name == "files"
        v1.train.input_producer(tf.constant([1]))
        assert len(v1.get_collection(v1.GraphKeys.SUMMARIES)) == 1
        queue = tf.queue.FIFOQueue(2, tf.int32, name="numbers")
        runner = v1.train.QueueRunner(queue, [queue.enqueue(1, name="put")])
        threads = runner.create_threads(session, v1.train.Coordinator())
        assert [thread.name for thread in threads] == [
            "QueueRunnerThread-numbers-put",
            "QueueRunnerThread-numbers-close_on_stop",
        ]
        with pytest.raises(TypeError):
            v1.train.QueueRunner(queue, [queue.close()], queue_closed_exception_types=(1,))
        with pytest.raises(TypeError, match=r"must be a `tf.Session` object"):
            v1.train.start_queue_runners("session")


def test_matching_files_are_a_local_variable(tmp_path):
    (tmp_path / "a").touch()
    with tf.Graph().as_default(), v1.Session() as session:
        found = tf.io.match_filenames_once(str(tmp_path / "*"))
        session.run(v1.local_variables_initializer())
        assert session.run(found).tolist() == [str(tmp_path / "a").encode()]
        assert v1.local_variables() == [found] and not v1.global_variables()
