"""Blocks of images as channels or batches, and patches, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check, ints, values

IMAGE = values(2, 4, 6, 3)
BLOCKS = [
    OpCase("SpaceToDepth", [IMAGE], {"block_size": 2}),
    OpCase(
        "SpaceToDepth", [np.moveaxis(IMAGE, -1, 1).copy()], {"block_size": 2, "data_format": "NCHW"}
    ),
    OpCase("DepthToSpace", [values(1, 2, 2, 8)], {"block_size": 2}),
    OpCase("DepthToSpace", [values(1, 8, 2, 2)], {"block_size": 2, "data_format": "NCHW"}),
    OpCase("SpaceToBatchND", [IMAGE, ints(2, 3), np.int32([[1, 1], [0, 0]])]),
    OpCase("BatchToSpaceND", [values(12, 2, 2, 1), ints(2, 3), np.int32([[1, 0], [0, 2]])]),
    OpCase("SpaceToBatch", [IMAGE, np.int32([[0, 0], [1, 1]])], {"block_size": 2}),
    OpCase("BatchToSpace", [values(4, 2, 2, 1), np.int32([[0, 1], [0, 0]])], {"block_size": 2}),
    OpCase(
        "ExtractImagePatches",
        [values(1, 4, 4, 2)],
        {"ksizes": [1, 2, 2, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": "SAME"},
    ),
    OpCase(
        "ExtractImagePatches",
        [values(2, 4, 4, 1)],
        {
            "ksizes": [1, 3, 2, 1],
            "strides": [1, 1, 2, 1],
            "rates": [1, 1, 1, 1],
            "padding": "VALID",
        },
    ),
    OpCase(
        "ExtractVolumePatches",
        [values(1, 3, 3, 3, 1)],
        {"ksizes": [1, 2, 2, 2, 1], "strides": [1, 1, 1, 1, 1], "padding": "SAME"},
    ),
]


@pytest.mark.parametrize("case", BLOCKS, ids=str)
def test_case(case):
    check(case)


def test_space_to_depth_and_back():
    deep = raw.SpaceToDepth(IMAGE, block_size=2)
    np.testing.assert_array_equal(raw.DepthToSpace(deep, block_size=2).numpy(), IMAGE)
    one = raw.SpaceToDepth(np.arange(4.0).reshape(1, 2, 2, 1), block_size=2).numpy()
    assert one.ravel().tolist() == [0, 1, 2, 3]


def test_space_to_batch_and_back():
    moved = raw.SpaceToBatchND(IMAGE, ints(2, 3), np.zeros((2, 2), np.int32))
    back = raw.BatchToSpaceND(moved, ints(2, 3), np.zeros((2, 2), np.int32))
    np.testing.assert_array_equal(back.numpy(), IMAGE)
    one = raw.SpaceToBatch(
        np.arange(4.0).reshape(1, 2, 2, 1), np.zeros((2, 2), np.int32), block_size=2
    )
    assert one.numpy().ravel().tolist() == [0, 1, 2, 3]


def test_a_patch_at_the_edge_is_filled_with_zeros():
    image = np.arange(9.0).reshape(1, 3, 3, 1)
    patches = raw.ExtractImagePatches(
        image, ksizes=[1, 2, 2, 1], strides=[1, 1, 1, 1], rates=[1, 1, 1, 1], padding="SAME"
    )
    assert patches.numpy()[0, 2, 2].tolist() == [8, 0, 0, 0]
    assert patches.numpy()[0, 0, 0].tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("op", "extents", "block", "pads", "message"),
    [
        ("SpaceToBatchND", [1, 2, 2], [1, 1], [[0, -1], [0, 0]], "paddings cannot be negative"),
        ("SpaceToBatchND", [1, 2, 2], [-1, 2], [[0, 0], [0, 0]], "block_shape must be positive"),
        ("SpaceToBatchND", [1, 2, 3], [2, 2], [[0, 0], [0, 0]], "evenly divisible by 2 but is 3"),
        ("SpaceToBatchND", [9, 2, 2], [2**62, 2], [[0, 0], [0, 0]], "caused by overflow"),
        ("BatchToSpaceND", [3, 2, 2], [2, 2], [[0, 0], [0, 0]], "evenly divisible by 2 but is 3"),
        ("BatchToSpaceND", [4, 2, 2], [2, 2], [[0, 5], [0, 0]], "subtracting 5 from 4"),
    ],
)
def test_blocks_that_do_not_fit_are_refused_while_a_graph_is_built(
    op, extents, block, pads, message
):
    # as in TensorFlow 2.21
    pads = {"paddings" if op == "SpaceToBatchND" else "crops": pads}
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        block = tf.constant(block, tf.int64)
        getattr(tf.raw_ops, op)(input=tf.zeros(extents), block_shape=block, **pads)


def test_required_paddings_of_known_shapes_are_constants():
    # as in TensorFlow 2.21
    with tf.Graph().as_default():
        found = tf.compat.v1.required_space_to_batch_paddings([3, 4], [2, 2], [[0, 1], [1, 0]])
        paddings, crops = map(tf.get_static_value, found)
    assert paddings.tolist() == [[0, 1], [1, 1]] and crops.tolist() == [[0, 0], [0, 1]]
    image = tf.compat.v1.space_to_batch
    with tf.Graph().as_default():
        given = tf.compat.v1.placeholder(tf.float32)
        assert image(given, tf.compat.v1.placeholder(tf.int32), 4).shape.rank == 4
