"""ONNX files become functions that run, train, and refuse what is wrong by name."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read, read_proto
from penstock._src.formats.onnx.schema import EXTERNAL
from tests.formats.onnx.models import graph, model, node, perceptron, value

X = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


def _weights(proto):
    return {
        t.name: np.frombuffer(t.raw_data, np.float32).reshape(t.dims)
        for t in proto.graph.initializer
    }


def _expected(proto, x):
    held = _weights(proto)
    return np.maximum(x @ held["w"] + held["b"], 0) @ held["v"]


def _function(proto, **options):
    return read_proto(proto, **options).signatures["serving_default"]


def test_a_file_runs_with_its_names_and_dynamic_batch(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(perceptron().SerializeToString())
    function = read(str(path)).signatures["serving_default"]
    assert function.argument_names == ["x"]
    for rows in (3, 1):
        found = function(x=tf.constant(X[:rows]))["y"]
        np.testing.assert_allclose(found, _expected(perceptron(), X[:rows]), rtol=1e-5)


def test_inputs_with_names_of_tensors_are_passed_by_these_names():
    proto = model(
        graph(
            [node("Sub", "x:0 x_0", "y:0")],
            [value("x:0", ["batch", 4]), value("x_0", ["batch", 4])],
            [value("y:0", ["batch", 4])],
        )
    )
    function = _function(proto)
    assert function.argument_names == ["x:0", "x_0"]
    found = function(**{"x_0": tf.zeros_like(X), "x:0": tf.constant(X)})
    np.testing.assert_array_equal(found["y:0"], X)


def test_branches_of_different_ranks_join_and_go_on():
    """What PyTorch writes for `x.squeeze(-1)`, and a recurrent layer that takes one sequence or several."""
    narrow = graph([node("Squeeze", "x last", "s")], [], [value("s", [None, None])])
    as_it_is = graph([node("Identity", "x", "i")], [], [value("i", [None, None, None])])
    widened = graph([node("Unsqueeze", "joined last", "u")], [], [value("u", [None, None, None])])
    kept = graph([node("Identity", "joined", "k")], [], [value("k", [None, None, None])])
    r = np.random.default_rng(3)
    weights = {
        "w": r.normal(size=(1, 8, 1)).astype(np.float32),
        "r": r.normal(size=(1, 8, 2)).astype(np.float32),
        "last": np.array([-1]),
        "one": np.array(1),
        "two": np.array(2),
        "at": np.array(2),
    }
    proto = model(
        graph(
            [
                node("Shape", "x", "sizes"),
                node("Gather", "sizes at", "extent"),
                node("Equal", "extent one", "is_one"),
                node("If", "is_one", "joined", then_branch=narrow, else_branch=as_it_is),
                node("Shape", "joined", "joined_sizes"),
                node("Size", "joined_sizes", "rank"),
                node("Equal", "rank two", "is_matrix"),
                node("If", "is_matrix", "rows", then_branch=widened, else_branch=kept),
                node("LSTM", "rows w r", "h_all h", hidden_size=2),
                node("ReduceMean", "joined", "mean", axes=[1], keepdims=0),
            ],
            [value("x", ["time", "batch", "width"])],
            [value("h", [1, None, 2]), value("mean", ["time"])],
            **weights,
        ),
        version=17,
    )
    function = _function(proto)
    narrow_rows, wide = (r.normal(size=(3, 2, n)).astype(np.float32) for n in (1, 1))
    found = function(x=tf.constant(narrow_rows))
    assert found["mean"].shape == [3] and found["h"].shape == [1, 2, 2]
    np.testing.assert_allclose(found["mean"], narrow_rows[..., 0].mean(1), rtol=1e-5)


def test_weights_train():
    read_model = read_proto(perceptron(), trainable=True)
    function, weights = read_model.signatures["serving_default"], read_model.root.weights
    assert set(weights) == {"w", "b", "v"}
    x, goal = tf.constant(X), tf.ones([3, 2])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(function(x=x)["y"] - goal))
        variables = list(weights.values())
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.05 * gradient)
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]


def test_settings_of_operators_do_not_train():
    main = graph(
        [node("Resize", "x - s", "y", mode="linear")],
        [value("x", [1, 1, 2, 2])],
        [value("y", [1, 1, 4, 4])],
        s=np.array([1, 1, 2, 2], np.float32),
    )
    assert not read_proto(model(main), trainable=True).root.weights


def test_data_may_be_in_a_file_beside(tmp_path):
    proto = perceptron()
    expected = _expected(proto, X)
    held = b""
    for tensor in proto.graph.initializer:
        tensor.external_data.add(key="location", value="weights.bin")
        tensor.external_data.add(key="offset", value=str(len(held)))
        tensor.external_data.add(key="length", value=str(len(tensor.raw_data)))
        held += tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = EXTERNAL
    (tmp_path / "weights.bin").write_bytes(held)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    function = read(str(path)).signatures["serving_default"]
    np.testing.assert_allclose(function(x=tf.constant(X))["y"], expected, rtol=1e-5)
    (tmp_path / "weights.bin").write_bytes(held[:-1])
    with pytest.raises(tf.errors.DataLossError, match=r"model\.onnx.*weights\.bin"):
        read(str(path))


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../b", "..\\b"])
def test_data_outside_of_the_folder_is_not_read(tmp_path, location):
    proto = perceptron()
    tensor = proto.graph.initializer[0]
    tensor.external_data.add(key="location", value=location)
    tensor.data_location = EXTERNAL
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(tf.errors.InvalidArgumentError, match="not below the model's folder"):
        read(str(path))


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("is_folder", [False, True])
def test_links_out_of_the_folder_are_not_followed(tmp_path, is_folder, scheme):
    proto = perceptron()
    tensor = proto.graph.initializer[0]
    (tmp_path / "secret").write_bytes(tensor.raw_data)
    (tmp_path / "model").mkdir()
    link = tmp_path / "model" / "link"
    link.symlink_to(tmp_path if is_folder else tmp_path / "secret")
    tensor.external_data.add(key="location", value="link/secret" if is_folder else "link")
    tensor.data_location = EXTERNAL
    path = tmp_path / "model" / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of the model's folder"):
        read(f"{scheme}{path}")


def test_links_beside_a_linked_model_are_followed(tmp_path):
    proto = perceptron()
    tensor, expected = proto.graph.initializer[0], _expected(proto, X)
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "data").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="weights.bin")
    tensor.data_location = EXTERNAL
    (tmp_path / "held" / "model").write_bytes(proto.SerializeToString())
    (tmp_path / "weights.bin").symlink_to(tmp_path / "held" / "data")
    (tmp_path / "model.onnx").symlink_to(tmp_path / "held" / "model")
    function = read(str(tmp_path / "model.onnx")).signatures["serving_default"]
    np.testing.assert_allclose(function(x=tf.constant(X))["y"], expected, rtol=1e-5)


def test_functions_of_a_model_are_called_with_their_attributes():
    proto = model(
        graph(
            [node("Scaled", "x", "y", domain="own", by=3.0)],
            [value("x", [2])],
            [value("y", [2])],
        )
    )
    proto.opset_import.add(domain="own", version=1)
    made = proto.functions.add(name="Scaled", domain="own", input=["a"], output=["b"])
    made.attribute.append("by")
    made.opset_import.add(domain="", version=21)
    constant = node("Constant", "", "c")
    constant.attribute.add(name="value_float", ref_attr_name="by", type=1)
    made.node.extend([constant, node("Mul", "a c", "b")])
    found = _function(proto)(x=tf.constant([1.0, 2.0]))["y"]
    np.testing.assert_array_equal(found, [3.0, 6.0])


def test_loops_have_gradients():
    body = graph(
        [node("Identity", "go", "again"), node("Mul", "s w", "t")],
        [value("i", [], dtypes.int64), value("go", [], dtypes.bool_), value("s", [2])],
        [value("again", [], dtypes.bool_), value("t", [2])],
    )
    main = graph(
        [node("Loop", "count - x", "y", body=body)],
        [value("x", [2])],
        [value("y", [2])],
        count=np.array(3, np.int64),
        w=np.array([2.0, 3.0], np.float32),
    )
    read_model = read_proto(model(main), trainable=True)
    w, x = read_model.root.weights["w"], tf.constant([1.0, 1.0])
    with tf.GradientTape() as tape:
        y = read_model.signatures["serving_default"](x=x)["y"]
    np.testing.assert_allclose(y, [8.0, 27.0])
    np.testing.assert_allclose(tape.gradient(y, w), [12.0, 27.0])


@pytest.mark.parametrize(
    "change, error, words",
    [
        (
            lambda m: m.graph.node[1].input.__setitem__(0, "gone"),
            "InvalidArgument",
            "node 1.*'gone'",
        ),
        (lambda m: m.graph.node[1].__setattr__("op_type", "Nope"), "Unimplemented", "node 1.*Nope"),
        (lambda m: m.graph.node[0].input.pop(), "", ""),
        (lambda m: m.graph.node[2].input.pop(), "InvalidArgument", "node 2.*inputs"),
        (lambda m: m.graph.initializer[0].dims.append(7), "DataLoss", "initializer 'w'.*bytes"),
        (
            lambda m: m.graph.initializer[0].__setattr__("data_type", 24),
            "Unimplemented",
            "float8e8m0",
        ),
        (lambda m: m.ClearField("graph"), "DataLoss", "no graph"),
    ],
)
def test_what_is_wrong_is_named(change, error, words):
    proto = perceptron()
    change(proto)
    if not error:
        read_proto(proto)
        return
    with pytest.raises(getattr(tf.errors, f"{error}Error"), match=words):
        read_proto(proto)


def test_other_files_are_refused_by_name(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x0a\xffnot a model")
    with pytest.raises(tf.errors.DataLossError, match=r"model\.onnx is not an ONNX model"):
        read(str(path))
