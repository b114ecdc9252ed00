"""SavedModels of tf.compat.v1."""

import os

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.saving.program import asset_files

v1 = tf.compat.v1
SavedModels = v1.saved_model


@pytest.fixture
def model(tmp_path):
    """A folder with a graph that multiplies by a variable, under two sets of tags."""
    folder = str(tmp_path / "model")
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        w = v1.get_variable("w", initializer=tf.constant([[1.0], [2.0]]))
        y = tf.matmul(x, w, name="y")
        session.run(v1.global_variables_initializer())
        builder = SavedModels.Builder(folder)
        with pytest.raises(AssertionError, match="has not been saved yet"):
            builder.add_meta_graph(["serve"])
        signature = SavedModels.predict_signature_def({"a": x}, {"b": y})
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            main_op=SavedModels.main_op.main_op(),
        )
        with pytest.raises(AssertionError, match="has already been saved"):
            builder.add_meta_graph_and_variables(session, ["x"])
        builder.add_meta_graph(["serve", "gpu"])
        session.run(w.assign([[5.0], [6.0]]))
        assert builder.save() == os.path.join(folder, "saved_model.pb").encode()
    return folder


def test_graphs_are_found_by_tags_and_restored(model):
    with tf.Graph().as_default(), v1.Session() as session:
        loaded = SavedModels.load(session, ["serve", "gpu"], model)
        assert loaded.meta_info_def.tags == ["serve", "gpu"]
        assert session.run("y:0", {"x:0": [[1.0, 1.0]]}) == 3.0
        with pytest.raises(RuntimeError, match="tags 'nope' could not be found"):
            SavedModels.load(session, ["nope"], model)
        with pytest.raises(OSError, match="does not exist"):
            SavedModels.load(session, ["serve"], model + "none")
    with pytest.raises(AssertionError, match="isn't empty"):
        SavedModels.Builder(model)
    assert SavedModels.loader.maybe_saved_model_directory(model)


def test_simple_save_and_a_scope(tmp_path):
    folder = str(tmp_path / "simple")
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        w = v1.get_variable("w", initializer=3.0)
        session.run(v1.global_variables_initializer())
        SavedModels.simple_save(session, folder, {"a": x}, {"b": tf.multiply(x, w, name="y")})
    with tf.Graph().as_default(), v1.Session() as session:
        loaded = SavedModels.loader.load(session, ["serve"], folder, import_scope="q")
        info = loaded.signature_def["serving_default"].outputs["b"]
        y = SavedModels.get_tensor_from_tensor_info(info, import_scope="q")
        np.testing.assert_array_equal(session.run(y, {"q/x:0": [1.0, 2.0]}), [3.0, 6.0])


def test_assets_go_along(tmp_path):
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("a\nb\n")
    folder = str(tmp_path / "assets")
    with tf.Graph().as_default() as graph, v1.Session() as session:
        path = tf.constant(str(vocabulary), name="path")
        graph.add_to_collection("asset_filepaths", path)
        builder = SavedModels.Builder(folder)
        tf.io.read_file(path, name="text")
        assets = graph.get_collection("asset_filepaths")
        builder.add_meta_graph_and_variables(session, ["serve"], assets_collection=assets)
        builder.save(as_text=True)
    vocabulary.unlink()
    assert os.listdir(os.path.join(folder, "assets")) == ["words.txt"]
    with tf.Graph().as_default(), v1.Session() as session:
        assert asset_files(SavedModels.load(session, ["serve"], folder))[0].filename == "words.txt"


def test_signatures():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        texts = v1.placeholder(tf.string, [None], name="texts")
        sparse = v1.sparse_placeholder(tf.float32)
        info = SavedModels.build_tensor_info(x)
        assert (info.name, info.dtype) == ("x:0", 1)
        assert SavedModels.get_tensor_from_tensor_info(info, graph) is x
        again = SavedModels.get_tensor_from_tensor_info(SavedModels.build_tensor_info(sparse))
        assert again.indices is sparse.indices
        regression = SavedModels.regression_signature_def(texts, x)
        classification = SavedModels.classification_signature_def(texts, texts, x)
        for good in (regression, classification):
            assert SavedModels.is_valid_signature(good)
        assert set(classification.outputs) == {"classes", "scores"}
        other = SavedModels.build_signature_def({"i": info}, {"o": info}, "m")
        assert not SavedModels.is_valid_signature(other)
        with pytest.raises(ValueError, match="must be of type string"):
            SavedModels.regression_signature_def(x, x)
        with pytest.raises(ValueError, match="cannot both be None"):
            SavedModels.classification_signature_def(texts, None, None)
        with pytest.raises(ValueError, match="cannot be None or empty"):
            SavedModels.predict_signature_def({}, {"a": x})


def test_method_names_are_replaced(model, tmp_path):
    updater = SavedModels.signature_def_utils.MethodNameUpdater(model)
    with pytest.raises(ValueError, match="does not have a signature_def with key: 'none'"):
        updater.replace_method_name("none", "my/method")
    updater.replace_method_name("serving_default", "my/method", tags=["serve"])
    updater.save(str(tmp_path / "new"))
    with tf.Graph().as_default(), v1.Session() as session:
        loaded = SavedModels.load(session, ["serve"], str(tmp_path / "new"))
        assert loaded.signature_def["serving_default"].method_name == "my/method"


def test_defaults_of_signatures_are_tensors_of_known_value():
    build = tf.compat.v1.saved_model.build_signature_def
    with tf.Graph().as_default():
        defaults = {"w": tf.constant(1.5), "n": tf.make_tensor_proto(3)}
        made = build({}, {}, "m", defaults=defaults).defaults
        assert tf.make_ndarray(made["w"]) == 1.5 and tf.make_ndarray(made["n"]) == 3
        with pytest.raises(ValueError, match="known value"):
            build({}, {}, "m", defaults={"w": tf.compat.v1.placeholder(tf.float32)})
