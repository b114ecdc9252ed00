"""What a full trace of a run tells of the graph's operations."""

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.mark.plain_kernels
def test_operations_are_told_though_a_kernel_computes_several():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [64], "x")
        product = tf.multiply(x, 2.0, name="product")
        total = tf.reduce_sum(tf.add(product, 1.0, name="more"), name="total")
        text = tf.strings.as_string(total, name="text")
        told = v1.RunMetadata()
        options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
        for _ in range(2):  # the first compiles
            session.run([total, text], {x: [1.0] * 64}, options, told)
    (device,) = told.step_stats.dev_stats
    assert device.device.endswith("device:CPU:0")
    found = {stats.node_name: stats for stats in device.node_stats}
    assert {"product", "more", "total", "text"} <= set(found)
    assert found["total"].timeline_label.startswith("total = Sum(more")
    assert found["text"].timeline_label == "text = AsString(total)"
    assert found["product"].output[0].tensor_description.shape.dim[0].size == 64
    assert all(stats.all_start_micros > 0 and stats.thread_id for stats in device.node_stats)
    shares = [found[name].op_end_rel_nanos for name in ("product", "more", "total")]
    assert max(shares) == min(shares) >= 0


@pytest.mark.plain_kernels
def test_outputs_have_shapes_even_if_unknown():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3], "x")
        any_rank = v1.placeholder(tf.float32, None, "any_rank")
        outputs = [tf.nn.relu(x, "rows"), tf.nn.relu(any_rank, "unknown")]
        outputs.append(tf.reduce_sum(x, name="scalar"))
        told = v1.RunMetadata()
        options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
        session.run(outputs, {x: [[1.0] * 3], any_rank: [1.0]}, options, told)
    (device,) = told.step_stats.dev_stats
    made = [stats for stats in device.node_stats if stats.output]
    shapes = {stats.node_name: stats.output[0].tensor_description for stats in made}
    assert all(description.HasField("shape") for description in shapes.values())
    assert [dim.size for dim in shapes["rows"].shape.dim] == [-1, 3]
    assert shapes["unknown"].shape.unknown_rank and not shapes["scalar"].shape.dim
