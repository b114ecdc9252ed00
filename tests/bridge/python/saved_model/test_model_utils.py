"""Signatures of a model's outputs for serving, training and evaluation, as TensorFlow's private `model_utils` makes them."""

import pytest

import penstock as tf
from penstock._src.bridge.python.saved_model import model_utils
from penstock._src.bridge.python.saved_model.model_utils.mode_keys import ModeKeyMap


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_an_output_that_needs_another_placeholder_has_no_signature(graph):
    given, other = (tf.compat.v1.placeholder(tf.float32, [2], name=n) for n in ("given", "other"))
    outputs = {
        "serving_default": model_utils.PredictOutput(given * 2.0),
        "both": model_utils.PredictOutput({"sum": given + other}),
    }
    made = model_utils.build_all_signature_defs(given, outputs, {"alt": {"a": given, "b": other}})
    assert sorted(made) == ["alt:both", "alt:serving_default", "serving_default"]
    assert made["alt:both"].inputs["b"].name == "other:0"
    assert made["serving_default"].inputs["input"].name == "given:0"


def test_only_serving_signatures_are_returned_unless_asked(graph):
    given = tf.compat.v1.placeholder(tf.string, name="given")
    loss = tf.constant([1.0])
    outputs = {
        "serving_default": model_utils.RegressionOutput(loss),
        "train": model_utils.TrainOutput(
            loss=loss, metrics={"m": (loss, graph.get_operations()[0])}
        ),
    }
    assert list(model_utils.build_all_signature_defs(given, outputs)) == ["serving_default"]
    made = model_utils.build_all_signature_defs(given, outputs, serving_only=False)["train"]
    assert sorted(made.outputs) == ["loss", "metrics/m/update_op", "metrics/m/value"]
    assert made.outputs["metrics/m/update_op"].name == "metric_op_wrapper:0"
    assert made.method_name == "tensorflow/supervised/training"


def test_outputs_are_checked(graph):
    for make in (
        model_utils.ClassificationOutput,
        lambda: model_utils.ClassificationOutput(scores=tf.constant("a")),
        lambda: model_utils.RegressionOutput(tf.constant(1)),
        lambda: model_utils.PredictOutput({1: tf.constant(1)}),
        lambda: model_utils.EvalOutput(metrics=(tf.constant(1), None)),
    ):
        with pytest.raises(ValueError, match=r"must be|at least one|At least one"):
            make()


def test_modes_have_two_names():
    held = ModeKeyMap(infer="serve", eval="evaluate")
    assert held["predict"] == held["infer"] == "serve"
    assert held["test"] == "evaluate" and list(held) == ["infer", "eval"]
    with pytest.raises(ValueError, match="Multiple keys"):
        ModeKeyMap(test=1, eval=2)
    with pytest.raises(ValueError, match="Invalid mode"):
        held["other"]
