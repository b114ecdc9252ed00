"""tf.compat.v1.lite: graphs of TensorFlow 1 as TFLite files."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
Converter = v1.lite.TFLiteConverter


@pytest.fixture
def graph():
    """A session, an input of [None, 4] and an output of [None, 3]: relu(x @ 0.5 + 1)."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        w = v1.get_variable("w", [4, 3], initializer=v1.constant_initializer(0.5))
        y = tf.nn.relu(x @ w + 1.0, name="y")
        session.run(v1.global_variables_initializer())
        yield session, x, y


@pytest.fixture
def frozen(graph, tmp_path):
    """The file of the graph without variables."""
    session, *_ = graph
    graph_def = v1.graph_util.convert_variables_to_constants(
        session, session.graph.as_graph_def(), ["y"]
    )
    (tmp_path / "frozen.pb").write_bytes(graph_def.SerializeToString())
    (tmp_path / "frozen.pbtxt").write_text(str(graph_def))
    return graph_def, tmp_path


def ends(content):
    """Names, shapes, types and scales of the inputs and outputs."""
    interpreter = tf.lite.Interpreter(model_content=content)
    return [
        (
            each["name"],
            each["shape_signature"].tolist(),
            each["dtype"].__name__,
            each["quantization"],
        )
        for each in (*interpreter.get_input_details(), *interpreter.get_output_details())
    ]


def result(content, x):
    interpreter = tf.lite.Interpreter(model_content=content)
    (given,), (computed,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(computed["index"])


FLOATS = [("x", [-1, 4], "float32", (0.0, 0)), ("y", [-1, 3], "float32", (0.0, 0))]


def test_a_session_is_converted_with_its_variables(graph):
    session, x, y = graph
    converter = Converter.from_session(session, [x], [y])
    content = converter.convert()
    assert converter.get_input_arrays() == ["x"] and ends(content) == FLOATS
    assert tf.lite.Interpreter(model_content=content).get_signature_list() == {}
    np.testing.assert_array_equal(result(content, np.ones([2, 4], np.float32)), np.full([2, 3], 3))


def test_an_operation_in_the_middle_becomes_an_input(graph):
    session, x, _ = graph
    middle = tf.exp(x, name="middle")
    content = Converter.from_session(session, [middle], [middle * 2.0]).convert()
    assert ends(content)[0] == ("middle", [-1, 4], "float32", (0.0, 0))
    np.testing.assert_array_equal(result(content, np.ones([1, 4], np.float32)), np.full([1, 4], 2))


def test_a_session_without_values_is_refused(graph):
    session, x, _ = graph
    other = v1.get_variable("other", [4])
    with pytest.raises(tf.errors.FailedPreconditionError):
        Converter.from_session(session, [x], [x + other])


@pytest.mark.parametrize("file", ["frozen.pb", "frozen.pbtxt"])
def test_files_of_graphs_are_converted(frozen, file):
    content = Converter.from_frozen_graph(str(frozen[1] / file), ["x"], ["y"]).convert()
    assert ends(content) == FLOATS


def test_shapes_of_inputs_are_set(frozen):
    converter = Converter.from_frozen_graph(
        str(frozen[1] / "frozen.pb"), ["x"], ["y"], {"x": [5, 4]}
    )
    assert [shape for _, shape, *_ in ends(converter.convert())] == [[5, 4], [5, 3]]


@pytest.mark.parametrize(
    ("names", "shapes", "message"),
    [
        (["q"], None, "Invalid tensors 'q' were found."),
        (["x:0"], None, "Invalid tensors 'x:0' were found."),
        (["x"], {"q": [1]}, "Invalid tensor 'q' found in tensor shapes map."),
        (["x"], {"x": [5, 7]}, "The shape of tensor 'x' cannot be changed"),
    ],
)
def test_wrong_names_and_shapes_are_refused(frozen, names, shapes, message):
    with pytest.raises(ValueError, match=message):
        Converter.from_frozen_graph(str(frozen[1] / "frozen.pb"), names, ["y"], shapes)


def test_files_that_are_not_graphs_are_refused(tmp_path):
    (tmp_path / "bad.pb").write_bytes(b"\x08hallo")
    with pytest.raises(OSError, match="Unable to parse input file"):
        Converter.from_frozen_graph(str(tmp_path / "bad.pb"), ["x"], ["y"])
    with pytest.raises(OSError, match="does not exist"):
        Converter.from_frozen_graph(str(tmp_path / "none.pb"), ["x"], ["y"])


def test_graphs_with_variables_are_refused(graph, tmp_path):
    session, *_ = graph
    path = tmp_path / "variables.pb"
    path.write_bytes(session.graph.as_graph_def().SerializeToString())
    with pytest.raises(ValueError, match="Please freeze the graph"):
        Converter.from_frozen_graph(str(path), ["x"], ["y"])


def test_saved_models_are_converted(graph, tmp_path):
    session, x, y = graph
    folder = str(tmp_path / "model")
    v1.saved_model.simple_save(session, folder, {"a": x}, {"b": y})
    assert ends(Converter.from_saved_model(folder).convert()) == FLOATS
    part = Converter.from_saved_model(folder, ["x"], {"x": [7, 4]}, ["y"])
    assert ends(part.convert())[1][1] == [7, 3]
    with pytest.raises(ValueError, match="No 'q' in the SavedModel's SignatureDefs"):
        Converter.from_saved_model(folder, signature_key="q")
    with pytest.raises(RuntimeError, match="could not be found in SavedModel"):
        Converter.from_saved_model(folder, tag_set={"q"})


def test_saved_models_of_tensorflow_2_are_converted(tmp_path):
    class Twice(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], name="x")])
        def __call__(self, x):
            return {"y": x * 2.0}

    module = Twice()
    tf.saved_model.save(module, str(tmp_path), module.__call__)
    content = Converter.from_saved_model(str(tmp_path)).convert()
    assert ends(content)[0] == ("serving_default_x", [-1, 4], "float32", (0.0, 0))
    np.testing.assert_array_equal(result(content, np.ones([1, 4], np.float32)), np.full([1, 4], 2))


def test_keras_files_are_converted(tmp_path):
    keras = tf.keras
    model = keras.Sequential([keras.layers.Input([4]), keras.layers.Dense(2)])
    path = str(tmp_path / "model.h5")
    model.save(path)
    x = np.ones([1, 4], np.float32)
    content = Converter.from_keras_model_file(path).convert()
    np.testing.assert_allclose(result(content, x), model(x), rtol=1e-6)
    with pytest.raises(ValueError, match="unsupported with Eager mode"):
        Converter.from_keras_model_file(path, input_arrays=["x"])


def test_ranges_that_are_said_replace_samples(graph):
    session, x, y = graph
    converter = Converter.from_session(session, [x], [y])
    converter.inference_type = tf.uint8
    converter.quantized_input_stats = {"x": (128.0, 127.0)}
    converter.default_ranges_stats = (0, 6)
    content = converter.convert()
    # What TensorFlow 2.21 gives.
    assert ends(content) == [
        ("x", [-1, 4], "uint8", (0.007874015718698502, 128)),
        ("y", [-1, 3], "uint8", (0.0235294122248888, 0)),
    ]
    assert result(content, np.full([1, 4], 200, np.uint8)).tolist() == [[91, 91, 91]]


def test_without_ranges_only_the_input_is_an_integer(graph):
    session, x, y = graph
    converter = Converter.from_session(session, [x], [y])
    converter.inference_type = tf.uint8
    converter.quantized_input_stats = {"x": (128.0, 127.0)}
    assert [kind for _, _, kind, _ in ends(converter.convert())] == ["uint8", "float32"]


def test_integers_need_statistics_of_each_input(graph):
    session, x, y = graph
    converter = Converter.from_session(session, [x], [y])
    converter.inference_input_type = tf.uint8
    with pytest.raises(ValueError, match="`quantized_input_stats` flag must be defined"):
        converter.convert()
    converter.quantized_input_stats = {"z": (1, 2)}
    with pytest.raises(ValueError, match="stats are not available for input tensors 'x'"):
        converter.convert()


def test_samples_give_ranges(graph):
    session, x, y = graph
    converter = Converter.from_session(session, [x], [y])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    values = np.random.default_rng(0).random([20, 1, 4], np.float32)
    converter.representative_dataset = lambda: ([value] for value in values)
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    content = converter.convert()
    (_, _, kind, (scale, zero)), (*_, (step, first)) = ends(content)
    assert kind == "uint8"
    x = np.full([1, 4], 0.5, np.float32)
    whole = np.rint(x / scale + zero).astype(np.uint8)
    reals = (result(content, whole).astype(np.float32) - first) * step
    np.testing.assert_allclose(reals, np.full([1, 3], 2.0), atol=2 * step)


def test_older_names_of_options_warn(graph):
    session, x, y = graph
    converter = Converter.from_session(session, [x], [y])
    with pytest.warns(UserWarning, match="post_training_quantize is deprecated"):
        converter.post_training_quantize = True
    assert converter.optimizations == [tf.lite.Optimize.DEFAULT]
    with pytest.warns(UserWarning, match="target_ops is deprecated"):
        assert converter.target_ops == {tf.lite.OpsSet.TFLITE_BUILTINS}


def test_names_replace_tensors(frozen):
    graph_def, _ = frozen
    content = Converter(graph_def, None, None, [("x", [2, 4])], ["y"]).convert()
    assert [shape for _, shape, *_ in ends(content)] == [[2, 4], [2, 3]]
    with pytest.raises(ValueError, match="If input_tensors and output_tensors are None"):
        Converter(graph_def, None, None).convert()


def test_the_older_names_convert(graph, frozen):
    _, x, y = graph
    graph_def, folder = frozen
    toco = v1.lite.TocoConverter.from_frozen_graph(str(folder / "frozen.pb"), ["x"], ["y"])
    assert ends(toco.convert()) == FLOATS == ends(v1.lite.toco_convert(graph_def, [x], [y]))
    integers = v1.lite.toco_convert(
        graph_def, [x], [y], inference_type=tf.uint8, quantized_input_stats=[(0.0, 1.0)],
        default_ranges_stats=(0, 6),
    )  # fmt: skip
    assert ends(integers)[0] == ("x", [-1, 4], "uint8", (1.0, 0))
