"""Models of Keras as ONNX: values in ONNX Runtime, sizes that change, few transposes, and the commands."""

from collections import Counter

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli.commands import main
from penstock._src.formats.model import of_function
from penstock._src.formats.onnx.schema import ModelProto
from penstock._src.formats.onnx.writing import model as writing
from tests.formats.onnx.models import perceptron
from tests.formats.onnx.runtime import check, concrete, session

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
RANDOM = np.random.default_rng(3)


def _run(model, shape, dynamic=(0,), dtype=np.float32):
    if dtype == np.int32:
        x = RANDOM.integers(0, 50, shape).astype(dtype)
    else:
        x = RANDOM.random(shape, dtype)
    traced = concrete(lambda a: model(a, training=False), [x], dynamic)
    proto = check(traced, [x], 1e-4, 1e-5)
    one = x[:1]
    found = session(proto).run(None, {"x0": one})[0]
    np.testing.assert_allclose(found, traced(tf.constant(one)), rtol=1e-4, atol=1e-5)
    return proto


def _moved(model):
    """Statistics of norms that differ from where they start."""
    for variable in model.variables:
        if variable.path.endswith(("moving_mean", "moving_variance", "gamma", "beta")):
            variable.assign(0.8 + 0.4 * RANDOM.random(variable.shape))
    return model


def test_convolutions_follow_one_another_without_transposes():
    keras = tf.keras
    layers = keras.layers
    image = keras.Input((32, 32, 3))
    skips, x = [], image
    for width in (8, 16):
        x = layers.Conv2D(width, 3, padding="same")(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    for width, skip in zip((16, 8), skips[::-1], strict=True):
        x = layers.Conv2DTranspose(width, 2, strides=2, padding="same")(x)
        x = layers.Concatenate()([x, skip])
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    model = _moved(keras.Model(image, layers.Conv2D(2, 1, activation="softmax")(x)))
    proto = _run(model, (2, 32, 32, 3))
    kinds = Counter(node.op_type for node in proto.graph.node)
    assert kinds["Transpose"] == 2  # that of the image and that of the result
    assert kinds["Add"] == kinds["BatchNormalization"] == 0  # they are in weights and biases
    assert kinds["Conv"] == 6 and kinds["ConvTranspose"] == 2


def test_a_mobile_network_has_one_transpose():
    model = tf.keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), alpha=0.35)
    proto = _run(_moved(model), (2, 64, 64, 3))
    assert Counter(node.op_type for node in proto.graph.node)["Transpose"] == 1


def test_an_encoder_takes_any_batch_and_length():
    layers = tf.keras.layers
    tokens = tf.keras.Input((None,), dtype="int32")
    x = layers.Embedding(50, 16)(tokens)
    y = layers.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x + y)
    x = x + layers.Dense(16)(layers.Dense(32, activation="gelu")(x))
    model = tf.keras.Model(tokens, layers.LayerNormalization()(x))
    _run(model, (3, 9), (0, 1), np.int32)


def test_recurrent_layers_are_written_as_such():
    layers = tf.keras.layers
    rows = tf.keras.Input((None, 5))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(rows)
    x = layers.GRU(6, return_sequences=True)(x)
    x = layers.GRU(3, use_bias=False, return_sequences=True)(x)
    x = layers.LSTM(4, use_bias=False, return_sequences=True)(x)
    model = tf.keras.Model(rows, layers.SimpleRNN(3)(x))
    for variable in model.variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    proto = _run(model, (2, 7, 5), (0, 1))
    kinds = Counter(node.op_type for node in proto.graph.node)
    assert (kinds["LSTM"], kinds["GRU"], kinds["Loop"]) == (3, 2, 1)


def test_other_recurrent_layers_are_loops():
    layers = tf.keras.layers
    rows = tf.keras.Input((6, 5))
    x = layers.LSTM(4, activation="relu", return_sequences=True)(rows)
    x = layers.GRU(4, reset_after=False, return_sequences=True)(x)
    proto = _run(tf.keras.Model(rows, x), (2, 6, 5))
    kinds = Counter(node.op_type for node in proto.graph.node)
    assert (kinds["LSTM"], kinds["GRU"], kinds["Loop"]) == (0, 0, 2)


def test_what_has_no_counterpart_is_named():
    traced = concrete(tf.linalg.inv, [np.eye(3, dtype=np.float32)])
    with pytest.raises(tf.errors.UnimplementedError, match="MatrixInverse.*MatrixInverse"):
        writing.model_proto(of_function(traced))


def test_large_weights_go_to_a_file_beside(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MOST_BYTES", 10_000)
    weights = RANDOM.random((64, 64), np.float32)
    traced = concrete(lambda x: x @ weights + 1.0, [np.ones((2, 64), np.float32)])
    path = str(tmp_path / "model.onnx")
    writing.write(of_function(traced), path)
    assert (tmp_path / "model.onnx.data").stat().st_size == weights.nbytes
    from onnxruntime import InferenceSession

    x = RANDOM.random((2, 64), np.float32)
    found = InferenceSession(path).run(None, {"x0": x})[0]
    np.testing.assert_allclose(found, x @ weights + 1.0, rtol=1e-5)


def test_commands_import_and_export(tmp_path, capsys):
    source, folder, out = (str(tmp_path / name) for name in ("a.onnx", "saved", "b.onnx"))
    proto = perceptron()
    (tmp_path / "a.onnx").write_bytes(proto.SerializeToString())
    assert main(["import", source, folder]) == 0
    loaded = tf.saved_model.load(folder)
    assert len(loaded.signatures["serving_default"].variables) == 3
    assert main(["export", "--onnx", folder, out]) == 0
    assert "ONNX" in capsys.readouterr().out
    x = RANDOM.random((3, 4), np.float32)
    written = ModelProto.FromString((tmp_path / "b.onnx").read_bytes())
    for one in (proto, written):
        found = session(one).run(None, {"x": x})[0]
        expected = loaded.signatures["serving_default"](x=tf.constant(x))["y"]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert main(["export", "--onnx", str(tmp_path / "no"), out]) == 2
    assert main(["import", str(tmp_path / "no"), folder]) == 2
