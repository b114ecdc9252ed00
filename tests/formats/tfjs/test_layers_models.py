"""Layers models: what TensorFlow.js saved gives its values here, and Keras models come back as they were."""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.keras.reading import traced
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, read

RECORDED = pathlib.Path(__file__).parent / "recorded"
LAYERS = FORMATS["tfjs-layers"]


def layers():
    return tf.keras.layers


def written(model, path, **options):
    LAYERS.write(of_function(traced(model), model), str(path), **options)
    return json.loads((path / "model.json").read_text())


@pytest.mark.parametrize("name", ["sequential", "functional", "recurrent"])
def test_models_of_tensorflow_js_have_its_values(name):
    found = read(str(RECORDED / name))
    x, y = (
        np.float32(v).reshape(shape)
        for shape, v in json.loads((RECORDED / name / "values.json").read_text()).values()
    )
    (result,) = found.signatures["serving_default"](tf.constant(x)).values()
    np.testing.assert_allclose(result, y, rtol=1e-5, atol=1e-6)
    assert found.details["kind"] == "layers model"


def test_models_come_back(tmp_path):
    tf.keras.utils.set_random_seed(1)
    nn = layers()
    start = nn.Input((6, 5, 2), name="image")
    x = nn.Conv2D(4, 3, padding="same", activation="silu", kernel_regularizer="l2")(start)
    x = nn.DepthwiseConv2D(2)(nn.BatchNormalization()(x))
    x = nn.Reshape((20, 4))(nn.LeakyReLU(0.3)(x))
    y = nn.Bidirectional(nn.LSTM(3))(x)
    model = tf.keras.Model(start, [nn.Dense(2, name="a")(y), nn.Add(name="b")([y, y])])
    described = written(model, tmp_path / "model")
    assert described["modelTopology"]["model_config"]["class_name"] == "Model"
    back = read(str(tmp_path / "model"))
    image = tf.random.normal([3, 6, 5, 2])
    found = back.signatures["serving_default"](image)
    for result, expected in zip(found.values(), model(image), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [3, None])
def test_rows_of_enlarged_images_are_at_those_of_tensorflow_js(width, tmp_path):
    nn = layers()
    model = tf.keras.Sequential([nn.Input((1, width, 1)), nn.UpSampling2D((1, 2))])
    described = written(model, tmp_path / "model")
    layer = described["modelTopology"]["model_config"]["config"]["layers"][1]["config"]
    layer["interpolation"] = "bilinear"
    (tmp_path / "model" / "model.json").write_text(json.dumps(described))
    found = read(str(tmp_path / "model")).signatures["serving_default"]
    (y,) = found(tf.constant([[[[0.0], [1.0], [2.0]]]])).values()
    np.testing.assert_array_equal(np.ravel(y), [0, 0.5, 1, 1.5, 2, 2])


def test_configurations_have_the_form_of_keras_2(tmp_path):
    nn = layers()
    model = tf.keras.Sequential([nn.Input((4,)), nn.Dense(3, name="d"), nn.Dropout(0.5)])
    described = written(model, tmp_path / "model")
    start, dense, _ = described["modelTopology"]["model_config"]["config"]["layers"]
    assert start["config"]["batch_input_shape"] == [None, 4]
    assert dense["config"]["dtype"] == "float32" and "module" not in json.dumps(dense)
    (group,) = described["weightsManifest"]
    assert [each["name"] for each in group["weights"]] == ["d/kernel", "d/bias"]


def test_axes_of_dot_are_counted_from_the_front(tmp_path):
    nn = layers()
    start = nn.Input((6, 4))
    model = tf.keras.Model(start, nn.Dot(axes=(-1, 2), name="dot")([start, start]))
    described = written(model, tmp_path / "model")
    dot = described["modelTopology"]["model_config"]["config"]["layers"][-1]
    assert dot["config"]["axes"] == [2, 2]


def test_extents_that_reshape_computes_are_written(tmp_path):
    nn = layers()
    model = tf.keras.Sequential([nn.Input((6,)), nn.Reshape((2, -1)), nn.GRU(3, reset_after=False)])
    described = written(model, tmp_path / "model")
    _, reshape, _ = described["modelTopology"]["model_config"]["config"]["layers"]
    assert reshape["config"]["target_shape"] == [2, 3]
    rows = tf.keras.Sequential([nn.Input((None,)), nn.Reshape((2, -1))])
    described = written(rows, tmp_path / "rows")
    reshape = described["modelTopology"]["model_config"]["config"]["layers"][1]
    assert reshape["config"]["target_shape"] == [2, -1]


def test_what_tensorflow_js_computes_otherwise_is_refused(tmp_path):
    nn = layers()
    for layer, said in [
        (nn.GRU(3), "no GRU with reset_after=True"),
        (nn.Conv1D(4, 1, groups=2), "no Conv1D with groups=2"),
        (nn.Conv1D(4, 1, activation="hard_swish"), "no activation hard_silu"),
        (nn.SimpleRNN(4, activation="hard_sigmoid"), "no activation hard_sigmoid"),
        (nn.GroupNormalization(2), "no layer GroupNormalization"),
        (nn.BatchNormalization(axis=1), "no BatchNormalization of another axis"),
        (nn.Conv1D(4, 2, padding="causal"), "no Conv1D with padding=causal"),
    ]:
        model = tf.keras.Sequential([nn.Input((6, 4)), layer])
        with pytest.raises(tf.errors.UnimplementedError, match=said):
            written(model, tmp_path / "model")
    for layer, said in [
        (nn.GlobalMaxPooling2D(keepdims=True), "keepdims=True"),
        (nn.DepthwiseConv2D(2, dilation_rate=2), "dilation_rate=\\(2, 2\\)"),
        (nn.Conv2DTranspose(2, 2, dilation_rate=2), "dilation_rate=\\(2, 2\\)"),
        (nn.Conv2DTranspose(2, 3, strides=2, output_padding=1), "output_padding"),
        (nn.ReLU(negative_slope=0.1), "no ReLU with negative_slope"),
    ]:
        model = tf.keras.Sequential([nn.Input((6, 5, 4)), layer])
        with pytest.raises(tf.errors.UnimplementedError, match=said):
            written(model, tmp_path / "model")
    image = nn.Input((2, 3, 4))
    dot = tf.keras.Model(image, nn.Dot(axes=-1)([image, image]))
    with pytest.raises(tf.errors.UnimplementedError, match="no Dot of more than 3 axes"):
        written(dot, tmp_path / "model")
    start = nn.Input((6, 4))
    attention = tf.keras.Model(start, nn.Attention()([start, start]) + start)
    with pytest.raises(tf.errors.UnimplementedError):
        written(attention, tmp_path / "model")
    module = of_function(tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2])))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Keras layers"):
        LAYERS.write(module, str(tmp_path / "model"))
