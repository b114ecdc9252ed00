"""Values of objects other than variables in SavedModels."""

import os

import pytest

import penstock as tf
from penstock._src.proto.saved import SavedModel


class Words(tf.Module):
    """A mutable table, and a function that looks up."""

    def __init__(self, table):
        super().__init__()
        self.table = table
        table.insert(["b"], [7])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ids(self, words):
        """The numbers of words."""
        return self.table.lookup(words)


def mutable():
    return tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)


def dense():
    return tf.lookup.experimental.DenseHashTable(tf.string, tf.int64, -1, "", "-")


@pytest.mark.parametrize("make", [mutable, dense])
def test_entries_of_a_mutable_table_are_saved(make, tmp_path):
    loaded = Words(make())
    for number in range(2):  # what was loaded is saved again
        tf.saved_model.save(loaded, str(tmp_path / str(number)))
        loaded = tf.saved_model.load(str(tmp_path / str(number)))
        assert loaded.ids(["b", "c"]).numpy().tolist() == [7, -1]


def test_loading_twice_gives_two_tables(tmp_path):
    tf.saved_model.save(Words(mutable()), str(tmp_path))
    one, other = (tf.saved_model.load(str(tmp_path)) for _ in range(2))
    checkpoint = tf.train.Checkpoint(one)
    one.ids(["b"])
    path = checkpoint.save(str(tmp_path / "ckpt"))
    assert {name for name, _ in tf.train.list_variables(path) if "table" in name} == {
        "table/.ATTRIBUTES/table-keys",
        "table/.ATTRIBUTES/table-values",
    }
    assert one.table.resource_handle is not other.table.resource_handle


def test_sessions_restore_entries(tmp_path):
    tf.saved_model.save(Words(mutable()), str(tmp_path))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path))
        signature = meta.signature_def["serving_default"]
        words, ids = signature.inputs["words"].name, signature.outputs["output_0"].name
        assert session.run(ids, {words: ["b", "c"]}).tolist() == [7, -1]


class Counter(tf.__internal__.tracking.AutoTrackable):
    """Gives its variable as a value of its own."""

    def __init__(self):
        self.count = tf.Variable(3)

    def _serialize_to_tensors(self):
        return {"double": self.count * 2}

    def _restore_from_tensors(self, restored_tensors):
        return self.count.assign(restored_tensors["double"] // 2)


def test_an_object_that_gives_tensors_has_functions_for_them(tmp_path):
    root = tf.Module()
    root.counter = Counter()
    tf.saved_model.save(root, str(tmp_path))
    with open(os.path.join(tmp_path, "saved_model.pb"), "rb") as file:
        nodes = SavedModel.FromString(file.read()).meta_graphs[0].object_graph_def.nodes
    assert [list(node.saveable_objects) for node in nodes if node.saveable_objects] == [
        [".TENSORS"]
    ]
    loaded = tf.saved_model.load(str(tmp_path))
    loaded.counter.count.assign(5)
    path = tf.train.Checkpoint(loaded).save(str(tmp_path / "ckpt"))
    assert tf.train.load_checkpoint(path).get_tensor("counter/.ATTRIBUTES/double") == 10


def test_tables_are_in_the_graph_itself(tmp_path):
    tf.saved_model.save(Words(mutable()), str(tmp_path))
    content = (tmp_path / "saved_model.pb").read_bytes()
    (meta,) = SavedModel.FromString(content).meta_graphs
    assert "MutableHashTableV2" in {node.op for node in meta.graph_def.node}
