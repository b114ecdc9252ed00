"""Values and extents that Python code reads of eager tensors are noted, whichever way it reads them."""

import pickle
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.extending.reads import unwatched, watching
from penstock._src.eager.tensor import EagerTensor

X, S, V = tf.constant([[1.0, 2.0]]), tf.constant(2), tf.Variable(1.0)
OF_VALUES = {
    "numpy": lambda: X.numpy(),
    "an array": lambda: np.asarray(X),
    "a NumPy function": lambda: np.sum(X),
    "int": lambda: int(S),
    "float": lambda: float(S),
    "complex": lambda: complex(S),
    "bool": lambda: bool(S),
    "an index": lambda: [1, 2, 3][S],
    "range": lambda: range(S),
    "round": lambda: round(tf.constant(1.5)),
    "iteration": lambda: list(X),
    "a static value": lambda: tf.get_static_value(X),
    "text": lambda: str(X),
    "a format": lambda: f"{S}",
    "DLPack": lambda: X.__dlpack__(),
    "pickle": lambda: pickle.dumps(X),
    "an attribute": lambda: tf.gather([[1, 2]], [[0]], batch_dims=tf.constant(1)),
    "an index of a slice": lambda: tf.range(5)[: tf.constant(2)],
    "a variable as a number": lambda: int(tf.Variable(3)),
}
OF_EXTENTS = {
    "shape": lambda: X.shape,
    "its tuple": lambda: X._shape_tuple(),
    "tf.shape": lambda: tf.shape(X).shape,
}
OF_NEITHER = {
    "rank": lambda: X.ndim,
    "an op": lambda: X + 1.0,
    "an op of an axis": lambda: tf.reduce_sum(X, tf.constant(1)),
    "a tensor of a size": lambda: tf.range(S),
    "a shape of tensors": lambda: tf.reshape(X, [S, -1]),
    "a comparison": lambda: X == X,
    "a variable": lambda: V + 1.0,
    "within a block that is not watched": lambda: _unwatched(),
}


def _unwatched():
    with unwatched():
        return X.numpy()


@pytest.mark.parametrize("read", OF_VALUES.values(), ids=OF_VALUES)
def test_reads_of_values_are_noted(read):
    with watching() as reads:
        read()
    assert reads.values


@pytest.mark.parametrize("read", OF_EXTENTS.values(), ids=OF_EXTENTS)
def test_reads_of_extents_are_noted(read):
    with watching() as reads:
        read()
    assert reads.extents and not reads.values


@pytest.mark.parametrize("read", OF_NEITHER.values(), ids=OF_NEITHER)
def test_ops_and_ranks_read_neither(read):
    with watching() as reads:
        read()
    assert not reads.values and not reads.extents


def test_an_outer_block_has_read_what_an_inner_one_has():
    with watching() as outer:
        with watching() as inner:
            X.numpy()
        assert inner.values
        with watching() as other:
            X.shape  # noqa: B018 - it is read
        assert other.extents and not other.values
    assert outer.values and outer.extents


def test_other_threads_read_unnoticed_and_the_class_is_as_before():
    own = vars(EagerTensor)["_value"]
    with watching() as reads:
        thread = threading.Thread(target=X.numpy)
        thread.start()
        thread.join()
    assert not reads.values and vars(EagerTensor)["_value"] is own
