"""Private functions of TensorFlow's ops that other packages call; values are TensorFlow 2.21's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.data.experimental.ops.snapshot import legacy_snapshot
from penstock._src.bridge.python.distribute.mirrored_strategy import all_local_devices
from penstock._src.bridge.python.distribute.numpy_dataset import init_var_from_numpy
from penstock._src.bridge.python.ops.embedding_ops import _embedding_lookup_and_transform
from penstock._src.bridge.python.ops.math_ops import _mul_dispatch
from penstock._src.bridge.python.ops.resource_variable_ops import EagerResourceDeleter
from penstock._src.bridge.python.ops.shape_util import shape_tensor

TABLE = [tf.constant(np.arange(6.0).reshape(3, 2)), tf.constant(np.arange(6.0, 12).reshape(3, 2))]


@pytest.mark.parametrize(
    "shape, dtype", [([2, 3], "int32"), (tf.TensorShape([2, 3]), "int32"), ([2**40], "int64")]
)
def test_shapes_as_tensors(shape, dtype):
    found = shape_tensor(shape)
    assert (found.dtype.name, found.numpy().tolist()) == (dtype, list(shape))


def test_rows_are_transformed():
    def total(rows):
        return tf.reduce_sum(rows, -1)

    ids = [[0, 1], [2, 3]]
    found = _embedding_lookup_and_transform(TABLE, ids, transform_fn=total)
    assert found.numpy().tolist() == [[1, 13], [5, 17]]
    whole = _embedding_lookup_and_transform(TABLE[:1], [[0, 1], [2, 1]], transform_fn=total)
    assert whole.numpy().tolist() == [[1, 5], [9, 5]]


def test_products_with_sparse_tensors_are_sparse():
    sparse = tf.sparse.from_dense([[0, 2.0], [3.0, 0]])
    assert _mul_dispatch(tf.constant([[1.0, 2], [3, 4]]), sparse).values.numpy().tolist() == [4, 9]
    assert _mul_dispatch(2, 3).numpy() == 6


def test_a_resource_goes_with_its_deleter():
    handle = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="of a deleter")
    tf.raw_ops.AssignVariableOp(resource=handle, value=1.0)
    deleter = EagerResourceDeleter(handle, "/cpu:0")
    assert tf.raw_ops.VarIsInitializedOp(resource=handle).numpy()
    del deleter
    assert not tf.raw_ops.VarIsInitializedOp(resource=handle).numpy()
    with pytest.raises(ValueError, match="Was expecting the handle to be a `tf.Tensor`"):
        EagerResourceDeleter(1, "/cpu:0")


def test_arrays_become_variables():
    variable = tf.Variable(np.zeros(3))
    init_var_from_numpy(variable, np.ones(3), None)
    assert variable.numpy().tolist() == [1, 1, 1]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        other = tf.compat.v1.get_variable("v", [3])
        init_var_from_numpy(other, np.ones(3), session)
        assert session.run(other).tolist() == [1, 1, 1]


def test_devices_of_a_mirrored_strategy():
    assert all_local_devices()[0].name.startswith("/device:")


def test_snapshots_of_the_first_form(tmp_path):
    def elements(count, **arguments):
        dataset = tf.data.Dataset.range(count).apply(legacy_snapshot(str(tmp_path), **arguments))
        return list(dataset.as_numpy_iterator())

    assert elements(3, snapshot_name="q") == [0, 1, 2]
    assert elements(4, snapshot_name="q") == [0, 1, 2]
    assert elements(5, snapshot_name="q", mode="write") == [0, 1, 2, 3, 4]
    assert elements(6, mode="passthrough") == [0, 1, 2, 3, 4, 5]
    with pytest.raises(tf.errors.NotFoundError):
        elements(7, mode="read")
