"""Models of XGBoost, LightGBM and YDF predict what these libraries do."""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from tests.trees.readers.recorded.columns import columns_of

HERE = pathlib.Path(__file__).parent / "recorded"
ROWS = dict(np.load(HERE / "rows.npz"))
PREDICTIONS = dict(np.load(HERE / "predictions.npz"))


def rows_of(data, name):
    x = ROWS[data]
    return columns_of(x, data == "categories") if name.startswith("ydf") else x


@pytest.mark.parametrize("key", PREDICTIONS)
def test_predictions(key):
    data, name = key.split("/")
    model = tf.trees.load(HERE / name)
    expected = PREDICTIONS[key]
    # LightGBM adds in float64; links are functions of other libraries, right to some bits.
    tolerance = 1e-14 if expected.dtype == np.float64 else 6e-7
    made = model.predict(rows_of(data, name))
    assert made.dtype == expected.dtype and made.shape == expected.shape
    np.testing.assert_allclose(made, expected, rtol=tolerance, atol=tolerance / 100)
    np.testing.assert_allclose(
        model(rows_of(data, name)), expected, rtol=tolerance, atol=tolerance / 100
    )


@pytest.mark.parametrize(
    "name", ["xgboost-diabetes.ubj", "xgboost-categories.json", "xgboost-dart.ubj", "lightgbm-diabetes.txt",
             "lightgbm-categories.txt", "lightgbm-zeros.txt", "lightgbm-present.txt", "ydf-diabetes", "ydf-categories"],
)  # fmt: skip
def test_sums_have_the_library_s_bits(name):
    (key,) = (key for key in PREDICTIONS if key.endswith("/" + name))
    data = key.split("/")[0]
    model = tf.trees.load(HERE / name)
    np.testing.assert_array_equal(model.predict(rows_of(data, name)), PREDICTIONS[key])


def test_doubles_between_two_floats():
    model = tf.trees.load(HERE / "lightgbm-diabetes.txt")
    x = ROWS["diabetes"].astype(np.float64)
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype(np.float32)))
    near = np.nextafter(model._ensemble.tables.threshold[:1], np.inf)[0]
    feature = model._ensemble.tables.feature[0]
    low, high = x[:1].copy(), x[:1].copy()
    low[0, feature], high[0, feature] = model._ensemble.tables.threshold[0], near
    assert model.predict(low) != model.predict(high)


@pytest.mark.parametrize("field", ["objective", "learner_model_param", "gradient_booster"])
def test_a_field_that_a_file_lacks_is_named(field, tmp_path):
    whole = json.loads((HERE / "xgboost-categories.json").read_text())
    del whole["learner"][field]
    place = tmp_path / "model.json"
    place.write_text(json.dumps(whole))
    with pytest.raises(tf.errors.DataLossError, match=f"model.json: .*no field '{field}'"):
        tf.trees.load(place)


def test_facts_of_a_model():
    model = tf.trees.load(HERE / "ydf-categories")
    assert (model.library, model.trees) == ("YDF", 6)
    assert sorted(model.features) == ["f0", "f1", "f2", "f3"]
    assert tf.trees.load(HERE / "ydf-wine").labels == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize("name", sorted({key.split("/")[1] for key in PREDICTIONS}))
def test_damaged_files_are_named(name, tmp_path):
    source = HERE / name
    path = tmp_path / name
    place = path / "nodes-00000-of-00001" if source.is_dir() else path
    data = (source / place.name if source.is_dir() else source).read_bytes()
    if source.is_dir():
        path.mkdir()
        for each in source.iterdir():
            (path / each.name).write_bytes(each.read_bytes())
    rng = np.random.default_rng(0)
    refused = 0
    for trial in range(24):
        damaged = bytearray(data)
        if trial % 3 == 0:
            del damaged[rng.integers(1, len(data) - 60) :]
        else:
            for at in rng.integers(0, len(data), 20):
                damaged[at] = rng.integers(256)
        place.write_bytes(bytes(damaged))
        try:
            model = tf.trees.load(path)
            model.predict(np.zeros((2, len(model.features)), np.float32))
        except tf.errors.OpError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused >= 8


def test_a_truncated_file_is_lost_data(tmp_path):
    for name in ("xgboost-wine.ubj", "xgboost-cancer.json", "lightgbm-wine.txt"):
        data = (HERE / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(tf.errors.DataLossError, match=name):
            tf.trees.load(tmp_path / name)


def test_what_is_no_model(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04}\x94.")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"model.pkl.*[Pp]ickles"):
        tf.trees.load(tmp_path / "model.pkl")
    with pytest.raises(tf.errors.NotFoundError, match="nothing"):
        tf.trees.load(tmp_path / "nothing.json")
    with pytest.raises(tf.errors.InvalidArgumentError, match="header.pb"):
        tf.trees.load(tmp_path)
    with pytest.raises(
        TypeError, match="tf.trees.load: expected a file.*Received: {} of type dict"
    ):
        tf.trees.load({})


def test_kinds_that_are_not_implemented(tmp_path):
    text = (HERE / "xgboost-cancer.json").read_text()
    path = tmp_path / "other.json"
    for old, new in (("binary:logistic", "binary:mine"), ('"gbtree"', '"gblinear"')):
        path.write_text(text.replace(old, new))
        with pytest.raises(tf.errors.UnimplementedError, match=r"other.json.*" + new.strip('"')):
            tf.trees.load(path)
    text = (HERE / "lightgbm-cancer.txt").read_text()
    path = tmp_path / "other.txt"
    path.write_text(text.replace("is_linear=0", "is_linear=1"))
    with pytest.raises(tf.errors.UnimplementedError, match=r"other.txt.*linear"):
        tf.trees.load(path)


def test_files_of_a_folder_may_have_a_prefix(tmp_path):
    # As in the assets of SavedModels that TensorFlow Decision Forests writes.
    for each in (HERE / "ydf-wine").iterdir():
        (tmp_path / f"a1b2{each.name}").write_bytes(each.read_bytes())
    x = columns_of(ROWS["wine"], False)
    expected = tf.trees.load(HERE / "ydf-wine").predict(x)
    np.testing.assert_array_equal(tf.trees.load(tmp_path).predict(x), expected)
