"""Stacks, staging areas, tensor arrays, and queues by reference. Expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.calls.deadlines import deadline
from penstock._src.core.values import memory_limit

v1, raw = tf.compat.v1, tf.raw_ops


def test_stack_gives_the_last_first():
    stack = raw.StackV2(max_size=2, elem_type=tf.int32)
    for value in ([1, 2], [3, 4]):
        raw.StackPushV2(handle=stack, elem=value)
    with pytest.raises(tf.errors.InvalidArgumentError, match="overflowed its max_size"):
        raw.StackPushV2(handle=stack, elem=[5])
    assert raw.StackPopV2(handle=stack, elem_type=tf.int32).numpy().tolist() == [3, 4]


def test_staging_area_keeps_the_order():
    place = {"dtypes": [tf.int32], "shared_name": "test_staging_order"}
    for value in (1, 2):
        raw.Stage(values=[value], **{k: v for k, v in place.items() if k != "dtypes"})
    assert raw.StagePeek(index=1, **place)[0].numpy() == 2
    assert raw.StageSize(**place).numpy() == 2
    assert [raw.Unstage(**place)[0].numpy() for _ in range(2)] == [1, 2]


def test_staging_area_refuses_another_type_and_keeps_the_tuple():
    name = "test_staging_types"
    raw.Stage(values=[1.5], shared_name=name)
    for take in (raw.Unstage, lambda **place: raw.StagePeek(index=0, **place)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="actual float32 vs. expect int32"):
            take(dtypes=[tf.int32], shared_name=name)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Mismatch stage/unstage: 1 vs. 2"):
            take(dtypes=[tf.float32] * 2, shared_name=name)
    assert raw.Unstage(dtypes=[tf.float32], shared_name=name)[0].numpy() == 1.5


@pytest.mark.parametrize("kind", ["Map", "OrderedMap"])
def test_map_refuses_another_type_and_keeps_the_tuple(kind):
    def op(name, dtype, **inputs):
        place = {"dtypes": [dtype], "shared_name": f"test_types_of_{kind}"}
        return getattr(raw, kind + name)(indices=[0], **inputs, **place)

    key = {"key": np.int64(4)}
    op("Stage", tf.float32, values=[1.5], **key)
    for name, inputs in (("Peek", key), ("Unstage", key), ("UnstageNoKey", {})):
        with pytest.raises(tf.errors.InvalidArgumentError, match="actual float32 vs. expect int32"):
            op(name, tf.int32, **inputs)
    assert op("Unstage", tf.float32, **key)[0].numpy() == 1.5


def test_ordered_map_gives_the_smallest_key_once_it_is_whole():
    place = {"dtypes": [tf.int32, tf.int32], "shared_name": "test_map"}
    for key, index, value in ((5, 0, 50), (3, 0, 30), (3, 1, 31), (5, 1, 51)):
        raw.OrderedMapStage(key=np.int64(key), indices=[index], values=[value], **place)
    key, values = raw.OrderedMapUnstageNoKey(indices=[1, 0], **place)
    assert (int(key), [int(v) for v in values]) == (3, [31, 30])


def test_gradients_go_through_a_tensor_array():
    handle, flow = raw.TensorArrayV3(size=3, dtype=tf.float32, clear_after_read=False)
    x = tf.constant([[1.0, 2], [3, 4], [5, 6]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        flow = raw.TensorArrayScatterV3(handle=handle, indices=[0, 1, 2], value=x, flow_in=flow)
        one = raw.TensorArrayReadV3(handle=handle, index=1, flow_in=flow, dtype=tf.float32)
        two = raw.TensorArrayGatherV3(handle=handle, indices=[0, 1], flow_in=flow, dtype=tf.float32)
        loss = tf.reduce_sum(one * one) + 3 * tf.reduce_sum(two)
    expected = [[3, 3], [9, 11], [0, 0]]
    np.testing.assert_array_equal(tape.gradient(loss, x), expected)


def test_tensor_array_reads_once():
    handle, flow = raw.TensorArrayV3(size=2, dtype=tf.float32)
    flow = raw.TensorArraySplitV3(
        handle=handle, value=np.float32([1, 2, 3]), lengths=np.int64([1, 2]), flow_in=flow
    )
    value, lengths = raw.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=tf.float32)
    assert value.numpy().tolist() == [1, 2, 3] and lengths.numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not read index 1 twice"):
        raw.TensorArrayReadV3(handle=handle, index=1, flow_in=flow, dtype=tf.float32)


def test_older_tensor_arrays_and_queues_in_a_session():
    with tf.Graph().as_default(), v1.Session() as session:
        array = raw.TensorArray(size=1, dtype=tf.float32)
        value = np.float32([1, 2])
        flow = raw.TensorArrayWrite(handle=array, index=0, value=value, flow_in=np.float32(0))
        packed = raw.TensorArrayPack(handle=array, flow_in=flow, dtype=tf.float32)
        assert session.run(packed).tolist() == [[1, 2]]
        queue = raw.FIFOQueue(component_types=[tf.float32])
        session.run(raw.QueueEnqueue(handle=queue, components=[value]))
        assert session.run(raw.QueueSize(handle=queue)) == 1
        taken = raw.QueueDequeue(handle=queue, component_types=[tf.float32])
        assert session.run(taken)[0].tolist() == [1, 2]


def test_arrays_beyond_the_memory_limit_are_refused_at_once():
    before = memory_limit.limit()
    memory_limit.set_limit(memory_limit.used() + (1 << 24))
    try:
        with pytest.raises(tf.errors.ResourceExhaustedError, match="TensorArray"):
            raw.TensorArrayV3(size=2**31 - 1, dtype=tf.float32)
        handle, flow = raw.TensorArrayV3(size=1, dtype=tf.float32, dynamic_size=True)
        with pytest.raises(tf.errors.ResourceExhaustedError, match="TensorArray"):
            raw.TensorArrayWriteV3(handle=handle, index=2**31 - 2, value=1.0, flow_in=flow)
    finally:
        memory_limit.set_limit(before)


def test_waiting_for_what_nobody_sends_ends_at_the_deadline(tmp_path):
    names = {
        "tensor_name": "never",
        "send_device": "a",
        "send_device_incarnation": 1,
        "recv_device": "b",
    }
    with deadline(20), pytest.raises(tf.errors.DeadlineExceededError):
        raw.Recv(tensor_type=tf.float32, **names)
    raw.Send(tensor=[1.0], **names)
    assert raw.Recv(tensor_type=tf.float32, **names).numpy() == [1.0]
    (tmp_path / "empty").write_bytes(b"")
    with deadline(20), pytest.raises(tf.errors.DeadlineExceededError):
        raw.RecordInput(file_pattern=str(tmp_path / "empty"), batch_size=1)
