"""`penstock predict`: what it reads, sends and writes."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

import penstock as tf
from penstock._src.bridge.cli import main
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.serving.kit import HalfPlusTwo, save


class Pictures(tf.Module):
    """Means of the channels of images, of three inputs' kinds."""

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 6, 3], tf.float32, name="image")])
    def floats(self, image):
        return {"mean": tf.reduce_mean(image, [1, 2])}

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 1], tf.uint8, name="image")])
    def grey(self, image):
        return {"size": tf.shape(image)[None], "first": image[:, 0, 0, 0]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="file")])
    def files(self, file):
        return {"length": tf.strings.length(file), "file_bytes": file}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="a"),
            tf.TensorSpec([None], tf.string, name="b"),
        ]
    )
    def pair(self, a, b):
        return {"a": a, "b": b}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    pictures = Pictures()
    names = "floats", "grey", "files", "pair"
    functions = {name: getattr(pictures, name) for name in names}
    save(pictures, root / "pictures" / "1", {**functions, "serving_default": pictures.floats})
    models = tuple(ModelConfig(name, str(root / name)) for name in ("half", "pictures"))
    with running(Options(models, rest_port=0, grpc_port=0)) as started:
        yield started


@pytest.fixture
def ask(server, capsysbinary, tmp_path):
    """`ask(model, contents, *options)`: what the command prints for a file with these contents, as JSON."""

    def asked(model, contents, *options, protocol="http"):
        port = server.rest_port if protocol == "http" else server.grpc_port
        path = tmp_path / "input"
        path.write_bytes(contents)
        status = main(
            ["predict", f"{protocol}://127.0.0.1:{port}/models/{model}", str(path), *options]
        )
        printed = capsysbinary.readouterr()
        return json.loads(printed.out) if status == 0 else printed.err.decode()

    return asked


def picture(size=(6, 4), mode="RGB", kind="PNG"):
    file = io.BytesIO()
    Image.new(mode, size, (255, 51, 0) if mode == "RGB" else 7).save(file, kind)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize(
    "contents",
    [
        b"[1, 2]",
        b'{"x": [1, 2]}',
        b'{"inputs": [1, 2]}',
        b'{"instances": [1, 2]}',
        b'{"instances": [{"x": 1}, {"x": 2}]}',
        npy(np.float64([1, 2])),
    ],
)
def test_numbers(ask, contents, protocol):
    assert ask("half", contents, protocol=protocol) == {"y": [2.5, 3.0]}


def test_an_array_without_the_axis_of_the_batch(ask):
    assert ask("half", npy(np.float32(1))) == {"y": [2.5]}


def test_standard_input(server, capsysbinary, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[4]")))
    assert main(["predict", f"http://127.0.0.1:{server.rest_port}/v1/models/half"]) == 0
    assert capsysbinary.readouterr().out == b'{"y":[4.0]}\n'


def test_images_are_decoded_scaled_or_passed_as_files(ask):
    for contents in (picture(), picture((60, 40)), picture(kind="BMP")):
        assert ask("pictures", contents) == {"mean": [[255.0, 51.0, 0.0]]}
    found = ask("pictures", picture(), "--scale", "1/255")["mean"]
    np.testing.assert_allclose(found, [[1.0, 0.2, 0.0]], rtol=1e-6)
    found = ask("pictures", picture((5, 3), "L"), "--signature", "grey")
    assert found == {"size": [[1, 3, 5, 1]], "first": [7]}
    found = ask("pictures", picture(kind="GIF"), "--signature", "files")
    assert found["length"] == [len(picture(kind="GIF"))]


def test_several_inputs(ask, tmp_path):
    contents = b'{"a": [1], "b": [{"b64": "/w=="}]}'
    found = ask("pictures", contents, "--signature", "pair", protocol="grpc")
    assert found == {"a": [1.0], "b": [{"b64": "/w=="}]}


def test_arrays_in_files(server, tmp_path, capsysbinary):
    np.savez(tmp_path / "in.npz", x=np.float32([2]))
    url = f"grpc://127.0.0.1:{server.grpc_port}/models/half"
    for ending in (".npz", ".npy", ".json"):
        written = tmp_path / f"out{ending}"
        assert main(["predict", url, str(tmp_path / "in.npz"), "--output", str(written)]) == 0
    assert capsysbinary.readouterr().out == b""
    assert np.load(tmp_path / "out.npy") == 3.0 and np.load(tmp_path / "out.npz")["y"] == 3.0
    assert json.loads((tmp_path / "out.json").read_bytes()) == {"y": [3.0]}


CONTENTS = {
    "picture": picture(),
    "half of a picture": picture()[:45],
    "damaged npy": npy(np.float32([1]))[:-2],
    "damaged npz": b"PK\3\4damaged",
}


@pytest.mark.parametrize(
    "model, contents, options, message",
    [
        ("none", "[1]", [], "Servable not found"),
        ("half", "[1", [], "JSON Parse error"),
        ("half", '["a"]', [], "Received a string"),
        ("half", "picture", [], "cannot take an image"),
        ("half", "damaged npy", [], ".npy file is damaged"),
        ("half", "damaged npz", [], ".npz file is damaged"),
        ("half", "[1]", ["--signature", "no"], "there is no signature 'no'"),
        ("half", "[1]", ["--output", "a.txt"], "--output: expected a file that ends"),
        ("half", "[1]", ["--header", "a"], "--header: expected"),
        ("half", "[1]", ["--scale", "1/0"], "--scale: expected a number"),
        ("pictures", "half of a picture", [], "The image cannot be read"),
        ("pictures", "picture", ["--signature", "pair"], "Expected the name of an input"),
        ("pictures", "picture", ["--input", "b"], "There is no input 'b'"),
        ("pictures", "picture", ["--signature", "grey", "--scale", "2"], "cannot be scaled"),
    ],
)
def test_what_is_refused(ask, model, contents, options, message):
    text = ask(model, CONTENTS.get(contents, contents.encode()), *options)
    assert text.startswith("penstock predict: ") and message in text and text.count("\n") == 1
