"""Elements dealt to devices, and read in a shuffled order of positions."""

import pytest

import penstock as tf
from penstock._src.bridge.python.data.experimental.ops import readers, shuffle_ops
from penstock._src.bridge.python.data.ops import multi_device_iterator_ops

DEVICES = ["/cpu:0", "/device:CPU:0"]


@pytest.mark.parametrize("ahead", [0, 1])
def test_devices_take_elements_in_turn(ahead):
    dataset = tf.data.Dataset.range(5)
    iterator = multi_device_iterator_ops.OwnedMultiDeviceIterator(
        dataset, DEVICES, prefetch_buffer_size=ahead
    )
    step = tf.function(lambda iterator: iterator.get_next())
    assert [int(x) for x in step(iterator)] == [0, 1]
    assert int(iterator.get_next("/device:CPU:0")) == 3
    assert [bool(o.has_value()) for o in iterator.get_next_as_optional()] == [True, False]
    assert [[int(x) for x in pair] for pair in iterator] == []


def test_an_iterator_of_a_graph_begins_again():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        iterator = multi_device_iterator_ops.MultiDeviceIterator(tf.data.Dataset.range(3), DEVICES)
        elements = iterator.get_next()
        for _ in range(2):
            session.run(iterator.initializer)
            assert session.run(elements) == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(elements)


def test_positions_skip_what_is_not_read():
    infos = [
        {"path": "a", "num_elements": 4, "skip": 1, "take": 2},
        {"path": "b", "num_elements": 2},
    ]
    found = shuffle_ops._process_file_infos(infos)
    places = [
        int(
            shuffle_ops._adjust_index(
                tf.constant(i, tf.int64), found["thresholds"], found["offsets"]
            )
        )
        for i in range(found["num_elements"])
    ]
    assert places == [1, 2, 4, 5]
    shuffled = shuffle_ops.index_shuffle(infos, lambda files: tf.data.Dataset.range(6), seed=1)
    assert sorted(shuffled.as_numpy_iterator()) == places
    with pytest.raises(ValueError, match="skip"):
        shuffle_ops._process_file_infos([{"path": "a", "num_elements": 4, "skip": -2}])


def test_records_are_batched(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        for text in (b"x", b"y", b"z"):
            writer.write(text)
    made = readers.make_tf_record_dataset(
        str(tmp_path / "*"), 2, tf.strings.upper, num_epochs=1, shuffle=False
    )
    assert [batch.tolist() for batch in made.as_numpy_iterator()] == [[b"X", b"Y"], [b"Z"]]
