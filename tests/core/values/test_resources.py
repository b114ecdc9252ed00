"""Variables that a kernel may change in place."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import resources
from penstock._src.core.values.resources import VariableHandle


@pytest.fixture
def handle():
    return VariableHandle([3], tf.float32, value=np.zeros(3, np.float32))


def updated(handle):
    with resources.used_alone():
        handle.value = handle.to_update()
    handle.value += 1


def test_a_value_that_nothing_else_holds_is_updated_in_place(handle):
    address = handle.value.ctypes.data
    updated(handle)
    assert (handle.value.ctypes.data, handle.version) == (address, 1)


def test_a_value_that_was_read_is_copied_first(handle):
    snapshot = handle.read()
    updated(handle)
    assert (snapshot.tolist(), handle.value.tolist()) == ([0, 0, 0], [1, 1, 1])


def test_a_value_with_a_view_is_copied_first(handle):
    view = handle.read()[1:]
    updated(handle)
    assert (view.tolist(), handle.value.tolist()) == ([0, 0], [1, 1, 1])


def test_a_value_is_copied_where_others_may_use_the_variable(handle):
    assert handle.to_update() is not handle.value
