"""The layers of monitored sessions, each by itself."""

import pytest

import penstock.compat.v1 as tf
from penstock._src.bridge.python.training import monitored_session, training_util


class Fetching(tf.train.SessionRunHook):
    def __init__(self, tensor, feeds=None):
        self.tensor, self.feeds, self.values = tensor, feeds, []

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(self.tensor, self.feeds)

    def after_run(self, run_context, run_values):
        self.values.append(run_values.results)


def test_hooks_add_fetches_and_feeds():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder_with_default(1.0, [])
        first, second = Fetching(x + 1, {x: 3.0}), Fetching(x)
        hooked = monitored_session._HookedSession(session, [first, second])
        assert hooked.run(2 * x) == 6
        assert (first.values, second.values) == ([4], [3])
        with pytest.raises(RuntimeError, match="fed by a SessionRunHook and user"):
            hooked.run(x, feed_dict={x: 1.0})


def test_a_lost_server_makes_a_new_session():
    class Failing(monitored_session._WrappedSession):
        lost = 0

        def run(self, *args, **kwargs):
            Failing.lost += 1
            if Failing.lost == 1:
                raise tf.errors.AbortedError(None, None, "gone")
            return super().run(*args, **kwargs)

    class Creator:
        made = 0

        def create_session(self):
            self.made += 1
            return Failing(tf.Session())

    with tf.Graph().as_default():
        x, creator = tf.constant(5), Creator()
        session = monitored_session._RecoverableSession(creator)
        assert session.run(x) == 5
        assert creator.made == 2
        session.close()
        assert session.should_stop()


def test_errors_of_threads_are_raised_by_the_session():
    with tf.Graph().as_default(), tf.Session() as session:
        coordinator = tf.train.Coordinator()
        layered = monitored_session._CoordinatedSession(session, coordinator)
        assert not layered.should_stop()
        coordinator.request_stop(ValueError("in a thread"))
        with pytest.raises(ValueError, match="in a thread"):
            layered.should_stop()


def test_the_step_counter_is_read_before_it_grows():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        with pytest.raises(ValueError, match="should be created"):
            training_util._increment_global_step(1)
        counter = tf.train.create_global_step()
        read = training_util._get_or_create_global_step_read()
        assert training_util._get_or_create_global_step_read(graph) is read
        session.run(counter.initializer)
        grown = training_util._increment_global_step(3)
        assert session.run([read, grown]) == [0, 3]
