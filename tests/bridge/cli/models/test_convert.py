"""`penstock convert` and `penstock show`: any format in, any format out, and what a file holds."""

import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.formats import table


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Input((4,), name="x"), layers.Dense(64), layers.ReLU()])
    path = str(tmp_path_factory.mktemp("net") / "net.keras")
    model.save(path)
    return path, model


def test_models_go_from_format_to_format(net, tmp_path, capsys):
    path, model = net
    graph, folder = str(tmp_path / "net.pb"), str(tmp_path / "folder")
    assert main(["convert", path, graph]) == 0
    assert main(["convert", graph, folder, "--to", "saved-model"]) == 0
    assert "net.pb (GraphDef) -> " in capsys.readouterr().out
    x = tf.random.normal([3, 4])
    found = table.read(folder).signatures["serving_default"](x=x)["output_0"]
    np.testing.assert_allclose(found, model(x), rtol=1e-5, atol=1e-6)


def test_models_are_shown(net, capsys):
    path, _ = net
    assert main(["show", path]) == 0
    text = capsys.readouterr().out
    assert "input       x: float32 [?, 4]" in text and "1 MatMul" in text
    assert main(["show", "--json", path]) == 0
    (signature,) = json.loads(capsys.readouterr().out)["signatures"]
    assert signature["numbers"] == 4 * 64 + 64 and signature["operations"]["Relu"] == 1
    assert signature["flops"] >= 2 * 4 * 64


def test_what_cannot_be_converted_is_said(net, tmp_path, capsys):
    path, _ = net
    for arguments, said in [
        (["show", str(tmp_path / "gone")], "no such file"),
        (["convert", path, "out.txt"], "suffix"),
        (["convert", path, "out.pb", "--quantize", "int3"], "do not hold weights as int3"),
        (["convert", path, "out.pb", "--signature", "other"], "no signature 'other'"),
    ]:
        assert main(arguments) == 2
        assert said in capsys.readouterr().err
