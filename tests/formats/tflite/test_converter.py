"""tf.lite.TFLiteConverter: what is written computes what the function did."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats import table
from tests.interop.formats.functions import FUNCTIONS as SINGLE_FUNCTIONS

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _same_values_in_any_order():
    global RANDOM
    RANDOM = np.random.default_rng(1)


def _values(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def _converter(function, *specs) -> tf.lite.TFLiteConverter:
    concrete = tf.function(function).get_concrete_function(*specs)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete])


def _spec(name: str, *shape, dtype=tf.float32) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name)


def _names(model: bytes) -> list[str]:
    interpreter = tf.lite.Interpreter(model_content=model)
    return [operation["op_name"] for operation in interpreter._get_ops_details()]


KERNEL, DEPTHWISE = _values(3, 3, 4, 8), _values(3, 3, 4, 2)
WEIGHTS, BIAS = _values(6, 5), _values(5)
FUNCTIONS = {
    "dense": (lambda x: tf.nn.relu(x @ WEIGHTS + BIAS), (None, 6)),
    "conv": (lambda x: tf.nn.relu6(tf.nn.conv2d(x, KERNEL, 2, "SAME") + 0.5), (None, 7, 8, 4)),
    "depthwise": (
        lambda x: tf.nn.depthwise_conv2d(x, DEPTHWISE, [1, 1, 1, 1], "VALID"),
        (2, 7, 8, 4),
    ),
    "gelu": (lambda x: tf.nn.gelu(x) + tf.nn.softplus(x), (None, 5)),
    "attention": (
        lambda x: tf.einsum("bqhd,bkhd->bhqk", x, x),
        (None, 5, 2, 4),
    ),
    "norm": (
        lambda x: (x - tf.reduce_mean(x, -1, keepdims=True)) * tf.math.rsqrt(tf.math.reduce_variance(x, -1, keepdims=True) + 1e-3),
        (None, 6),
    ),
    "slices": (lambda x: tf.concat([x[:, 1:, ::2], x[:, :-1, 1::2]], axis=1), (None, 4, 6)),
    "pools": (
        lambda x: tf.nn.max_pool2d(x, 2, 2, "SAME") + tf.nn.avg_pool2d(x, 2, 2, "SAME"),
        (1, 5, 6, 3),
    ),
    "ones": (lambda x: x + tf.raw_ops.OnesLike(x=tf.concat([x, x], 0))[:1], (None, 3)),
    "padded_pool": (
        lambda x: tf.nn.max_pool2d(x - 9.0, 3, 2, [[0, 0], [1, 1], [2, 0], [0, 0]]),
        (None, 5, 6, 3),
    ),
    "identity": (lambda x: x, (None, 3)),
    "shapes": (lambda x: tf.reshape(x, [tf.shape(x)[0], -1]) * 2.0, (None, 3, 4)),
    "resize": (lambda x: tf.image.resize(x, [6, 9]), (None, 3, 4, 2)),
    "ints": (lambda x: tf.cast(tf.argmax(x, -1) * 3, tf.float32), (None, 5)),
}  # fmt: skip


# Operations that TFLite has no builtin op for, and what had a wrong version or attribute.
SINGLE = (
    "expm1 sinh cosh tan is_nan is_inf is_finite nn.selu nn.softsign divide_no_nan tensor_scatter band roll reduce_euclidean_norm "
    "reduce_logsumexp bn nms unique lrn fakequant conv_explicit conv3d broadcast squeeze"
).split()


@pytest.mark.parametrize("name", SINGLE)
def test_single_functions(name):
    function, shape = SINGLE_FUNCTIONS[name]
    x = _values(*shape)
    content = _converter(function, _spec("x", *shape)).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, function(tf.constant(x)), rtol=1e-5, atol=1e-6)


def test_small_arguments_of_expm1_keep_their_digits():
    x = np.float32([1e-7, -1e-5, 1e-3, 0, 30, -30])
    content = _converter(tf.math.expm1, _spec("x", 6)).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, np.expm1(x), rtol=1e-6)


def test_erf_is_written_as_a_quotient():
    x = np.concatenate([np.linspace(-6, 6, 4001), [1e-20, -1e-8, np.inf, -np.inf]]).astype("f")
    content = _converter(tf.math.erf, _spec("x", *x.shape)).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, tf.math.erf(tf.constant(x)), rtol=5e-7)
    with pytest.raises(tf.errors.UnimplementedError, match="float64"):
        _converter(tf.math.erf, tf.TensorSpec([3], tf.float64, "x")).convert()


@pytest.mark.parametrize(
    "function",
    [
        tf.size,
        lambda x: tf.size(x, tf.int64),
        lambda x: tf.size(x[0, 0]),
        tf.nn.l2_loss,
        lambda x: tf.math.multiply_no_nan(x[0, :, None], x[1]),
        lambda x: tf.math.xdivy(x[1, :, None], x[0]),
        lambda x: tf.math.xlogy(x[1, :, None], tf.abs(x[0])),
        lambda x: tf.math.divide_no_nan(x[0], x[1]),
    ],
    ids=[
        "size",
        "size64",
        "size0",
        "l2_loss",
        "multiply_no_nan",
        "xdivy",
        "xlogy",
        "divide_no_nan",
    ],
)
def test_sizes_and_functions_that_are_zero_for_zeros(function):
    x = np.float32([[0, 1, -2, np.inf, np.nan, 3], [2, 0, 0, 0, 0, -1], [1, 2, 3, 4, 5, 6]])
    x = x if function is not tf.nn.l2_loss else x[2:]
    content = _converter(function, _spec("x", None, 6)).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    expected = function(tf.constant(x)).numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


LABELS = np.float32([[0, 1, 0], [0.2, 0.3, 0.5]])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.nn.softmax_cross_entropy_with_logits(LABELS, x),
        lambda x: tf.nn.softmax_cross_entropy_with_logits(x, LABELS),
        lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits([2, 0], x),
        lambda x: tf.truncatediv(x, [[2.0], [-1.5]]),
        lambda x: tf.cast(tf.math.invert_permutation(tf.argsort(x[0])), tf.float32),
    ],
    ids=["cross_entropy", "labels", "sparse_cross_entropy", "truncatediv", "invert_permutation"],
)
def test_losses_and_truncated_quotients(function):
    x = np.float32([[5, -np.inf, -2.5], [3.5, 0, -7]])
    content = _converter(function, _spec("x", 2, 3)).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, function(tf.constant(x)), rtol=1e-6, atol=1e-6)


def test_a_label_that_is_no_class_is_not_a_number():
    def function(labels):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.ones([3, 4]))

    spec = tf.TensorSpec([3], tf.int32, "labels")
    runner = tf.lite.Interpreter(model_content=_converter(function, spec).convert())
    (found,) = runner.get_signature_runner()(labels=np.int32([4, 3, -1])).values()
    np.testing.assert_allclose(found, [np.nan, np.log(4), np.nan], rtol=1e-6)


def test_random_numbers_keep_their_seeds():
    def function(x):
        shape = tf.shape(x)
        tf.random.set_seed(3)
        parts = tf.random.uniform(shape, seed=1), tf.random.normal(shape, seed=2)
        drawn = tf.random.categorical(tf.zeros([1, 5]), 64, seed=4)
        return (*parts, drawn)

    content = _converter(function, _spec("x", None, 50)).convert()
    assert {"RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL"} <= set(_names(content))
    runners = [tf.lite.Interpreter(model_content=content).get_signature_runner() for _ in range(2)]
    one, other = (sorted(r(x=np.zeros((40, 50), "f")).items()) for r in runners)
    for (_, a), (_, b) in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    uniform, normal, drawn = (values for _, values in one)
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() < 1
    assert abs(normal.mean()) < 0.1 and abs(normal.std() - 1) < 0.1
    assert set(drawn.ravel()) == set(range(5))


def test_a_scatter_to_one_place_twice_is_refused():
    def function(x):
        return tf.tensor_scatter_nd_update(x, [[1], [1]], [1.0, 2.0])

    with pytest.raises(tf.errors.UnimplementedError, match="an index that is there twice"):
        _converter(function, _spec("x", 3)).convert()


@pytest.mark.parametrize("convolution", [tf.nn.conv2d, tf.nn.depthwise_conv2d])
def test_convolutions_of_other_numbers_are_refused(convolution):
    kernel = KERNEL.astype(np.float64)
    converter = _converter(
        lambda x: convolution(x, kernel, [1, 1, 1, 1], "VALID"),
        _spec("x", 1, 7, 8, 4, dtype=tf.float64),
    )
    with pytest.raises(tf.errors.UnimplementedError, match="the type float64"):
        converter.convert()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_written_functions_give_equal_results(name):
    function, shape = FUNCTIONS[name]
    model = _converter(function, _spec("x", *shape)).convert()
    x = _values(*(extent or 3 for extent in shape))
    runner = tf.lite.Interpreter(model_content=model).get_signature_runner("serving_default")
    np.testing.assert_allclose(runner(x=x)["output_0"], function(x), rtol=1e-4, atol=1e-5)


def test_bias_and_activation_become_part_of_products():
    function, shape = FUNCTIONS["dense"]
    assert _names(_converter(function, _spec("x", *shape)).convert()) == ["FULLY_CONNECTED"]
    function, shape = FUNCTIONS["gelu"]
    assert "GELU" in _names(_converter(function, _spec("x", *shape)).convert())


@pytest.mark.parametrize(("types", "share", "gap"), [((), 0.36, 0.05), ((tf.float16,), 0.55, 2e-3)])
def test_weights_are_stored_narrower(types, share, gap):
    weights = _values(64, 64) / 8

    def function(x):
        return x @ weights

    plain = _converter(function, _spec("x", None, 64)).convert()
    converter = _converter(function, _spec("x", None, 64))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = list(types)
    small = converter.convert()
    assert len(small) < share * len(plain)
    x = _values(3, 64)
    found = tf.lite.Interpreter(model_content=small).get_signature_runner()(x=x)["output_0"]
    np.testing.assert_allclose(found, function(x), atol=gap)


def test_narrow_weights_are_read_as_constants_of_float32(tmp_path):
    weights = _values(64, 64) / 8
    converter = _converter(lambda x: x @ weights, _spec("x", 1, 64))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    path = tmp_path / "model.tflite"
    path.write_bytes(converter.convert())
    assert "DEQUANTIZE" in _names(path.read_bytes())
    _, function = table.read(str(path)).only("the test")
    # They were converted in every call.
    assert "Cast" not in [op.type for op in function.graph.get_operations()]


def test_a_keras_model_and_a_saved_model(tmp_path):
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((8, 8, 1), name="image"),
            tf.keras.layers.Conv2D(4, 3, activation="relu"),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(3, activation="softmax"),
        ]
    )
    x = _values(2, 8, 8, 1)
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    found = tf.lite.Interpreter(model_content=content).get_signature_runner()(image=x)  # fmt: skip
    np.testing.assert_allclose(found["output_0"], model(x), rtol=1e-4, atol=1e-6)
    model.export(str(tmp_path / "saved"), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    runner = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()
    (name,) = runner.get_input_details()
    np.testing.assert_allclose(runner(**{name: x})["output_0"], model(x), rtol=1e-4, atol=1e-6)


class OldModel(tf.Module):
    """A model that is saved as those of Keras 2 are, with a signature of its own."""

    save_spec = None

    def _trackable_children(self, save_type="checkpoint", **options):
        children = super()._trackable_children(save_type, **options)
        if save_type == "savedmodel":
            spec = tf.TensorSpec([None, 2], name="first")
            call = tf.function(lambda first: {"last_layer": 2.0 * first}, input_signature=[spec])
            children["_default_save_signature"] = call
        return children


def test_results_of_a_keras_2_model_have_the_names_of_its_layers():
    written = tf.lite.TFLiteConverter.from_keras_model(OldModel()).convert()
    run = tf.lite.Interpreter(model_content=written).get_signature_runner("serving_default")
    (name,) = run.get_output_details()
    np.testing.assert_array_equal(run(first=np.ones([1, 2], np.float32))[name], [[2, 2]])
    assert name == "last_layer"


class _Scaled(tf.Module):
    def __init__(self):
        self.scale = tf.Variable([1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([2], name="x"), tf.TensorSpec([], name="b")])
    def scaled(self, x, b):
        return {"z": x * self.scale, "a": b + 1.0}

    @tf.function(input_signature=[tf.TensorSpec([2], name="q")])
    def plain(self, q):
        return q + 1.0


def _ends(converter, key="serving_default"):
    """The names of inputs and outputs, by the names in the signature."""
    runner = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner(key)
    sides = (runner.get_input_details(), runner.get_output_details())
    return [{name: detail["name"] for name, detail in side.items()} for side in sides]


def test_inputs_and_outputs_have_the_names_of_a_saved_model_s_graph(tmp_path):
    module, converters = _Scaled(), tf.lite.TFLiteConverter
    inputs = {"x": "serving_default_x:0", "b": "serving_default_b:0"}
    outputs = {"a": "StatefulPartitionedCall:0", "z": "StatefulPartitionedCall:1"}
    concrete = module.scaled.get_concrete_function()
    assert _ends(converters.from_concrete_functions([concrete], module)) == [inputs, outputs]
    signatures = {"aa": module.plain, "bb": module.scaled}
    tf.saved_model.save(module, tmp_path, signatures=signatures)
    converter = converters.from_saved_model(tmp_path)
    assert _ends(converter, "aa") == [{"q": "aa_q:0"}, {"output_0": "PartitionedCall:0"}]
    assert _ends(converter, "bb") == [{"x": "bb_x:0", "b": "bb_b:0"}, outputs]


def test_what_keras_exports_has_one_signature(tmp_path):
    model = tf.keras.Sequential([tf.keras.layers.Input((3,), name="x"), tf.keras.layers.Dense(2)])
    model.export(tmp_path, verbose=False)
    converters = tf.lite.TFLiteConverter
    expected = [{"x": "serving_default_x:0"}, {"output_0": "StatefulPartitionedCall_1:0"}]
    for converter in (converters.from_saved_model(tmp_path), converters.from_keras_model(model)):
        assert _ends(converter) == expected
        interpreter = tf.lite.Interpreter(model_content=converter.convert())
        assert list(interpreter.get_signature_list()) == ["serving_default"]


def test_scalars_are_numbers():
    module = _Scaled()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.scaled.get_concrete_function()], module
    )
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    places = {detail["name"]: detail["index"] for detail in interpreter.get_input_details()}
    interpreter.set_tensor(places["serving_default_x:0"], np.ones(2, np.float32))
    interpreter.set_tensor(places["serving_default_b:0"], np.float32(2.0))
    interpreter.invoke()
    (a,) = (d["index"] for d in interpreter.get_output_details() if not len(d["shape"]))
    assert type(interpreter.get_tensor(a)) is np.float32 and interpreter.get_tensor(a) == 3.0
    results = interpreter.get_signature_runner()(x=np.ones(2, np.float32), b=np.float32(4.0))
    assert type(results["a"]) is np.float32 and results["a"] == 5.0


def test_what_has_no_counterpart_is_named(tmp_path):
    converter = _converter(lambda x: tf.linalg.inv(x), _spec("x", 3, 3))
    with pytest.raises(tf.errors.UnimplementedError, match="MatrixInverse"):
        converter.convert()


def test_any_model_is_written_by_its_suffix(tmp_path):
    path = str(tmp_path / "again.tflite")
    first = _converter(FUNCTIONS["conv"][0], _spec("x", None, 7, 8, 4)).convert()
    (tmp_path / "first.tflite").write_bytes(first)
    model = table.read(str(tmp_path / "first.tflite"))
    table.format_to_write(path).write(model, path)
    x = _values(2, 7, 8, 4)
    found = tf.lite.Interpreter(path).get_signature_runner()(x=x)["output_0"]
    np.testing.assert_allclose(found, FUNCTIONS["conv"][0](x), rtol=1e-4, atol=1e-5)


SIXTEEN = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def _network(x):
    hidden = tf.nn.relu(tf.nn.conv2d(x, KERNEL, 1, "SAME") + 0.1)
    hidden = tf.concat([hidden, tf.nn.max_pool2d(hidden, 3, 1, "SAME")], axis=-1)
    flat = tf.reduce_mean(hidden, [1, 2])
    return tf.nn.softmax(flat @ np.float32(np.linspace(-1, 1, 48)).reshape(16, 3) * 2.0)


def _quantizing(ops, count=20) -> tf.lite.TFLiteConverter:
    converter = _converter(_network, _spec("x", None, 6, 7, 4))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([_values(1, 6, 7, 4)] for _ in range(count))
    converter.target_spec.supported_ops = ops
    return converter


@pytest.mark.parametrize(
    ("ops", "kind", "gap"),
    [
        ([tf.lite.OpsSet.TFLITE_BUILTINS], "int8", 0.02),
        ([SIXTEEN, tf.lite.OpsSet.TFLITE_BUILTINS], "int16", 1e-3),
    ],
)
def test_a_model_of_integers_is_near_the_float_model(ops, kind, gap):
    content = _quantizing(ops).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    inner = [d["dtype"] for d in interpreter.get_tensor_details() if d["quantization"][0]]
    assert inner.count(np.dtype(kind).type) >= 8
    x = _values(2, 6, 7, 4)
    found = interpreter.get_signature_runner()(x=x)["output_0"]
    np.testing.assert_allclose(found, _network(x), atol=gap)


def _joined(x):
    return tf.concat([x * 2.0, tf.constant([[0.01, 0.04]])], 1)


def _pooled(x):
    return tf.nn.max_pool2d(x * 2.0 - 3.0, 3, 2, [[0, 0], [1, 1], [1, 1], [0, 0]])


@pytest.mark.parametrize(
    ("function", "shape", "name"),
    [(_joined, (1, 3), "CONCATENATION"), (_pooled, (1, 6, 6, 2), "PADV2")],
)
def test_constants_beside_integers_have_their_scale(function, shape, name):
    converter = _converter(function, _spec("x", *shape))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([_values(*shape)] for _ in range(20))
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    details = interpreter.get_tensor_details()
    (operation,) = (o for o in interpreter._get_ops_details() if o["op_name"] == name)
    values = [i for i in operation["inputs"] if details[i]["dtype"] is np.int8]
    scales = {details[i]["quantization"] for i in (*values, *operation["outputs"])}
    assert len(values) == 2
    assert len(scales) == 1
    x = _values(*shape)
    (found,) = interpreter.get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, function(tf.constant(x)), atol=0.1)


def test_inputs_and_outputs_of_integers():
    converter = _quantizing([tf.lite.OpsSet.TFLITE_BUILTINS_INT8])
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (given["dtype"], result["dtype"]) == (np.uint8, np.uint8)
    assert result["quantization"] == (1 / 256, 0)
    x = _values(1, 6, 7, 4)
    scale, zero = given["quantization"]
    steps = np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.uint8)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], steps)
    interpreter.invoke()
    found = interpreter.get_tensor(result["index"]) / 256.0
    np.testing.assert_allclose(found, _network(x), atol=0.03)


def test_options_for_integers_are_checked():
    with pytest.raises(ValueError, match="need a value of representative_dataset."):
        converter = _quantizing([tf.lite.OpsSet.TFLITE_BUILTINS_INT8])
        converter.representative_dataset = None
        converter.convert()
    with pytest.raises(tf.errors.InvalidArgumentError, match="no samples"):
        _quantizing([tf.lite.OpsSet.TFLITE_BUILTINS], count=0).convert()


def _calibrated(sample):
    converter = _converter(lambda x: tf.nn.relu(x), _spec("x", 2, 3))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: [sample]
    return converter.convert()


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ([np.ones([2, 3])], "type FLOAT64 but expected type FLOAT32"),
        ([np.ones([2, 3], np.int32)], "type INT32 but expected type FLOAT32"),
        ({"y": np.ones([2, 3], np.float32)}, "has the inputs"),
        ([np.ones([2, 3], np.float32)] * 2, "has 2 of 1 inputs"),
        (np.ones([1, 2, 3], np.float32), "Unsupported value"),
        (("other", {"x": np.ones([2, 3], np.float32)}), 'signature_key provided: "other"'),
    ],
)
def test_samples_of_other_inputs_are_refused(sample, message):
    with pytest.raises(ValueError, match=message):
        _calibrated(sample)


def test_samples_are_lists_or_named():
    values = _values(2, 3)
    named = {"x": values}
    samples = ([values], (values,), [values.tolist()], named, ("serving_default", named))
    assert len({_calibrated(sample) for sample in samples}) == 1


def test_tensors_have_names_of_their_own():
    function = tf.function(lambda x: tf.add_n(tf.split(tf.nn.selu(x), 2, axis=1)) * 2.0 + 3.0)
    concrete = function.get_concrete_function(tf.TensorSpec([None, 4], name="x"))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    names = [d["name"] for d in tf.lite.Interpreter(model_content=content).get_tensor_details()]
    assert len(set(names)) == len(names)


def test_an_output_may_be_an_input_of_open_extents():
    function = tf.function(lambda x: {"same": x, "sum": tf.reduce_sum(x)})
    concrete = function.get_concrete_function(tf.TensorSpec([None, None], name="x"))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner()
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert runner(x=x)["same"].tolist() == x.tolist()


@pytest.mark.parametrize(
    ("equation", "shape", "second"),
    [
        ("abc,cde->abde", (2, 3, 4), (4, 2, 5)),  # as in attention
        ("abcd,cde->abe", (2, 3, 2, 4), (2, 4, 5)),
        ("abc,bd->dca", (2, 3, 4), (3, 2)),
    ],
)
def test_products_of_several_axes_of_open_extents(equation, shape, second):
    x, y = np.random.default_rng(1).normal(size=shape), np.random.default_rng(2).normal(size=second)
    x, y = np.float32(x), np.float32(y)
    function = tf.function(lambda x: tf.einsum(equation, x, y))
    spec = tf.TensorSpec([None, None, *shape[2:]], name="x")
    concrete = function.get_concrete_function(spec)
    assert "Einsum" in {op.type for op in concrete.graph.get_operations()}
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    np.testing.assert_allclose(found, np.einsum(equation, x, y), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("lower", "upper"), [(-1, 0), (0, -1), (1, 2)])
def test_bands_of_matrices_of_open_extents(lower, upper):
    function = tf.function(lambda x: tf.linalg.band_part(x, lower, upper))
    concrete = function.get_concrete_function(tf.TensorSpec([2, None, None], name="x"))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    x = np.arange(1, 41, dtype=np.float32).reshape(2, 4, 5)
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    assert found.tolist() == tf.linalg.band_part(x, lower, upper).numpy().tolist()


def test_rows_are_added_to_a_matrix_of_open_height():
    function = tf.function(lambda x: tf.tensor_scatter_nd_add(x, [[2], [0], [2]], tf.ones([3, 2])))
    concrete = function.get_concrete_function(tf.TensorSpec([None, 2], name="x"))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner()
    (found,) = runner(x=np.zeros([4, 2], np.float32)).values()
    assert found.tolist() == [[1, 1], [0, 0], [2, 2], [0, 0]]
