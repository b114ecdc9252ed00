"""Profiles: an event for each call, kernel, operation on the host and eager op, in both files."""

import gzip
import json
import time

import numpy as np
import pytest

import penstock as tf
from penstock._src.observe.profile_files import XSpace
from penstock._src.util import slots
from penstock._src.util.run_observers import RUN_OBSERVERS

profiler = tf.profiler.experimental


def chrome_events(folder):
    (path,) = folder.rglob("plugins/profile/*/*.trace.json.gz")
    with gzip.open(path) as file:
        return json.load(file)["traceEvents"]


def spans(folder):
    return [event for event in chrome_events(folder) if event["ph"] == "X"]


def xplane(folder):
    (path,) = folder.rglob("plugins/profile/*/*.xplane.pb")
    return XSpace.FromString(path.read_bytes())


@tf.function
def mixed(x):
    text = tf.strings.as_string(x)
    return tf.reduce_sum(tf.exp(x) + 1.0), tf.strings.length(text)


@pytest.fixture
def profile(tmp_path):
    mixed(tf.ones([100]))
    with profiler.Profile(str(tmp_path)):
        with profiler.Trace("work", step_num=1):
            mixed(tf.ones([100]))
    return tmp_path


@pytest.mark.plain_kernels
def test_kernels_and_host_operations_stand_within_the_call(profile):
    events = spans(profile)
    (call,) = [e for e in events if "mixed" in e["name"]]
    inside = [
        e
        for e in events
        if e["tid"] == call["tid"]
        and call["ts"] <= e["ts"] + 2
        and e["ts"] + e["dur"] <= call["ts"] + call["dur"] + 2
    ]
    kernels = [e for e in inside if "computes" in e.get("args", {})]
    assert any("reduce_sum" in e["args"]["computes"] for e in kernels)
    assert any("tf.reduce_sum(tf.exp(x) + 1.0)" in e["args"]["source"] for e in kernels)
    (host,) = [e for e in inside if e["name"] == "AsString"]
    assert "text = tf.strings.as_string(x)" in host["args"]["source"]
    assert [e["args"] for e in events if e["name"] == "work"] == [{"step_num": 1}]


def test_the_file_for_perfetto_is_in_chromes_format(profile):
    events = chrome_events(profile)
    names = {(e["name"], e["args"]["name"]) for e in events if e["ph"] == "M"}
    assert ("process_name", "/host:CPU") in names and ("thread_name", "MainThread") in names
    for event in spans(profile):
        assert {"ph", "pid", "tid", "name", "ts", "dur"} <= set(event)
        assert event["ts"] > 0 and event["dur"] >= 0 and isinstance(event["tid"], int)
    assert [e["ts"] for e in spans(profile)] == sorted(e["ts"] for e in spans(profile))


@pytest.mark.plain_kernels
def test_the_file_for_tensorboard_has_the_same_events(profile):
    plane, environment = xplane(profile).planes
    assert (plane.name, environment.name) == ("/host:CPU", "Task Environment")
    names = {i: row.display_name or row.name for i, row in plane.event_metadata.items()}
    stats = {i: row.name for i, row in plane.stat_metadata.items()}
    found = [names[e.metadata_id] for line in plane.lines for e in line.events]
    assert sorted(found) == sorted(e["name"] for e in spans(profile))
    shown = [
        {stats[s.metadata_id]: s.str_value or s.int64_value or s.double_value for s in e.stats}
        for line in plane.lines
        for e in line.events
    ]
    assert any("reduce_sum" in each.get("computes", "") and each["bytes"] > 0 for each in shown)
    assert any(each.get("GB/s", 0) > 0 for each in shown)


def test_the_file_for_tensorboard_starts_at_zero_and_tells_the_time_of_day(profile):
    plane, environment = xplane(profile).planes
    offsets = [e.offset_ps for line in plane.lines for e in line.events]
    assert min(offsets) == 0 and max(offsets) < 60e12
    assert {line.timestamp_ns for line in plane.lines} == {0}
    times = {
        environment.stat_metadata[s.metadata_id].name: s.int64_value for s in environment.stats
    }
    assert 0 <= time.time_ns() - times["profile_stop_time"] < 60e9
    assert times["profile_start_time"] + max(offsets) / 1000 <= times["profile_stop_time"]


@pytest.mark.plain_kernels
def test_kernels_are_counted_as_their_operations(profile):
    names = {
        row.display_name: row.name for row in xplane(profile).planes[0].event_metadata.values()
    }
    assert "Sum" in names["nest[] reduce"].split(":")[1].split("_")
    assert names["AsString"] == "AsString:AsString"


def test_eager_ops_are_events(tmp_path):
    with profiler.Profile(str(tmp_path)):
        tf.linalg.matmul(tf.ones([4, 4]), tf.ones([4, 4]))
    assert "MatMul" in [e["name"] for e in spans(tmp_path)]
    assert "MatMul:MatMul" in [m.name for m in xplane(tmp_path).planes[0].event_metadata.values()]


def test_traces_show_any_values(tmp_path):
    with profiler.Profile(str(tmp_path)):
        with profiler.Trace("work", shown="a", begin=np.int64(2), rate=0.5, ok=True, x=tf.ones([])):
            pass
    (found,) = (e["args"] for e in spans(tmp_path) if e["name"] == "work")
    x = found.pop("x")
    assert found == {"shown": "a", "begin": 2, "rate": 0.5, "ok": 1} and "1" in str(x)


def test_the_level_of_the_host_tracer_is_heeded(tmp_path):
    with profiler.Profile(str(tmp_path), profiler.ProfilerOptions(host_tracer_level=1)):
        with profiler.Trace("work"):
            mixed(tf.ones([100]))
    names = [e["name"] for e in spans(tmp_path)]
    assert len(names) == 2 and "work" in names


def test_nothing_is_recorded_after_it():
    plain = slots.RUN_EAGERLY
    profiler.start("unused")
    assert RUN_OBSERVERS and slots.RUN_EAGERLY is not plain
    with pytest.raises(tf.errors.AlreadyExistsError):
        profiler.start("unused")
    profiler.stop(save=False)
    assert not RUN_OBSERVERS and slots.RUN_EAGERLY is plain
    with pytest.raises(tf.errors.UnavailableError):
        profiler.stop()


@pytest.mark.plain_kernels
def test_the_callback_of_keras_profiles_batches(tmp_path):
    keras = tf.keras
    model = keras.Sequential([keras.Input([8]), keras.layers.Dense(4, activation="relu")])
    model.compile("sgd", "mse")
    x, y = np.ones([64, 8], np.float32), np.ones([64, 4], np.float32)
    callback = keras.callbacks.TensorBoard(str(tmp_path), profile_batch=(2, 3), write_graph=False)
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[callback])
    events = spans(tmp_path)
    assert any(e["name"].startswith("Profiled batch") for e in events)
    assert any("contract" in e.get("args", {}).get("computes", "") for e in events)
    assert xplane(tmp_path).planes[0].lines
