"""SavedModels: objects, functions and signatures come back; the graph serves without objects."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.saved import SavedModel
from penstock._src.saving.saved_model import load as loading
from penstock._src.saving.saved_model import save as saving


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.scale = tf.Variable([1.0, 2.0], name="scale")
        self.offset = tf.constant([[10.0, 20.0]])
        self.parts = [tf.Variable(3)]

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def __call__(self, x):
        return {"y": x * self.scale + self.offset}

    @tf.function
    def power(self, x, exponent=2):
        if exponent == 2:
            return x * x
        return x**exponent


@pytest.fixture
def folder(tmp_path):
    model = Model()
    model.power(tf.constant(3.0))
    model.power(tf.constant(3.0), exponent=3)
    saving.save(model, str(tmp_path / "m"), signatures=model.__call__)
    return str(tmp_path / "m")


def test_objects_and_functions(folder):
    model = loading.load(folder)
    np.testing.assert_array_equal(model(tf.constant([[1.0, 1.0]]))["y"], [[11, 22]])
    np.testing.assert_array_equal(model([[1.0, 1.0]])["y"], [[11, 22]])
    assert float(model.power(tf.constant(2.0))) == 4.0
    assert float(model.power(tf.constant(2.0), exponent=3)) == 8.0
    assert int(model.parts[0]) == 3
    model.scale.assign([0.0, 0.0])
    np.testing.assert_array_equal(model(tf.constant([[1.0, 1.0]]))["y"], [[10, 20]])
    with pytest.raises(ValueError, match="Could not find matching concrete function"):
        model.power("text")


def test_gradients_pass_through(folder):
    model = loading.load(folder)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.constant([[3.0, 4.0]]))["y"])
    np.testing.assert_array_equal(tape.gradient(loss, model.scale), [3, 4])


def test_signatures(folder):
    serve = loading.load(folder).signatures["serving_default"]
    np.testing.assert_array_equal(serve(x=tf.constant([[1.0, 1.0]]))["y"], [[11, 22]])
    assert serve.structured_outputs["y"].shape.as_list() == [None, 2]
    assert tf.saved_model.contains_saved_model(folder)


def test_the_file(folder):
    saved = SavedModel.FromString(open(f"{folder}/saved_model.pb", "rb").read())
    (meta,) = saved.meta_graphs
    assert list(meta.meta_info_def.tags) == ["serve"]
    signature = meta.signature_def["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert signature.inputs["x"].name == "serving_default_x:0"
    kinds = [node.WhichOneof("kind") for node in meta.object_graph_def.nodes]
    assert {"user_object", "variable", "function", "bare_concrete_function"} <= set(kinds)


def test_saved_again(folder, tmp_path):
    saving.save(loading.load(folder), str(tmp_path / "again"))
    model = loading.load(str(tmp_path / "again"))
    np.testing.assert_array_equal(model(tf.constant([[1.0, 1.0]]))["y"], [[11, 22]])


def test_rejections(tmp_path):
    with pytest.raises(ValueError, match="Expected an object of type `Trackable`"):
        saving.save(3, str(tmp_path))
    with pytest.raises(OSError, match="SavedModel file does not exist"):
        loading.load(str(tmp_path))
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\xff\xff")
    with pytest.raises(OSError, match=r"Cannot parse file .*saved_model\.pb:"):
        loading.load(str(tmp_path))
    (tmp_path / "saved_model.pb").rename(tmp_path / "other")
    (tmp_path / "saved_model.pbtxt").write_text("meta_graphs {")
    with pytest.raises(OSError, match=r"Cannot parse file .*saved_model\.pbtxt:"):
        loading.load(str(tmp_path))
    outside = tf.Variable(1.0)
    module = tf.Module()
    module.f = tf.function(lambda: outside + 1.0)
    module.f()
    with pytest.raises(AssertionError, match="untracked"):
        saving.save(module, str(tmp_path / "u"))


def test_tables_are_initialized_when_a_model_is_loaded(tmp_path):
    class Words(tf.Module):
        def __init__(self):
            super().__init__()
            words = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
            self.table = tf.lookup.StaticHashTable(words, -1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def numbers(self, texts):
            return self.table.lookup(texts)

    saving.save(Words(), str(tmp_path / "w"))
    words = loading.load(str(tmp_path / "w"))
    assert words.numbers(tf.constant(["b", "x"])).numpy().tolist() == [2, -1]


def test_inputs_of_signatures_stand_in_the_order_of_names(tmp_path):
    module = tf.Module()
    spec = [tf.TensorSpec([], tf.float32, "second"), tf.TensorSpec([], tf.int32, "first")]
    module.difference = tf.function(lambda second, first: second - tf.cast(first, tf.float32), spec)
    tf.saved_model.save(module, str(tmp_path), signatures=module.difference)
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    assert [tensor.dtype for tensor in signature.inputs[:2]] == [tf.int32, tf.float32]
    made = signature(second=tf.constant(5.0), first=tf.constant(3))
    assert float(made["output_0"]) == 2.0


def test_missing_values_are_refused(tmp_path):
    """Variables must not silently stay as their initializers made them."""
    module = tf.Module()
    module.v = tf.Variable(2.0)
    folder = tmp_path / "m"
    tf.saved_model.save(module, str(folder))
    (folder / "variables" / "variables.index").unlink()
    with pytest.raises(FileNotFoundError, match="variables.index"):
        tf.saved_model.load(str(folder))


def test_assets_are_strings_for_operations(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("one two")
    module = tf.Module()
    module.asset = tf.saved_model.Asset(str(path))
    module.text = tf.function(lambda: tf.io.read_file(module.asset), input_signature=[])
    tf.saved_model.save(module, str(tmp_path / "m"))
    path.unlink()
    (tmp_path / "m").rename(tmp_path / "moved")
    assert tf.saved_model.load(str(tmp_path / "moved")).text() == b"one two"
