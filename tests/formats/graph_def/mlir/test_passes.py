"""Passes over modules, as TensorFlow 2.21 runs them: passes.json holds what it makes of the module under ''."""

import json
import pathlib

import pytest

import penstock as tf

RECORDED = json.loads(pathlib.Path(__file__).with_name("passes.json").read_text())
run = tf.mlir.experimental.run_pass_pipeline


@pytest.mark.parametrize("pipeline", RECORDED)
def test_modules_are_tensorflows(pipeline):
    assert run(RECORDED[""], pipeline) == RECORDED[pipeline] + "\n"


FUNCTION = """  func.func @f(%arg0: tensor<2xf32>) -> tensor<2xf32> {
    return %arg0 : tensor<2xf32>
  }
"""


@pytest.mark.parametrize(
    "text, module",
    [
        ("module {}", "module {\n}\n"),
        (
            "module attributes {a = {b = 5 : i32}} {}",
            "module attributes {a = {b = 5 : i32}} {\n}\n",
        ),
        (FUNCTION, f"module {{\n{FUNCTION}}}\n"),
        (f"// a note\nmodule {{\n{FUNCTION}}}", f"module {{\n{FUNCTION}}}\n"),
    ],
)
def test_forms_of_a_module(text, module):
    assert run(text, "canonicalize,cse") == module


def test_a_function_that_was_converted():
    twice = tf.function(lambda x: tf.exp(x) + tf.exp(x))
    concrete = twice.get_concrete_function(tf.TensorSpec([3]))
    module = run(tf.mlir.experimental.convert_function(concrete), "canonicalize,cse,symbol-dce")
    assert module.count('"tf.Exp"') == 1 and '"tf.AddV2"(%0, %0)' in module


def test_effects_and_calls_stay():
    module = """module {
  func.func @main(%arg0: tensor<!tf_type.resource>, %arg1: tensor<f32>) {
    %0 = "tf.ReadVariableOp"(%arg0) : (tensor<!tf_type.resource>) -> tensor<f32>
    %1 = "tf.ReadVariableOp"(%arg0) : (tensor<!tf_type.resource>) -> tensor<f32>
    "tf.AssignVariableOp"(%arg0, %arg1) : (tensor<!tf_type.resource>, tensor<f32>) -> ()
    %2:2 = "tf.StatefulPartitionedCall"(%1) <{f = @used}> : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
    "tf.AssignVariableOp"(%arg0, %2#1) : (tensor<!tf_type.resource>, tensor<f32>) -> ()
    return
  }
  func.func private @used(%arg0: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
    return %arg0, %arg0 : tensor<f32>, tensor<f32>
  }
}
"""
    result = run(module, "tf-standard-pipeline")
    assert result.count("AssignVariableOp") == 2 and "@used(" in result and "%2#1" in result
    assert result == module


def test_what_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not begin with a module"):
        run("nonsense", "cse")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"a bracket is not closed: \(cse"):
        run(RECORDED[""], "func.func(cse")
    with pytest.raises(tf.errors.UnimplementedError, match="the pass 'inline' is not implemented"):
        run(RECORDED[""], "inline")
    island = tf.function(lambda x: x + x).get_concrete_function(tf.TensorSpec([3]))
    with pytest.raises(tf.errors.UnimplementedError, match="with regions"):
        run(tf.mlir.experimental.convert_function(island, ""), "cse")
