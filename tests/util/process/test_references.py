"""Objects that are held alone, and those that are not: by another name, another thread, or a weak reference."""

import threading
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from penstock._src.util.process.layouts import FREE_THREADED
from penstock._src.util.process.references import (
    is_any_value_shared,
    is_item_shared,
    is_value_shared,
)


class Attribute:
    """What an attribute holds."""

    def __init__(self, value):
        self.holder = SimpleNamespace(value=value)

    def get(self):
        return self.holder.value

    def is_shared(self):
        return is_value_shared(self.holder)


class Attributes(Attribute):
    """What the attribute of one of several objects holds."""

    def is_shared(self):
        return is_any_value_shared([SimpleNamespace(value=object()), self.holder], (0, 1))


class Item:
    """What a dictionary holds."""

    def __init__(self, value):
        self.holder = {3: value}

    def get(self):
        return self.holder[3]

    def is_shared(self):
        return is_item_shared(self.holder, 3)


@pytest.fixture(params=[Attribute, Attributes, Item])
def held(request):
    return request.param(np.arange(3))


def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found


def test_what_is_held_alone_is_not_shared(held):
    assert not held.is_shared()
    assert [held.is_shared() for _ in range(1000)] == [False] * 1000  # specialized by then


def test_another_name_shares(held):
    also = held.get()
    assert held.is_shared()
    del also
    assert not held.is_shared()


def test_a_view_shares(held):
    view = held.get()[1:]
    assert held.is_shared()
    del view
    assert not held.is_shared()


def test_another_thread_that_holds_it_shares(held):
    also = in_thread(held.get)
    assert held.is_shared()
    also.clear()
    # Without the GIL this thread gives back what the other one counts, and the counts no longer tell.
    assert held.is_shared() == FREE_THREADED


def test_a_weak_reference_does_not_share(held):
    reference = weakref.ref(held.get())
    assert not held.is_shared()
    in_thread(lambda: reference() is None)
    assert not held.is_shared()


def test_what_another_thread_made_is_shared_without_the_lock(held):
    """Its count may change while this thread reads it."""
    assert in_thread(held.is_shared) == [FREE_THREADED]
    (other,) = in_thread(lambda: type(held)(np.arange(3)))
    assert other.is_shared() == FREE_THREADED
