"""Wheels of models, and the command that makes them."""

import subprocess
import sys
import zipfile

import numpy as np

import penstock as tf
from penstock._src.bridge.cli.commands import main
from tests.aot.kit import needs_compiler

PROGRAM = """
import sys
import numpy as np
import plus
model = plus.load()
print(model.functions["serving_default"].inputs, model(np.ones((2, 3)))["y"].tolist())
bound = model.functions["serving_default"].bind(np.zeros((2, 3)))
bound.inputs["x"][1] = 7.0
print(bound()["y"].tolist(), bound() is bound.outputs)
try:
    model(np.ones((2, 4)))
except plus.ModelError as error:
    print(error)
print([name for name in ("penstock", "llvmlite", "tensorflow") if name in sys.modules])
"""


class Plus(tf.Module):
    def __init__(self):
        self.weights = tf.Variable([1.0, 2.0, 3.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def __call__(self, x):
        return {"y": x + self.weights}


@needs_compiler
def test_wheels_need_numpy_alone(tmp_path, capsys):
    model = Plus()
    tf.saved_model.save(model, str(tmp_path / "saved"), signatures=model.__call__)
    out = tmp_path / "out"
    command = [
        "build",
        str(tmp_path / "saved"),
        "--name=plus",
        "-o",
        str(out),
        "--python",
        "--batch=1..2",
    ]
    assert main([*command, "--weights-file"]) == 0
    assert "bytes of code" in capsys.readouterr().out
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        assert archive.testzip() is None
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path / "site", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "{'x': ('float32', (-1, 3))} [[2.0, 3.0, 4.0], [2.0, 3.0, 4.0]]"
    assert lines[1] == "[[1.0, 2.0, 3.0], [8.0, 9.0, 10.0]] True"
    assert "must have shape [-1, 3]" in lines[2] and lines[3] == "[]"


def test_wrong_commands_are_refused(tmp_path, capsys):
    model = Plus()
    tf.saved_model.save(model, str(tmp_path / "saved"), signatures=model.__call__)
    for wrong, why in (
        (["--batch=0"], "--batch"), (["--shape=x"], "--shape"), (["--signature=no"], "no signature 'no'"),
        (["--target=vax"], "--target"), (["--name=a-b"], "identifier"),
    ):  # fmt: skip
        assert main(["build", str(tmp_path / "saved"), "-o", str(tmp_path / "out"), *wrong]) == 2
        assert why in capsys.readouterr().err
    np.testing.assert_equal((tmp_path / "out").exists(), False)
