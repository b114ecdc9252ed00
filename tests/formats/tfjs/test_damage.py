"""Damaged models are refused by errors that name the file."""

import json
import shutil

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, read
from tests.formats.tfjs.mutations import mutated


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    function = tf.function(lambda x: tf.nn.relu(tf.linalg.matmul(x, matrix) + [1.0, 2.0, 3.0, 4.0]))
    concrete = function.get_concrete_function(tf.TensorSpec([None, 3], name="x"))
    path = tmp_path_factory.mktemp("model") / "net"
    FORMATS["tfjs"].write(of_function(concrete), str(path))
    return path


def changed(model, tmp_path, change):
    shutil.copytree(model, tmp_path / "net")
    head = json.loads((model / "model.json").read_text())
    change(head)
    (tmp_path / "net" / "model.json").write_text(json.dumps(head))
    return str(tmp_path / "net")


def test_files_outside_of_the_folder_are_not_read(model, tmp_path):
    def change(head):
        head["weightsManifest"][0]["paths"] = ["../../etc/passwd"]

    with pytest.raises(tf.errors.DataLossError, match="not beside it"):
        read(changed(model, tmp_path, change))


def test_weights_that_are_too_short_are_named(model, tmp_path):
    def change(head):
        head["weightsManifest"][0]["weights"][-1]["shape"] = [1 << 20, 1 << 20]

    with pytest.raises(tf.errors.DataLossError, match=r"model.json: weight .* at byte"):
        read(changed(model, tmp_path, change))


def test_missing_weights_are_named(model, tmp_path):
    def change(head):
        head["weightsManifest"][0]["weights"].pop()

    with pytest.raises(tf.errors.DataLossError, match="there is no weight for the node"):
        read(changed(model, tmp_path, change))


def test_mutated_models_are_refused_or_read(model, tmp_path):
    outcomes = {read_or_error(path) for path in mutated(model, tmp_path, range(40))}
    assert len(outcomes) > 1


def read_or_error(path):
    try:
        read(path)
    except tf.errors.OpError as error:
        assert path in str(error), repr(error)
        return type(error).__name__
    return "read"
