"""Operators compute with extents that a file does not declare as with those that it declares."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

RANDOM = np.random.default_rng(0)


def drawn(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


BOXES = np.array([[[0, 0, 4, 4], [0, 0, 4, 3.9], [2, 2, 6, 6], [7, 7, 9, 9]]] * 2, np.float32)
CASES = {
    "SpaceToDepth": (dict(blocksize=2), [drawn(1, 2, 4, 6)]),
    "DepthToSpace": (dict(blocksize=2), [drawn(1, 8, 2, 3)]),
    "GatherND": ({}, [drawn(3, 4, 2), np.array([[-1, 2], [0, -4]])]),
    "GatherND in batches": (dict(batch_dims=1), [drawn(2, 3, 4), np.array([[1], [-1]])]),
    "NonMaxSuppression": (
        {},
        [BOXES, np.abs(drawn(2, 3, 4)), np.array(2), np.array(0.5, np.float32)],
    ),
    "DFT": ({}, [drawn(2, 5, 2)]),
    "Attention": (
        dict(q_num_heads=4, kv_num_heads=2),
        [drawn(2, 3, 16), drawn(2, 5, 8), drawn(2, 5, 8)],
    ),
    "Attention of heads": ({}, [drawn(2, 4, 3, 5), drawn(2, 2, 6, 5), drawn(2, 2, 6, 5)]),
    "RotaryEmbedding": ({}, [drawn(2, 3, 4, 6), drawn(2, 4, 3), drawn(2, 4, 3)]),
    "RotaryEmbedding of neighbors": (
        dict(interleaved=1),
        [drawn(2, 3, 4, 6), drawn(2, 4, 3), drawn(2, 4, 3)],
    ),
}


def computed(name, attributes, arrays, is_declared):
    """The first result of one operator, in a file that declares the extents of its inputs or names them."""
    names = [f"x{i}" for i in range(len(arrays))]
    inputs = [
        value(
            name,
            [size if is_declared else f"{name}_{axis}" for axis, size in enumerate(array.shape)],
            dtypes.as_dtype(array.dtype),
        )
        for name, array in zip(names, arrays, strict=True)
    ]
    kind = dtypes.int64 if name.startswith("NonMax") else dtypes.float32
    rank = {"NonMaxSuppression": 2, "GatherND": 1, "GatherND in batches": 2}.get(
        name, arrays[0].ndim
    )
    main = graph(
        [node(name.split()[0], " ".join(names), "y", **attributes)],
        inputs,
        [value("y", [f"y_{axis}" for axis in range(rank)], kind)],
    )
    _, function = read_proto(model(main, 23)).only("the test")
    return function(**dict(zip(names, map(tf.constant, arrays), strict=True)))["y"].numpy()


@pytest.mark.parametrize("name", CASES)
def test_results_do_not_depend_on_what_is_declared(name):
    declared, undeclared = (computed(name, *CASES[name], known) for known in (True, False))
    assert declared.size
    np.testing.assert_allclose(undeclared, declared, rtol=1e-6, atol=1e-6)
