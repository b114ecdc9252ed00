"""Models for WebAssembly, in node."""

import json
import shutil
import subprocess

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.linking import has_zig
from tests.aot.kit import built, traced
from tests.aot.test_abi import trainable
from tests.aot.test_values import attention, branches, convolutions, integers, recurrent

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or not has_zig(), reason="needs node and `pip install ziglang`"
)


def node(folder, *arguments):
    """What a program prints."""
    done = subprocess.run(
        [NODE, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_modules_compute_what_penstock_computes(tmp_path):
    functions = {f.__name__: f() for f in (attention, branches, convolutions, integers, recurrent)}
    made = built(tmp_path, functions, target="wasm32", small=True)
    assert node(tmp_path, "model_test.mjs") == "model: 5 calls agree\n"
    size = (tmp_path / "model.wasm").stat().st_size
    assert size - made.model.data.size < 64 << 10


def test_modules_with_a_file_of_weights(tmp_path):
    built(tmp_path, convolutions(), target="wasm32", weights=True)
    assert node(tmp_path, "model_test.mjs") == "model: 1 calls agree\n"


def test_training_and_batches_in_node(tmp_path):
    functions, _ = trainable()
    functions["twice"] = traced(lambda z: 2.0 * z, tf.TensorSpec([None, 3], name="z"))
    built(tmp_path, functions, target="wasm32", batches=(1, 4))
    program = """
      import open, { ModelError } from "./index.mjs";
      const model = await open();
      const x = Float32Array.from({length: 8}, (_, i) => -1 + 2 * i / 7), y = x.map((v) => 3 * v - 2);
      const losses = Array.from({length: 3}, () => model.functions.train.run({x, y}).loss[0]);
      const slope = model.variables.slope[0];
      model.reset();
      const refused = [];
      for (const z of [[1, 2], new Array(9).fill(0)]) {
        try { model.functions.twice.run({z}); } catch (error) { refused.push([error instanceof ModelError, error.status]); }
      }
      const twice = Array.from(model.functions.twice.run({z: new Array(12).fill(1)})["output_0"]);
      console.log(JSON.stringify({losses, slope, again: model.functions.train.run({x, y}).loss[0], refused, twice,
        batches: model.functions.twice.batches, inputs: model.functions.twice.inputs}));
    """
    (tmp_path / "try.mjs").write_text(program)
    found = json.loads(node(tmp_path, "try.mjs"))
    x = np.linspace(-1, 1, 8, dtype=np.float32)
    wanted = [
        float(functions["train"](tf.constant(x), tf.constant(3 * x - 2))["loss"]) for _ in range(3)
    ]
    np.testing.assert_allclose(found["losses"], wanted, rtol=1e-5)
    assert found["again"] == found["losses"][0] and found["slope"] != 0
    assert found["refused"] == [[True, 0], [True, -8]]
    assert found["twice"] == [2.0] * 12 and found["batches"] == [1, 4]
    assert found["inputs"] == [{"name": "z", "type": "float32", "shape": [-1, 3]}]
