"""`tensorflow.python.trackable.base`."""

import penstock as tf
from penstock._src.bridge.python.trackable import base


def test_attributes_are_not_tracked_within_the_scope():
    module = tf.Module()
    with base.no_automatic_dependency_tracking_scope(module):
        module.hidden = [tf.Variable(1.0)]
    module.seen = [tf.Variable(2.0)]
    assert type(module.hidden) is list
    assert list(module._trackable_children()) == ["seen"]


def test_a_scope_within_a_scope_leaves_tracking_off():
    module = tf.Module()
    with base.no_automatic_dependency_tracking_scope(module):
        with base.no_automatic_dependency_tracking_scope(module):
            pass
        module.hidden = [tf.Variable(1.0)]
    assert type(module.hidden) is list
