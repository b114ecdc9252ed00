"""Builders and loaders of SavedModels: operations, assets, tags."""

import pytest

import penstock.compat.v1 as tf
from penstock._src.v1.saving.model_builder import INIT_OP_KEY, SavedModelBuilder
from penstock._src.v1.saving.program import asset_files
from penstock._src.v1.saving.saved_model import SavedModelLoader


def test_operations_are_kept_as_signatures(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=1.0)
        session.run(v.initializer)
        builder = SavedModelBuilder(tmp_path / "m")
        builder.add_meta_graph_and_variables(
            session, ["a"], init_op=v.assign_add(5.0).op, train_op=v.assign(0.0).op
        )
        with pytest.raises(KeyError, match="reserved for initialization"):
            builder.add_meta_graph(["b"], {INIT_OP_KEY: tf.saved_model.build_signature_def()})
        builder.save()
    loader = SavedModelLoader(tmp_path / "m")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        saver, (element,) = loader.load_graph(graph, ["a"], return_elements=["v"])
        assert element.name == "v"
        loader.restore_variables(session, saver)
        assert session.run("v/Read/ReadVariableOp:0") == 1
        loader.run_init_ops(session, ["a"])
        assert session.run("v/Read/ReadVariableOp:0") == 6
        with pytest.raises(RuntimeError, match="could not be found"):
            loader.get_meta_graph_def_from_tags(["z"])


def test_assets_of_one_name_are_numbered(tmp_path):
    paths = []
    for number in (1, 2, 3):
        paths.append(tmp_path / str(number) / "words.txt")
        paths[-1].parent.mkdir()
        paths[-1].write_text("same" if number != 2 else "other")
    with tf.Graph().as_default(), tf.Session() as session:
        assets = [tf.constant(str(path)) for path in paths]
        builder = tf.saved_model.Builder(str(tmp_path / "m"))
        builder.add_meta_graph_and_variables(session, ["a"], assets_collection=assets)
        builder.save()
    saved = SavedModelLoader(tmp_path / "m").saved_model.meta_graphs[0]
    names = [asset.filename for asset in asset_files(saved)]
    assert names == ["words.txt", "words.txt_1", "words.txt"]
    assert (tmp_path / "m/assets/words.txt_1").read_text() == "other"


def test_default_attributes_are_left_out_and_come_back(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.complex(tf.constant(1.0), tf.constant(2.0), name="z")
        builder = tf.saved_model.Builder(str(tmp_path / "m"))
        builder.add_meta_graph_and_variables(session, ["a"], strip_default_attrs=True)
        builder.save()
    saved = SavedModelLoader(tmp_path / "m").saved_model.meta_graphs[0]
    assert "T" not in next(n for n in saved.graph_def.node if n.name == "z").attr
    with tf.Graph().as_default(), tf.Session() as session:
        loaded = tf.saved_model.load(session, ["a"], str(tmp_path / "m"))
        assert session.run("z:0") == 1 + 2j
    assert next(n for n in loaded.graph_def.node if n.name == "z").attr["Tout"].type == 8


def test_imported_variables_have_the_names_of_their_scope(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        session.run(tf.get_variable("v", initializer=4.0).initializer)
        builder = tf.saved_model.Builder(str(tmp_path / "m"))
        builder.add_meta_graph_and_variables(session, ["a"])
        builder.save()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, ["a"], str(tmp_path / "m"), import_scope="s")
        (variable,) = tf.global_variables()
        assert variable.name == "s/v:0" and session.run(variable) == 4
