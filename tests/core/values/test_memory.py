"""Memory of large arrays is used again, and never while an array on it lives."""

import subprocess
import sys

import numpy as np
import pytest

from penstock._src.core.values import memory
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.memory import Waiting, size_class

BYTES = 3 << 20
FLOAT = np.dtype(np.float32)


@pytest.fixture(autouse=True)
def none_waiting(monkeypatch):
    monkeypatch.setattr(memory, "waiting", Waiting(8 << 20))


def array():
    return empty_aligned((BYTES // 4,), FLOAT)


def test_memory_of_a_dead_array_is_taken_again():
    first = array()
    place = first.ctypes.data
    del first
    assert memory.waiting.bytes >= BYTES
    assert array().ctypes.data == place


def test_memory_stays_while_a_view_lives():
    first = array()
    view, place = first[5:9], first.ctypes.data
    whole = first.base[:]
    del first
    assert array().ctypes.data != place
    view[:] = 7
    del whole
    assert memory.waiting.bytes == 0 or array().ctypes.data != place
    np.testing.assert_array_equal(view, 7)


def test_only_so_much_waits():
    arrays = [array() for _ in range(5)]
    assert memory.waiting.bytes == 0
    del arrays
    assert BYTES <= memory.waiting.bytes <= 8 << 20


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1, 5_000_001, 1 << 28])
def test_size_classes_waste_an_eighth_at_most(size):
    assert size <= size_class(size) <= size * 1.125 + 1
    assert size_class(size_class(size)) == size_class(size)


def test_what_waits_goes_before_an_array_that_could_not_wait():
    first = array()
    del first
    memory.make_room(8 << 20)
    assert memory.waiting.bytes >= BYTES
    memory.make_room((8 << 20) + 1)
    assert memory.waiting.bytes == 0


def test_an_array_that_outlives_the_modules_of_the_pool_is_freed_in_silence():
    program = """if True:
        import penstock as tf
        from penstock._src.core.values import memory_limit
        memory_limit.kept = tf.ones([1 << 20]) + 1.0  # freed when names of this module are gone
    """
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_block_above_the_limit_leaves_those_that_wait():
    first, large = array(), empty_aligned(((16 << 20) // 4,), FLOAT)
    del first
    waiting = memory.waiting.bytes
    assert waiting >= BYTES
    del large
    assert memory.waiting.bytes == waiting
