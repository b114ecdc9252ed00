"""What sessions take: targets, configs, options, feeds of every structure; and what they tell of a run."""

import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.client import device_lib
from penstock._src.bridge.python.framework import stack
from penstock._src.v1.graphs import timeline

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as made:
        yield made


def test_what_is_refused(session):
    with pytest.raises(TypeError, match="`target` must be a string"):
        v1.Session(37)
    with pytest.raises(TypeError, match=r"`config` must be a tf\.ConfigProto"):
        v1.Session(config=37)
    with pytest.raises(tf.errors.NotFoundError, match="No session factory registered"):
        v1.Session("elsewhere")
    with pytest.raises(RuntimeError, match="not re-entrant"), session:
        pass
    number = v1.placeholder(tf.int32)
    with pytest.raises(TypeError, match="is not compatible with Tensor type"):
        session.run(number, {number: 2**40})


def test_default_sessions_end_in_order():
    with tf.Graph().as_default():
        contexts = [v1.Session().as_default() for _ in range(2)]
        for context in contexts:
            context.__enter__()
        with pytest.raises(AssertionError, match="Nesting violated"):
            contexts[0].__exit__(None, None, None)
        stack._default_session_stack.reset()
        assert v1.get_default_session() is None


def test_keys_of_feeds_may_be_nested(session):
    x, y, z = (v1.placeholder(tf.float32) for _ in range(3))
    fed = {((x,), y): ((1.0,), 2.0), z: 3.0}
    assert session.run([x + y, z], fed) == [3.0, 3.0]


def test_an_error_has_its_operation(session):
    x = v1.placeholder(tf.float32, name="x")
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(x + 1.0)
    assert caught.value.op is x.op
    assert caught.value.node_def.name == "x"


def test_a_traced_run_tells_what_ran(session):
    x = v1.placeholder(tf.string)
    lower = tf.strings.lower(x, name="lower")
    told = v1.RunMetadata()
    session.run(lower, {x: "A"}, run_metadata=told)
    assert not told.HasField("step_stats")
    options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
    call = session.make_callable(lower, [x], accept_options=True)
    assert call("A", options=options, run_metadata=told) == b"a"
    (device,) = told.step_stats.dev_stats
    assert "lower" in [node.node_name for node in device.node_stats]
    trace = json.loads(timeline.Timeline(told.step_stats).generate_chrome_trace_format())
    assert "StringLower" in [event["name"] for event in trace["traceEvents"]]


def test_a_config_says_how_many_devices_there_are():
    config = v1.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default():
        names = [device.name for device in v1.Session(config=config).list_devices()]
    assert names[1] == "/job:localhost/replica:0/task:0/device:CPU:1"
    # Those of device_lib have the names without the task.
    local = [device.name for device in device_lib.list_local_devices(config)]
    assert local == ["/device:CPU:0", "/device:CPU:1"]


def test_a_constant_of_a_shape_is_one_operation(session):
    made = tf.constant(10.0, shape=[2, 3], name="made")
    assert made.op.type == "Const"
    np.testing.assert_array_equal(
        session.run(made + 1.0, {"made:0": np.ones([2, 3])}), np.full([2, 3], 2.0)
    )


def test_parts_of_a_run_say_what_was_not_set_up(session):
    x, y = v1.placeholder(tf.float32), v1.placeholder(tf.float32)
    handle = session.partial_run_setup([x + 1.0], [x])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"was not specified in partial_run_setup\.$"
    ):
        session.partial_run(handle, [], {y: 1.0})
    session.partial_run(handle, [], {x: 1.0})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"has already been fed\.$"):
        session.partial_run(handle, [], {x: 1.0})
