"""Traces of sessions' runs in Chrome's format, and what RunMetadata tell; against TensorFlow 2.21."""

import json

import penstock as tf
from penstock._src.proto.config import RunMetadata, RunOptions
from penstock._src.proto.stats import StepStats
from penstock._src.v1.graphs.timeline import Timeline

v1 = tf.compat.v1
CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


def stats_of(*nodes):
    """StepStats of (name, label, start, microseconds, bytes of the result)."""
    made = StepStats()
    device = made.dev_stats.add(device=CPU)
    for name, label, start, took, size in nodes:
        node = device.node_stats.add(
            node_name=name, timeline_label=label, all_start_micros=start, all_end_rel_micros=took
        )
        allocation = node.output.add().tensor_description.allocation_description
        allocation.requested_bytes, allocation.allocator_name = size, "cpu"
    return made


def events(trace, ph):
    return [event for event in json.loads(trace)["traceEvents"] if event["ph"] == ph]


OVERLAPPING = stats_of(
    ("a", "a = Const()", 10, 10, 8),
    ("b", "b = Const()", 15, 10, 16),
    ("c", "c = AddV2(a, b)", 30, 5, 8),
)


def test_operations_at_the_same_time_are_in_threads_of_their_own():
    trace = Timeline(OVERLAPPING).generate_chrome_trace_format()
    names = [event["args"]["name"] for event in events(trace, "M")]
    assert names == ["Allocators", f"{CPU} Compute", f"{CPU} Tensors"]
    shown = [(e["name"], e["tid"], e["ts"], e["dur"]) for e in events(trace, "X")]
    assert shown == [("Const", 0, 10, 10), ("Const", 1, 15, 10), ("AddV2", 0, 30, 5)]
    added = events(trace, "X")[2]["args"]
    assert added == {"name": "c", "op": "AddV2", "input0": "a", "input1": "b"}


def test_arrows_lead_to_other_threads():
    trace = Timeline(OVERLAPPING).generate_chrome_trace_format()
    (start,), (end,) = events(trace, "s"), events(trace, "t")
    assert (start["name"], start["tid"], start["ts"]) == ("b", 1, 25)
    assert (end["tid"], end["ts"], end["id"]) == (0, 30, start["id"])
    trace = Timeline(OVERLAPPING).generate_chrome_trace_format(show_dataflow=False)
    assert not events(trace, "s")


def test_memory_is_counted_by_allocator():
    found = Timeline(OVERLAPPING).analyze_step_stats()
    maximum = found.allocator_maximums["cpu"]
    assert (maximum.timestamp, maximum.num_bytes, maximum.tensors) == (30, 32, {"a", "b", "c"})
    totals = [e["args"]["cpu"] for e in events(found.chrome_trace.format_to_string(), "C")]
    assert totals == [8, 24, 32, 16, 8, 0]


def test_labels_of_kernels_name_their_operation():
    stats = StepStats()
    stats.dev_stats.add(device=CPU).node_stats.add(
        node_name="a", timeline_label="a = MatMul(b)", all_start_micros=1, all_end_rel_micros=2
    )
    stats.dev_stats.add(device="/device:GPU:0/stream:all").node_stats.add(
        node_name="k", timeline_label="k@@a:MatMul#1", all_start_micros=5, all_end_rel_micros=7
    )
    shown = events(Timeline(stats).generate_chrome_trace_format(op_time="all"), "X")
    assert [(e["args"]["name"], e["ts"], e["dur"]) for e in shown] == [("a", 1, 11), ("a", 5, 7)]
    shown = events(Timeline(stats).generate_chrome_trace_format(op_time="gpu"), "X")
    assert (shown[0]["ts"], shown[0]["dur"]) == (5, 7)


def test_runs_tell_devices_and_their_part_of_the_graph():
    with (
        tf.Graph().as_default(),
        v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session,
    ):
        given = v1.placeholder(tf.string, [], name="given")
        wanted = tf.strings.join([given, "b"], name="wanted")
        tf.constant(1, name="other")
        metadata = RunMetadata()
        options = RunOptions(trace_level=RunOptions.FULL_TRACE, output_partition_graphs=True)
        session.run(wanted, {given: "a"}, options, metadata)
    devices = [device.device for device in metadata.step_stats.dev_stats]
    assert devices == [CPU, CPU.replace("CPU:0", "CPU:1")]
    labels = [node.timeline_label for node in metadata.step_stats.dev_stats[0].node_stats]
    assert any(label.startswith("wanted = StringJoin(given, ") for label in labels)
    (part,) = metadata.partition_graphs
    names = {node.name for node in part.node}
    assert "wanted" in names and "other" not in names
