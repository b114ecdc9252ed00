"""Signatures whose results are no plain tensors."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.saved import SavedModel


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "model")


def saved(function, folder):
    """A module with a function, saved with it as a signature; returns the SignatureDef."""
    module = tf.Module()
    module.f = function
    tf.saved_model.save(module, folder, signatures={"s": function})
    with open(folder + "/saved_model.pb", "rb") as file:
        return SavedModel.FromString(file.read()).meta_graphs[0].signature_def["s"]


def test_ragged_results(folder):
    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
    def f(rows):
        return rows + 1, tf.reduce_sum(rows, -1)

    definition = saved(f, folder)
    composite = definition.outputs["output_0"].composite_tensor
    assert composite.type_spec.type_spec_class_name == "RaggedTensorSpec"
    assert len(composite.components) == 2
    assert definition.outputs["output_1"].name
    model = tf.saved_model.load(folder)
    rows = tf.ragged.constant([[1, 2], [], [3]])
    found = model.signatures["s"](rows=rows.values, rows_1=rows.row_splits)
    assert found["output_0"].to_list() == [[2, 3], [], [4]]
    assert found["output_1"].numpy().tolist() == [3, 0, 3]


def test_sparse_results(folder):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x):
        return {"b": x, "a": tf.sparse.from_dense(x)}

    definition = saved(f, folder)
    assert definition.outputs["a"].coo_sparse.values_tensor_name
    assert [dim.size for dim in definition.outputs["a"].tensor_shape.dim] == [-1, 2]
    model = tf.saved_model.load(folder)
    found = model.signatures["s"](x=tf.constant([[0.0, 2.0]]))
    assert tf.sparse.to_dense(found["a"]).numpy().tolist() == [[0.0, 2.0]]
    assert found["b"].numpy().tolist() == [[0.0, 2.0]]


def test_nested_results_are_refused(folder):
    @tf.function(input_signature=[tf.TensorSpec([])])
    def f(x):
        return {"a": [x]}

    with pytest.raises(ValueError, match="Got a non-Tensor value"):
        saved(f, folder)


def test_parameters_whose_saved_names_are_no_names_are_unknown(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path))
    path = tmp_path / "saved_model.pb"
    saved = SavedModel.FromString(path.read_bytes())
    for node in saved.meta_graphs[0].object_graph_def.nodes:
        for pair in node.function.function_spec.fullargspec.named_tuple_value.values:
            if pair.key == "args":
                pair.value.list_value.values[0].int64_value = 7
    path.write_bytes(saved.SerializeToString())
    assert tf.saved_model.load(str(tmp_path)).f(tf.constant(1.0)) == 2.0


class Parameterless(tf.Module):
    """Has one function whose types are known without a call."""

    @tf.function
    def count(self):
        return tf.constant(3)

    @tf.function
    def scale(self, x):
        return 2.0 * x


def test_functions_without_parameters_are_saved_before_they_are_called(folder):
    model = Parameterless()
    assert model.count.input_signature == () and model.scale.input_signature is None
    tf.saved_model.save(model, folder)
    loaded = tf.saved_model.load(folder)
    assert loaded.count() == 3
    assert list(loaded.signatures) == ["serving_default"]
    assert loaded.signatures["serving_default"]()["output_0"] == 3
    assert "Output Type" in loaded.count.pretty_printed_concrete_signatures()


def test_a_function_without_parameters_is_a_signature(folder):
    saved(tf.function(lambda: tf.constant(1)), folder)
    assert tf.saved_model.load(folder).signatures["s"]()["output_0"] == 1


@pytest.mark.parametrize(
    ("key", "node"),
    [("s d", "s_d_x"), ("é", "x"), ("a:b", "a_b_x"), ("-q", "q_x"), ("a/b.c-d>e", "a_b.c-d_e_x")],
)
def test_keys_of_any_characters_give_placeholders_tensorflows_names(key, node, tmp_path):
    module = tf.Module()
    module.f = tf.function(
        lambda x: {"a": x + 1.0}, input_signature=[tf.TensorSpec([None], name="x")]
    )
    tf.saved_model.save(module, str(tmp_path), signatures={key: module.f})
    loaded = tf.saved_model.load(str(tmp_path)).signatures[key]
    assert loaded(x=tf.constant([1.0]))["a"].numpy() == 2
    graph = tf.compat.v1.Graph()
    with tf.compat.v1.Session(graph=graph) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path))
    assert meta.signature_def[key].inputs["x"].name == f"{node}:0"


def test_what_is_converted_must_have_the_shape_of_the_signature(tmp_path):
    class Model(tf.Module):
        """Counts its calls: a refused one is not made."""

        def __init__(self):
            super().__init__()
            self.calls = tf.Variable(0)

        @tf.function(input_signature=[tf.TensorSpec([None, 2], name="x")])
        def double(self, x):
            self.calls.assign_add(1)
            return {"y": x * 2.0}

    model = Model()
    tf.saved_model.save(model, str(tmp_path), signatures={"serving_default": model.double})
    loaded = tf.saved_model.load(str(tmp_path))
    concrete = model.double.get_concrete_function()
    for wrong in ([[1.0, 2.0, 3.0]], np.ones([1, 3], np.float32), tf.Variable([[1.0]])):
        for call in (loaded.signatures["serving_default"], concrete):
            with pytest.raises(TypeError, match="Can not cast TensorSpec"):
                call(x=wrong)
    assert loaded.calls.numpy() == 0
    np.testing.assert_array_equal(
        loaded.signatures["serving_default"](x=[[1.0, 2.0]])["y"], [[2.0, 4.0]]
    )


def test_a_function_without_state_is_called_as_such(tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: x * 2.0)
    double = module.double.get_concrete_function(tf.TensorSpec([2], name="x"))
    tf.saved_model.save(module, tmp_path, signatures=double)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path))
        name = meta.signature_def["serving_default"].outputs["output_0"].name
        assert name == "PartitionedCall:0"
        assert session.run(name, {"serving_default_x:0": [1.0, 2.0]}).tolist() == [2.0, 4.0]
