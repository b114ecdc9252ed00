"""`tensorflow.python.framework.memory_checker`."""

import gc

import pytest

import penstock as tf
from penstock._src.bridge.python.framework.memory_checker import MemoryChecker

pytestmark = [pytest.mark.own_process, pytest.mark.usefixtures("new_objects_only")]


def record(step):
    gc.collect()
    with MemoryChecker() as checker:
        for _ in range(4):
            step()
            checker.record_snapshot()
    return checker


def test_what_grows_at_each_snapshot_is_a_leak():
    held = []
    checker = record(lambda: held.append(tf.constant(1)))
    with pytest.raises(AssertionError, match="EagerTensor"):
        checker.assert_no_leak_if_all_possibly_except_one()
    with pytest.raises(AssertionError, match="exceed the threshold"):
        checker.assert_no_new_python_objects()
    kind = type(held[0])
    checker.assert_no_new_python_objects(threshold={f"{kind.__module__}.{kind.__name__}": 3})


def test_variables_that_are_used_leave_nothing_behind():
    def step():
        variable = tf.Variable([1.0, 2.0])
        variable.assign_add([1.0, 2.0])

    step()
    checker = record(step)
    checker.assert_no_leak_if_all_possibly_except_one()
    checker.assert_no_new_python_objects(threshold={"builtins.hamt_bitmap_node": 9})
