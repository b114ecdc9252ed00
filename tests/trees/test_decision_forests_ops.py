"""SavedModels of TensorFlow Decision Forests: the ops `SimpleMLInference*`, beside what TensorFlow has predicted."""

import pathlib
import shutil

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.trees.readers import ydf

RECORDED = pathlib.Path(__file__).parent / "readers" / "recorded"
NAMES = ["decision-forests-boosted", "decision-forests-forest"]
NOTHING = {
    "categorical_set_int_features_values": np.zeros(0, np.int32),
    "categorical_set_int_features_row_splits_dim_1": np.zeros(1, np.int64),
    "categorical_set_int_features_row_splits_dim_2": np.zeros(1, np.int64),
}


def columns(name):
    with np.load(RECORDED / name / "predicted.npz") as file:
        rows = dict(file)
    rows["color"] = rows["color"].astype(object)
    return rows, rows.pop("predicted")


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_predicts_what_tensorflow_has(name):
    rows, expected = columns(name)
    signature = tf.saved_model.load(RECORDED / name).signatures["serving_default"]
    specs = signature.structured_input_signature[1]
    made = signature(**{k: tf.constant(v, specs[k].dtype) for k, v in rows.items()})
    np.testing.assert_allclose(next(iter(made.values())), expected, rtol=2e-6, atol=1e-7)


def banks(rows):
    """Features by their kinds; texts are numbered by hand, and numbers of categories begin at 1."""
    codes = [["a b", "green", "red"].index(t.decode()) + 1 if t else -1 for t in rows["color"]]
    return {
        "numerical_features": np.stack([rows["age"], rows["size"]], 1).astype(np.float32),
        "boolean_features": np.zeros((0, 0), np.float32),
        "categorical_int_features": np.stack([codes, rows["zip"] + 1], 1).astype(np.int32),
    }


def test_a_model_of_an_identifier():
    folder = RECORDED / "ydf-categories"
    kinds = ydf.kinds_of(str(folder), "")
    raw.SimpleMLLoadModelFromPath(path=str(folder), model_identifier="one")
    counts = [sum(k.kind == kind for k in kinds) for kind in range(3)]
    given = {
        "numerical_features": np.zeros((5, counts[0]), np.float32),
        "boolean_features": np.zeros((5 if counts[1] else 0, counts[1]), np.float32),
        "categorical_int_features": np.full((5, counts[2]), -1, np.int32),
    }
    width = len(tf.trees.load(folder).labels) or 1
    made, names = raw.SimpleMLInferenceOp(
        **given, **NOTHING, model_identifier="one", dense_output_dim=width
    )
    assert made.shape == (5, width) and names.shape == (width,)
    rows = np.zeros((5, len(kinds)), np.float32)
    rows[:, [k.kind == 2 for k in kinds]] = np.nan
    np.testing.assert_array_equal(np.squeeze(made), tf.trees.load(folder).predict(rows))


def loaded(name="decision-forests-boosted"):
    handle = raw.SimpleMLCreateModelResource(shared_name=name)
    folder = RECORDED / name / "assets"
    raw.SimpleMLLoadModelFromPathWithHandle(
        model_handle=handle, path=str(folder), file_prefix=ydf.prefix_of(str(folder))
    )
    return handle


def test_both_classes_and_their_names():
    rows, expected = columns("decision-forests-boosted")
    made, names = raw.SimpleMLInferenceOpWithHandle(
        **banks(rows), **NOTHING, model_handle=loaded(), dense_output_dim=2
    )
    assert names.numpy().tolist() == [b"1", b"2"]
    np.testing.assert_allclose(np.sum(made, 1), 1, rtol=1e-6)
    probabilities = np.asarray(made)[3:, 1:]
    np.testing.assert_allclose(
        probabilities, expected[3:], rtol=2e-6
    )  # the first have unknown categories


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numerical_features": np.zeros((120, 3), np.float32)}, r"expected 2 \+ 0 \+ 2 numbers"),
        ({"numerical_features": np.zeros((7, 2), np.float32)}, "different numbers of rows"),
        ({"categorical_set_int_features_values": np.zeros(2, np.int32)}, "no sets"),
        ({"dense_output_dim": 3}, "predicts 2 numbers of a row, not 3"),
    ],
)
def test_mistakes(change, message):
    rows, _ = columns("decision-forests-boosted")
    call = {**banks(rows), **NOTHING, "model_handle": loaded(), "dense_output_dim": 2, **change}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        raw.SimpleMLInferenceOpWithHandle(**call)


def test_a_model_that_is_not_loaded_or_damaged(tmp_path):
    rows, _ = columns("decision-forests-boosted")
    handle = raw.SimpleMLCreateModelResource(shared_name="empty")
    with pytest.raises(tf.errors.FailedPreconditionError, match="initializer"):
        raw.SimpleMLInferenceOpWithHandle(
            **banks(rows), **NOTHING, model_handle=handle, dense_output_dim=2
        )
    shutil.copytree(RECORDED / "ydf-categories", tmp_path / "model")
    (tmp_path / "model" / "header.pb").write_bytes(b"\xff\xff")
    with pytest.raises(tf.errors.DataLossError, match="model"):
        raw.SimpleMLLoadModelFromPathWithHandle(model_handle=handle, path=str(tmp_path / "model"))
