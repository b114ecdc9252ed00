"""tf.saved_model.load of what TensorFlow 1 saved: signatures share restored variables and tables."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.saving.wrapped import UnliftableError

v1 = tf.compat.v1


@pytest.fixture(params=[True, False], ids=["resources", "references"])
def folder(request, tmp_path):
    """A SavedModel of a graph with two variables and a table of words in a file outside of it."""
    (tmp_path / "words.txt").write_text("a\nb\nc\n")
    path = str(tmp_path / "model")
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 3], "x")
        words = v1.placeholder(tf.string, [None], "words")
        sparse = v1.sparse_placeholder(tf.float32, [None, 3], name="sparse")
        with v1.variable_scope("layer", use_resource=request.param):
            w = v1.get_variable("w", initializer=tf.constant([[1.0], [2.0], [3.0]]))
            b = v1.get_variable("b", initializer=tf.constant(0.5), trainable=False)
        y = tf.nn.relu(x @ w + b, name="y")
        whole, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        initializer = tf.lookup.TextFileInitializer(
            str(tmp_path / "words.txt"), tf.string, whole, tf.int64, line
        )
        ids = tf.lookup.StaticHashTable(initializer, -1).lookup(words)
        info, define = v1.saved_model.build_tensor_info, v1.saved_model.build_signature_def
        signatures = {
            "serving_default": define({"x": info(x)}, {"y": info(y), "double": info(y * 2)}),
            "both": define({"x": info(x), "words": info(words)}, {"y": info(y), "ids": info(ids)}),
            "sparse": define(
                {"s": info(sparse)}, {"y": info(v1.sparse_tensor_to_dense(sparse) @ w)}
            ),
        }
        with v1.Session() as session:
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            session.run(v1.assign(b, 1.5))
            builder = v1.saved_model.Builder(path)
            builder.add_meta_graph_and_variables(
                session, ["serve"], signatures, main_op=v1.tables_initializer()
            )
            builder.save()
    return path


def test_signatures_variables_and_gradients(folder):
    loaded = tf.saved_model.load(folder, allow="read_files")
    serve = loaded.signatures["serving_default"]
    assert serve.structured_input_signature == ((), {"x": tf.TensorSpec([None, 3], name="x")})
    assert serve(x=tf.ones([2, 3]))["double"].numpy().tolist() == [[15], [15]]
    assert serve(tf.ones([1, 3]))["y"].numpy().tolist() == [[7.5]]
    both = loaded.signatures["both"](x=tf.ones([1, 3]), words=tf.constant(["b", "?"]))
    assert both["ids"].numpy().tolist() == [1, -1]
    s = tf.sparse.from_dense([[1.0, 0, 2]])
    dense = loaded.signatures["sparse"](
        s_indices=s.indices, s_values=s.values, s_dense_shape=s.dense_shape
    )
    assert dense["y"].numpy().tolist() == [[7]]
    w, b = loaded.variables
    assert w.name == "layer/w:0" and w.trainable and not b.trainable and b.numpy() == 1.5
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(serve(x=tf.ones([2, 3]))["y"])
    np.testing.assert_array_equal(tape.gradient(loss, w), [[2], [2], [2]])
    w.assign(w * 0)
    part = loaded.prune("x:0", "y:0")
    assert part(tf.ones([1, 3])).numpy() == 1.5
    assert tf.function(lambda x: serve(x=x)["y"] + 1)(tf.ones([1, 3])).numpy() == 2.5
    loaded.restore(f"{folder}/variables/variables")
    assert part(tf.ones([1, 3])).numpy() == 7.5


def test_a_program_with_a_table_is_saved_again(folder, tmp_path):
    again = str(tmp_path / "again")
    loaded = tf.saved_model.load(folder, allow="read_files")
    tf.saved_model.save(loaded, again, loaded.signatures)
    both = tf.saved_model.load(again, allow="read_files").signatures["both"]
    assert both(x=tf.ones([1, 3]), words=tf.constant(["c"]))["ids"].numpy().tolist() == [2]


def test_in_a_graph_sessions_initialize_the_loaded_variables(folder):
    with tf.Graph().as_default() as graph:
        loaded = tf.saved_model.load(folder, allow="read_files")
        result = loaded.signatures["both"](x=tf.ones([1, 3]), words=tf.constant(["b"]))
        assert graph.get_collection("trainable_variables") == []
        with v1.Session() as session:
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            values = session.run(result)
    assert values["ids"].tolist() == [1] and values["y"].tolist() == [[7.5]]


def test_a_function_takes_only_what_it_needs(folder):
    loaded = tf.saved_model.load(folder, allow="read_files")
    assert len(loaded.prune("words:0", "words:0").captured_inputs) == 0
    with pytest.raises(UnliftableError, match="placeholder 'x'"):
        loaded.prune("words:0", "y:0")


def test_ragged_inputs_are_given_by_their_parts(tmp_path):
    path = str(tmp_path / "model")
    with tf.Graph().as_default():
        x = v1.ragged.placeholder(tf.float32, 1, [])
        with v1.Session() as session:
            v1.saved_model.simple_save(session, path, {"x": x}, {"y": x * 2})
    info = tf.saved_model.load(path).signatures["serving_default"]
    rows = tf.ragged.constant([[1.0], [2.0, 3.0]])
    made = info(x_component_0=rows.flat_values, x_component_1=rows.row_splits)["y"]
    assert made.to_list() == [[2], [4, 6]]


def test_one_of_several_graphs_is_named_by_its_tags(tmp_path):
    path = str(tmp_path / "model")
    with tf.Graph().as_default(), v1.Session() as session:
        tf.constant(1)
        builder = v1.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(session, ["one"])
        builder.add_meta_graph(["two"])
        builder.save()
    with pytest.raises(ValueError, match="2 MetaGraphs"):
        tf.saved_model.load(path)
    assert not tf.saved_model.load(path, "two").signatures


def test_variables_that_were_references_are_not_listed(tmp_path):
    path = str(tmp_path / "model")
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [], "x")
        held = v1.get_variable("held", initializer=2.0, use_resource=True)
        reference = tf.raw_ops.VariableV2(shape=[], dtype=tf.float32, name="reference")
        start = tf.raw_ops.Assign(ref=reference, value=3.0).op
        with v1.Session() as session:
            session.run([held.initializer, start])
            y = x * held * tf.raw_ops.Identity(input=reference)
            v1.saved_model.simple_save(session, path, {"x": x}, {"y": y}, legacy_init_op=start)
    loaded = tf.saved_model.load(path)
    assert [v.name for v in loaded.variables] == ["held:0"]
    assert loaded.signatures["serving_default"](x=tf.constant(1.0))["y"].numpy() == 6
