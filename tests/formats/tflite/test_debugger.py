"""tf.lite.experimental.QuantizationDebugger: a quantized model beside its float original."""

import csv
import io

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(size=(3, 3, 2, 4)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(64, 5)).astype(np.float32)
SAMPLES = [[RANDOM.normal(size=(1, 8, 8, 2)).astype(np.float32)] for _ in range(8)]
Debugger = tf.lite.experimental.QuantizationDebugger
Options = tf.lite.experimental.QuantizationDebugOptions


def samples():
    return iter(SAMPLES)


@tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 2], name="x")])
def network(x):
    y = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, KERNEL, 1, "SAME")), 2, 2, "VALID")
    return tf.nn.softmax(tf.reshape(y, [1, 64]) @ WEIGHTS, name="probabilities")


@pytest.fixture
def converter():
    concrete = network.get_concrete_function()
    made = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = samples
    return made


def debugger(converter, **options):
    made = Debugger(converter=converter, debug_dataset=samples, debug_options=Options(**options))
    made.run()
    return made


def rows(made):
    file = io.StringIO()
    made.layer_statistics_dump(file)
    return list(csv.DictReader(io.StringIO(file.getvalue())))


def ops(content):
    return [
        each["op_name"] for each in tf.lite.Interpreter(model_content=content)._get_ops_details()
    ]


def test_each_layer_has_a_row(converter):
    table = rows(debugger(converter))
    assert [row["op_name"] for row in table] == [
        "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    assert list(table[0]) == [
        "op_name", "tensor_idx", "num_elements", "stddev", "mean_error", "max_abs_error", "mean_squared_error",
        "scale", "zero_point", "tensor_name",
    ]  # fmt: skip
    assert table[-1]["tensor_name"] == "probabilities" and float(table[-1]["scale"]) == 1 / 256


def test_errors_are_those_of_rounding(converter):
    """A pool of what integers stand for is exact; a product is off by its own rounding and by that of its weights."""
    by_name = {row["op_name"]: row for row in rows(debugger(converter))}
    assert float(by_name["MAX_POOL_2D"]["max_abs_error"]) < 1e-6
    conv = by_name["CONV_2D"]
    assert 0.1 < float(conv["max_abs_error"]) / float(conv["scale"]) < 5
    assert float(conv["num_elements"]) == 256


def test_only_the_debug_model_has_comparisons(converter):
    made = debugger(converter)
    plain = ops(made.get_nondebug_quantized_model())
    assert plain == [
        "QUANTIZE", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX", "DEQUANTIZE",
    ]  # fmt: skip
    assert ops(made.get_debug_quantized_model()).count("NumericVerify") == 5


@pytest.mark.parametrize(
    "options",
    [{"denylisted_ops": ["FULLY_CONNECTED"]}, {"denylisted_nodes": ["matmul"]},
     {"denylisted_nodes": ["matmul_int"]}],
)  # fmt: skip
def test_layers_stay_floats(converter, options):
    made = debugger(converter, **options)
    assert "FULLY_CONNECTED" not in [row["op_name"] for row in rows(made)]
    around = ops(made.get_nondebug_quantized_model())
    at = around.index("FULLY_CONNECTED")
    assert around[at - 1] == "DEQUANTIZE" and around[at + 1] == "QUANTIZE"


def test_other_options_make_another_model(converter):
    made = debugger(converter)
    made.options = Options(denylisted_ops=["SOFTMAX"])
    assert made.layer_statistics is None
    made.run()
    assert [row["op_name"] for row in rows(made)][-1] == "FULLY_CONNECTED"


def test_the_ends_are_quantized_too(converter):
    content = debugger(converter, fully_quantize=True).get_nondebug_quantized_model()
    assert set(ops(content)).isdisjoint({"QUANTIZE", "DEQUANTIZE"})


def test_metrics_of_layers_and_models(converter):
    def dequantized_error(floats, integers, scale, zero):
        return np.abs(floats - scale * (integers.astype(np.float32) - zero)).max()

    made = debugger(
        converter,
        layer_debug_metrics={"largest": lambda differences: np.abs(differences).max()},
        layer_direct_compare_metrics={"compared": dequantized_error},
        model_debug_metrics={"off": lambda floats, others: np.abs(floats[0] - others[0]).max()},
    )
    for row in rows(made):
        assert float(row["largest"]) == float(row["max_abs_error"])
        np.testing.assert_allclose(float(row["compared"]), float(row["largest"]), atol=1e-5)
    assert 0 < made.model_statistics["off"] < 0.2


def test_models_from_files_are_compared(converter, tmp_path):
    first = debugger(converter)
    path = tmp_path / "debug.tflite"
    path.write_bytes(first.get_debug_quantized_model())
    second = Debugger(quant_debug_model_path=str(path), debug_dataset=samples)
    second.run()
    assert second.layer_statistics == first.layer_statistics
    with pytest.raises(ValueError, match="No converter found"):
        second.get_debug_quantized_model()


def test_what_cannot_be_compared_is_refused(converter):
    floats = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    with pytest.raises(ValueError, match="must set optimizations"):
        Debugger(converter=floats)
    floats.optimizations = [tf.lite.Optimize.DEFAULT]
    with pytest.raises(ValueError, match="must set representative_dataset"):
        Debugger(converter=floats)
    with pytest.raises(ValueError, match="is in debug mode"):
        Debugger(quant_debug_model_content=floats.convert())
    made = Debugger(converter=converter, debug_dataset=lambda: iter([SAMPLES[0] * 2]))
    with pytest.raises(ValueError, match=r"inputs provided \(2\) does not match"):
        made.run()


def test_names_of_metrics_are_unique():
    with pytest.raises(ValueError, match="duplicate keys"):
        Options(layer_debug_metrics={"a": np.max}, model_debug_metrics={"a": np.max})
