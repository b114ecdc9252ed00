"""Models of all formats give what they gave where they were made."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import NotFoundError, PermissionDeniedError, UnimplementedError
from penstock._src.serving.servables.formats.table import known_format, load, size
from tests.serving.kit import HalfPlusTwo, save, save_half_plus_two_of_v1


@pytest.fixture(scope="module")
def model():
    keras = tf.keras
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1), name="image")
    hidden = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    hidden = keras.layers.BatchNormalization()(hidden)
    outputs = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(hidden))
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("form", ["exported", "keras"])
def test_keras_models_give_predicts_bits(model, form, tmp_path):
    if form == "keras":
        (tmp_path / "1").mkdir()
        model.save(tmp_path / "1" / "model.keras")
    else:
        model.export(str(tmp_path / "1"), verbose=False)
    servable = load(str(tmp_path / "1"))
    (signature,) = [s for s in servable.signatures.values() if s.name == "serving_default"]
    assert signature.is_batched
    assert list(signature.inputs.values())[0].shape == (None, 8, 8, 1)
    x = np.random.default_rng(0).standard_normal((1, 8, 8, 1)).astype(np.float32)
    np.testing.assert_array_equal(signature.run([x])[0], model.predict(x, verbose=0))
    definition = servable.signature_defs["serving_default"]
    (held,) = definition.inputs.values()
    assert [dim.size for dim in held.tensor_shape.dim] == [-1, 8, 8, 1]
    assert size(str(tmp_path / "1")) > 4 * model.count_params()


def test_keras_models_of_several_inputs(tmp_path):
    keras = tf.keras
    a, b = keras.Input((2,), name="zebra"), keras.Input((2,), name="ape")
    total = keras.layers.Subtract()([a, b])
    made = keras.Model({"zebra": a, "ape": b}, {"difference": total})
    made.save(tmp_path / "m.keras")
    signature = load(str(tmp_path / "m.keras")).signatures["serving_default"]
    given = {"zebra": np.float32([[5, 7]]), "ape": np.float32([[1, 2]])}
    (found,) = signature.run([given[name] for name in signature.inputs])
    assert found.tolist() == [[4, 5]] and list(signature.outputs) == ["difference"]


def test_keras_models_without_inputs_are_refused(tmp_path):
    class Own(tf.keras.Model):
        def call(self, x):
            return x

    tf.keras.saving.get_custom_objects()["Own"] = Own
    try:
        made = Own()
        made(np.zeros((1, 2), np.float32))
        made.save(tmp_path / "m.keras")
        with pytest.raises(UnimplementedError, match="model.export"):
            load(str(tmp_path / "m.keras"))
    finally:
        del tf.keras.saving.get_custom_objects()["Own"]


def test_programs_of_tensorflow_1(tmp_path):
    servable = load(save_half_plus_two_of_v1(tmp_path / "1"))
    signature = servable.signatures["serving_default"]
    assert signature.run([np.float32([[1], [5]])])[0].tolist() == [[2.5], [4.5]]
    assert servable.signatures["regress_x_to_y"].method_name == "tensorflow/serving/regress"


def test_modules(tmp_path):
    signature = load(save(HalfPlusTwo(), tmp_path / "1")).signatures["serving_default"]
    assert signature.run([np.float32([4])])[0].tolist() == [4]


def test_functions_that_return_sparse_tensors_are_refused(tmp_path):
    class Rows(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32)])
        def __call__(self, rows):
            return tf.sparse.from_dense(rows)

    servable = load(save(Rows(), tmp_path / "1"))
    assert "sparse or ragged tensors" in servable.signatures["serving_default"].refusal


def test_a_graph_computes_and_nothing_else(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")

    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="path")])
        def __call__(self, path):
            return tf.io.read_file(path)

    folder = save(Reader(), tmp_path / "1")
    path = np.array(str(secret).encode(), object)
    with pytest.raises(PermissionDeniedError, match="ReadFile"):
        load(folder).signatures["serving_default"].run([path])
    allowed = load(folder, ["read_files"]).signatures["serving_default"]
    assert allowed.run([path])[0].tolist() == b"x"


def test_nothing(tmp_path):
    with pytest.raises(NotFoundError, match="there is no model"):
        known_format(str(tmp_path))
