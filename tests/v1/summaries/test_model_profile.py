"""Parameters and counts of graphs, against what TensorFlow's profiler counts."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
Builder = v1.profiler.ProfileOptionBuilder


@pytest.fixture
def graph():
    zeros = v1.zeros_initializer()
    with tf.Graph().as_default() as made:
        with v1.variable_scope("a"):
            w = v1.get_variable("w", [3, 4], initializer=zeros)
            b = v1.get_variable("b", [4], initializer=zeros)
        hidden = tf.nn.relu(tf.matmul(v1.placeholder(tf.float32, [2, 3]), w) + b)
        with v1.variable_scope("c"):
            k = v1.get_variable("k", [3, 3, 1, 2], initializer=zeros)
        image = tf.nn.conv2d(tf.zeros([1, 8, 8, 1]), k, 1, "SAME")
        pooled = tf.nn.max_pool2d(image, 2, 2, "VALID")
        tf.add(tf.reduce_sum(hidden), tf.reduce_sum(pooled))
        yield made


def silent(options):
    return Builder(options).with_empty_output().build()


def test_parameters_by_scope(graph):
    root = v1.profiler.profile(graph, options=silent(Builder.trainable_variables_parameter()))
    assert root.total_parameters == 34
    found = {child.name: child.total_parameters for child in root.children}
    assert found == {"a": 16, "c": 18}
    assert [leaf.name for leaf in root.children[0].children] == ["a/b", "a/w"]


def test_float_operations(graph):
    options = silent(Builder.float_operation())
    root = v1.profiler.profile(graph, cmd="op", options=options)
    seen = []
    while root.children:
        (root,) = root.children
        seen.append((root.name, root.float_ops))
    assert seen == [("Conv2D", 2304), ("MaxPool", 128), ("MatMul", 48), ("Sum", 38), ("AddV2", 9)]
    assert v1.profiler.profile(graph, options=options).total_float_ops == 2527


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda x: tf.raw_ops.Rsqrt(x=x), 70),
        (lambda x: tf.raw_ops.L2Loss(t=x), 104),
        (lambda x: tf.raw_ops.Softmax(logits=x), 175),
        (lambda x: tf.raw_ops.RsqrtGrad(y=x, dy=x), 140),
        (lambda x: tf.raw_ops.Mean(input=x, axis=[0]), 35),
        (lambda x: tf.raw_ops.AddN(inputs=[x, x, x]), 70),
        (lambda x: tf.raw_ops.MatMul(a=x, b=np.ones((5, 3), np.float32), transpose_a=True), 210),
    ],
)
def test_counts_of_operations(make, count):
    with tf.Graph().as_default() as graph:
        make(tf.ones([5, 7]))
    assert (
        v1.profiler.profile(graph, options=silent(Builder.float_operation())).total_float_ops
        == count
    )


def test_output_and_log(graph, tmp_path):
    path = tmp_path / "profile.txt"
    options = Builder(Builder.trainable_variables_parameter()).with_file_output(str(path)).build()
    v1.profiler.Profiler(graph).profile_name_scope(options)
    assert "    a/w (3x4, 12/12 params)\n" in path.read_text()
    v1.profiler.write_op_log(graph, str(tmp_path))
    log = v1.profiler.OpLogProto.FromString((tmp_path / "tfprof_log").read_bytes())
    assert {e.name: e.float_ops for e in log.log_entries}["Conv2D"] == 2304
    with pytest.raises(tf.errors.UnimplementedError, match="are not kept in runs"):
        v1.profiler.profile(graph, options=silent(Builder.time_and_memory()))
