"""Queues, critical sections and batched calls, among threads too. Orders are TensorFlow's."""

import threading

import numpy as np
import pytest

import penstock as tf


def test_elements_come_out_in_order():
    queue = tf.queue.FIFOQueue(3, [tf.int32, tf.string], [[], []], names=["number", "word"])
    queue.enqueue({"number": 1, "word": "a"})
    queue.enqueue_many({"number": [2, 3], "word": ["b", "c"]})
    assert queue.size().numpy() == 3
    assert queue.dequeue()["word"].numpy() == b"a"
    np.testing.assert_array_equal(queue.dequeue_many(2)["number"], [2, 3])


def test_a_closed_queue():
    queue = tf.queue.FIFOQueue(3, [tf.int32], [[]])
    queue.enqueue(1)
    queue.close()
    assert queue.is_closed()
    with pytest.raises(tf.errors.CancelledError, match="is closed"):
        queue.enqueue(2)
    with pytest.raises(tf.errors.OutOfRangeError, match="requested 2, current size 1"):
        queue.dequeue_many(2)
    np.testing.assert_array_equal(queue.dequeue_up_to(2), [1])


def test_threads_wait_for_one_another():
    queue = tf.queue.FIFOQueue(2, [tf.int32], [[]])
    producer = threading.Thread(target=lambda: [queue.enqueue(i) for i in range(20)])
    producer.start()
    assert [int(queue.dequeue()) for _ in range(20)] == list(range(20))
    producer.join()


def test_the_order_of_a_shuffling_queue():
    # recorded from TensorFlow 2.21
    tf.random.set_seed(5)
    queue = tf.queue.RandomShuffleQueue(20, 0, [tf.int32], [[]])
    queue.enqueue_many([list(range(10))])
    assert queue.dequeue_many(10).numpy().tolist() == [0, 4, 9, 5, 1, 6, 8, 2, 3, 7]


def test_padding():
    queue = tf.queue.PaddingFIFOQueue(5, [tf.int32], [[None]])
    queue.enqueue([[1, 2]])
    queue.enqueue([[3, 4, 5]])
    np.testing.assert_array_equal(queue.dequeue_many(2), [[1, 2, 0], [3, 4, 5]])


def test_priorities():
    queue = tf.queue.PriorityQueue(5, [tf.string], [[]])
    for number, word in ((3, "c"), (1, "a"), (2, "b")):
        queue.enqueue((tf.constant(number, tf.int64), word))
    assert queue.dequeue()[1].numpy() == b"a"
    assert queue.dequeue_many(2)[1].numpy().tolist() == [b"b", b"c"]


def test_a_session_keeps_its_queues():
    with tf.Graph().as_default():
        queue = tf.queue.FIFOQueue(3, [tf.int32], [[]])
        add, take = queue.enqueue(7), queue.dequeue()
        with tf.compat.v1.Session() as session:
            session.run(add)
            assert session.run(take) == 7


def test_shapes_are_checked():
    queue = tf.queue.FIFOQueue(3, [tf.int32], [[2]])
    with pytest.raises(ValueError, match="incompatible"):
        queue.enqueue(1)


def test_a_critical_section():
    section, total = tf.CriticalSection(), tf.Variable(0)

    @tf.function
    def step():
        return section.execute(lambda: total.assign_add(1) + 0)

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total.numpy() == 4
    with pytest.raises(ValueError, match="already running"):
        section.execute(lambda: section.execute(lambda: 1))


def test_calls_of_threads_are_batched():
    sizes = []

    @tf.nondifferentiable_batch_function(1, 4, 200_000, allowed_batch_sizes=[2, 4])
    def double(x):
        sizes.append(x.shape[0])
        return x * 2

    results = {}
    threads = [
        threading.Thread(target=lambda i=i: results.update({i: double(tf.fill([1, 1], i))}))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {i: int(r[0, 0]) for i, r in results.items()} == {0: 0, 1: 2, 2: 4, 3: 6}
    assert set(sizes) <= {2, 4}


def test_positions_in_a_permutation():
    # recorded from TensorFlow 2.21
    shuffled = tf.random.experimental.index_shuffle(tf.range(10), [5, 9], 9)
    assert shuffled.numpy().tolist() == [8, 0, 6, 3, 1, 5, 4, 7, 2, 9]
    far = [int(tf.random.experimental.index_shuffle(i, [i, 9], 1000003)) for i in range(5)]
    assert far == [202516, 132628, 78854, 9494, 481077]


def test_the_least_number_of_shuffled_elements_is_not_negative():
    with pytest.raises(tf.errors.InvalidArgumentError, match="min_after_dequeue -1 must be >= 0"):
        tf.queue.RandomShuffleQueue(5, -1, [tf.int32], shapes=[()])
