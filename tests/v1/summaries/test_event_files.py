"""Event files that a thread writes: order, errors, the end; and readers that wait for more."""

import os
import threading

import pytest

import penstock as tf
from penstock._src.v1.summaries.event_files import (
    CloseableQueue,
    EventFileWriter,
    QueueClosedError,
)

v1 = tf.compat.v1


def steps(folder):
    (name,) = os.listdir(folder)
    return [event.step for event in v1.train.summary_iterator(os.path.join(folder, name))][1:]


def test_events_are_in_the_file_after_a_flush_in_order(tmp_path):
    writer = EventFileWriter(tmp_path, max_queue=2)
    for step in range(20):
        writer.add_event(v1.Event(step=step))
    writer.flush()
    assert steps(tmp_path) == list(range(20))
    writer.add_event(v1.Event(step=20))
    writer.close()
    writer.add_event(v1.Event(step=21))  # nobody reads it any more
    assert steps(tmp_path)[-1] == 20
    assert not writer._worker.is_alive()


def test_an_error_of_a_write_is_raised_by_the_next_call(tmp_path, monkeypatch):
    for call in ("flush", "close", "add_event"):
        writer = EventFileWriter(tmp_path / call)

        def fail(event):
            raise OSError("disk full")

        monkeypatch.setattr(writer._worker._ev_writer, "WriteEvent", fail)
        writer.add_event(v1.Event())
        arguments = ()
        if call == "add_event":
            writer._worker.join()
            arguments = (v1.Event(),)
        with pytest.raises(OSError, match="disk full"):
            getattr(writer, call)(*arguments)


def test_nobody_waits_for_room_in_a_closed_queue():
    queue = CloseableQueue(1)
    queue.put(1)
    ended = []

    def fill():
        try:
            queue.put(2)
        except QueueClosedError:
            ended.append(True)

    thread = threading.Thread(target=fill)
    thread.start()
    queue.close()
    thread.join(10)
    assert ended == [True] and queue.get() == 1


def test_a_reader_goes_on_where_more_is_written(tmp_path):
    with tf.Graph().as_default():
        writer = v1.summary.FileWriter(str(tmp_path))
        writer.add_event(v1.Event(step=1))
        writer.flush()
        (name,) = os.listdir(tmp_path)
        events = v1.train.summary_iterator(str(tmp_path / name))
        assert [event.step for event in events] == [0, 1]
        writer.add_event(v1.Event(step=2))
        writer.flush()
        assert [event.step for event in events] == [2]
        writer.close()
