"""Resources of one name must be what each op that names them asks for."""

import pytest

import penstock as tf

v1 = tf.compat.v1
FIFO, SHUFFLE, PADDING = v1.FIFOQueue, v1.RandomShuffleQueue, v1.PaddingFIFOQueue


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ((FIFO, 5, tf.float32), (FIFO, 6, tf.float32), "capacity 5, and 6"),
        ((FIFO, 5, tf.float32), (FIFO, 5, tf.int32), r"component types \[float32\], and \[int32\]"),
        (
            (FIFO, 5, tf.float32, [[]]),
            (FIFO, 5, tf.float32),
            r"component shapes \[\(\)\], and \[\]",
        ),
        ((FIFO, 5, tf.float32), (SHUFFLE, 5, 0, tf.float32), "type FIFOQueue, and Random"),
        ((FIFO, 5, tf.float32), (PADDING, 5, tf.float32, [[]]), "type FIFOQueue, and Padding"),
        ((SHUFFLE, 5, 1, tf.float32), (SHUFFLE, 5, 2, tf.float32), "min_after_dequeue 1, and 2"),
        ((PADDING, 5, tf.float32, [[]]), (PADDING, 5, tf.float32, [[None]]), "component shapes"),
    ],
)
def test_queues_of_one_name_are_alike(first, second, what):
    with tf.Graph().as_default(), v1.Session() as session:
        one, other = (make(*rest, shared_name="q") for make, *rest in (first, second))
        session.run(one.enqueue(1.0))
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"Shared queue 'q' has {what}"):
            session.run(other.size())
        same = first[0](*first[1:], shared_name="q")
        assert session.run(same.size()) == 1


def test_seeds_of_one_name_are_alike():
    with tf.Graph().as_default(), v1.Session() as session:
        one, other = (SHUFFLE(5, 0, tf.float32, seed=seed, shared_name="q") for seed in (3, 4))
        session.run(one.size())
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"random seeds \[\d+, 3\]"):
            session.run(other.size())
