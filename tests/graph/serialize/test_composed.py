"""Ops that TensorFlow lacks, in graphs that it reads."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.graph.operation import Operation

KEYS = np.array([b"a", b"bc", b"d"], object)


def trees():
    """Two trees over three features: one tests a threshold, then a set; the other is a leaf."""
    return dict(
        base=np.array([0.5, -1.0], np.float32),
        roots=np.array([0, 5], np.int32),
        targets=np.array([1, 0], np.int32),
        feature=np.array([0, 2, -1, -1, -1, -1], np.int32),
        threshold=np.array([1.5, 0, 0, 0, 0, 0], np.float32),
        left=np.array([1, 2, 0, 1, 2, 3], np.int32),
        right=np.array([4, 3, 0, 0, 0, 0], np.int32),
        missing_left=np.array([True, False, False, False, False, False]),
        set_of=np.array([-1, 0, -1, -1, -1, -1], np.int32),
        set_offsets=np.array([0, 2], np.int32),
        set_words=np.array([1 << 31 | 4, 2], np.uint32),
        values=np.array([[1.0], [20.0], [300.0], [4000.0]], np.float32),
    )


@tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.string)])
def numbers(x, words):
    return raw.TreeEnsemble(x=x, **trees()), raw.KeyPositions(words, KEYS)


ROWS = np.array(
    [[1, 9, c] for c in (2, 2.9, 3, 31, 33, 63, 64, -0.5, -1, np.nan, np.inf)]
    + [[2, 0, 2], [np.nan, 0, 2], [-np.inf, 0, 0]],
    np.float32,
)
SUMS = [1, 1, 20, 1, 1, 20, 20, 20, 20, 20, 20, 300, 1, 20]
WORDS = [b"bc", b"", b"d", b"a", b"x", b"bc", b"x"]


def nodes_of(definition):
    return [*definition.node, *(n for f in definition.library.function for n in f.node_def)]


def without_notes(definition):
    for node in nodes_of(definition):
        for name in [name for name in node.attr if name.startswith("_composed")]:
            del node.attr[name]
    return definition


def imported(definition):
    def run(x, words):
        return tf.graph_util.import_graph_def(
            definition,
            input_map={"x": x, "words": words},
            return_elements=["Identity:0", "Identity_1:0"],
            name="",
        )

    return tf.compat.v1.wrap_function(run, [tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.string)])  # fmt: skip


@pytest.mark.parametrize("change", [lambda d: d, without_notes], ids=["own", "composed"])
def test_a_graph_with_calls_in_place_of_own_ops_gives_the_same(change):
    definition = change(numbers.get_concrete_function().graph.as_graph_def())
    sums, positions = imported(definition)(tf.constant(ROWS), tf.constant(WORDS))
    assert sums.numpy().tolist() == [[4000.5, each - 1.0] for each in SUMS]
    assert positions.numpy().tolist() == [1, -1, 2, 0, -1, 1, -1]


def test_graphs_hold_only_ops_that_tensorflow_has():
    kinds = {n.op for n in nodes_of(numbers.get_concrete_function().graph.as_graph_def())}
    assert "PartitionedCall" in kinds
    assert not kinds & {"TreeEnsemble", "KeyPositions"}


def test_own_ops_are_read_back(tmp_path):
    module = tf.Module()
    module.f = numbers
    tf.saved_model.save(module, str(tmp_path))
    graph = tf.saved_model.load(str(tmp_path)).f.get_concrete_function().graph
    kinds = {op.type for op in _all_operations(graph)}
    assert {"TreeEnsemble", "KeyPositions"} <= kinds
    assert "Unique" not in kinds


def _all_operations(graph) -> list[Operation]:
    bodies = [op.raw_op.attrs["f"] for op in graph.get_operations() if "f" in op.raw_op.attrs]
    return [*graph.get_operations(), *(op for f in bodies for op in _all_operations(f.graph))]


def test_trees_that_are_not_constant_are_refused():
    @tf.function
    def f(x, roots):
        return raw.TreeEnsemble(x=x, **{**trees(), "roots": roots})

    traced = f.get_concrete_function(tf.TensorSpec([None, 3]), tf.TensorSpec([2], tf.int32))
    with pytest.raises(tf.errors.UnimplementedError, match="TreeEnsemble: only constant trees"):
        traced.graph.as_graph_def()
