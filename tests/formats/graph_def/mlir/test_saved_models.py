"""SavedModels as modules. TensorFlow 2.21 parses, verifies and simplifies the modules that are made here."""

import re

import numpy as np
import pytest

import penstock as tf

mlir = tf.mlir.experimental


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.v = tf.Variable([1.0, 2.0, 3.0], name="v")
        self.k = tf.constant([5.0, 6.0])
        self.inner = tf.Module()
        self.inner.w = tf.Variable(2, name="w")

    @tf.function(input_signature=[tf.TensorSpec([3], name="x")])
    def __call__(self, x):
        return x * self.v

    @tf.function(input_signature=[{"a": tf.TensorSpec([None]), "b": tf.TensorSpec([])}])
    def add(self, d):
        return {"s": self(self.v + d["b"]), "t": (d["a"], self.k * 2.0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path, model = str(tmp_path_factory.mktemp("model")), Model()
    signature = model.__call__.get_concrete_function()
    tf.saved_model.save(model, path, signatures={"serving_default": signature})
    return path


def heads(module):
    return re.findall(r"func\.func (?:private )?(@\S+?)\((.*)\) (?:-> .*)?attributes", module)


def test_functions_are_bound_to_variables(folder):
    module = mlir.convert_saved_model(folder, "")
    ((name, arguments), (other, more)) = sorted(heads(module))
    assert name == "@__sm_exported____call__" and other == "@__sm_exported__add"
    assert (
        '%arg0: tensor<3xf32> {tf._user_specified_name = "x", tf_saved_model.index_path = [0]}'
        in arguments
    )
    (symbol,) = re.findall(r"bound_input = (@\S+?)}", arguments)
    assert f'<{{is_mutable, sym_name = "{symbol[1:]}", type = tensor<3xf32>, ' in module
    assert 'index_path = [0, "a"]' in more and 'index_path = [0, "b"]' in more
    assert 'index_path = ["t", 1]' in module and '"tf.ReadVariableOp"(%arg' in module
    assert 'exported_names = ["v"]' in module and 'exported_names = ["inner.w"]' in module


def test_names_are_chosen(folder):
    module = mlir.convert_saved_model(folder, "__call__")
    assert len(heads(module)) == 1 and "inner.w" not in module and "exported_names = []" in module
    with pytest.raises(tf.errors.InvalidArgumentError, match="has no nosuch. It has "):
        mlir.convert_saved_model(folder, "nosuch")


def test_signatures(folder):
    module = mlir.convert_saved_model_v1(folder, "serving_default", "serve", True, False)
    ((name, arguments),) = heads(module)
    assert name == "@__sm_exported__serving_default" and 'index_path = ["x"]' in arguments
    assert 'index_path = ["output_0"]' in module
    with pytest.raises(tf.errors.InvalidArgumentError, match="no signature nosuch"):
        mlir.convert_saved_model_v1(folder, "nosuch", "serve", True, False)
    with pytest.raises(tf.errors.UnimplementedError, match="variables that are not lifted"):
        mlir.convert_saved_model_v1(folder, "", "serve", False, False)


def test_a_model_of_tensorflow_1(tmp_path):
    v1, path = tf.compat.v1, str(tmp_path / "model")
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2])
        w = v1.get_variable("w", [2, 1], use_resource=True, initializer=v1.ones_initializer())
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, path, {"x": x}, {"y": tf.matmul(x, w)})
    module = mlir.convert_saved_model_v1(path, "", "serve", True, True)
    assert 'tf_saved_model.index_path = ["y"]' in module and '"tf.MatMul"' in module
    assert "type = tensor<2x1xf32>, value = dense<1.000000e+00>" in module


def test_functions_with_several_traces(tmp_path):
    model = tf.Module()
    model.f = tf.function(lambda x: x + 1)
    for size in (2, 3):
        model.f(np.ones(size, np.float32))
    tf.saved_model.save(model, str(tmp_path))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one trace; f has 2"):
        mlir.convert_saved_model(str(tmp_path), "f")
