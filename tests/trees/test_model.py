"""A model of trees in functions, layers, files and beside other formats."""

import pathlib
import shutil

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats import table

HERE = pathlib.Path(__file__).parent / "readers/recorded"
ROWS = dict(np.load(HERE / "rows.npz"))
WINE, DIABETES = "xgboost-wine.ubj", "lightgbm-diabetes.txt"
COLUMNS = {
    "f0": np.array(["red", "", "plum"]),
    "f1": np.float32([3, np.nan, 7]),
    "f2": np.float32([0.5, 1, 2]),
    "f3": np.float32([0, 1, np.nan]),
}


def test_a_function_of_rows_is_compiled():
    model = tf.trees.load(HERE / DIABETES)
    x = ROWS["diabetes"]
    function = tf.function(lambda x: model(x) * 2.0, autograph=False)
    np.testing.assert_array_equal(function(x), model.predict(x) * 2)
    report = str(function.explain(tf.constant(x)))
    assert "leaf masks" in report and "host" not in report


def test_a_saved_model_predicts_the_same(tmp_path):
    for name in (WINE, DIABETES):
        model = tf.trees.load(HERE / name)
        model.save(tmp_path / name)
        restored = tf.saved_model.load(tmp_path / name).signatures["serving_default"]
        x = ROWS["wine" if name == WINE else "diabetes"]
        number = restored.structured_input_signature[1]["x"].dtype
        made = restored(x=tf.cast(x, number))["predictions"]
        np.testing.assert_array_equal(made, model.predict(x))


def test_a_saved_model_of_columns_with_texts(tmp_path):
    model = tf.trees.load(HERE / "ydf-categories")
    model.save(tmp_path / "model")
    restored = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    tensors = {name: tf.constant(column) for name, column in COLUMNS.items()}
    np.testing.assert_array_equal(restored(**tensors)["predictions"], model.predict(COLUMNS))


def test_a_data_frame():
    pandas = pytest.importorskip("pandas")
    model = tf.trees.load(HERE / "ydf-categories")
    made = model.predict(pandas.DataFrame(COLUMNS))
    np.testing.assert_array_equal(made, model.predict(COLUMNS))
    model, x = tf.trees.load(HERE / DIABETES), ROWS["diabetes"]
    np.testing.assert_array_equal(model.predict(pandas.DataFrame(x)), model.predict(x))


def test_rows_of_another_width():
    model = tf.trees.load(HERE / WINE)
    for x in (np.zeros((2, 5)), np.zeros(13)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="13 features"):
            model.predict(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Missing: 'f3'"):
        tf.trees.load(HERE / "ydf-categories").predict({k: COLUMNS[k] for k in ("f0", "f1", "f2")})


def test_rows_of_texts():
    with pytest.raises(tf.errors.InvalidArgumentError, match="rows of numbers.*<U1"):
        tf.trees.load(HERE / DIABETES).predict([["a"] * 10])


def test_no_rows():
    assert tf.trees.load(HERE / DIABETES).predict(np.zeros((0, 10))).shape == (0,)


def test_sums_are_margins():
    model = tf.trees.load(HERE / "lightgbm-cancer.txt")
    x = ROWS["cancer"]
    np.testing.assert_allclose(1 / (1 + np.exp(-model.sums(x)[:, 0])), model.predict(x), rtol=1e-14)


def test_a_keras_layer():
    keras = tf.keras
    model = tf.trees.load(HERE / DIABETES)
    x = ROWS["diabetes"]
    network = keras.Sequential([keras.Input((10,)), model.as_layer()])
    np.testing.assert_array_equal(network.predict(x, verbose=0), model.predict(x))


def test_other_formats_take_a_file_of_trees(tmp_path):
    for name in (WINE, "xgboost-cancer.json", DIABETES, "ydf-wine"):
        assert table.format_of(str(HERE / name)).name == "trees"
    table.convert(str(HERE / DIABETES), str(tmp_path / "model"))
    restored = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    x = ROWS["diabetes"].astype(np.float64)
    made = restored(x=tf.constant(x))["predictions"]
    np.testing.assert_array_equal(made, tf.trees.load(HERE / DIABETES).predict(x))


def test_trees_in_a_file_with_the_name_of_another_format(tmp_path):
    path = shutil.copy(HERE / "xgboost-cancer.json", tmp_path / "model.json")
    assert table.format_of(str(path)).name == "trees"
    _, function = table.read(str(path)).only("it")
    x = np.float32(ROWS["cancer"])
    found = tf.nest.flatten(function(tf.constant(x)))[0]
    np.testing.assert_array_equal(found, tf.trees.load(HERE / "xgboost-cancer.json").predict(x))


def test_files_are_served():
    from penstock._src.serving.servables.formats import table

    x = ROWS["diabetes"].astype(np.float64)
    servable = table.load(str(HERE / DIABETES))
    assert servable.format == "LightGBM"
    signature = servable.signatures["serving_default"]
    assert signature.is_batched and list(signature.outputs) == ["predictions"]
    (made,) = signature.run([x])
    np.testing.assert_array_equal(made, tf.trees.load(HERE / DIABETES).predict(x))
    assert table.size(str(HERE / "ydf-wine")) > 1000
