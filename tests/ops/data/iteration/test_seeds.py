"""Seeds of datasets that several threads iterate over."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import penstock as tf
from penstock._src.ops.data.iteration.seeds import SeedGenerator


@pytest.fixture
def threads():
    """Threads that take turns often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(8) as pool:
        yield pool
    sys.setswitchinterval(interval)


def test_iterations_that_begin_in_several_threads_have_seeds_of_their_own(threads):
    together, alone = SeedGenerator(3, 4, True), SeedGenerator(3, 4, True)
    found = list(threads.map(lambda _: together.next(), range(4000)))
    assert sorted(found) == sorted(alone.next() for _ in range(4000))
    assert together.state() == [3, 4, 4000]


def test_one_dataset_is_shuffled_in_several_threads(threads):
    data = tf.data.Dataset.range(20).shuffle(5)
    for found in threads.map(lambda _: sorted(map(int, data.as_numpy_iterator())), range(400)):
        assert found == list(range(20))
