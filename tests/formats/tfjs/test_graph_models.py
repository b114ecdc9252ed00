"""Graph models: operations that TensorFlow.js knows, values that come back, weights in few bits."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, read
from penstock._src.formats.tfjs import weights

TFJS = FORMATS["tfjs"]
RNG = np.random.default_rng(1)


def traced(function, *specs):
    return of_function(tf.function(function, autograph=False).get_concrete_function(*specs))


def described(path):
    return json.loads((path / "model.json").read_text())


def operations(path):
    return [n["op"] for n in described(path)["modelTopology"]["node"] if n["op"] != "Const"]


def back(model, path, x, **options):
    TFJS.write(model, str(path), **options)
    (result,) = read(str(path)).signatures["serving_default"](tf.constant(x)).values()
    return result


def random(*shape):
    return RNG.normal(size=shape).astype("f")


def test_convolutions_take_scales_biases_and_activations_along(tmp_path):
    kernel, bias, scale = random(3, 3, 2, 4), random(4), random(4) + 2
    deep = random(2, 2, 4, 1)

    def net(x):
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias) * scale)
        x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, deep, [1, 1, 1, 1], "VALID") + bias)
        return tf.nn.softmax(tf.linalg.matmul(tf.reshape(x, [-1, 4]), random(4, 4)) + bias)

    x = random(1, 5, 5, 2)
    model = traced(net, tf.TensorSpec([None, 5, 5, 2], name="x"))
    result = back(model, tmp_path / "net", x)
    np.testing.assert_allclose(result, model.signatures["serving_default"](x), rtol=1e-4, atol=1e-5)
    assert operations(tmp_path / "net") == [
        "Placeholder",
        "_FusedConv2D",
        "FusedDepthwiseConv2dNative",
        "Reshape",
        "_FusedMatMul",
        "Softmax",
        "Identity",
    ]


@pytest.mark.parametrize("fused", [True, False])
def test_slopes_of_negative_numbers_are_read(fused, tmp_path):
    kernel, slopes = random(1, 1, 2, 4), random(4)

    def net(x):
        return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + slopes)

    x, path = random(1, 3, 3, 2), tmp_path / "net"
    TFJS.write(traced(net, tf.TensorSpec([1, 3, 3, 2], name="x")), str(path))
    head = described(path)
    (node,) = (n for n in head["modelTopology"]["node"] if n["op"] == "_FusedConv2D")
    names = node["attr"]["fused_ops"]["list"]["s"]
    if fused:
        names[1] = base64.b64encode(b"Prelu").decode()
        node["input"].append(node["input"][2])
    else:
        names.pop()
        alone = {"name": "alone", "op": "Prelu", "input": [node["name"], node["input"][2]]}
        head["modelTopology"]["node"].append(alone)
        for reader in head["modelTopology"]["node"][:-1]:
            reader["input"] = ["alone" if n == node["name"] else n for n in reader.get("input", [])]
    (path / "model.json").write_text(json.dumps(head))
    (result,) = read(str(path)).signatures["serving_default"](tf.constant(x)).values()
    sums = x @ kernel[0, 0] + slopes
    np.testing.assert_allclose(result, np.where(sums < 0, slopes * sums, sums), rtol=1e-5)


def test_results_that_are_read_twice_are_not_fused(tmp_path):
    matrix, bias = random(3, 3), random(3)

    def net(x):
        y = tf.linalg.matmul(x, matrix)
        return tf.nn.relu(y + bias) - y

    back(traced(net, tf.TensorSpec([2, 3])), tmp_path / "net", random(2, 3))
    assert "MatMul" in operations(tmp_path / "net")


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.uint32, tf.uint64], ids=str)
def test_inputs_of_any_dtype_have_its_name_in_the_signature(dtype, tmp_path):
    model = traced(lambda x: tf.cast(x, tf.float32), tf.TensorSpec([2], dtype, "x"))
    TFJS.write(model, str(tmp_path))
    (info,) = described(tmp_path)["signature"]["inputs"].values()
    assert info["dtype"] == f"DT_{dtype.name.upper()}"


def test_loops_and_branches_keep_their_constants(tmp_path):
    def net(x):
        y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * [1.5, 2.0] + 0.25), (0, x))[
            1
        ]
        return tf.cond(tf.reduce_sum(y) > 0, lambda: y + [10.0, 20.0], lambda: y - [1.0, 2.0])

    model = traced(net, tf.TensorSpec([2]))
    for x in (np.float32([1, 2]), np.float32([-9, -9])):
        result = back(model, tmp_path / "net", x)
        np.testing.assert_allclose(result, model.signatures["serving_default"](x), rtol=1e-6)
    entries = described(tmp_path / "net")["weightsManifest"][0]["weights"]
    assert len({each["name"] for each in entries}) == len(entries)


REWRITTEN = {
    "softsign": tf.nn.softsign,
    "erfc": tf.math.erfc,
    "rint": tf.math.rint,
    "xlogy": lambda x: tf.math.xlogy(tf.round(x), tf.abs(x)),
    "space to depth": lambda x: tf.nn.space_to_depth(x, 2),
    "integer division": lambda x: tf.truncatediv(tf.cast(x * 9, tf.int32), [3, -2]),
    "products of batches": lambda x: tf.raw_ops.BatchMatMulV3(
        x=x, y=x, Tout=tf.float32, adj_y=True
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_other_ops_are_written_as_known_ones(name, tmp_path):
    x = random(2, 4, 4, 2)
    model = traced(REWRITTEN[name], tf.TensorSpec([2, 4, 4, 2]))
    result = back(model, tmp_path / "net", x)
    np.testing.assert_allclose(result, model.signatures["serving_default"](x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("equation, shapes, batch", [
    ("abc,cde->abde", [(2, 3, 4), (4, 5, 2)], None),
    ("abcd,cde->abe", [(2, 3, 4, 5), (4, 5, 2)], None),
    ("aecd,abcd->acbe", [(2, 3, 4, 5), (2, 6, 4, 5)], 2),
    ("acbe,aecd->abcd", [(2, 4, 6, 3), (2, 3, 4, 5)], 2),
    ("ab,b->a", [(3, 4), (4,)], None),
    ("ab,ab->ab", [(3, 4), (3, 4)], 2),
    ("ab,cd->dbca", [(3, 4), (2, 5)], None),
])  # fmt: skip
def test_einsums_are_products(equation, shapes, batch, tmp_path):
    x, y = (random(*shape) for shape in shapes)
    open_shape = [batch and None, *x.shape[1:]]
    function = traced(lambda x: tf.einsum(equation, x, y), tf.TensorSpec(open_shape, name="x"))
    found = back(function, tmp_path / "net", x)
    np.testing.assert_allclose(found, np.einsum(equation, x, y), rtol=1e-4, atol=1e-5)
    assert "Einsum" not in operations(tmp_path / "net")


@pytest.mark.parametrize("equation, shapes", [
    ("ab,cb->a", [(3, 4), (2, 4)]), ("aab,bc->ac", [(3, 3, 4), (4, 2)]), ("ab->ba", [(3, 4)]),
])  # fmt: skip
def test_einsums_of_other_kinds_stay(equation, shapes, tmp_path):
    x, *others = (random(*shape) for shape in shapes)
    function = traced(lambda x: tf.einsum(equation, x, *others), tf.TensorSpec(x.shape, name="x"))
    found = back(function, tmp_path / "net", x)
    np.testing.assert_allclose(found, np.einsum(equation, x, *others), rtol=1e-4, atol=1e-5)


def test_ops_without_counterpart_are_named(tmp_path):
    with pytest.raises(tf.errors.UnimplementedError, match="no counterpart of Betainc 'Betainc'"):
        TFJS.write(
            traced(lambda x: tf.math.betainc(x, x, x), tf.TensorSpec([2])), str(tmp_path / "net")
        )
    assert not (tmp_path / "net").exists()
    with pytest.raises(tf.errors.InvalidArgumentError, match="32 bits"):
        large = traced(lambda x: x + [1 << 40, 2], tf.TensorSpec([2], tf.int64))
        TFJS.write(large, str(tmp_path / "net"))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-60000, 60000, width=32), min_size=1, max_size=20),
    st.sampled_from(["", *weights.QUANTIZATIONS]),
)
def test_weights_come_back_within_half_a_step(values, quantize):
    value = np.array(values, np.float32)
    entry, data = weights.stored("w", value, quantize)
    group = [{"paths": ["f"], "weights": [entry]}]
    found = weights.restored(group, {"f": data}, "model.json")["w"].astype(np.float64)
    if quantize == "float16":
        bound = np.abs(value) * 2.0**-11 + 2.0**-25
    else:
        bound = (
            (float(value.max()) - float(value.min())) * 1.01 / (2 * weights.QUANTIZATIONS[quantize])
            if quantize
            else 0
        )
    scale = np.abs(value.astype(np.float64)).max() * 2.0**-22
    assert (np.abs(found - value) <= bound + scale).all()
    assert (
        (found[value == 0] == 0).all()
        or quantize in ("uint8", "uint16")
        and value.min() * value.max() > 0
    )


@pytest.mark.parametrize(
    ("number", "quantize"), [(65520.0, "float16"), (np.inf, "uint8"), (np.nan, "uint16")]
)
def test_arrays_that_few_bits_do_not_hold_stay_as_they_are(number, quantize):
    value = np.float32([1, number])
    entry, data = weights.stored("w", value, quantize)
    found = weights.restored([{"paths": ["f"], "weights": [entry]}], {"f": data}, "model.json")
    np.testing.assert_array_equal(found["w"], value)


def test_strings_and_other_types_come_back():
    for value in (
        np.array([b"a", b"", "ü".encode()], object),
        np.array([True, False]),
        np.arange(4, dtype=np.int64),
        np.complex64([1 + 2j]),
        np.float64(3.5),
        np.float32(2.5),
        np.zeros([0, 3], np.float32),
    ):
        entry, data = weights.stored(
            "w", np.asarray(value), "uint8" if value.dtype in (bool, np.float32) else ""
        )
        group = [{"paths": ["f"], "weights": [entry]}]
        found = weights.restored(group, {"f": data}, "model.json")["w"]
        assert found.shape == np.shape(value) and found.tolist() == np.asarray(value).tolist()


def test_weights_are_cut_into_files_that_browsers_keep():
    parts = weights.shards([bytes(5), bytes(6)], 4)
    assert list(parts) == [f"group1-shard{k}of3.bin" for k in (1, 2, 3)]
    assert [len(part) for part in parts.values()] == [4, 4, 3]


def test_constants_may_wait_for_inputs(tmp_path):
    model = traced(lambda x: tf.nn.relu(x) * [2.0, 3.0], tf.TensorSpec([2], name="x"))
    TFJS.write(model, str(tmp_path / "net"))
    head = described(tmp_path / "net")
    nodes = head["modelTopology"]["node"]
    (source,) = (n["name"] for n in nodes if n["op"] == "Placeholder")
    for node in nodes:
        if node["op"] == "Const":
            node["input"] = [f"^{source}"]
    (tmp_path / "net" / "model.json").write_text(json.dumps(head))
    function = read(str(tmp_path / "net")).signatures["serving_default"]
    (result,) = function(tf.constant([-1.0, 2.0])).values()
    np.testing.assert_array_equal(result, [0, 6])


def test_sums_of_known_segments_are_scattered(tmp_path):
    def net(x):
        return tf.math.unsorted_segment_sum(x, [2, 0, 2], 4)

    x = random(3, 2)
    result = back(traced(net, tf.TensorSpec([3, None], name="x")), tmp_path / "net", x)
    np.testing.assert_allclose(result, [x[1], [0, 0], x[0] + x[2], [0, 0]], rtol=1e-6)
    assert "ScatterNd" in operations(tmp_path / "net")


def test_sums_of_segments_that_are_left_out_are_refused(tmp_path):
    def net(x):
        return tf.math.unsorted_segment_sum(x, [0, -1], 2)

    with pytest.raises(tf.errors.UnimplementedError, match="segments that are not known"):
        TFJS.write(traced(net, tf.TensorSpec([2], name="x")), str(tmp_path / "net"))
