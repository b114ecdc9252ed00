"""Iterations that several devices, checkpoints or statistics share."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
KIND = {"output_types": [tf.int64], "output_shapes": [[]]}
SPEC = tf.TensorSpec([], tf.int64)


def variant(count):
    return tf.data.Dataset.range(count)._variant_tensor


@pytest.mark.parametrize("named", [False, True])
def test_devices_take_turns(named):
    devices = {"devices": ["/cpu:0", "/cpu:1"], **KIND}
    if named:
        handle = raw.MultiDeviceIterator(shared_name="m", container="", **devices)
        name = raw.MultiDeviceIteratorToStringHandle(multi_device_iterator=handle)
        handle = raw.MultiDeviceIteratorFromStringHandle(string_handle=name)
    else:
        handle = raw.AnonymousMultiDeviceIteratorV3(**devices)
    number = raw.MultiDeviceIteratorInit(
        dataset=variant(5), multi_device_iterator=handle, max_buffer_size=1
    )

    def taken(shard, incarnation=number):
        (value,) = raw.MultiDeviceIteratorGetNextFromShard(
            multi_device_iterator=handle, shard_num=shard, incarnation_id=incarnation, **KIND
        )
        return int(value)

    assert [taken(1), taken(1), taken(0), taken(0), taken(0)] == [1, 3, 0, 2, 4]
    with pytest.raises(tf.errors.OutOfRangeError):
        taken(1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid incarnation id"):
        taken(0, number + 1)
    raw.DeleteMultiDeviceIterator(multi_device_iterator=handle, iterators=[], deleter=variant(1))


def test_an_iteration_is_taken_up_again():
    handles = [raw.AnonymousIteratorV3(**KIND) for _ in range(2)]
    for handle in handles:
        raw.MakeIterator(dataset=variant(5), iterator=handle)
    for expected in range(3):
        assert int(raw.IteratorGetNext(iterator=handles[0], **KIND)[0]) == expected
    raw.DeserializeIterator(
        resource_handle=handles[1], serialized=raw.SerializeIterator(resource_handle=handles[0])
    )
    assert int(raw.IteratorGetNext(iterator=handles[1], **KIND)[0]) == 3


def gathered(aggregator, tag=""):
    dataset = raw.BytesProducedStatsDataset(input_dataset=variant(4), tag="bytes", **KIND)
    dataset = raw.LatencyStatsDataset(input_dataset=dataset, tag="time", **KIND)
    dataset = raw.SetStatsAggregatorDataset(
        input_dataset=dataset, stats_aggregator=aggregator, tag=tag, counter_prefix="", **KIND
    )
    assert [int(e) for e in tf.data.experimental.from_variant(dataset, SPEC)] == [0, 1, 2, 3]
    return tf.compat.v1.Summary.FromString(raw.StatsAggregatorSummary(iterator=aggregator).numpy())


def test_statistics():
    sizes, times = gathered(raw.StatsAggregatorHandle()).value
    assert (sizes.tag, sizes.histo.num, sizes.histo.sum) == ("bytes", 4, 32)
    assert list(sizes.histo.bucket) == [0, 4, 0] and 8 < sizes.histo.bucket_limit[1] < 8.3
    assert times.tag == "time" and times.histo.min > 0


def test_statistics_go_to_a_summary_writer(tmp_path):
    writer, aggregator = raw.SummaryWriter(), raw.StatsAggregatorHandleV2()
    raw.CreateSummaryFileWriter(
        writer=writer, logdir=str(tmp_path), max_queue=9, flush_millis=1, filename_suffix=""
    )
    raw.StatsAggregatorSetSummaryWriter(stats_aggregator=aggregator, summary=writer)
    assert not gathered(aggregator, tag="T").value
    raw.CloseSummaryWriter(writer=writer)
    (path,) = tmp_path.iterdir()
    events = list(tf.compat.v1.train.summary_iterator(str(path)))[1:]
    told = [(e.step, v.histo.num) for e in events for v in e.summary.value if v.tag == "T::bytes"]
    assert told == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_pieces_by_number():
    source = tf.data.Dataset.from_tensor_slices([["a b"], ["c d"]])

    @tf.function
    def cut(line):
        return tf.stack([line[0], line[0] + "!"])

    @tf.function
    def locate(number):
        return number // 2, number % 2

    made = raw.IndexFlatMapDataset(
        input_dataset=source._variant_tensor,
        map_func_other_args=[],
        index_map_func_other_args=[],
        output_cardinality=4,
        map_func=cut.get_concrete_function(source.element_spec),
        index_map_func=locate.get_concrete_function(SPEC),
        output_types=[tf.string],
        output_shapes=[[]],
    )
    dataset = tf.data.experimental.from_variant(made, tf.TensorSpec([], tf.string))
    assert list(dataset.as_numpy_iterator()) == [b"a b", b"a b!", b"c d", b"c d!"]


def test_a_composite_in_a_variant():
    parts = [np.int32([1, 2]), np.float32(3)]
    held = raw.CompositeTensorVariantFromComponents(components=parts, metadata="")
    made = raw.CompositeTensorVariantToComponents(
        encoded=held, metadata="", Tcomponents=[tf.int32, tf.float32]
    )
    assert [m.numpy().tolist() for m in made] == [[1, 2], 3.0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="has 2 tensor components"):
        raw.CompositeTensorVariantToComponents(encoded=held, metadata="", Tcomponents=[tf.int32])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Error parsing metadata"):
        raw.CompositeTensorVariantFromComponents(components=parts, metadata="m")


def test_a_tensor_is_handed_over():
    names = {
        "tensor_name": "t",
        "send_device": "/cpu:0",
        "send_device_incarnation": 1,
        "recv_device": "/cpu:0",
    }
    raw.Send(tensor=[1.0, 2.0], **names)
    assert raw.Recv(tensor_type=tf.float32, **names).numpy().tolist() == [1, 2]


def test_records_without_end(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "r")) as writer:
        for number in range(4):
            writer.write(f"{number}".encode())
    found = raw.RecordInput(
        file_pattern=str(tmp_path / "*"), batch_size=8, file_buffer_size=2
    ).numpy()
    assert sorted(found) == sorted([b"0", b"1", b"2", b"3"] * 2)


def test_a_fingerprint_stays_when_a_dataset_is_iterated():
    """Snapshots are found by it."""
    dataset = tf.data.Dataset.range(4).map(lambda x: x + 1).skip(0)
    before = raw.DatasetFingerprint(input_dataset=dataset._variant_tensor)
    assert [int(x) for x in dataset] == [1, 2, 3, 4]
    after = raw.DatasetFingerprint(input_dataset=dataset._variant_tensor)
    assert int(before) == int(after)
