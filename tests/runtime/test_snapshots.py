"""What reads a variable in one thread, while a program in another writes into it in place, gets the value before or after."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import resources

SIZE = 1_000_000


@pytest.fixture
def counter():
    """(a variable of equal elements, a function that adds 1 to each three times)."""
    v = tf.Variable(tf.zeros(SIZE))

    @tf.function
    def add():
        for _ in range(3):
            v.assign(v + 1.0)

    add()
    return v, add


def spreads(read, add, times=150):
    """What `read` gave in two threads while a third called `add`."""
    found = []

    def reading():
        found.extend(read() for _ in range(times))

    threads = [threading.Thread(target=reading) for _ in range(2)]
    threads.append(threading.Thread(target=lambda: [add() for _ in range(times)]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_programs_read_whole_values(counter):
    v, add = counter
    spread = tf.function(lambda: tf.reduce_max(v) - tf.reduce_min(v))
    spread()
    assert set(map(float, spreads(spread, add))) == {0.0}
    assert float(v[0]) == 3.0 * 151


def test_eager_code_reads_whole_values(counter):
    v, add = counter
    assert set(spreads(lambda: float(np.ptp(v.numpy())), add)) == {0.0}


def test_nothing_is_written_once_programs_have_ended(counter):
    v, add = counter
    add()
    assert not resources.WRITING
    assert not resources.is_written([v.handle])
