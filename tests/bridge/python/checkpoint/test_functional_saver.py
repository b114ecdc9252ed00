"""Savers of tensors by operations, as TensorFlow's checkpoints use them."""

import pytest

import penstock as tf
from penstock._src.bridge.python.checkpoint.functional_saver import MultiDeviceSaver
from penstock._src.bridge.python.trackable.trackable_utils import (
    extract_local_name,
    extract_object_name,
)

KEY = "path/v/.ATTRIBUTES/VARIABLE_VALUE"


class Parts(tf.Variable):
    """A variable of four elements that is saved in two slices."""

    specs = ("4 0,2", "4 2,2")

    def _restore_from_tensors(self, restored_tensors):
        parts = restored_tensors["VARIABLE_VALUE"]
        return self.assign(tf.concat([parts[spec] for spec in self.specs], 0))


class ByIdentity(list):
    """Pairs of objects and their tensors; variables cannot be keys."""

    def items(self):
        return self


def test_objects_get_their_slices_back(tmp_path):
    variable = Parts([1.0, 2.0, 3.0, 4.0])
    slices = {Parts.specs[0]: variable[:2], Parts.specs[1]: variable[2:]}
    saver = MultiDeviceSaver(ByIdentity([(variable, {KEY: slices})]))
    assert saver.save(str(tmp_path / "c")) is None
    assert tf.train.load_variable(str(tmp_path / "c"), KEY).tolist() == [1.0, 2.0, 3.0, 4.0]
    variable.assign(tf.zeros([4]))
    saver.restore(str(tmp_path / "c"))
    assert variable.numpy().tolist() == [1.0, 2.0, 3.0, 4.0]


def test_policies_split_what_is_saved(tmp_path):
    variable = tf.Variable([1.0, 2.0, 3.0, 4.0])
    saver = MultiDeviceSaver(ByIdentity([(variable, {KEY: variable.read_value()})]))
    policy = tf.train.experimental.MaxShardSizePolicy(8)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    saver.save(str(tmp_path / "c"), options)
    assert len(list(tmp_path.glob("c.data-*"))) == 2 and not list(tmp_path.glob("c_temp*"))
    variable.assign(tf.zeros([4]))
    saver.restore(str(tmp_path / "c"))
    assert variable.numpy().tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_tensor_is_saved_once():
    tensors = [(tf.Variable(1.0), {KEY: tf.constant(1.0)}) for _ in range(2)]
    with pytest.raises(ValueError, match="same checkpoint key and slice spec"):
        MultiDeviceSaver(ByIdentity(tensors))


def test_savers_of_graphs_are_pruned_to_a_half(tmp_path):
    variable = tf.Variable(2.0)
    saver = MultiDeviceSaver(ByIdentity([(variable, {KEY: variable})]))
    protos = []
    wrapped = tf.compat.v1.wrap_function(lambda: protos.append(saver.to_proto()), [])
    graph, (proto,) = wrapped.graph, protos
    filename = graph.get_tensor_by_name(proto.filename_tensor_name)
    save = wrapped.prune(filename, graph.get_tensor_by_name(proto.save_tensor_name))
    restore = wrapped.prune(filename, graph.get_operation_by_name(proto.restore_op_name))
    path = save(tf.constant(str(tmp_path / "c")))
    variable.assign(1.0)
    restore(path)
    assert variable == 2.0


def test_names_in_keys():
    assert (extract_object_name(KEY), extract_local_name(KEY)) == ("path/v", "VARIABLE_VALUE")
    assert extract_local_name("a/.ATTRIBUTES/table-keys", "table-") == "keys"
    assert extract_local_name("of/TensorFlow_1") == "of/TensorFlow_1"
