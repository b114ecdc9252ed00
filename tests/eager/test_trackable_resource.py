"""Resources: who is told of new ones, and who makes them."""

import pytest

import penstock as tf
from penstock._src.eager.trackable_resource import (
    ResourceTracker,
    resource_creator_scope,
    resource_tracker_scope,
)


class Named(tf.saved_model.experimental.TrackableResource):
    def __init__(self, name):
        super().__init__()
        self.name = name


def table():
    keys = tf.lookup.KeyValueTensorInitializer(["a"], [1])
    return tf.lookup.StaticHashTable(keys, -1)


def test_trackers_hear_of_resources_within():
    outer, inner = ResourceTracker(), ResourceTracker()
    with resource_tracker_scope(outer):
        first = Named("first")
        with resource_tracker_scope(inner):
            second = table()
    Named("unheard of")
    assert outer.resources == [first, second] and inner.resources == [second]


def renamed(next_creator, *args, **kwargs):
    made = next_creator(*args, **kwargs)
    made.name += "!"
    return made


def other(next_creator, name):
    return next_creator(f"other {name}")


def test_creators_make_resources_of_their_class():
    with resource_creator_scope(["Named", "StaticHashTable"], renamed):
        with resource_creator_scope("Named", other):
            assert Named("name").name == "other name!"
        assert Named(name="name").name == "name!"
    with resource_creator_scope("Other", renamed):
        assert Named("name").name == "name"


def test_scopes_of_creators_are_nested():
    outer = resource_creator_scope("Named", renamed)
    outer.__enter__()
    with (
        resource_creator_scope("Named", other),
        pytest.raises(RuntimeError, match="proper nesting"),
    ):
        outer.__exit__(None, None, None)
