"""Quantized SavedModels: TensorFlow's run here, and ours have int8 weights, close results and a fourth of the size."""

import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.saved import SavedModel

quantization = tf.quantization.experimental
Options, Method = quantization.QuantizationOptions, quantization.QuantizationMethod
METHODS = {
    "static": Method.METHOD_STATIC_RANGE_INT8,
    "dynamic": Method.METHOD_DYNAMIC_RANGE_INT8,
    "weights": Method.METHOD_STATIC_RANGE_WEIGHT_ONLY_INT8,
}
RECORDED = np.load(pathlib.Path(__file__).with_name("models.npz"))
CASES = ["static/XLA", "dynamic/XLA", "weights/XLA", "static/TF", "dynamic/TF"]


def options(case, **more):
    method, op_set = case.split("/")
    return Options(
        quantization_method=Method(preset_method=METHODS[method]),
        op_set={"TF": 1, "XLA": 2}[op_set],
        **more,
    )


def constants(folder):
    """The arrays that a SavedModel's functions hold."""
    message = SavedModel.FromString(pathlib.Path(folder, "saved_model.pb").read_bytes())
    library = message.meta_graphs[0].graph_def.library
    nodes = [node for function in library.function for node in function.node_def]
    return [tf.make_ndarray(n.attr["value"].tensor) for n in nodes if n.op == "Const"]


def ops(folder):
    message = SavedModel.FromString(pathlib.Path(folder, "saved_model.pb").read_bytes())
    library = message.meta_graphs[0].graph_def.library
    return {node.op for function in library.function for node in function.node_def}


class Recorded(tf.Module):
    def __init__(self):
        names = [
            name for name in RECORDED.files if name.startswith("weights/") and name.count("/") == 1
        ]
        self.weights = {n.removeprefix("weights/"): tf.Variable(RECORDED[n]) for n in names}

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 4], tf.float32, "x")])
    def __call__(self, x):
        w = self.weights
        h = tf.nn.relu(tf.nn.conv2d(x, w["conv"], 1, "SAME") + w["bias"])
        h = tf.nn.depthwise_conv2d(h, w["depthwise"], [1, 1, 1, 1], "SAME")
        h = tf.nn.relu6(tf.matmul(tf.reduce_mean(h, [1, 2]), w["hidden"]))
        return {"y": tf.matmul(h, w["last"])}


@pytest.fixture
def floats(tmp_path):
    model = Recorded()
    tf.saved_model.save(model, str(tmp_path / "floats"), signatures=model.__call__)
    return str(tmp_path / "floats")


def samples():
    return [{"x": sample} for sample in RECORDED["samples"]]


def far(y, expected):
    """The largest difference, relative to the largest number."""
    return float(np.abs(y - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("case", CASES)
def test_models_that_tensorflow_has_quantized_run(case, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(RECORDED[f"{case}/model"].tobytes())
    model = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    y = model(x=tf.constant(RECORDED["x"]))["y"].numpy()
    # A number at the middle between two integers may be rounded to either, of 255.
    assert far(y, RECORDED[f"{case}/y"]) < 0.01


@pytest.mark.parametrize("case", CASES)
def test_results_are_as_close_as_those_of_tensorflow(case, floats, tmp_path):
    out = str(tmp_path / "int8")
    given = samples() if case.startswith("static") else None
    model = quantization.quantize_saved_model(floats, out, options(case), given)
    x, expected = tf.constant(RECORDED["x"]), RECORDED["floats"]
    mine = far(model.signatures["serving_default"](x=x)["y"].numpy(), expected)
    theirs = far(RECORDED[f"{case}/y"], expected)
    print(f"{case}: {mine:.4f} of the largest result, TensorFlow's {theirs:.4f}")
    assert mine < max(2 * theirs, 0.01)
    again = tf.saved_model.load(out).signatures["serving_default"](x=x)["y"].numpy()
    assert far(again, expected) == mine


def test_weights_are_the_integers_of_tensorflow(floats, tmp_path):
    quantization.quantize_saved_model(floats, str(tmp_path / "ours"), options("weights/XLA"))
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "saved_model.pb").write_bytes(RECORDED["weights/XLA/model"].tobytes())
    expected = {a.shape: a for a in constants(theirs) if a.dtype == np.int8}
    arrays = {a.shape: a for a in constants(tmp_path / "ours") if a.dtype == np.int8}
    assert set(arrays) == set(expected)
    assert len(arrays) == 3
    for shape, array in arrays.items():
        np.testing.assert_array_equal(array, expected[shape])


@pytest.mark.parametrize("case", CASES)
def test_size_falls_to_about_a_fourth(case, tmp_path):
    class Wide(tf.Module):
        def __init__(self):
            self.w = [tf.Variable(tf.random.stateless_normal([512, 512], [1, i])) for i in range(2)]

        @tf.function(input_signature=[tf.TensorSpec([None, 512], name="x")])
        def __call__(self, x):
            return {"y": tf.nn.relu(x @ self.w[0]) @ self.w[1]}

    model = Wide()
    tf.saved_model.save(model, str(tmp_path / "floats"), signatures=model.__call__)
    x = tf.random.stateless_normal([4, 512], [3, 4])
    given = [{"x": x}] if case.startswith("static") else None
    small = quantization.quantize_saved_model(
        str(tmp_path / "floats"), str(tmp_path / "int8"), options(case), given
    )
    size = {
        name: sum(f.stat().st_size for f in (tmp_path / name).rglob("*") if f.is_file())
        for name in ("floats", "int8")
    }
    error = far(small.signatures["serving_default"](x=x)["y"].numpy(), model(x)["y"].numpy())
    print(f"{case}: {size['floats'] / size['int8']:.2f} times smaller, error {error:.4f}")
    assert size["floats"] > 3.7 * size["int8"]
    assert error < 0.03


class Kinds(tf.Module):
    """Signatures with each kind of operation that takes int8 weights."""

    def __init__(self):
        def normal(*shape):
            return tf.Variable(np.random.default_rng(len(shape)).normal(size=shape).astype("f"))

        self.w, self.e, self.b = normal(64, 48), normal(100, 64), normal(4, 64, 32)
        self.c, self.c3, self.d = normal(3, 3, 8, 24), normal(3, 3, 3, 8, 8), normal(3, 3, 8, 24)

    def loop(self, x):
        for _ in tf.range(3):
            x = tf.nn.tanh(0.005 * tf.matmul(tf.matmul(x, self.w), self.w, transpose_b=True))
        return {"y": x}

    def calls(self):
        """{name: (spec, function)}."""
        rows, images = (
            tf.TensorSpec([None, 64], name="x"),
            tf.TensorSpec([2, None, None, 8], name="x"),
        )
        batches = tf.TensorSpec([4, None, 64], name="x")
        return {
            "product": (rows, lambda x: {"y": x @ self.w}),
            "transposed": (rows, lambda x: {"y": tf.matmul(self.w, x, transpose_a=True, transpose_b=True)}),
            "loop": (rows, self.loop),
            "batch": (batches, lambda x: {"y": x @ self.b}),
            "shared": (batches, lambda x: {"y": x @ self.w}),
            "einsum": (batches, lambda x: {"y": tf.einsum("abc,cd->dab", x, self.w)}),
            "convolution": (images, lambda x: {"y": tf.nn.conv2d(tf.nn.relu(x), self.c, 2, "SAME")}),
            "dilated": (images, lambda x: {"y": tf.nn.conv2d(x, self.c, 1, [[0, 0], [2, 1], [0, 3], [0, 0]], dilations=2)}),
            "depthwise": (images, lambda x: {"y": tf.nn.depthwise_conv2d(tf.nn.relu(x), self.d, [1, 2, 2, 1], "SAME")}),
            "solid": (
                tf.TensorSpec([1, 6, 6, 5, 8], name="x"),
                lambda x: {"y": tf.nn.conv3d(tf.nn.relu(x), self.c3, [1, 1, 2, 1, 1], "SAME")},
            ),
            "rows": (tf.TensorSpec([None], tf.int32, name="x"), lambda x: {"y": tf.gather(self.e, x)}),
        }  # fmt: skip


SIZES = {"batch": [4, 5, 64], "shared": [4, 5, 64], "einsum": [4, 5, 64], "solid": [1, 6, 6, 5, 8]}
SIZES |= dict.fromkeys(["convolution", "dilated", "depthwise"], [2, 9, 8, 8])


@pytest.mark.parametrize("kind", sorted(Kinds().calls()))
def test_each_kind_of_operation(kind, tmp_path):
    model = Kinds()
    spec, call = model.calls()[kind]
    model.call = tf.function(call, input_signature=[spec])
    tf.saved_model.save(model, str(tmp_path / "floats"), signatures={kind: model.call})
    rng = np.random.default_rng(1)
    x = np.arange(7, dtype="i") if kind == "rows" else rng.normal(size=SIZES.get(kind, [5, 64]))
    x = tf.constant(x, spec.dtype)
    expected = model.call(x)["y"].numpy()
    results = {}
    for case in CASES:
        for per_channel in {False, case in ("static/XLA", "weights/XLA")}:
            chosen = options(
                case,
                signature_keys=[kind],
                min_num_elements_for_weights=-1,
                enable_per_channel_quantization=per_channel,
            )
            given = [{"x": x}] if case.startswith("static") else None
            out = str(tmp_path / f"{case}{per_channel}".replace("/", ""))
            small = quantization.quantize_saved_model(str(tmp_path / "floats"), out, chosen, given)
            results[case, per_channel] = y = small.signatures[kind](x=x)["y"].numpy()
            assert far(y, expected) < 0.04, (case, per_channel)
            assert any(a.dtype == np.int8 and a.size >= 1000 for a in constants(out))
    # Both op sets have the same integers; the last bit depends on the order of the products of scales.
    np.testing.assert_allclose(
        results["dynamic/TF", False], results["dynamic/XLA", False], rtol=1e-4, atol=1e-3
    )


def test_ranges_in_loops_and_branches_are_measured(tmp_path):
    model = Kinds()
    model.call = tf.function(model.loop, input_signature=[tf.TensorSpec([None, 64], name="x")])
    tf.saved_model.save(model, str(tmp_path / "floats"), signatures=model.call)
    x = np.ones([2, 64], "f")
    quantization.quantize_saved_model(
        str(tmp_path / "floats"), str(tmp_path / "int8"), None, [{"x": x}]
    )
    assert "XlaDotV2" in ops(tmp_path / "int8")
    assert "MatMul" not in ops(tmp_path / "int8")


def test_units_can_stay_on_floats(floats, tmp_path):
    chosen = options("static/XLA")
    spec = chosen.unit_wise_quantization_specs.add()
    spec.unit.add().op_type = "Conv2D"
    spec.quantization_method.preset_method = Method.METHOD_NO_QUANTIZE
    quantization.quantize_saved_model(floats, str(tmp_path / "int8"), chosen, samples())
    assert {"Conv2D", "XlaDotV2"} <= ops(tmp_path / "int8")


def test_files_of_samples_give_what_the_samples_give(floats, tmp_path):
    path = str(tmp_path / "samples")
    saver = quantization.TfRecordRepresentativeDatasetSaver({"serving_default": path})
    files = saver.save({"serving_default": samples()})
    chosen = options("static/XLA")
    chosen.representative_datasets["serving_default"].CopyFrom(files["serving_default"])
    by_files = quantization.quantize_saved_model(floats, str(tmp_path / "a"), chosen)
    by_samples = quantization.quantize_saved_model(
        floats, str(tmp_path / "b"), options("static/XLA"), {"serving_default": samples()}
    )
    x = tf.constant(RECORDED["x"])
    np.testing.assert_array_equal(
        by_files.signatures["serving_default"](x=x)["y"],
        by_samples.signatures["serving_default"](x=x)["y"],
    )
    with pytest.raises(ValueError, match="Do not specify both"):
        quantization.quantize_saved_model(floats, str(tmp_path / "c"), chosen, samples())


def test_ranges_of_a_model_trained_for_8_bits_are_taken(tmp_path):
    class Trained(tf.Module):
        def __init__(self):
            self.w = tf.Variable(np.random.default_rng(0).normal(size=[64, 64]).astype("f"))

        @tf.function(input_signature=[tf.TensorSpec([None, 64], name="x")])
        def __call__(self, x):
            return {"y": tf.quantization.fake_quant_with_min_max_args(x, -2.0, 2.0) @ self.w}

    model = Trained()
    tf.saved_model.save(model, str(tmp_path / "floats"), signatures=model.__call__)
    small = quantization.quantize_saved_model(str(tmp_path / "floats"), str(tmp_path / "int8"))
    assert "XlaDotV2" in ops(tmp_path / "int8")
    x = tf.constant(np.random.default_rng(1).normal(size=[3, 64]).astype("f"))
    assert far(small.signatures["serving_default"](x=x)["y"].numpy(), model(x)["y"].numpy()) < 0.02


@pytest.mark.parametrize("op_set", ["XLA", "TF"])
def test_what_is_not_finite_stays_so_with_ranges_of_each_call(floats, op_set, tmp_path):
    chosen = options(f"dynamic/{op_set}")
    small = quantization.quantize_saved_model(floats, str(tmp_path / "int8"), chosen)
    x = RECORDED["x"].copy()
    x[0, 0, 0, 0] = np.nan
    assert not np.isfinite(small.signatures["serving_default"](x=tf.constant(x))["y"]).any()
    empty = small.signatures["serving_default"](x=tf.zeros([0, 8, 8, 4]))["y"]
    assert empty.shape == [0, 24]
    zeros = tf.zeros([1, 8, 8, 4])
    expected = tf.saved_model.load(floats).signatures["serving_default"](x=zeros)["y"].numpy()
    assert far(small.signatures["serving_default"](x=zeros)["y"].numpy(), expected) < 0.03


def test_mistakes_are_named(floats, tmp_path):
    def call(chosen=None, given=None, path=floats):
        out = str(tmp_path / "out")
        return quantization.quantize_saved_model(path, out, chosen, given)

    with pytest.raises(ValueError, match="quantization-aware training"):
        call()
    with pytest.raises(OSError, match="SavedModel file does not exist at: nowhere"):
        call(options("dynamic/XLA"), path="nowhere")
    with pytest.raises(ValueError, match="no signature 'other'"):
        call(options("dynamic/XLA", signature_keys=["other"]))
    with pytest.raises(KeyError, match="Got: {'z'}"):
        call(given=[{"z": RECORDED["x"]}])
    with pytest.raises(ValueError, match="has no samples"):
        call(given=[])
    with pytest.raises(ValueError, match="does not support weight-only"):
        call(options("weights/TF"))
    with pytest.raises(ValueError, match="per-channel quantization is supported for"):
        call(options("dynamic/XLA", enable_per_channel_quantization=True))
    with pytest.raises(tf.errors.UnimplementedError, match="op_set UNIFORM_QUANTIZED"):
        call(Options(op_set=3))
    chosen = options("static/XLA")
    chosen.calibration_options.calibration_method = 4
    with pytest.raises(tf.errors.UnimplementedError, match="HISTOGRAM_MSE_BRUTEFORCE"):
        call(chosen, samples())
    call(options("dynamic/XLA"))
    with pytest.raises(FileExistsError, match="overwrite_output_directory"):
        call(options("dynamic/XLA"))
