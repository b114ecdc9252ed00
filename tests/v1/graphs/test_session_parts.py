"""Runs in several steps, handles of tensors, devices, frozen graphs and switches of TensorFlow 1."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_partial_runs():
    a, b = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
    doubled = a * 2.0
    total = doubled + b
    with v1.Session() as session:
        handle = session.partial_run_setup([doubled, total], [a, b])
        assert session.partial_run(handle, doubled, {a: 1.0}) == 2
        assert session.partial_run(handle, total, {b: 3.0}) == 5
        with pytest.raises(tf.errors.InvalidArgumentError, match="has already been fed"):
            session.partial_run(handle, total, {b: 3.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Must run 'setup'"):
            session.partial_run(b"none", total)


def test_steps_of_a_partial_run_run_no_operation_twice():
    a, b = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
    v = v1.get_variable("partial", [], initializer=v1.zeros_initializer())
    raised = v.assign_add(a)
    scaled = raised * 2.0
    random = v1.random_uniform([])
    first, second = random * 1.0, random + b
    step = v.assign_add(10.0, read_value=False)
    with tf.control_dependencies([step]):
        after_a, after_b = tf.identity(a), tf.identity(b)
    with v1.Session() as session:
        session.run(v.initializer)
        handle = session.partial_run_setup([raised, scaled], [a])
        assert session.partial_run(handle, raised, {a: 3.0}) == 3
        assert session.partial_run(handle, scaled) == 6
        assert session.run(v) == 3
        handle = session.partial_run_setup([first, second], [b])
        drawn = session.partial_run(handle, first)
        assert session.partial_run(handle, second, {b: 0.0}) == drawn
        handle = session.partial_run_setup([after_a, after_b], [a, b])
        assert session.partial_run(handle, after_a, {a: 1.0}) == 1
        assert session.partial_run(handle, after_b, {b: 2.0}) == 2
        assert session.run(v) == 13


def test_feeds_of_a_step_that_is_refused_are_not_taken():
    a, b = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
    total = a + b
    with v1.Session() as session:
        handle = session.partial_run_setup([total], [a, b])
        with pytest.raises(tf.errors.InvalidArgumentError, match="has not been fed yet"):
            session.partial_run(handle, total, {a: 1.0})
        assert session.partial_run(handle, total, {a: 5.0, b: 1.0}) == 6


def test_values_within_a_loop_do_not_pass_to_later_steps():
    enter = tf.raw_ops.Enter(data=tf.constant(0), frame_name="f")
    limit, one = (
        tf.raw_ops.Enter(data=tf.constant(n), frame_name="f", is_constant=True) for n in (4, 1)
    )
    again = tf.raw_ops.Merge(inputs=[enter, enter])[0]
    proceed = tf.raw_ops.LoopCond(input=tf.raw_ops.Less(x=again, y=limit))
    last, inner = tf.raw_ops.Switch(data=again, pred=proceed)
    again.op._update_input(1, tf.raw_ops.NextIteration(data=inner + one))
    count, sooner = tf.raw_ops.Exit(data=last), tf.raw_ops.Exit(data=last - 1)
    with v1.Session() as session:
        handle = session.partial_run_setup([count, count * 2], [])
        assert session.partial_run(handle, count) == 4
        handle = session.partial_run_setup([count, sooner], [])
        with pytest.raises(tf.errors.UnimplementedError, match="within a loop"):
            session.partial_run(handle, count)


def test_handles_of_tensors():
    a = v1.placeholder(tf.float32, [2])
    kept = v1.get_session_handle(a * 2.0)
    with v1.Session() as session:
        handle = session.run(kept, {a: [1.0, 2.0]})
        assert handle.eval().tolist() == [2.0, 4.0]
        holder, value = v1.get_session_tensor(handle.handle, tf.float32)
        assert session.run(value + 1.0, {holder: handle.handle}).tolist() == [3.0, 5.0]
        assert session.run(a * 3.0, {a: handle}).tolist() == [6.0, 12.0]
        handle.delete()
        with pytest.raises(TypeError, match="may have already been deleted"):
            handle.eval()


def test_devices_merge():
    with v1.device("/job:worker"), v1.device("/cpu:1"):
        assert tf.constant(1).device == "/job:worker/device:CPU:1"
        with v1.device(None):
            assert tf.constant(1).device == ""
    with v1.device(lambda op: "/job:ps" if op.type == "Const" else op.device):
        x = tf.constant(1.0)
        assert [x.device, (x + x).device] == ["/job:ps", ""]
    spec = v1.DeviceSpec(job="a")
    spec.merge_from(v1.DeviceSpec(task=1))
    spec.job = "z"
    assert spec.to_string() == "/job:z/task:1" and isinstance(spec, tf.DeviceSpec)


def test_variables_become_constants():
    v = v1.get_variable("v", initializer=[1.0, 2.0])
    w = v1.get_variable("w", initializer=np.arange(6.0, dtype=np.float32).reshape(3, 2))
    x = v1.placeholder(tf.float32, [2], name="x")
    tf.identity(x * v + tf.gather(w, 1), name="y")
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        frozen = v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), ["y"]
        )
    assert not {"VarHandleOp", "ReadVariableOp", "ResourceGather"} & {n.op for n in frozen.node}
    with tf.Graph().as_default():
        (y,) = tf.import_graph_def(frozen, {"x": tf.constant([3.0, 4.0])}, ["y:0"], name="")
        with v1.Session() as session:
            assert session.run(y).tolist() == [5.0, 11.0]


def test_queue_runners_come_back_from_protos():
    queue = tf.queue.FIFOQueue(3, tf.float32)
    runner = v1.train.QueueRunner(queue, [queue.enqueue(1.0)] * 2)
    made = v1.train.QueueRunner.from_proto(runner.to_proto())
    assert made.name == runner.name and len(made.enqueue_ops) == 2
    assert made.queue_closed_exception_types == (tf.errors.OutOfRangeError,)


def test_switches():
    shape = tf.TensorShape([1, None])
    v1.disable_v2_tensorshape()
    try:
        assert (shape[0].value, shape[1].value) == (1, None)
        assert [d.value for d in shape] == [1, None] and str(shape) == "(1, ?)"
        assert (shape[0] * np.int64(3)).value == 3 and (shape[0] * tf.constant(2)).shape == []
        assert len(tf.split(tf.zeros([2, 1]), shape[0])) == 1
        assert tf.zeros([2, 3]).shape.as_list() == [2, 3]
    finally:
        v1.enable_v2_tensorshape()
    assert shape[0] == 1
    v1.disable_tensor_equality()
    try:
        with tf.init_scope():
            x = tf.constant([1])
        assert x == x and len({x: 1}) == 1
    finally:
        v1.enable_tensor_equality()


def test_tables_and_datasets_of_v1():
    keys = tf.lookup.KeyValueTensorInitializer(["a"], tf.constant([1], tf.int64))
    table = v1.lookup.StaticHashTable(keys, -1)
    rows = tf.SparseTensor([[0, 1], [2, 0]], [1, 2], [3, 4])
    dataset = v1.data.Dataset.from_sparse_tensor_slices(rows)
    following = v1.data.make_one_shot_iterator(dataset).get_next()
    with v1.Session() as session:
        session.run(table.initializer)
        assert session.run(table.lookup(tf.constant(["a", "z"]))).tolist() == [1, -1]
        values = [session.run(following)[1].tolist() for _ in range(3)]
    assert values == [[1], [], [2]]


def test_stubs_are_put_back():
    class Owner:
        held = 1

    with v1.test.StubOutForTesting() as stubs:
        stubs.Set(Owner, "held", 2)
        stubs.SmartSet(Owner, "held", 3)
        assert Owner.held == 3
    assert Owner.held == 1
    with pytest.raises(AttributeError, match="Attribute not found"):
        stubs.SmartSet(Owner, "missing", 1)


def test_feeds_are_cast_as_numpy_does():
    with tf.Graph().as_default(), v1.Session() as session:
        whole = v1.placeholder(tf.int32)
        assert session.run(whole + 0, {whole: [[1.0], [5.7]]}).tolist() == [[1], [5]]
        with pytest.raises(TypeError, match="1099511627776 .* is not compatible with Tensor type"):
            session.run(whole + 0, {whole: 2**40})
