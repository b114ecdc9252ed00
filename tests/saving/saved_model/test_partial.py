"""Parts of SavedModels, and objects that are loaded into objects that exist."""

import pytest

import penstock as tf

load_partial = tf.__internal__.saved_model.load_partial


@pytest.fixture
def folder(tmp_path):
    root = tf.Module()
    root.held = tf.Module()
    root.held.v = tf.Variable(1.0)
    root.add = tf.Module()
    root.add.by = tf.function(
        lambda y: root.held.v.assign_add(y) + tf.constant([0.5]),
        input_signature=[tf.TensorSpec([])],
    )
    tf.saved_model.save(root, str(tmp_path))
    return str(tmp_path)


def test_paths_select_objects_with_what_is_below(folder):
    found = load_partial(folder, ["root.held.v", "root.add"])
    assert found["root.held.v"].numpy() == 1
    assert found["root.add"].by(2.0).numpy() == 3.5 and found["root.held.v"].numpy() == 3


def test_functions_need_their_variables(folder):
    with pytest.raises(ValueError, match=r"include this path: root\.held\.v"):
        load_partial(folder, ["root.add"])
    with pytest.raises(ValueError, match="no object at 'root.other'"):
        load_partial(folder, ["root.other"])


def test_objects_that_exist_get_the_saved_values(folder):
    mine = tf.Module()
    mine.held = tf.Module()
    mine.own = tf.Variable(5.0)
    with pytest.raises(AssertionError, match="not bound"):
        load_partial(folder, {"root": mine})
    options = tf.saved_model.LoadOptions(allow_partial_checkpoint=True)
    set_names = []

    def setter(parent, name, value):
        set_names.append(name)
        setattr(parent, name, value)

    assert load_partial(folder, {"root": (mine, setter)}, options=options)["root"] is mine
    assert mine.held.v.numpy() == 1 and mine.own.numpy() == 5 and "held" in set_names


class Nothing(tf.lookup.KeyValueTensorInitializer):
    """Leaves a table as it is, as Keras 2 does until it has loaded the vocabulary."""

    def __init__(self):
        self._key_dtype, self._value_dtype = tf.string, tf.int64

    key_dtype = property(lambda self: self._key_dtype)
    value_dtype = property(lambda self: self._value_dtype)

    def initialize(self, table):
        del table


def test_tables_that_exist_are_filled(tmp_path):
    root = tf.Module()
    numbers = tf.constant([1, 2], tf.int64)
    filled = tf.lookup.KeyValueTensorInitializer(["a", "b"], numbers)
    root.table = tf.lookup.StaticHashTable(filled, -1)
    root.look = tf.function(root.table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(root, str(tmp_path))
    mine = tf.Module()
    mine.table = tf.lookup.StaticHashTable(Nothing(), -1)
    nodes = {"root": mine, "root.table": mine.table}
    load_partial(str(tmp_path), nodes)
    assert mine.table.lookup(tf.constant(["b", "z"])).numpy().tolist() == [2, -1]
