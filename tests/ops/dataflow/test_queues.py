"""Queues that are closed while others wait, and closed again."""

import threading

import pytest

import penstock as tf

pytestmark = pytest.mark.timed


def test_a_closed_queue_is_closed_again_only_with_cancellation():
    queue = tf.queue.FIFOQueue(3, [tf.float32], [[]])
    queue.enqueue(1.0)
    queue.close()
    queue.close(cancel_pending_enqueues=True)
    with pytest.raises(tf.errors.CancelledError, match="already closed"):
        queue.close()
    assert bool(queue.is_closed())
    assert float(queue.dequeue()) == 1.0


@pytest.mark.parametrize("cancels", [False, True])
def test_closing_cancels_waiting_enqueues_or_lets_them_end(cancels):
    queue = tf.queue.FIFOQueue(1, [tf.float32], [[]])
    queue.enqueue(1.0)
    results = []

    def enqueue():
        try:
            queue.enqueue(2.0)
            results.append("enqueued")
        except tf.errors.CancelledError:
            results.append("cancelled")

    threads = [threading.Thread(target=enqueue)]
    threads[0].start()
    while not queue.queue_ref._value.pending:
        threads[0].join(0.01)
    threads.append(threading.Thread(target=queue.close, args=(cancels,)))
    threads[1].start()
    if cancels:
        threads[1].join(10)
    assert float(queue.dequeue()) == 1.0
    for thread in threads:
        thread.join(10)
    assert results == ["cancelled" if cancels else "enqueued"]
    assert int(queue.size()) == (0 if cancels else 1)


def test_a_padding_queue_stacks_computed_strings_as_bytes():
    queue = tf.queue.PaddingFIFOQueue(3, [tf.string], [[]])
    for word in ("a", "b"):
        queue.enqueue(tf.strings.join([word, "!"]))
    assert queue.dequeue_many(2).numpy().tolist() == [b"a!", b"b!"]
