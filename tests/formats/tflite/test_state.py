"""Control flow, variables and several signatures of TFLite models."""

from pathlib import Path

import numpy as np

import penstock as tf
from penstock._src.formats import table

FOLDER = Path(__file__).parent / "recorded"


def _expected(x: np.ndarray, n: int) -> np.ndarray:
    for i in range(n):
        x = x * np.float32(1.5) + np.float32(i)
    return np.sin(x) if x.sum() > 10 else np.cos(x)


def test_loops_and_branches():
    runner = tf.lite.Interpreter(str(FOLDER / "control.tflite")).get_signature_runner()
    for n in (0, 2, 5):
        x = np.float32([0.5, -1, 2])
        outputs = runner(x=x, n=np.int32(n))
        np.testing.assert_allclose(outputs["y"], _expected(x, n), rtol=1e-5)
        assert outputs["n"] == 2 * n


def test_variables_keep_their_values_between_calls():
    interpreter = tf.lite.Interpreter(str(FOLDER / "signatures.tflite"))
    add = interpreter.get_signature_runner("add")
    x = np.float32([1, 2, 3])
    np.testing.assert_array_equal(add(x=x)["total"], x)
    np.testing.assert_array_equal(add(x=x)["total"], 2 * x)
    other = tf.lite.Interpreter(str(FOLDER / "signatures.tflite")).get_signature_runner("add")
    np.testing.assert_array_equal(other(x=x)["total"], x)


def test_signatures_of_a_model_share_its_variables_when_saved(tmp_path):
    model = table.read(str(FOLDER / "signatures.tflite"))
    x = tf.constant([1.0, 2.0, 3.0])
    model.signatures["add"](x)
    tf.saved_model.save(model.root, str(tmp_path / "saved"), dict(model.signatures))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_array_equal(loaded.signatures["add"](x=x)["total"], [2, 4, 6])


def test_tables_of_numbers_and_texts():
    runner = tf.lite.Interpreter(str(FOLDER / "hash.tflite")).get_signature_runner()
    found = runner(k=np.array([5, 2]), s=np.array([b"bc", b"x", b"a"]))
    assert found["v"].tolist() == [b"five", b"none"]
    assert found["n"].tolist() == [20, -1, 10]
    assert found["size"].tolist() == [3]


def test_variables_and_tables_of_tensorflow_ops():
    path = str(FOLDER / "flex_state.tflite")
    for _ in range(2):  # interpreters share nothing, though the names are the same
        runner = tf.lite.Interpreter(path).get_signature_runner()
        assert runner(keys=np.int64([1, 9]))["rows"].tolist() == [[4, -1], [0, 0], [0, 0]]
        assert runner(keys=np.int64([3, 2]))["rows"].tolist() == [[4, -1], [6, 5], [0, 0]]
