"""Formats are found by names and contents of paths; models come back as they were written."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats import table
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, format_of, format_to_write

X = np.float32([[1, -2, 3]])
# A function of a variable survives these; in the others it becomes a constant.
KEEPS_VARIABLES = ["saved-model"]
WRITTEN = [each.name for each in FORMATS.values() if each.writer and each.reader]


def model():
    module = tf.Module()
    module.weight = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def call(x):
        return {"product": x @ module.weight, "sign": tf.sign(x)}

    return of_function(call.get_concrete_function(), module)


@pytest.mark.parametrize("name", WRITTEN)
def test_functions_come_back(name, tmp_path):
    row = FORMATS[name]
    path = str(tmp_path / f"model{(row.suffixes or ('',))[0]}")
    row.write(model(), path)
    assert format_of(path) is row and format_to_write(path, name) is row
    read = table.read(path)
    _, function = read.only("it")
    assert list(function.argument_names) == ["x"]
    found = function(x=tf.constant(X))
    np.testing.assert_array_equal(found["product"], X @ [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(found["sign"], np.sign(X))
    assert len(function.graph.variables) == (name in KEEPS_VARIABLES)


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
def test_keras_files_are_read(suffix, tmp_path):
    net = tf.keras.Sequential([tf.keras.layers.Input((3,)), tf.keras.layers.Dense(2)])
    net.save(tmp_path / f"net{suffix}")
    read = table.read(str(tmp_path / f"net{suffix}"))
    found = read.signatures["serving_default"](tf.constant(X))
    np.testing.assert_allclose(found["output_0"], net(X), rtol=1e-6)


def test_the_file_of_a_saved_model_stands_for_its_folder(tmp_path):
    folder = str(tmp_path / "saved")
    FORMATS["saved-model"].write(model(), folder)
    function = table.read(f"{folder}/saved_model.pb").signatures["serving_default"]
    np.testing.assert_array_equal(function(x=tf.constant(X))["sign"], np.sign(X))


def test_text_of_graphs(tmp_path):
    path = str(tmp_path / "graph.pbtxt")
    FORMATS["graph-def"].write(model(), path)
    assert 'op: "MatMul"' in open(path).read()
    assert table.read(path).details["nodes"] > 3


def test_parts_of_graphs_are_read_by_name(tmp_path):
    path = str(tmp_path / "graph.pb")
    FORMATS["graph-def"].write(model(), path)
    _, part = FORMATS["graph-def"].read(path, outputs=["sign"]).only("it")
    assert list(part(tf.constant(X))) == ["sign"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="no placeholder 'z'; it has .*'x'"):
        FORMATS["graph-def"].read(path, inputs=["z"])


@pytest.mark.parametrize("name", WRITTEN)
def test_outputs_of_any_names_come_back(name, tmp_path):
    """Files of ONNX call outputs `Identity:0`, which no node can be called."""

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def call(x):
        return {"a:0": x + 1.0, "a": x + 2.0, "_b c": x + 3.0, "d": x + 4.0}

    row = FORMATS[name]
    path = str(tmp_path / f"model{(row.suffixes or ('',))[0]}")
    row.write(of_function(call.get_concrete_function()), path)
    found = table.read(path).only("it")[1](x=tf.constant(X))
    assert sorted(float(y[0, 0]) for y in found.values()) == [2, 3, 4, 5]
    assert {"a", "d"} <= set(found)
    np.testing.assert_array_equal(found["a"], X + 2)


def test_other_paths_are_refused(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="gone"):
        format_of(str(tmp_path / "gone"))
    (tmp_path / "text.txt").write_text("text")
    with pytest.raises(tf.errors.InvalidArgumentError, match="known formats"):
        format_of(str(tmp_path / "text.txt"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="suffix"):
        format_to_write("model.txt")
    with pytest.raises(tf.errors.InvalidArgumentError, match="no format 'caffe'"):
        format_to_write("model", "caffe")
    (tmp_path / "bad.pb").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(tf.errors.DataLossError, match="bad.pb"):
        table.read(str(tmp_path / "bad.pb"))
    with pytest.raises(tf.errors.UnimplementedError, match="Keras cannot be written"):
        FORMATS["keras"].write(model(), "x.keras")


def test_several_signatures_need_a_name():
    both = model()
    two = type(both)(
        {"a": both.signatures["serving_default"], "b": both.signatures["serving_default"]}
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\['a', 'b'\]"):
        two.only("ONNX")
    assert list(two.with_only("b").signatures) == ["b"]


def test_models_of_tensorflow_js_are_known_by_what_they_say(tmp_path):
    FORMATS["tfjs"].write(model(), str(tmp_path))
    path = (tmp_path / "model.json").rename(tmp_path / "blazeface.json")
    (tmp_path / "package.json").write_text('{"name": "models"}')
    (tmp_path / "broken.json").write_text("{")
    assert format_of(str(path)) is FORMATS["tfjs"]
    found = table.read(str(path)).only("it")[1](x=tf.constant(X))
    np.testing.assert_array_equal(found["product"], X @ [[1, 2], [3, 4], [5, 6]])
    for other in ("package.json", "broken.json"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="none of the known formats"):
            format_of(str(tmp_path / other))


def test_an_unknown_suffix_is_answered_by_the_formats_that_are_written():
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        table.format_to_write("model.xyz")
    assert "onnx (.onnx)" in str(error.value)
    assert "keras (" not in str(error.value)
    assert "()" not in str(error.value)
