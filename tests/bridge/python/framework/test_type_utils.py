"""Full types of what datasets hold."""

import penstock as tf
from penstock._src.bridge.python.framework.type_utils import fulltypes_for_flat_tensors
from penstock._src.proto.graph import FullTypeId


def test_ragged_tensors_have_a_known_type():
    element = {"a": tf.RaggedTensorSpec([2, None], tf.int32), "b": tf.SparseTensorSpec([2])}
    ragged, sparse = fulltypes_for_flat_tensors(element)
    assert ragged.type_id == FullTypeId.TFT_RAGGED
    assert ragged.args[0].type_id == FullTypeId.TFT_INT32
    assert sparse.type_id == FullTypeId.TFT_UNSET
    assert element["b"]._flat_tensor_specs == [tf.TensorSpec(None, tf.variant)]
