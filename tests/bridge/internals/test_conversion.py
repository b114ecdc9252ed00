"""What OptimizeGraph makes of graphs: as on TensorFlow, for the optimizers that Penstock has."""

import pytest

import penstock as tf
from penstock._src.bridge.internals.conversion import OptimizeGraph

v1 = tf.compat.v1


def optimized(build, **options):
    with tf.Graph().as_default():
        v1.get_collection_ref("train_op").append(build())
        meta = v1.train.export_meta_graph()
    config = v1.ConfigProto()
    for name, value in options.items():
        setattr(config.graph_options.rewrite_options, name, value)
    return OptimizeGraph(config, meta)


def folded():
    return tf.reduce_sum(tf.range(4) * 2, name="y")


def test_what_follows_from_constants_is_one():
    (node,) = optimized(folded).node
    assert (node.name, node.op, tf.make_ndarray(node.attr["value"].tensor).item()) == (
        "y",
        "Const",
        12,
    )


def test_constants_stay_apart_where_they_are_not_to_be_folded():
    assert "Sum" in {node.op for node in optimized(folded, constant_folding=2).node}


@pytest.mark.parametrize(("toggle", "kind"), [(0, "Enter"), (2, "StatelessWhile")])
def test_loops_are_lowered_where_functions_are_optimized(toggle, kind):
    def build():
        return tf.while_loop(lambda i: i < v1.placeholder(tf.int32, []), lambda i: i + 1, [0])[0]

    assert kind in {node.op for node in optimized(build, function_optimization=toggle).node}
