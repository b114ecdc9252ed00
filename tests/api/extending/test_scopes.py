"""Names of the operations that functions of several operations make in graphs."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def names(make):
    """The names and kinds of the operations that `make(x)` adds, without constants."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        make(x)
        return [f"{n.name}={n.op}" for n in graph.as_graph_def().node[1:] if n.op != "Const"]


# As TensorFlow 2.21 names them.
RECORDED = {
    "norm": (
        lambda x: tf.norm(x),
        ["norm/mul=Mul", "norm/Sum=Sum", "norm/Sqrt=Sqrt", "norm/Squeeze=Squeeze"],
    ),
    "named by the caller": (
        lambda x: tf.math.l2_normalize(x, 1, name="unit"),
        [
            "unit/Square=Square",
            "unit/Sum=Sum",
            "unit/Maximum=Maximum",
            "unit/Rsqrt=Rsqrt",
            "unit=Mul",
        ],
    ),
    "one op within": (lambda x: tf.math.special.spence(x), ["spence/Spence=Spence"]),
    "name within another scope": (
        lambda x: tf.math.special.dawsn(x, name="d"),
        ["d/Dawsn=Dawsn"],
    ),
    "random numbers": (
        lambda x: tf.random.normal([2]),
        [
            "random_normal/RandomStandardNormal=RandomStandardNormal",
            "random_normal/mul=Mul",
            "random_normal=AddV2",
        ],
    ),
    "dropout": (
        lambda x: tf.nn.dropout(x, 0.5, seed=1),
        [
            "dropout/Mul=Mul",
            "dropout/Shape=Shape",
            "dropout/random_uniform/RandomUniform=RandomUniform",
            "dropout/GreaterEqual=GreaterEqual",
            "dropout/SelectV2=SelectV2",
        ],
    ),
    "loss": (
        lambda x: v1.losses.absolute_difference(x, x, reduction="none"),
        [
            "absolute_difference/Sub=Sub",
            "absolute_difference/Abs=Abs",
            "absolute_difference/assert_broadcastable/values/shape=Shape",
            "absolute_difference/assert_broadcastable/static_scalar_check_success=NoOp",
            "absolute_difference/Mul=Mul",
        ],
    ),
    "arrays of tensors": (
        lambda x: tf.TensorArray(tf.float32, 2).write(0, x).read(0),
        [
            "TensorArrayV2=TensorListReserve",
            "TensorArrayV2Write/TensorListSetItem=TensorListSetItem",
            "TensorArrayV2Read/TensorListGetItem=TensorListGetItem",
        ],
    ),
    "constants of computed shapes": (
        lambda x: tf.zeros([tf.size(x), 2]),
        ["Size=Size", "zeros/packed=Pack", "zeros=Fill"],
    ),
    "gate": (
        lambda x: tf.tuple([x, x]),
        [
            "tuple/group_deps=NoOp",
            "tuple/control_dependency=Identity",
            "tuple/control_dependency_1=Identity",
        ],
    ),
}


@pytest.mark.parametrize("what", RECORDED)
def test_ops_stand_in_the_scope_of_their_function(what):
    make, expected = RECORDED[what]
    assert names(make) == expected


def test_a_name_given_by_position_is_the_scopes():
    assert names(lambda x: tf.clip_by_value(x, 0.0, 1.0, "clip")) == [
        "clip/Minimum=Minimum",
        "clip=Maximum",
    ]


def test_a_second_call_gets_a_scope_of_its_own():
    assert names(lambda x: [tf.math.special.spence(x), tf.math.special.spence(x)]) == [
        "spence/Spence=Spence",
        "spence_1/Spence=Spence",
    ]


def test_eager_results_are_those_of_graphs():
    x = tf.constant([[3.0, 4.0, 0.0]])

    def both(x):
        return tf.norm(x), tf.clip_by_value(x, 1.0, 3.5)

    for eager, compiled in zip(both(x), tf.function(both)(x), strict=True):
        np.testing.assert_array_equal(eager, compiled)
