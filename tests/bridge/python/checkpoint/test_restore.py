"""Single objects from nodes of checkpoints, frozen savers, and values that are made when they are saved."""

import pytest

import penstock as tf
from penstock._src.bridge.internals.tracking import ObjectGraphView
from penstock._src.bridge.python.checkpoint.checkpoint import frozen_saver
from penstock._src.bridge.python.checkpoint.restore import _extract_saveable_name, restore_nodes
from penstock._src.bridge.python.checkpoint.save_util import serialize_graph_view
from penstock._src.bridge.python.checkpoint.tensor_callable import Callable
from penstock._src.bridge.python.util.object_identity import ObjectIdentityDictionary
from penstock._src.saving.state import meta_graph_filename, wait_for_new_checkpoint


class Counter(tf.__internal__.tracking.AutoTrackable):
    def __init__(self, value):
        self.value, self.made = value, 0

    def _serialize_to_tensors(self):
        def tensor():
            self.made += 1
            return tf.constant(self.value)

        return {"value": Callable(tensor, tf.int32, "cpu:0")}

    def _restore_from_tensors(self, restored_tensors):
        self.value = int(restored_tensors["value"])


@pytest.fixture
def saved(tmp_path):
    root = tf.Module()
    root.v, root.counter, root.empty = tf.Variable(3.0), Counter(7), tf.Module()
    return tf.train.Checkpoint(root=root).write(str(tmp_path / "c"))


def nodes(path):
    return tf.train.CheckpointView(path).children(0)


def test_functions_of_tensors_are_called_when_they_are_saved(saved, tmp_path):
    counter = Counter(1)
    tf.train.Checkpoint(counter=counter).write(str(tmp_path / "d"))
    assert counter.made == 1
    tf.train.Checkpoint(counter=counter).read(saved).expect_partial()
    assert counter.value == 7


def test_nodes_are_restored_into_objects(saved):
    found, variable, counter = nodes(saved), tf.Variable(0.0), Counter(0)
    restore_nodes(saved, {found["v"]: variable, found["counter"]: counter})
    assert variable == 3.0 and counter.value == 7


def test_nodes_and_objects_must_agree(saved):
    found = nodes(saved)
    for given, message in [
        ({99: tf.Variable(0.0)}, "does not exist in the checkpoint"),
        ({found["v"]: "text"}, "Expecting a valid Trackable"),
        ({found["empty"]: tf.Variable(0.0)}, "expects checkpointed values"),
        ({found["v"]: tf.Module()}, "does not expect checkpointed values"),
        ([], "Expecting a dictionary"),
    ]:
        with pytest.raises(ValueError, match=message):
            restore_nodes(saved, given)
    with pytest.raises(ValueError, match="save_path cannot be empty"):
        restore_nodes(None, {})
    assert _extract_saveable_name("a/.ATTRIBUTES/b") == "a/.ATTRIBUTES/"


def test_frozen_savers_write_checkpoints_of_objects(tmp_path):
    root = tf.Module()
    root.v = tf.Variable(3.0)
    saver = frozen_saver(root)
    saver.save(tf.constant(str(tmp_path / "c")))
    root.v.assign(4.0)
    saver.restore(tf.constant(str(tmp_path / "c")))
    assert root.v == 3.0
    root.v.assign(5.0)
    tf.train.Checkpoint(root).read(str(tmp_path / "c")).assert_consumed()
    assert root.v == 3.0


def test_views_are_serialized_with_copies():
    root = tf.Module()
    root.v = tf.Variable(3.0)
    copies = ObjectIdentityDictionary()
    copies[root.v] = tf.Variable(9.0)
    tensors, feeds, registered, graph = serialize_graph_view(ObjectGraphView(root), copies)
    assert tensors[copies[root.v]] == {"v/.ATTRIBUTES/VARIABLE_VALUE": 9.0}
    assert feeds is None and registered == {} and len(graph.nodes) == 2


def test_waiting_for_checkpoints(tmp_path):
    assert wait_for_new_checkpoint(str(tmp_path), timeout=0) is None
    path = tf.train.Checkpoint(v=tf.Variable(1.0)).save(str(tmp_path / "c"))
    assert wait_for_new_checkpoint(str(tmp_path)) == path
    assert wait_for_new_checkpoint(str(tmp_path), path, 0.01, timeout=0.02) is None


def test_names_of_meta_graphs():
    assert meta_graph_filename("model.ckpt-7-?????-of-00002") == "model.ckpt-7.meta"
    assert meta_graph_filename("model.ckpt-7", "graph") == "model.ckpt-7.graph"
